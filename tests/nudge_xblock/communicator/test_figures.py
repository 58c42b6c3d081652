"""What is known of each learner, in columns that staff choose by."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.atrisk.models import Case, Risk
from nudge_xblock.communicator import figures
from nudge_xblock.communicator.figures import Learners, payload
from nudge_xblock.communicator.models import Suppression
from nudge_xblock.communicator.selection import NEVER, UNKNOWN, Selection
from nudge_xblock.communicator.suppression import mark
from nudge_xblock.compat import Enrolled, Platform, platform
from nudge_xblock.models import Enrolment, Learner, Night

from ..moments import COURSE, NOW, happened
from .learners import DAY, learner

pytestmark = pytest.mark.django_db
OTHER = CourseKey.from_string("course-v1:Elsewhere+X+1")


def row(found: Learners, user_id: int) -> dict[str, Any]:
    """One learner's line across the columns."""
    place = found.user_ids.tolist().index(user_id)
    return {name: column[place].item() for name, column in found.figures.columns.items()}


def read() -> Learners:
    return figures.learners(COURSE, NOW)


def test_chances_are_whole_percents_rounded_half_up() -> None:
    learner(7, chances={"pass": 0.115, "complete": 0.994999, "leave": 0.005})
    assert {name: row(read(), 7)[name] for name in ("pass", "complete", "leave")} == {
        "pass": 12,
        "complete": 99,
        "leave": 1,
    }


@given(st.floats(0, 1))
def test_a_percent_is_never_more_than_half_a_point_off(chance: float) -> None:
    column = figures._percents([f'{{"pass": {chance:.6f}}}'], np.zeros(1, np.int64))["pass"]
    assert abs(float(column[0]) - 100 * round(chance, 6)) <= 0.5 + 1e-9


def test_what_is_not_predicted_is_unknown() -> None:
    learner(7, chances={"pass": 0.5})
    found = row(read(), 7)
    assert (found["pass"], found["complete"], found["leave"], found["progress"]) == (50, *[UNKNOWN] * 3)


def test_days_since_seen_are_whole_and_never_is_never() -> None:
    learner(7, seen=timedelta(days=6, hours=23))
    learner(8, seen=7 * DAY)
    learner(9, seen=None)
    learner(10, seen=40_000 * DAY)
    found = read()
    assert [row(found, user_id)["seen"] for user_id in (7, 8, 9, 10)] == [6, 7, NEVER, 9999]


def test_who_came_back_since_the_night_was_seen_today() -> None:
    learner(7, seen=20 * DAY)
    learner(8, seen=None)
    learner(9, seen=20 * DAY)
    Night.objects.create(started=NOW - DAY / 2, finished=NOW - DAY / 3)
    for user_id in (7, 8):
        happened("play_video", 600.0, user_id=user_id)
    found = read()
    assert [row(found, user_id)["seen"] for user_id in (7, 8, 9)] == [0, 0, 20]


def test_simple_reasons_are_read_off_the_figures() -> None:
    learner(7, seen=10 * DAY, fell=14)
    learner(8, seen=None, fell=15)
    learner(9)
    found = read()
    named = {user_id: found.why(found.user_ids.tolist().index(user_id))["reasons"] for user_id in (7, 8, 9)}
    assert named == {7: ["absent"], 8: ["never_came", "fell"], 9: []}


def test_why_tells_the_figures_that_are_known() -> None:
    learner(7, chances={"pass": 0.31}, seen=8 * DAY, progress=20, mode="verified")
    assert read().why(0) == {
        "pass": 31,
        "progress": 20,
        "seen": 8,
        "mode": "verified",
        "reasons": ["absent"],
    }


def at_risk(enrolment: Enrolment, tier: str, group: str) -> None:
    """An assessment as the night writes it."""
    told = {"chance": 0.5, "baseline": -2.0, "days": 20.0, "share": 0.3, "at": NOW}
    Risk.objects.create(enrolment=enrolment, tier=tier, group=group, **told)


def test_tier_and_leading_reason_are_those_of_the_newest_assessment() -> None:
    at_risk(learner(7), "moderate", "grades")
    at_risk(learner(8), "high", "")
    at_risk(learner(9), "", "absence")
    at_risk(learner(7, course=OTHER), "high", "absence")
    learner(10)
    found = read()
    why = {user_id: found.why(found.user_ids.tolist().index(user_id)) for user_id in (7, 8, 9, 10)}
    told = {user_id: (each.get("tier"), each.get("risk")) for user_id, each in why.items()}
    assert told == {7: ("moderate", "grades"), 8: ("high", "several"), 9: (None, None), 10: (None, None)}
    assert found.user_ids[Selection.parse("tier=high,moderate").matches(found.figures)].size == 2
    assert found.user_ids[Selection.parse("risk=grades").matches(found.figures)].tolist() == [7]


