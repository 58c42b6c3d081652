"""Assignments with due dates: what was due, handed in, late and graded by any moment.

*Assignment table*: CSV with a row per learner and assignment, `course_id, learner_id, due, handed_in, graded,
earned, possible, passing`. Times are unix seconds; an empty cell is unknown, or has not happened. `graded` is
when the points stood as they do, `passing` the share of points that the course run passes with.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .factors import Factor, of_table
from .moments import DAY, FloatArray, IntArray
from .outcomes import COURSE, LEARNER
from .segments import write_whole
from .signals import Columns
from .tables import csv_rows, require

COLUMNS = (
    "assignments.missed", "assignments.late", "assignments.days_late", "assignments.handed_in",
    "assignments.days_to_next_due", "grades.grade", "grades.short_of_passing",
)  # fmt: skip
NUMBERS = ("due", "handed_in", "graded", "earned", "possible", "passing")


class Assignment(NamedTuple):
    """One learner's assignment; times in unix seconds, NaN where unknown or not yet."""

    course_id: str
    learner_id: str
    due: float = math.nan
    handed_in: float = math.nan
    graded: float = math.nan
    earned: float = math.nan
    possible: float = math.nan
    passing: float = math.nan


@dataclass(frozen=True)
class _Course:
    """Rows of one course run: `learners` sorted, the rows' `owners` [rows] and `values` [rows, NUMBERS]."""

    learners: NDArray[np.str_]
    owners: IntArray
    values: FloatArray


class Assignments:
    """An assignment table in memory: numbers at any moment, from what was known before."""

    def __init__(self, courses: Mapping[str, _Course]) -> None:
        self.factors: tuple[Factor, ...] = of_table(COLUMNS)
        self._courses = courses

    @classmethod
    def of(cls, rows: Iterable[Assignment]) -> Assignments:
        """From rows in any order."""
        told: dict[str, tuple[list[str], list[tuple[float, ...]]]] = {}
        for row in rows:
            names, values = told.setdefault(row.course_id, ([], []))
            names.append(row.learner_id)
            values.append(row[2:])
        return cls({course: _course(names, values) for course, (names, values) in told.items()})

    @classmethod
    def read(cls, path: str | Path) -> Assignments:
        """From a file; ValueError names what is missing or no number."""
        names, rows = csv_rows(str(path))
        require(str(path), names, (COURSE, LEARNER, *NUMBERS))
        places = [names.index(name) for name in (COURSE, LEARNER, *NUMBERS)]
        return cls.of(
            _row(path, number, row, places) for number, row in enumerate(rows, start=1) if row != []
        )

    def at(self, course_id: str, learners: NDArray[np.str_], moments: FloatArray) -> Columns:
        """Columns [n] as known before each learner's moment [n]; NaN where nothing was due or graded."""
        course = self._courses.get(course_id)
        if course is None:
            return {name: np.full(len(learners), np.nan) for name in COLUMNS}
        whose, values = _asked(course, learners)
        return _columns(whose, moments, *values.T)


def write(path: Path, rows: Iterable[Assignment]) -> int:
    """Write an assignment table, whole or not at all; how many rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([COURSE, LEARNER, *NUMBERS])
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 - it is how many there were
        writer.writerow([*row[:2], *("" if math.isnan(value) else repr(value) for value in row[2:])])
    write_whole(path, text.getvalue().encode())
    return count


def _row(path: str | Path, number: int, row: list[str] | None, places: list[int]) -> Assignment:
    if row is None or len(row) <= max(places):
        raise ValueError(f"{path}, row {number} is cut short")
    course, learner, *cells = (row[place] for place in places)
    try:
        return Assignment(course, learner, *(float(cell) if cell else math.nan for cell in cells))
    except ValueError:
        raise ValueError(f"{path}, row {number}: {', '.join(cells)} are not all numbers") from None


def _course(names: list[str], values: list[tuple[float, ...]]) -> _Course:
    learners, owners = np.unique(np.asarray(names, dtype=np.str_), return_inverse=True)
    table = np.asarray(values, dtype=np.float64).reshape(len(names), len(NUMBERS))
    return _Course(learners, owners.ravel().astype(np.int64), table)


def _asked(course: _Course, learners: NDArray[np.str_]) -> tuple[IntArray, FloatArray]:
    """For each row of somebody asked about the place in `learners`, and the rows' values."""
    order = np.argsort(learners)
    place = np.minimum(np.searchsorted(learners, course.learners, sorter=order), max(0, len(learners) - 1))
    asked = np.full(len(course.learners), -1, dtype=np.int64)
    if len(learners):
        found = learners[order[place]] == course.learners
        asked[found] = order[place[found]]
    whose = asked[course.owners]
    return whose[whose >= 0], course.values[whose >= 0]


def _columns(
    whose: IntArray,
    moments: FloatArray,
    due: FloatArray,
    handed_in: FloatArray,
    graded: FloatArray,
    earned: FloatArray,
    possible: FloatArray,
    passing: FloatArray,
) -> Columns:
    n, at = len(moments), moments[whose]

    def total(values: NDArray[np.float64] | NDArray[np.bool_]) -> FloatArray:
        summed: FloatArray = np.zeros(n)
        np.add.at(summed, whose, values)
        return summed

    dated = np.isfinite(due)
    was_due, handed, known = dated & (due < at), handed_in < at, graded < at
    any_dated, dues, done = total(dated) > 0, total(was_due), total(dated & handed)
    lateness = np.where(dated & handed, np.maximum(handed_in - due, 0.0), 0.0) / DAY
    points = total(np.where(known, possible, 0.0))
    grade = _share(total(np.where(known, earned, 0.0)), points)
    needed = np.full(n, np.nan)
    needed[whose] = passing
    ahead = np.full(n, np.inf)
    open_still = dated & ~was_due & ~handed
    np.minimum.at(ahead, whose[open_still], (due - at)[open_still] / DAY)
    return {
        "assignments.missed": np.where(any_dated, total(was_due & ~handed), np.nan),
        "assignments.late": np.where(any_dated, total(lateness > 0), np.nan),
        "assignments.days_late": _share(total(lateness), done),
        "assignments.handed_in": _share(total(was_due & handed), dues),
        "assignments.days_to_next_due": np.where(np.isfinite(ahead), ahead, np.nan),
        "grades.grade": grade,
        "grades.short_of_passing": np.maximum(needed - grade, 0.0),
    }


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    """NaN where there is nothing to be a share of."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)
