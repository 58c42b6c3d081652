"""What earlier runs tell of a course, and earlier courses of a learner.

Only what was known when a run began counts for its learners. The records of courses are kept with a model;
those of learners are not: they are read anew from the outcomes each time, so that a model knows nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .moments import DAY, FloatArray
from .outcomes import Outcomes
from .signals import Columns

LEAST_LEARNERS = 10
"""A run of fewer learners says nothing about its course, nor shows what became of them."""
MONTH = 30.4375 * DAY
PRIOR = 1.0
"""Courses at even odds, added to a learner's own."""

_FAMILY = re.compile(r"(?:course-v1:)?([^/+]+)[/+]([^/+]+)[/+][^/+]+\Z")


def family(course_id: str) -> str:
    """What the runs of one course share: organisation and number; the id itself where it tells no run."""
    match = _FAMILY.match(course_id)
    return f"{match[1]}+{match[2]}" if match else course_id


@dataclass(frozen=True)
class Run:
    """A finished course run: its beginning and when its outcomes were known, in unix seconds; its learners,
    and how many of them did not complete."""

    begin: float
    known: float
    learners: int
    lost: int


@dataclass(frozen=True)
class CourseRecords:
    """Finished runs by family of courses."""

    runs: Mapping[str, tuple[Run, ...]]

    @classmethod
    def of(
        cls, courses: NDArray[np.str_], begins: FloatArray, lost: FloatArray, length: float
    ) -> CourseRecords:
        """From enrolments [n]: course, its beginning, 1 where the learner was lost; runs last `length`."""
        found: dict[str, list[Run]] = {}
        for course_id in np.unique(courses).tolist():
            mine = courses == course_id
            begin, learners = float(begins[mine].min()), int(mine.sum())
            if learners >= LEAST_LEARNERS:
                run = Run(begin, begin + length, learners, int(lost[mine].sum()))
                found.setdefault(family(course_id), []).append(run)
        return cls({name: tuple(sorted(runs, key=lambda run: run.begin)) for name, runs in found.items()})

    def lost_before(self, course_id: str, begin: float) -> float:
        """Share lost in the course's runs that were over when this one began; NaN without any."""
        over = [run for run in self.runs.get(family(course_id), ()) if run.known <= begin]
        learners = sum(run.learners for run in over)
        return sum(run.lost for run in over) / learners if learners else np.nan

    def to_json(self) -> dict[str, Any]:
        """Plain data for a manifest."""
        return {
            name: [[run.begin, run.known, run.learners, run.lost] for run in runs]
            for name, runs in self.runs.items()
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> CourseRecords:
        """The inverse of `to_json`."""
        return cls(
            {
                name: tuple(Run(float(run[0]), float(run[1]), int(run[2]), int(run[3])) for run in runs)
                for name, runs in told.items()
            }
        )


@dataclass(frozen=True)
class LearnerRecords:
    """What became of learners: learner -> (beginning, when it was known, 1 where lost or NaN) per course."""

    courses: Mapping[str, tuple[tuple[float, float, float], ...]]

    @classmethod
    def of(cls, outcomes: Outcomes, target: str, adverse: bool, length: float) -> LearnerRecords:
        """From an outcome table; where it does not tell when an outcome was known, a run lasts `length`."""
        found: dict[str, list[tuple[float, float, float]]] = {}
        for course_id in outcomes.courses:
            course = outcomes.of(course_id)
            labels = course.labels[target].astype(np.float64)
            lost = labels if adverse else 1 - labels
            told = course.known_at.get(target, np.full(len(course), np.nan))
            starts = np.where(
                np.isfinite(course.starts), course.starts, np.nan if course.start is None else course.start
            )
            known = np.where(np.isfinite(told), told, starts + length)
            for learner, *row in zip(
                course.learners, starts.tolist(), known.tolist(), lost.tolist(), strict=True
            ):
                if np.isfinite(row[0]):
                    found.setdefault(learner, []).append((row[0], row[1], row[2]))
        return cls({learner: tuple(sorted(rows)) for learner, rows in found.items()})

    def columns(self, learners: NDArray[np.str_], begins: FloatArray) -> Columns:
        """Columns [n] of learners in runs that began at `begins` [n]; NaN where a learner is not known."""
        rows = [
            self._of(learner, begin)
            for learner, begin in zip(learners.tolist(), begins.tolist(), strict=True)
        ]
        table = np.asarray(rows, dtype=np.float64).reshape(len(rows), 3)
        names = ("courses before", "completed before", "months here")
        return dict(zip(names, table.T, strict=True))

    def _of(self, learner: str, begin: float) -> tuple[float, float, float]:
        mine = self.courses.get(learner)
        if mine is None:
            return np.nan, np.nan, np.nan
        before = [row for row in mine if row[0] < begin]
        over = [row[2] for row in before if row[1] <= begin and np.isfinite(row[2])]
        completed = (len(over) - sum(over) + PRIOR / 2) / (len(over) + PRIOR) if over else np.nan
        since = (begin - before[0][0]) / MONTH if before else 0.0
        return float(len(before)), completed, since
