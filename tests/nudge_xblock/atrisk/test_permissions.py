"""Who may make which call about cases: the whole table; and the cases of another course are not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, override_settings

from nudge_xblock.atrisk.models import Case, CaseEvent, RiskSettings
from nudge_xblock.communicator.models import Audit

from ..moments import COURSE
from .people import ADVISER, HERE, OTHER, STAFF, WHO, call, clients
from .somebody import flagged

pytestmark = pytest.mark.django_db

STAFF_HERE = {"course staff", "global staff"}
WORKS_HERE = STAFF_HERE | {ADVISER}
ANYWHERE = WORKS_HERE | {"staff of another course"}
CHANGED = {"version": 0, "limits": {"marginal": 40, "moderate": 60, "high": 80}}

TABLE: dict[tuple[str, str], tuple[Any, set[str], str]] = {
    # method and path: what is sent, who may, and what the audit calls it
    ("GET", "cases"): (None, ANYWHERE, "cases_seen"),
    ("GET", "cases.csv"): (None, ANYWHERE, "cases_exported"),
    ("GET", HERE + "cases"): (None, WORKS_HERE, "cases_seen"),
    ("GET", HERE + "cases.csv"): (None, WORKS_HERE, "cases_exported"),
    ("GET", HERE + "cases/{n}"): (None, WORKS_HERE, "case_seen"),
    ("POST", HERE + "cases/{n}/notes"): ({"text": "x"}, WORKS_HERE, "case_noted"),
    ("POST", HERE + "cases/{n}/assign"): ({"user": STAFF, "version": 0}, WORKS_HERE, "case_assigned"),
    ("POST", HERE + "cases/{n}/resolve"): ({"outcome": "helped", "version": 0}, WORKS_HERE, "case_resolved"),
    ("POST", HERE + "cases/{e}/reopen"): ({"version": 0}, WORKS_HERE, "case_reopened"),
    ("GET", HERE + "cases/settings"): (None, STAFF_HERE, "case_settings_seen"),
    ("GET", HERE + "cases/worked"): (None, STAFF_HERE, "worked_seen"),
    ("GET", HERE + "cases/fairness"): (None, STAFF_HERE, "fairness_seen"),
    ("PUT", HERE + "cases/settings"): (CHANGED, STAFF_HERE, "case_settings_changed"),
}  # fmt: skip
CALLS = sorted(TABLE)
OF_ONE = [each for each in CALLS if "{" in each[1]]


@pytest.fixture(autouse=True)
def roles() -> Iterator[None]:
    with override_settings(NUDGE_COMPAT="tests.nudge_xblock.atrisk.people.Roles"):
        yield


@pytest.fixture
def people() -> dict[str, Client]:
    return clients()


def cases(course: Any = COURSE) -> dict[str, int]:
    """An open case and one that has ended."""
    ended = flagged(2, course=course)
    Case.objects.filter(pk=ended.pk).update(state="resolved", outcome="other", slot=None, closed=ended.opened)
    return {"n": flagged(1, course=course).pk, "e": ended.pk}


def everything() -> list[Any]:
    return [list(table.objects.order_by("pk").values()) for table in (Case, CaseEvent, RiskSettings)]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_each_call_is_for_those_whom_the_table_names(
    people: dict[str, Client], method: str, path: str, who: str
) -> None:
    body, may, audited = TABLE[method, path]
    numbers, before = cases(), everything()
    answer = call(people[who], method, path.format(**numbers), body)
    whats = list(Audit.objects.values_list("what", flat=True))
    if who in may:
        assert answer.status_code == 200, answer.content
        assert whats == [audited]
    else:
        assert answer.status_code == (401 if who == "anonymous" else 403)
        assert set(answer.json()) == {"error"}
        assert whats == ([] if who == "anonymous" else ["refused"])
        assert everything() == before


@pytest.mark.parametrize(("method", "path"), OF_ONE)
def test_a_case_of_another_course_is_not_there(people: dict[str, Client], method: str, path: str) -> None:
    numbers = cases(course=OTHER)
    before = everything()
    for who in sorted(WORKS_HERE):
        answer = call(people[who], method, path.format(**numbers), TABLE[method, path][0])
        assert answer.status_code == 404, who
    assert everything() == before


@pytest.mark.parametrize(("method", "path"), OF_ONE)
def test_a_case_that_never_was_is_not_there(people: dict[str, Client], method: str, path: str) -> None:
    for number in (999, 10**18 - 1):
        answer = call(people["course staff"], method, path.format(n=number, e=number), TABLE[method, path][0])
        assert answer.status_code == 404


def test_lists_over_all_courses_hold_what_the_caller_may_see_alone(people: dict[str, Client]) -> None:
    here, there = flagged(1), flagged(2, course=OTHER)
    seen = {
        who: {each["id"] for each in call(people[who], "GET", "cases").json()["cases"]}
        for who in sorted(ANYWHERE)
    }
    assert seen == {
        "course staff": {here.pk},
        "staff of another course": {there.pk},
        "global staff": {here.pk, there.pk},
        ADVISER: {here.pk, there.pk},
    }
    for who, found in seen.items():
        rows = call(people[who], "GET", "cases.csv").content.decode().splitlines()[1:]
        assert {int(row.split(",")[0]) for row in rows} == found


def test_a_course_that_the_caller_may_not_see_cannot_be_named(people: dict[str, Client]) -> None:
    flagged(2, course=OTHER)
    for path in (f"cases?course={OTHER}", f"cases.csv?course={OTHER}"):
        path = path.replace("+", "%2B")
        assert call(people["course staff"], "GET", path).status_code == 404
        assert call(people[ADVISER], "GET", path).status_code == 200
    assert call(people["course staff"], "GET", "cases?course=nonsense").status_code == 404


def test_a_case_is_given_to_those_alone_who_may_see_it(people: dict[str, Client]) -> None:
    number = flagged(1).pk
    version = 0
    for user_id in (18, 20, 404):
        body = {"user": user_id, "version": version}
        answer = call(people["course staff"], "POST", HERE + f"cases/{number}/assign", body)
        assert answer.status_code == 400, user_id
        assert "user" in answer.json()["error"]["fields"]
    for user_id in (STAFF, 22, 23, None):
        body = {"user": user_id, "version": version}
        answer = call(people["course staff"], "POST", HERE + f"cases/{number}/assign", body)
        assert answer.status_code == 200, user_id
        version = answer.json()["version"]


def test_how_other_courses_go_is_shown_to_those_alone_who_may_see_them(people: dict[str, Client]) -> None:
    number = flagged(1).pk
    flagged(1, course=OTHER)
    shown = {
        who: [each["course"] for each in call(people[who], "GET", HERE + f"cases/{number}").json()["others"]]
        for who in sorted(WORKS_HERE)
    }
    assert shown == {"course staff": [], "global staff": [OTHER], ADVISER: [OTHER]}
