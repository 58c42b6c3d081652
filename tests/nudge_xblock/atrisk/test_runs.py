"""When a run began, for whom, how long it lasts, and who is through with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from nudge_xblock.atrisk import runs
from nudge_xblock.compat import CourseDates, Enrolled

from ..nighttime import NOW
from . import term
from .term import DAY, NOW_RUN, School

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]


@pytest.fixture(autouse=True)
def school() -> Iterator[None]:
    School.forget()
    with override_settings(NUDGE_COMPAT=f"{term.__name__}.School"):
        yield


def found() -> runs.CourseRun:
    run = runs.of(NOW_RUN, NOW)
    assert run is not None
    return run


def test_a_run_lasts_from_its_start_to_its_end_for_everybody() -> None:
    start = term.run(NOW_RUN, 20 * DAY, 1, 2)
    assert found().begins([1, 2, 9]) == dict.fromkeys((1, 2, 9), start.timestamp())
    assert found().length == term.LENGTH.total_seconds()
    assert found().is_live


def test_a_self_paced_run_begins_with_each_enrolment_and_lasts_as_the_site_says(settings: Any) -> None:
    start = term.run(NOW_RUN, 20 * DAY, 1, self_paced=True)
    School.enrolled[NOW_RUN].append(Enrolled(2, "audit", start + 5 * DAY, True))
    School.enrolled[NOW_RUN].append(Enrolled(3, "audit", start - 5 * DAY, True))
    begins = found().begins([1, 2, 3, 9])
    assert begins[2] == (start + 5 * DAY).timestamp()
    assert {begins[1], begins[3], begins[9]} == {start.timestamp()}, "nobody began before the run did"
    settings.NUDGE_SELF_PACED_DAYS = 30
    assert found().length == 30 * runs.DAY


def test_a_run_without_an_end_has_no_length_of_its_own() -> None:
    start = term.run(NOW_RUN, 20 * DAY, 1)
    School.dates[NOW_RUN] = CourseDates(start=start)
    assert found().length is None
    assert found().is_live
    School.dates[NOW_RUN] = CourseDates(start=start, end=start - DAY)
    assert found().length is None, "an end before the start is none"
    assert not found().is_live


def test_of_a_run_that_nothing_is_known_of_there_is_none() -> None:
    assert runs.of(NOW_RUN, NOW) is None


def test_done_is_who_passed_or_completed_by_then() -> None:
    term.run(NOW_RUN, 20 * DAY, 1, 2, 3)
    School.completed[NOW_RUN] = {1: NOW - DAY, 2: NOW + DAY}
    assert runs.done(NOW_RUN, NOW) == {1}
