"""What is known of learners beside their events: grades, due dates, whatever a feature table tells.

*Feature table*: CSV or Parquet with `course_id, learner_id`, optionally `time`, and numbers in columns named
`group.name`, such as `assignments.missed`. A row counts from its time on, until a later one of the same
learner; without a time, always. An empty cell is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .events import read_time
from .factors import Factor, of_table
from .moments import FloatArray, IntArray
from .outcomes import COURSE, LEARNER
from .signals import Columns
from .spreadsheet import read_columns

TIME = "time"
_UNKNOWN = frozenset({"", "nan", "na", "none", "null", "<na>"})


class Told(Protocol):
    """Numbers that are told of learners, whatever by."""

    @property
    def factors(self) -> tuple[Factor, ...]:
        """What they are."""

    def at(self, course_id: str, learners: NDArray[np.str_], moments: FloatArray) -> Columns:
        """Columns [n] as known before each learner's moment [n]; NaN where nothing was."""


class Together:
    """Several that tell numbers; where two tell the same, the first counts."""

    def __init__(self, parts: Iterable[Told]) -> None:
        self._parts = tuple(parts)
        by_column = {
            factor.column: factor for part in reversed(self._parts) for factor in reversed(part.factors)
        }
        self.factors: tuple[Factor, ...] = tuple(reversed(by_column.values()))

    def at(self, course_id: str, learners: NDArray[np.str_], moments: FloatArray) -> Columns:
        """All columns [n]."""
        found: Columns = {}
        for part in reversed(self._parts):
            found |= part.at(course_id, learners, moments)
        return found


@dataclass(frozen=True)
class _Course:
    """Rows of one course run by learner and time: `learners` sorted, the rows' `owners` and `times`, and
    `values` [rows, columns], NaN where unknown."""

    learners: NDArray[np.str_]
    owners: IntArray
    times: FloatArray
    values: FloatArray


class Facts:
    """A feature table in memory."""

    def __init__(self, columns: Sequence[str], courses: Mapping[str, _Course]) -> None:
        self.columns = tuple(columns)
        self.factors: tuple[Factor, ...] = of_table(self.columns)
        self._courses = courses

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], where: str = "the feature table") -> Facts:
        """From rows whose values may be numbers, text or None; ValueError names a row that is wrong."""
        held = list(rows)
        names = list(dict.fromkeys(name for row in held for name in row))
        columns = [name for name in names if name not in (COURSE, LEARNER, TIME)]
        by_course: dict[str, list[tuple[str, float, list[float]]]] = {}
        for number, row in enumerate(held, start=1):
            course, learner = (str(row.get(key) or "").strip() for key in (COURSE, LEARNER))
            if not course or not learner:
                raise ValueError(f"{where}, row {number}: {COURSE if not course else LEARNER} is empty")
            values = [_number(row.get(name), f"{where}, row {number}: {name}") for name in columns]
            time = _time(row.get(TIME), f"{where}, row {number}")
            by_course.setdefault(course, []).append((learner, time, values))
        return cls(columns, {course: _course(told, len(columns)) for course, told in by_course.items()})

    @classmethod
    def read(cls, path: str | Path) -> Facts:
        """From a file; ValueError where the ids are missing, a cell is no number or a column is refused."""
        table = read_columns(path)
        missing = [name for name in (COURSE, LEARNER) if name not in table]
        if missing:
            raise ValueError(f"{path} lacks the column {', '.join(missing)}; it has {', '.join(table)}")
        rows = (dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True))
        return cls.of(rows, str(path))

    def at(self, course_id: str, learners: NDArray[np.str_], moments: FloatArray) -> Columns:
        """Columns [n] as known before each learner's moment [n]; NaN where nothing was."""
        nothing = np.full((len(learners), len(self.columns)), np.nan)
        course = self._courses.get(course_id)
        if course is not None:
            rows = _latest(course, learners, moments)
            nothing[rows >= 0] = course.values[rows[rows >= 0]]
        return dict(zip(self.columns, nothing.T, strict=True))


def _course(told: list[tuple[str, float, list[float]]], width: int) -> _Course:
    told.sort(key=lambda row: row[:2])
    learners, owners = np.unique(np.asarray([row[0] for row in told], dtype=np.str_), return_inverse=True)
    values = np.asarray([row[2] for row in told], dtype=np.float64).reshape(len(told), width)
    return _Course(learners, owners.ravel(), np.asarray([row[1] for row in told]), values)


def _latest(course: _Course, learners: NDArray[np.str_], moments: FloatArray) -> IntArray:
    """The row of each learner's newest facts before the moment [n], -1 where there are none.

    Rows lie by learner and time, so that a learner's place and a time's rank make one ascending key.
    """
    place = np.minimum(np.searchsorted(course.learners, learners), len(course.learners) - 1)
    known = course.learners[place] == learners
    ordered = np.unique(course.times)
    width = len(ordered) + 1
    keys = course.owners * width + np.searchsorted(ordered, course.times)
    row = np.searchsorted(keys, place * width + np.searchsorted(ordered, moments), side="left") - 1
    mine = known & (row >= 0) & (course.owners[np.maximum(row, 0)] == place)
    return np.where(mine, row, -1).astype(np.int64)


def _number(value: object, where: str) -> float:
    text = "" if value is None else str(value).strip()
    if text.lower() in _UNKNOWN:
        return math.nan
    try:
        number = float({"true": "1", "false": "0"}.get(text.lower(), text))
    except ValueError:
        raise ValueError(f"{where} is {text!r}, where only a number or nothing can stand") from None
    if not math.isfinite(number):
        raise ValueError(f"{where} is {text!r}, where only a finite number or nothing can stand")
    return number


def _time(value: object, where: str) -> float:
    if value is None or str(value).strip().lower() in _UNKNOWN | {"nat"}:
        return -math.inf
    seconds = read_time(value)
    if seconds is None:
        raise ValueError(f"{where}: {TIME} is {value!r}, which is no date")
    return seconds
