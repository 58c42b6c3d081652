"""Everyone a study speaks of: learners with a known outcome, and the zero of each one's clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .moments import DAY, HOUR, WEEK, Enrolments, FloatArray, IntArray, Part, find
from .outcomes import Outcomes
from .sequences import EventSource

CLOCKS = ("course", "learner")


@dataclass(frozen=True)
class Cohort:
    """Everyone with a known outcome; `labels` 0/1 [n], `known_at` unix seconds [n] or NaN."""

    source: EventSource
    enrolments: Enrolments
    labels: IntArray
    known_at: FloatArray
    left_out: int = 0

    def take(self, rows: NDArray[np.bool_] | IntArray) -> Cohort:
        """Some of the rows, and only their courses' events."""
        enrolments = self.enrolments.take(rows)
        source = Part(self.source, np.unique(enrolments.courses).tolist())
        return Cohort(source, enrolments, self.labels[rows], self.known_at[rows])

    def open_at(self, at: float) -> NDArray[np.bool_]:
        """Mask [n] of those whose outcome is not yet known at `at` seconds of their clock."""
        return ~(self.known_at <= self.enrolments.starts + at)


def duration(text: str) -> float:
    """Seconds of "7d", "36h" or "2w"; ValueError says what is expected."""
    units = {"h": HOUR, "d": DAY, "w": WEEK}
    number, unit = text[:-1], text[-1:]
    try:
        seconds = float(number) * units[unit]
    except (ValueError, KeyError):
        raise ValueError(
            f"'{text}' is no time span; write days, weeks or hours, such as 7d, 1w or 36h"
        ) from None
    if not 0 < seconds < float("inf"):
        raise ValueError(f"'{text}' is no time span above 0")
    return seconds


def cohort(source: EventSource, outcomes: Outcomes, target: str, clock: str) -> Cohort:
    """Everyone in the outcome table whose outcome is known, with the zero of each one's clock.

    A course begins at its `course_start`, or else with its first event. By the learner's clock everything
    begins with the learner's first event; who has none keeps the course's start.

    Raises:
        ValueError: a course has neither start nor events, or no outcome is known.
    """
    outcomes.require(target)
    parts = [_cohort_of(source, outcomes, course, target, clock) for course in outcomes.courses]
    courses, learners, starts, begins, labels, known_at = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    known = np.isfinite(labels)
    if not known.any():
        raise ValueError(f"no learner has a known {target}; fill the column with 0 and 1")
    enrolments = Enrolments(courses[known], learners[known], starts[known], begins[known])
    left_out = int((~known).sum())
    return Cohort(source, enrolments, labels[known].astype(np.int64), known_at[known], left_out)


def _cohort_of(
    source: EventSource, outcomes: Outcomes, course_id: str, target: str, clock: str
) -> tuple[NDArray[Any], ...]:
    course = outcomes.of(course_id)
    n = len(course.learners)
    learners = np.asarray(course.learners, dtype=np.str_)
    begins = course.starts.astype(np.float64)
    first = _first_events(source, course_id, learners)
    begin = course.start if course.start is not None else first[0]
    begins = np.where(np.isnan(begins), begin, begins)
    if np.isnan(begins).any():
        raise ValueError(
            f"course {course_id} has neither events nor a course_start; give its start in the outcome table"
        )
    starts = np.where(np.isfinite(first[1]), first[1], begins) if clock == "learner" else begins
    known_at = course.known_at.get(target, np.full(n, np.nan))
    return np.full(n, course_id), learners, starts, begins, course.labels[target].astype(np.float64), known_at


def _first_events(
    source: EventSource, course_id: str, learners: NDArray[np.str_]
) -> tuple[float, FloatArray]:
    """Time of the course's first event and of each learner's [n]; NaN where there is none."""
    if course_id not in source.courses:
        return np.nan, np.full(len(learners), np.nan)
    sequences = source.sequences(course_id)
    place = find(sequences, learners)
    times = np.append(sequences.times, np.nan)
    return float(np.min(sequences.times)), times[np.where(place >= 0, sequences.offsets[place], -1)]
