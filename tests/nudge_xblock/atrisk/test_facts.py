"""What is known of learners beside their events, in tables of rows that tell when."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock.atrisk import facts, runs
from nudge_xblock.compat import CourseDates
from nudge_xblock.coursework_facts import Handed

from ..nighttime import NOW
from . import term
from .term import DAY, NOW_RUN, PAST

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]


class School(term.School):
    """One that tells of assignments and other courses too."""

    handed: list[Handed] = []
    others: list[tuple[int, Any, datetime]] = []
    since: dict[int, datetime] = {}

    def assignments(self, course_key: Any, user_ids: Iterable[int]) -> Iterator[Handed]:
        return iter(self.handed)

    def passing_grade(self, course_key: Any) -> float | None:
        return 0.6

    def courses_of(self, user_ids: Iterable[int]) -> Iterator[tuple[int, Any, datetime]]:
        return iter(self.others)

    def programme_since(self, user_ids: Iterable[int]) -> dict[int, datetime]:
        return self.since


@pytest.fixture(autouse=True)
def school() -> Iterator[None]:
    term.School.forget()
    School.handed, School.others, School.since = [], [], {}
    with override_settings(NUDGE_COMPAT=f"{__name__}.School"):
        yield


def found() -> runs.CourseRun:
    run = runs.of(NOW_RUN, NOW)
    assert run is not None
    return run


def numbers(*user_ids: int) -> dict[str, list[float]]:
    run = found()
    told = facts.of_run(run, run.sequences(), user_ids)
    names = np.array([str(user_id) for user_id in user_ids])
    columns = told.at(str(NOW_RUN), names, np.full(len(names), NOW.timestamp()))
    return {name: values.tolist() for name, values in columns.items()}


def test_assignments_points_progress_and_courses_come_together() -> None:
    start = term.run(NOW_RUN, 20 * DAY, 1, 2)
    term.visits(NOW_RUN, 1, 3)
    School.handed = [
        Handed(1, start + 10 * DAY, start + 12 * DAY, start + 13 * DAY, 3.0, 10.0),
        Handed(2, start + 10 * DAY),
    ]
    School.others = [(1, PAST[0], start)]
    School.since = {1: start - timedelta(days=61)}
    told = numbers(1, 2)
    assert told["assignments.missed"] == [0.0, 1.0]
    assert told["assignments.days_late"][0] == pytest.approx(2.0)
    assert told["grades.short_of_passing"][0] == pytest.approx(0.3)
    assert told["pace.completed"] == [1.0, 0.0]
    assert told[facts.COURSES_NOW] == [2.0, 1.0]
    assert told[facts.MONTHS][0] == pytest.approx(2.0, abs=0.01)
    assert math.isnan(told[facts.MONTHS][1])


def test_courses_count_while_they_run_and_this_one_always() -> None:
    start = term.run(NOW_RUN, 20 * DAY, 1)
    School.dates[PAST[0]] = CourseDates(start=start - 9 * DAY, end=start + 5 * DAY)
    School.dates[PAST[1]] = CourseDates(start=start + 8 * DAY)
    School.others = [(1, NOW_RUN, start), (1, PAST[0], start - DAY), (1, PAST[1], start)]
    rows = list(facts.enrolments(found(), [1], facts.Calendar()))
    told = [((row["time"] - start.timestamp()) / runs.DAY, row[facts.COURSES_NOW]) for row in rows]
    assert told == [(0.0, 2), (5.0, 1), (8.0, 2)]


def test_a_night_that_looks_back_does_not_see_what_came_later() -> None:
    start = term.run(NOW_RUN, 20 * DAY, 1)
    School.handed = [Handed(1, start + 10 * DAY, NOW + DAY, NOW + 2 * DAY, 3.0, 10.0)]
    (row,) = facts.assignments(found(), [1])
    assert math.isnan(row.handed_in)
    assert math.isnan(row.graded)


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(0, 60)), max_size=5),
    st.floats(0, 60),
)
def test_the_newest_row_tells_how_many_there_are(spans: list[tuple[float, float]], moment: float) -> None:
    others = [(begin, begin + length) for begin, length in spans]
    rows = list(facts._counts(others, 0.0))
    assert [time for time, _ in rows] == sorted({time for time, _ in rows})
    newest = [count for time, count in rows if time <= moment][-1]
    assert newest == 1 + sum(begin <= moment < end for begin, end in others)


def test_a_protected_attribute_in_the_operators_table_is_refused(settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "features.csv"
    path.write_text("course_id,learner_id,enrolment.gender\nc,1,1\n")
    settings.NUDGE_RISK_FEATURES = str(path)
    with pytest.raises(ValueError, match="protected attribute"):
        facts.further()
