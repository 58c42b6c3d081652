"""What boosting learns from: learners of training courses at many moments, described, with their outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .description import Description
from .moments import DAY, Enrolments, FloatArray, IntArray, cut, find
from .sequences import EventSource
from .signals import Floats32, stacked
from .trainset import LEAVE, Roll

MOST_ROWS = 320_000
"""Learners times moments; where there are more, some are drawn at every moment."""
GRID = (1, 2, 3, 5, 7, 10, 14, 18, 21, 25, 30, 37, 45, 60, 75, 90, 120, 150, 180, 240, 300, 365)
MOST_MOMENTS = 10


@dataclass(frozen=True)
class Everyone:
    """All learners of the training courses [n]; `labels` [n, targets] NaN where unknown, `known_at` inf."""

    enrolments: Enrolments
    targets: tuple[str, ...]
    labels: FloatArray
    known_at: FloatArray

    @classmethod
    def of(cls, source: EventSource, rolls: Sequence[Roll], targets: tuple[str, ...], clock: str) -> Everyone:
        """From the rolls of courses; the learners' own clocks begin with their first events."""
        starts = []
        for roll in rolls:
            begins = roll.starts
            if clock == "learner":
                sequences = source.sequences(roll.course_id)
                place = find(sequences, np.array(roll.learners, dtype=np.str_))
                first = np.append(sequences.times, np.nan)[np.append(sequences.offsets[:-1], -1)[place]]
                begins = np.where(np.isfinite(first), first, roll.starts)
            starts.append(begins)
        return cls(
            Enrolments(
                np.concatenate([np.full(len(roll), roll.course_id) for roll in rolls]),
                np.concatenate([np.array(roll.learners, dtype=np.str_) for roll in rolls]),
                np.concatenate(starts),
                np.concatenate([roll.starts for roll in rolls]),
            ),
            targets,
            np.concatenate([roll.labels for roll in rolls]).astype(np.float64),
            np.concatenate([roll.known_at for roll in rolls]),
        )


@dataclass(frozen=True)
class Lessons:
    """Described learners, R rows in order of moment.

    Args:
        names: of the columns.
        table: float32 [R, columns].
        who: [R] place of the enrolment in `everyone`.
        at: [R] seconds of the enrolment's clock.
        labels: [R, targets] 0, 1, or NaN where the outcome is unknown or was known by then.
    """

    everyone: Everyone
    names: tuple[str, ...]
    table: Floats32
    who: IntArray
    at: FloatArray
    labels: FloatArray

    @property
    def last(self) -> float:
        """The latest moment."""
        return float(self.at.max())


def moments(source: EventSource, everyone: Everyone, horizons: Sequence[float]) -> tuple[float, ...]:
    """When learners are described for training, in seconds of their clocks, ascending.

    Up to the last horizon; without horizons up to the day by which nine in ten events of a usual course have
    come, so that courses that go on for years are learned where their learners are.
    """
    until = max(horizons) if horizons else _usual_stay(source, everyone)
    days = np.array([day * DAY for day in GRID if day * DAY < until])
    some = np.unique(np.linspace(0, len(days) - 1, MOST_MOMENTS).astype(np.int64))
    return tuple(sorted({*(days[some].tolist() if len(days) else ()), *horizons, until}))


def _usual_stay(source: EventSource, everyone: Everyone) -> float:
    people = everyone.enrolments
    stays = [
        float(np.quantile(source.sequences(course_id).times, 0.9)) - float(np.median(starts))
        for course_id in np.unique(people.courses).tolist()
        for starts in (people.starts[people.courses == course_id],)
    ]
    return max(DAY, float(np.ceil(np.median(stays) / DAY) * DAY))


def learn(
    source: EventSource,
    everyone: Everyone,
    description: Description,
    when: Sequence[float],
    leave_days: float,
    seed: int,
    most: int = MOST_ROWS,
) -> Lessons:
    """Describe everyone, or of them as many as make about `most` rows, at the moments `when`."""
    people, rng = everyone.enrolments, np.random.default_rng([seed, 3])
    share = min(1.0, most / max(1, len(people) * len(when)))
    parts: list[tuple[tuple[str, ...], Floats32, IntArray, FloatArray]] = []
    for rows, course in description.courses(source, people):
        for at in when:
            drawn = np.flatnonzero(rng.random(len(rows)) < share)
            columns = {name: values[drawn] for name, values in course.columns(at).items()}
            names = tuple(columns)
            parts.append((names, stacked(columns, names, len(drawn)), rows[drawn], np.full(len(drawn), at)))
    names = max((part[0] for part in parts), key=len)
    who = np.concatenate([part[2] for part in parts])
    age = np.concatenate([part[3] for part in parts])
    table = np.concatenate([_aligned(part[0], part[1], names) for part in parts])
    return Lessons(everyone, names, table, who, age, _labels(source, everyone, who, age, leave_days))


def _aligned(mine: tuple[str, ...], table: Floats32, names: tuple[str, ...]) -> Floats32:
    """The table in the order of `names`; NaN for what a course run without items does not have."""
    if mine == names:
        return table
    columns = {name: table[:, place].astype(np.float64) for place, name in enumerate(mine)}
    return stacked(columns, names, len(table))


def _labels(
    source: EventSource, everyone: Everyone, who: IntArray, at: FloatArray, leave_days: float
) -> FloatArray:
    moments = everyone.enrolments.starts[who] + at
    labels = np.where(moments[:, None] < everyone.known_at[who], everyone.labels[who], np.nan)
    if LEAVE in everyone.targets and leave_days > 0:
        place = everyone.targets.index(LEAVE)
        if np.isnan(everyone.labels[:, place]).all():
            labels[:, place] = _leaving(source, everyone.enrolments.take(who), moments, leave_days)
    return labels


def _leaving(source: EventSource, people: Enrolments, moments: FloatArray, days: float) -> FloatArray:
    """1 where no event follows within `days`, 0 where one does, NaN past the end of the course's data."""
    found = np.full(len(people), np.nan)
    for course_id in np.unique(people.courses).tolist():
        rows = np.flatnonzero(people.courses == course_id)
        sequences = source.sequences(course_id)
        known = cut(sequences, rows, people.learners[rows], moments[rows])
        place = find(sequences, people.learners[rows])
        following = np.where(place >= 0, sequences.offsets[place], 0) + np.diff(known.offsets)
        there = (place >= 0) & (following < sequences.offsets[place + 1])
        times = np.append(sequences.times, np.inf)
        horizon = moments[rows] + days * DAY
        stays = np.where(there, times[np.minimum(following, len(times) - 1)], np.inf) <= horizon
        beyond = horizon > sequences.times.max()
        found[rows] = np.where(stays, 0.0, np.where(beyond, np.nan, 1.0))
    return found
