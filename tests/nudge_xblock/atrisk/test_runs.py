"""When a run began, for whom, how long it lasts, and who is through with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
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


def test_who_enrols_late_has_a_week_to_come_before_anybody_asks() -> None:
    start = term.run(NOW_RUN, 20 * DAY, 1, 2, 3)
    School.enrolled[NOW_RUN][1:] = [Enrolled(each, "audit", start + 10 * DAY, True) for each in (2, 3)]
    term.visits(NOW_RUN, 3, 11)
    run = found()

    def asked(day: float) -> list[bool]:
        moments = np.full(4, (start + day * DAY).timestamp())
        return list(runs.askable(run, run.sequences(), [1, 2, 3, 9], moments).tolist())

    assert asked(7) == [True, False, False, True]
    assert asked(12) == [True, False, True, True], "who has been there is asked about"
    assert asked(16.9) == [True, False, True, True]
    assert asked(17) == [True, True, True, True]
    assert run.joined([1, 2, 9]) == {1: start.timestamp(), 2: (start + 10 * DAY).timestamp()}


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
