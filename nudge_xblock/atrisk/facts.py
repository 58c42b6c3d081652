"""What the platform and the operator know of learners beside their events, as the risk model takes it.

For a live run it is asked as of now; for training it is written into tables whose rows tell when each thing
was known, from which the model learns at moments of the past.  Both are made of the same rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import CourseDates, platform
from predictor.assignments import Assignment, Assignments
from predictor.completing import Completed
from predictor.facts import Facts, Together, Told
from predictor.records import MONTH
from predictor.sequences import Sequences

from .runs import CourseRun

COURSES_NOW = "enrolment.courses_now"
MONTHS = "enrolment.months_in_programme"
COLUMNS = ("course_id", "learner_id", "time", COURSES_NOW, MONTHS)

Row = dict[str, Any]
Intervals = list[tuple[float, float]]


class _Alone:
    """The events of one course run, as a source."""

    def __init__(self, sequences: Sequences) -> None:
        self.courses = (sequences.course_id,)
        self._sequences = sequences

    def sequences(self, course_id: str) -> Sequences:
        return self._sequences


class Calendar:
    """When course runs are, each asked for once."""

    def __init__(self) -> None:
        self._known: dict[CourseKey, CourseDates] = {}

    def of(self, course_key: CourseKey) -> CourseDates:
        """The dates of a course run."""
        if course_key not in self._known:
            self._known[course_key] = platform().course_dates(course_key)
        return self._known[course_key]


def of_run(run: CourseRun, sequences: Sequences, user_ids: Sequence[int]) -> Told:
    """What is known of these users in a course run with these events."""
    return Together(
        [
            Assignments.of(assignments(run, user_ids)),
            Completed(_Alone(sequences)),
            Facts.of([*enrolments(run, user_ids, Calendar())]),
            *further(),
        ]
    )


def assignments(run: CourseRun, user_ids: Iterable[int]) -> Iterator[Assignment]:
    """Rows of an assignment table; what came after the moment of a night that looks back is left out."""
    course_id, passing = str(run.key), _number(platform().passing_grade(run.key))
    for row in platform().assignments(run.key, user_ids):
        due = row.due.timestamp() if row.due else math.nan
        handed_in, graded = (_past(each, run.now) for each in (row.handed_in, row.graded))
        points = _number(row.earned), _number(row.possible)
        yield Assignment(course_id, str(row.user_id), due, handed_in, graded, *points, passing)


def _past(time: datetime | None, now: datetime) -> float:
    return time.timestamp() if time is not None and time <= now else math.nan


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def enrolments(run: CourseRun, user_ids: Sequence[int], calendar: Calendar) -> Iterator[Row]:
    """Rows of a feature table: how many courses each takes from when on, and how long each is in a programme.

    This course itself always counts: who gave it up would be told apart by a smaller number.
    """
    others: dict[int, Intervals] = {}
    for user_id, course_key, since in platform().courses_of(user_ids):
        if course_key != run.key:
            dates = calendar.of(course_key)
            begin = max(since, dates.start or since).timestamp()
            others.setdefault(user_id, []).append((begin, dates.end.timestamp() if dates.end else math.inf))
    since_when = platform().programme_since(user_ids)
    for user_id, begin in run.begins(user_ids).items():
        joined = since_when.get(user_id)
        months = None if joined is None else max(0.0, (begin - joined.timestamp()) / MONTH)
        for time, count in _counts(others.get(user_id, []), begin):
            yield dict(zip(COLUMNS, (str(run.key), str(user_id), time, count, months), strict=True))


def _counts(others: Intervals, begin: float) -> Iterator[tuple[float, int]]:
    """How many courses there are at the beginning, this one included, and at each change after it."""
    changes = {time for interval in others for time in interval if begin < time < math.inf}
    for time in (begin, *sorted(changes)):
        yield time, 1 + sum(first <= time < last for first, last in others)


def further() -> list[Told]:
    """The operator's own feature table, where there is one.  Raises ValueError where it cannot be read."""
    path = str(settings.NUDGE_RISK_FEATURES)
    if not path:
        return []
    try:
        told = Path(path).stat()
    except OSError as error:
        raise ValueError(f"NUDGE_RISK_FEATURES: {path} cannot be read ({error.strerror})") from error
    return [_read(path, told.st_mtime_ns, told.st_size)]


@lru_cache(maxsize=1)
def _read(path: str, _changed: int, _size: int) -> Facts:
    """A worker that takes many course runs reads the table once, and again when it has changed."""
    return Facts.read(path)
