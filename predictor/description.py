"""Learners at a moment as rows of numbers: their own signals, their mates', their course's and its items'.

What boosting learns from and is asked with. Who is described, and nobody else, decides a row: asking about
one learner or about thousands gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import pace
from .mates import Activity, among_mates
from .moments import Enrolments, FloatArray, IntArray, cut, empty
from .pace import ItemPace
from .sequences import EventSource, Sequences
from .signals import Columns, Floats32, Stream, calendar, signals, stacked


@dataclass(frozen=True)
class Description:
    """How learners are described; stored with a model.

    Args:
        tokens: event types with columns of their own.
        clock: "course" or "learner": what the days are counted from.
    """

    tokens: tuple[str, ...]
    clock: str

    def to_json(self) -> dict[str, Any]:
        """Plain data for a manifest."""
        return {"tokens": list(self.tokens), "clock": self.clock}

    def course(self, source: EventSource, course_id: str, enrolments: Enrolments) -> DescribedCourse:
        """A course run and its enrolments (all of them of this run), ready to be described at any moment."""
        sequences = source.sequences(course_id) if course_id in source.courses else empty(course_id)
        return self.described(sequences, enrolments)

    def described(self, sequences: Sequences, enrolments: Enrolments) -> DescribedCourse:
        """The same from the course run's sequences."""
        return DescribedCourse(self, sequences, enrolments)

    def courses(
        self, source: EventSource, enrolments: Enrolments
    ) -> Iterator[tuple[IntArray, DescribedCourse]]:
        """Each course run of the enrolments, with the rows of its enrolments."""
        for course_id in np.unique(enrolments.courses).tolist():
            rows = np.flatnonzero(enrolments.courses == course_id)
            yield rows, self.course(source, course_id, enrolments.take(rows))


class DescribedCourse:
    """One course run: the learners asked about, and everyone else with events as their mates."""

    def __init__(self, description: Description, sequences: Sequences, asked: Enrolments) -> None:
        self._description = description
        self._asked = len(asked)
        self._people = _with_mates(asked, sequences, description.clock)
        self._begin = float(asked.begins.min()) if len(asked) else 0.0
        self._sequences = sequences
        self._activity = Activity.of(sequences, self._begin)
        self._pace = ItemPace.of(sequences)

    def columns(self, at: float | FloatArray) -> Columns:
        """Columns [n] of the learners asked about, from events before `at` seconds of each one's clock.

        Where these ages differ, mates are taken at their median, but never later than the last one asked.
        """
        people = self._people
        ages = np.full(len(people), float(np.median(at)))
        ages[: self._asked] = at
        latest = (people.starts + ages)[: self._asked].max(initial=-np.inf)
        ages[self._asked :] = np.minimum(ages, latest - people.starts)[self._asked :]
        known = cut(self._sequences, np.arange(len(people)), people.learners, people.starts + ages)
        stream = Stream.of(known, self._description.tokens)
        columns = signals(stream, ages, people.starts)
        if self._pace:
            columns |= pace.progress(stream, self._pace)
        columns |= among_mates(columns, people.starts, pace.RANKED if self._pace else ())
        columns |= self._activity.columns(stream.moments)
        columns |= self._activity.missed(stream, columns["active days"])
        if self._description.clock == "learner":
            columns |= calendar(stream, people.begins)
        return {name: values[: self._asked] for name, values in columns.items()}

    @property
    def run(self) -> tuple[Sequences, float]:
        """The course run's sequences, and when it began."""
        return self._sequences, self._begin

    def moments(self, ages: FloatArray) -> FloatArray:
        """Unix seconds [n] at ages [n] in seconds of those asked about."""
        moments: FloatArray = self._people.starts[: self._asked] + ages
        return moments

    def table(self, ages: FloatArray, names: tuple[str, ...], rows: IntArray) -> Floats32:
        """Named columns [rows, columns] of some of those asked about, mates at the median age of these.

        Nobody is seen past the moment at which they are asked about themselves. Rounded to float32 as in
        training; NaN where this course run has no such column.
        """
        every = np.minimum(ages, float(np.median(ages[rows])))
        every[rows] = ages[rows]
        found = self.columns(every)
        return stacked({name: values[rows] for name, values in found.items()}, names, len(rows))


def _with_mates(asked: Enrolments, sequences: Sequences, clock: str) -> Enrolments:
    """The enrolments, then everyone else with events; their course run begins when the asked ones' does.

    On clocks of the learners' own, a mate's begins with the mate's first event.
    """
    others = np.setdiff1d(np.asarray(sequences.learners, dtype=np.str_), asked.learners)
    if not len(asked) or not len(others):
        return asked
    begins = np.full(len(others), asked.begins.min())
    starts = np.full(len(others), asked.starts.min())
    if clock == "learner":
        place = np.searchsorted(np.asarray(sequences.learners, dtype=np.str_), others)
        starts = sequences.times[sequences.offsets[place]]
    return Enrolments(
        np.concatenate((asked.courses, np.full(len(others), sequences.course_id))),
        np.concatenate((asked.learners, others)),
        np.concatenate((asked.starts, starts)),
        np.concatenate((asked.begins, begins)),
    )
