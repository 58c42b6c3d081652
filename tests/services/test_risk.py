"""Assessments on a real MariaDB: upserts, and a course that two workers take at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, connections
from django.test import override_settings

from nudge_xblock import api
from nudge_xblock.atrisk.models import Case, CaseEvent, Risk, RiskDay
from tests.nudge_xblock.atrisk import term
from tests.nudge_xblock.atrisk.term import NOW_RUN, School
from tests.nudge_xblock.nighttime import NOW

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("on_mariadb", "stores")]
LEARNERS = 700
"""More than one batch."""


@pytest.fixture(autouse=True)
def school(stores: Path) -> Iterator[None]:
    School.forget()
    with override_settings(NUDGE_COMPAT=f"{term.__name__}.School"):
        term.serve(stores / "models")
        term.run(NOW_RUN, 20 * term.DAY, *range(1, LEARNERS + 1))
        term.visits(NOW_RUN, 1, *range(10, 20))
        yield


def rows() -> list[list[object]]:
    found = Risk.objects.order_by("pk"), RiskDay.objects.order_by("enrolment", "day")
    return [
        list(found[0].values_list("pk", "chance", "baseline", "contributions", "reasons", "tier", "at")),
        list(found[1].values_list("enrolment", "day", "chance", "contributions")),
        list(Case.objects.order_by("enrolment").values_list("enrolment", "tier", "group", "state")),
    ]


def test_a_repeat_leaves_the_same_rows_and_contributions_stay_exact() -> None:
    assert connection.vendor == "mysql"
    assert api.assess_course(NOW_RUN, NOW) == LEARNERS
    before = rows()
    assert [len(part) for part in before] == [LEARNERS, LEARNERS, LEARNERS - 1]
    api.assess_course(NOW_RUN, NOW)
    assert rows() == before
    api.assess_course(NOW_RUN, NOW + timedelta(days=1))
    assert RiskDay.objects.count() == 2 * LEARNERS
    risk = Risk.objects.get(partial=False)
    assert sum(risk.contributions.values()) + risk.baseline == pytest.approx(
        math.log(risk.chance / (1 - risk.chance)), abs=1e-9
    )


def test_two_workers_that_take_a_course_at_once_leave_what_one_would() -> None:
    def assess(_number: int) -> int:
        try:
            return api.assess_course(NOW_RUN, NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(assess, range(4))) == [LEARNERS] * 4
    found = rows()
    assert [len(part) for part in found] == [LEARNERS, LEARNERS, LEARNERS - 1]
    assert CaseEvent.objects.count() == LEARNERS - 1, "each case was opened once"
    api.assess_course(NOW_RUN, NOW)
    assert rows() == found