def test_who_has_an_open_case_is_in_its_tier() -> None:
    closed = {7: "open", 8: "open", 9: "resolved"}
    for user_id, state in closed.items():
        enrolment = learner(user_id)
        at_risk(enrolment, "" if user_id == 8 else "marginal", "grades")
        Case.objects.create(
            enrolment=enrolment, course_key=COURSE, group="absence", tier="moderate", chance=0.7,
            chance_opened=0.7, owner="adviser", opened=NOW, tier_since=NOW, state=state, slot=str(user_id),
        )  # fmt: skip
    found = read()
    why = {user_id: found.why(found.user_ids.tolist().index(user_id)) for user_id in closed}
    told = {user_id: (each.get("tier"), each.get("risk")) for user_id, each in why.items()}
    assert told == {7: ("moderate", "grades"), 8: ("moderate", "grades"), 9: ("marginal", "grades")}
    assert len(found) == 3


class Host(Platform):
    """User 7 is staff of the course, 8 left it."""

    def staff_ids(self, course_key: Any) -> set[int]:
        return {7}

    def enrolments(self, course_key: Any) -> Any:
        return iter([Enrolled(8, "audit", NOW, False), Enrolled(9, "audit", NOW, True)])


def test_staff_and_those_who_left_are_not_among_them() -> None:
    for user_id in (7, 8, 9, 10):
        learner(user_id)
    get_user_model().objects.filter(pk=10).update(is_staff=True)
    with override_settings(NUDGE_COMPAT=f"{__name__}.Host"):
        assert read().user_ids.tolist() == [9]


class NewlyEnrolled(Platform):
    """Whom the platform enrolled since the night."""

    def members(self, course_key: Any) -> dict[int, str]:
        return {7: "audit", 99: "verified"}


def test_who_enrolled_since_the_night_is_there_with_nothing_known() -> None:
    learner(7, chances={"pass": 0.5})
    get_user_model().objects.create_user("new", "new@example.org", pk=99)
    with override_settings(NUDGE_COMPAT=f"{__name__}.NewlyEnrolled"):
        found = read()
    assert row(found, 99)["pass"] == row(found, 99)["progress"] == UNKNOWN
    assert row(found, 99)["seen"] == NEVER
    assert found.reachable.tolist() == [True, True]
    assert found.figures.modes[row(found, 99)["mode"]] == "verified"
    assert row(found, 7)["pass"] == 50


def test_only_an_address_that_may_be_written_to_is_reachable() -> None:
    for user_id in range(7, 12):
        learner(user_id, address="" if user_id == 8 else None)
    get_user_model().objects.filter(pk=9).update(is_active=False)
    Learner.objects.filter(user_id=10).update(opted_out=True)
    Suppression.objects.create(address=mark("learner11@example.org"), scope=str(COURSE))
    found = read()
    assert found.user_ids[found.reachable].tolist() == [7]


def test_pseudonyms_differ_per_course_and_are_those_of_the_other_lists() -> None:
    learner(7)
    learner(7, course=OTHER)
    here, there = figures.learners(COURSE, NOW).names(), figures.learners(OTHER, NOW).names()
    assert here == [platform().anonymous_id(7, COURSE)[:16]]
    assert here != there


def test_rows_are_in_the_order_of_the_pseudonyms() -> None:
    for user_id in range(7, 40):
        learner(user_id, chances={"pass": user_id / 100})
    found = read()
    assert found.names() == sorted(found.names())
    assert found.figures.columns["pass"].tolist() == found.user_ids.tolist()


def test_a_course_with_nobody_is_no_error() -> None:
    told = payload(read())
    assert (told["n"], told["modes"], told["pseudonyms"]) == (0, [], "")
    assert not Selection.parse("everyone=1").matches(read().figures).any()


def test_the_payload_holds_the_columns_and_nobodys_name() -> None:
    learner(7, chances={"pass": 0.4}, seen=300 * DAY)
    told = payload(read())
    kinds = {"u8": "u1", "u16": "<u2", "u32": "<u4"}
    columns = {
        name: np.frombuffer(base64.b64decode(column["data"]), kinds[column["type"]]).tolist()
        for name, column in told["columns"].items()
    }
    assert columns == {
        "pass": [40], "complete": [UNKNOWN], "leave": [UNKNOWN], "progress": [UNKNOWN], "seen": [300],
        "mode": [0], "reasons": [1], "tier": [0], "risk": [0], "reachable": [1],
    }  # fmt: skip
    assert base64.b64decode(told["pseudonyms"]).hex() == platform().anonymous_id(7, COURSE)[:16]
    for secret in ("Zoë", "learner-7", "learner7@"):
        assert secret not in str(told)


def test_a_handful_of_statements_reads_them_whatever_their_number(django_assert_max_num_queries: Any) -> None:
    for user_id in range(7, 60):
        learner(user_id)
    with django_assert_max_num_queries(14):
        assert len(read()) == 53


def test_enrolments_of_other_courses_are_not_read() -> None:
    learner(7, chances={"pass": 0.1})
    learner(8, course=OTHER, chances={"pass": 0.9})
    assert read().user_ids.tolist() == [7]
    assert Enrolment.objects.count() == 2
