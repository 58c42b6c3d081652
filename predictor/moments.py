"""Who is predicted, when, and what was known by then.

Every model sees learners through `past`, which cuts each enrolment's stream at its own moment: an event at or
after the moment is never handed out, so no model can use one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .sequences import EventSource, Sequences

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

HOUR = 3600.0
DAY = 86400.0
WEEK = 7 * DAY


@dataclass(frozen=True)
class Enrolments:
    """Learners in courses, n rows; in unix seconds the zero of each one's clock and the course's start."""

    courses: NDArray[np.str_]
    learners: NDArray[np.str_]
    starts: FloatArray
    begins: FloatArray

    def __len__(self) -> int:
        return len(self.learners)

    def take(self, rows: NDArray[np.bool_] | IntArray) -> Enrolments:
        """Some of the rows, by mask or index."""
        return Enrolments(self.courses[rows], self.learners[rows], self.starts[rows], self.begins[rows])


class Part:
    """Some courses of a source, so that a model in training cannot see the others."""

    def __init__(self, source: EventSource, courses: Sequence[str]) -> None:
        self._source = source
        wanted = set(courses)
        self.courses = tuple(course for course in source.courses if course in wanted)

    def sequences(self, course_id: str) -> Sequences:
        """The events of one of the courses; KeyError for any other."""
        if course_id not in self.courses:
            raise KeyError(course_id)
        return self._source.sequences(course_id)


@dataclass(frozen=True)
class Past:
    """Events of m enrolments of one course, each before its own moment.

    `rows` [m] index the enrolments asked for; events of the i-th lie at offsets[i]:offsets[i + 1], by time.
    `tokens` index `names`; `items` are the course's item numbers, -1 for none; `moments` [m] unix seconds;
    `scores` are shares of points, NaN where nothing was graded.
    """

    course_id: str
    rows: IntArray
    offsets: IntArray
    tokens: IntArray
    times: FloatArray
    items: IntArray
    names: tuple[str, ...]
    moments: FloatArray
    scores: FloatArray = field(default_factory=lambda: np.zeros(0))

    @property
    def owners(self) -> IntArray:
        """For each event the place (0 to m - 1) of its enrolment."""
        return np.repeat(np.arange(len(self.rows)), np.diff(self.offsets))


@dataclass(frozen=True)
class TrainingData:
    """What a model may learn from.

    Args:
        source: events of the training courses; whatever lies past a moment is cut by `past`.
        enrolments: everyone in the training courses.
        labels: 0/1 [n], the outcome.
        known_at: unix seconds [n] at which the outcome was known, NaN where it is not told.
        horizons: seconds since the clock's zero, ascending, at which the model will be asked.
        target: name of the outcome.
        clock: "course" or "learner".
        seed: of everything random.
        folder: where a model may keep files while it is fitted.
        progress: called with a line of text now and then.
    """

    source: EventSource
    enrolments: Enrolments
    labels: IntArray
    known_at: FloatArray
    horizons: tuple[float, ...]
    target: str
    clock: str
    seed: int
    folder: Path
    progress: Callable[[str], None]

    def open_at(self, at: float) -> NDArray[np.bool_]:
        """Mask [n] of enrolments whose outcome is still unknown at `at` seconds of their clock."""
        return ~(self.known_at <= self.enrolments.starts + at)


class Model(Protocol):
    """A predictor of one outcome: fitted once, asked at any moment."""

    name: str

    def fit(self, data: TrainingData) -> None:
        """Learn; the same data and seed give the same model."""

    def predict(self, source: EventSource, enrolments: Enrolments, at: float) -> FloatArray:
        """Probabilities [n] from events before `at` seconds of each enrolment's clock."""


def past(source: EventSource, enrolments: Enrolments, at: float) -> Iterator[Past]:
    """The known past of the enrolments, course by course; those without events have empty streams."""
    there = set(source.courses)
    for course_id in np.unique(enrolments.courses).tolist():
        rows = np.flatnonzero(enrolments.courses == course_id)
        sequences = source.sequences(course_id) if course_id in there else empty(course_id)
        yield cut(sequences, rows, enrolments.learners[rows], enrolments.starts[rows] + at)


def empty(course_id: str) -> Sequences:
    """The sequences of a course without events."""
    return Sequences(
        course_id=course_id,
        learners=[],
        offsets=np.zeros(1, dtype=np.int64),
        tokens=np.zeros(0, dtype=np.uint16),
        times=np.zeros(0),
        items=np.zeros(0, dtype=np.int32),
        scores=np.zeros(0, dtype=np.float32),
        names=[],
        item_names=[],
    )


def asked(
    sequences: Sequences, learners: Sequence[str], begin: float | FloatArray, now: float, clock: str
) -> Enrolments:
    """Learners of a course run that began at `begin`, one time for all or one each, as things are `now`.

    On the "learner" clock each one's begins with the first event, if that came by now.
    """
    names = np.asarray(list(learners), dtype=np.str_)
    begins = np.array(np.broadcast_to(begin, (len(names),)), dtype=np.float64)
    starts = begins
    if clock == "learner":
        first = np.append(sequences.times, np.nan)[np.append(sequences.offsets[:-1], -1)]
        mine = first[find(sequences, names)]
        starts = np.where(mine < now, mine, begins)
    return Enrolments(np.full(len(names), sequences.course_id), names, starts, begins)


def find(sequences: Sequences, learners: NDArray[np.str_]) -> IntArray:
    """Place of each learner in the sequences, -1 where there is none."""
    known = np.asarray(sequences.learners, dtype=np.str_)
    if not len(known):
        return np.full(len(learners), -1, dtype=np.int64)
    place = np.minimum(np.searchsorted(known, learners), len(known) - 1).astype(np.int64)
    return np.where(known[place] == learners, place, -1)


def cut(sequences: Sequences, rows: IntArray, learners: NDArray[np.str_], moments: FloatArray) -> Past:
    """The past of some of a course's learners, numbered `rows`, each before a moment of their own."""
    place = find(sequences, learners)
    first = np.where(place >= 0, sequences.offsets[place], 0)
    sizes = np.where(place >= 0, sequences.offsets[place + 1] - first, 0)
    index = np.repeat(first - np.concatenate(([0], np.cumsum(sizes)[:-1])), sizes) + np.arange(sizes.sum())
    owners = np.repeat(np.arange(len(rows)), sizes)
    before = sequences.times[index] < moments[owners]
    index, owners = index[before], owners[before]
    offsets = np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=len(rows)))))
    return Past(
        sequences.course_id,
        rows,
        offsets.astype(np.int64),
        sequences.tokens[index].astype(np.int64),
        np.asarray(sequences.times[index], dtype=np.float64),
        sequences.items[index].astype(np.int64),
        tuple(sequences.names),
        moments,
        np.asarray(sequences.scores[index], dtype=np.float64),
    )


def commonest_tokens(source: EventSource, enrolments: Enrolments, most: int) -> tuple[str, ...]:
    """At most so many of the tokens in the enrolments' streams, commonest first."""
    total: Counter[str] = Counter()
    for known in past(source, enrolments, np.inf):
        counts = np.bincount(known.tokens, minlength=len(known.names))
        total.update(dict(zip(known.names, counts.tolist(), strict=True)))
    return tuple(name for name, count in total.most_common(most) if count)


def steps_until(at: float, horizons: Sequence[float]) -> tuple[float, ...]:
    """Week ends and horizons up to and including `at`, ascending; `at` itself is always the last."""
    weeks = [WEEK * week for week in range(1, int(at // WEEK) + 1)]
    return tuple(sorted({*weeks, *(h for h in horizons if h <= at), at}))
