"""What the risk model learns from: learners at points of finished courses, and what is usual there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .factors import Factor
from .moments import DAY, Enrolments, FloatArray, IntArray, TrainingData, empty, find
from .risk import scaled
from .sequences import EventSource
from .signals import Floats32
from .standing import Known, Standing, askable

DAYS = (1, 2, 3, 5, 7, 10, 14, 18, 21, 25, 30, 37, 45, 60, 75, 90, 120, 150, 180, 240, 300, 365)
"""Moments at which learners are described, as far as a course lasts."""
LEAST_SPREAD = 1e-6
LEAST_TYPICAL = 10
"""Fewer learners than these are typical of nobody."""


@dataclass(frozen=True)
class Lessons:
    """Learners at points of their courses, R rows.

    Args:
        scaled: [R, d] numbers as they are weighed, NaN where unknown.
        came: [R] whether the learner had come by then.
        who: [R] place of the enrolment.
        point: [R] place of the point in `points`, which are shares of the course.
    """

    scaled: Floats32
    came: NDArray[np.bool_]
    who: IntArray
    point: IntArray
    points: FloatArray

    def take(self, rows: IntArray | NDArray[np.bool_]) -> Lessons:
        """Some of the rows."""
        return Lessons(self.scaled[rows], self.came[rows], self.who[rows], self.point[rows], self.points)


def is_adverse(source: EventSource, people: Enrolments, labels: IntArray) -> bool:
    """Whether a target's 1 means not completing: those who did more are less often among the ones.

    Compared inside courses, by the log of all events; a target that has nothing to do with them counts as
    adverse.
    """
    total = 0.0
    for course_id in np.unique(people.courses).tolist():
        rows = np.flatnonzero(people.courses == course_id)
        if course_id not in source.courses:
            continue
        sequences = source.sequences(course_id)
        sizes = np.append(np.diff(sequences.offsets), 0)[find(sequences, people.learners[rows])]
        effort = np.log1p(sizes.astype(np.float64))
        total += float(((effort - effort.mean()) * (labels[rows] - labels[rows].mean())).sum())
    return total <= 0


def usual_length(data: TrainingData) -> float:
    """Seconds that a course run lasts: until nine in ten of a usual run's events have come, in whole days.

    At least up to the last moment asked for.
    """
    people, source, stays = data.enrolments, data.source, []
    for course_id in np.unique(people.courses).tolist():
        if course_id in source.courses:
            begins = people.starts[people.courses == course_id]
            stays.append(
                float(np.quantile(source.sequences(course_id).times, 0.9)) - float(np.median(begins))
            )
    usual_days = np.ceil(float(np.median(stays)) / DAY) if stays else 1.0
    return max(DAY, float(usual_days) * DAY, *data.horizons)


def learn(
    data: TrainingData,
    known: Known,
    factors: Sequence[Factor],
    length: float,
    moments: int,
    most_rows: int,
) -> Lessons:
    """Everyone, or as many learners as make about `most_rows`, at points along their courses.

    At most `moments` points beside those asked for.

    Who comes to a point when the outcome is known already is left out there; so is who had not enrolled yet.
    """
    people = data.enrolments
    points = np.array(_moments(data.horizons, length, moments)) / length
    share = min(1.0, most_rows / max(1, len(people) * len(points)))
    drawn = np.random.default_rng([data.seed, 5]).random(len(people)) < share
    parts: list[tuple[Floats32, NDArray[np.bool_], IntArray, IntArray]] = []
    for course_id, rows in _courses(people, drawn):
        sequences = data.source.sequences(course_id) if course_id in data.source.courses else empty(course_id)
        asked = people.take(rows)
        standing = Standing(factors, data.clock, sequences, asked, known)
        enrolled = known.joined.get(course_id, {})
        joined = np.array([enrolled.get(learner, np.nan) for learner in asked.learners.tolist()])
        for place, point in enumerate(points.tolist()):
            age = point * known.lengths.get(course_id, length)
            numbers = standing.numbers(np.full(len(rows), age))
            then = asked.starts + age
            there = askable(asked.starts, joined, then, numbers.came)
            still = np.flatnonzero(there & ~(data.known_at[rows] <= then))
            table = scaled(factors, numbers.values[still]).astype(np.float32)
            parts.append((table, numbers.came[still], rows[still], np.full(len(still), place)))
        data.progress(f"{len(rows):,} learners of {course_id} described at {len(points)} moments")
    tables, came, who, point_of = zip(*parts, strict=True)
    return Lessons(
        np.concatenate(tables), np.concatenate(came), np.concatenate(who), np.concatenate(point_of), points
    )


def _courses(people: Enrolments, drawn: NDArray[np.bool_]) -> Iterator[tuple[str, IntArray]]:
    for course_id in np.unique(people.courses).tolist():
        rows = np.flatnonzero((people.courses == course_id) & drawn)
        if len(rows):
            yield course_id, rows


def _moments(horizons: Sequence[float], length: float, most: int) -> tuple[float, ...]:
    """Seconds of the clock: some days up to the last horizon, or all along the course; the horizons too."""
    until = max(horizons, default=length)
    days = np.array([day * DAY for day in DAYS if day * DAY < until])
    places = np.linspace(0, len(days) - 1, most) if len(days) else np.zeros(0)
    some: IntArray = np.unique(places.astype(np.int64))
    return tuple(sorted({*days[some].tolist(), *horizons, until}))


def usual(lessons: Lessons, completed: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Typical numbers [points, d] of a learner who completes, and the spread [d] of everyone about them.

    They are medians of those who had come and later completed (`completed` [R]), or of all who had come where
    fewer than ten of them did. Where a point has no number, the line between its neighbours stands.
    """
    points, width = len(lessons.points), lessons.scaled.shape[1]
    typical = np.zeros((points, width))
    there = [_typical_rows(lessons, completed, point) for point in range(points)]
    for place in range(width):
        column = lessons.scaled[:, place].astype(np.float64)
        told = [column[rows][np.isfinite(column[rows])] for rows in there]
        known = [point for point in range(points) if len(told[point])]
        if known:
            middles = [float(np.median(told[point])) for point in known]
            typical[:, place] = np.interp(lessons.points, lessons.points[known], middles)
    away = lessons.scaled - typical.astype(np.float32)[lessons.point]
    spread = np.sqrt(np.nanmean(np.square(away, dtype=np.float64), axis=0))
    return typical, np.where(spread > LEAST_SPREAD, spread, 1.0)


def _typical_rows(lessons: Lessons, completed: NDArray[np.bool_], point: int) -> IntArray:
    came = (lessons.point == point) & lessons.came
    through = np.flatnonzero(came & completed)
    return through if len(through) >= LEAST_TYPICAL else np.flatnonzero(came)
