"""Everyone a study speaks of: learners with a known outcome, and the zero of each one's clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .digests import of_arrays
from .moments import DAY, HOUR, WEEK, Enrolments, FloatArray, IntArray, Part, find
from .outcomes import Outcomes
from .outcomes import begins as course_begins
from .sequences import EventSource

CLOCKS = ("course", "learner")


@dataclass(frozen=True)
class Cohort:
    """Everyone with a known outcome, n enrolments.

    `labels` 0/1 [n]; in unix seconds [n] `known_at`, when the outcome was known, NaN where that is not told,
    and `closes`, the newest event of the course: -inf without any, NaN by the learner's clock.
    """

    source: EventSource
    enrolments: Enrolments
    labels: IntArray
    known_at: FloatArray
    closes: FloatArray
    left_out: int = 0

    def take(self, rows: NDArray[np.bool_] | IntArray) -> Cohort:
        """Some of the rows, and only their courses' events."""
        enrolments = self.enrolments.take(rows)
        source = Part(self.source, np.unique(enrolments.courses).tolist())
        return Cohort(source, enrolments, self.labels[rows], self.known_at[rows], self.closes[rows])

    def open_at(self, at: float) -> NDArray[np.bool_]:
        """Mask [n] of those whose outcome is not yet known at `at` seconds of their clock."""
        return ~(self.known_at <= self.enrolments.starts + at)

    def running_at(self, at: float) -> NDArray[np.bool_]:
        """Mask [n] of those whose course had an event in the week up to `at`, or later.

        Le & Pardos average at each week over the courses with activity in it. By the learner's clock everyone
        counts.
        """
        return ~(self.closes < self.enrolments.starts + at - WEEK)

    def scored_at(self, at: float) -> NDArray[np.bool_]:
        """Mask [n] of those whose prediction counts at `at` seconds of their clock."""
        return self.open_at(at) & self.running_at(at)

    @cached_property
    def digest(self) -> str:
        """Tells these learners, outcomes and events from any others."""
        return of_arrays(self._content())

    def _content(self) -> Iterator[NDArray[Any]]:
        people = self.enrolments
        yield from (people.courses, people.learners, people.starts, people.begins)
        yield from (self.labels, self.known_at, self.closes)
        for course_id in self.source.courses:
            yield from self.source.sequences(course_id).arrays()


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
        ValueError: the tables have no learner in common, a course has neither start nor events, or no outcome
            is known.
    """
    outcomes.require(target)
    require_common(source, outcomes)
    parts = [_cohort_of(source, outcomes, course, target, clock) for course in outcomes.courses]
    courses, learners, starts, begins, labels, known_at, closes = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    known = np.isfinite(labels)
    if not known.any():
        raise ValueError(f"no learner has a known {target}; fill the column with 0 and 1")
    enrolments = Enrolments(courses[known], learners[known], starts[known], begins[known])
    left_out = int((~known).sum())
    return Cohort(
        source, enrolments, labels[known].astype(np.int64), known_at[known], closes[known], left_out
    )


def require_common(source: EventSource, outcomes: Outcomes) -> None:
    """ValueError that shows how both tables write their ids, where no enrolment is in both."""
    if not source.courses:
        raise ValueError("the events are none: there is nothing to learn from or to test on")
    for course_id in outcomes.courses:
        if course_id in source.courses:
            there = source.sequences(course_id).learners
            if not set(there).isdisjoint(outcomes.of(course_id).learners):
                return
    if not len(outcomes):
        raise ValueError("the outcomes are none: give a row per learner and course")
    raise ValueError(
        f"no learner of the outcomes has an event: the events tell of {_example(source, outcomes)}; "
        "course_id and learner_id must be written alike in both"
    )


def _example(source: EventSource, outcomes: Outcomes) -> str:
    shared = [course for course in outcomes.courses if course in source.courses]
    here, there = (shared or source.courses)[0], (shared or outcomes.courses)[0]
    first, other = source.sequences(here).learners[0], outcomes.of(there).learners[0]
    return f"course {here!r}, learner {first!r}, the outcomes of course {there!r}, learner {other!r}"


def _cohort_of(
    source: EventSource, outcomes: Outcomes, course_id: str, target: str, clock: str
) -> tuple[NDArray[Any], ...]:
    course = outcomes.of(course_id)
    n = len(course.learners)
    learners = np.asarray(course.learners, dtype=np.str_)
    first, last, firsts = _events_of(source, course_id, learners)
    begins = course_begins(course, course.learners, first)
    if np.isnan(begins).any():
        raise ValueError(
            f"course {course_id} has neither events nor a course_start; give its start in the outcome table"
        )
    starts = np.where(np.isfinite(firsts), firsts, begins) if clock == "learner" else begins
    known_at = course.known_at.get(target, np.full(n, np.nan))
    labels = course.labels[target].astype(np.float64)
    closes = np.full(n, np.nan if clock == "learner" else last)
    return np.full(n, course_id), learners, starts, begins, labels, known_at, closes


def _events_of(
    source: EventSource, course_id: str, learners: NDArray[np.str_]
) -> tuple[float, float, FloatArray]:
    """Time of the course's first and last event, and of each learner's first [n]; NaN without any.

    The last one of a course without events is -inf: it never ran.
    """
    if course_id not in source.courses:
        return np.nan, -np.inf, np.full(len(learners), np.nan)
    sequences = source.sequences(course_id)
    place = find(sequences, learners)
    firsts = np.append(sequences.times, np.nan)[np.where(place >= 0, sequences.offsets[place], -1)]
    return float(np.min(sequences.times)), float(np.max(sequences.times)), firsts
