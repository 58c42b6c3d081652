"""A course's cases from night to night: written once, however often and by however many they are settled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from nudge_xblock.atrisk import casework, desk, happenings
from nudge_xblock.atrisk.casework import Settled, settle
from nudge_xblock.atrisk.models import Case, CaseEvent, RiskSettings
from nudge_xblock.atrisk.rules import Decision
from nudge_xblock.compat import CourseDates, Platform, Result
from nudge_xblock.models import Enrolment

from ..moments import COURSE
from .somebody import DAY, GRADES, NOW, at_risk, flagged

pytestmark = pytest.mark.django_db


class Host(Platform):
    """A platform whose answers a test sets."""

    over = False
    left: set[int] = set()
    done: set[int] = set()
    staff: set[int] = set()

    def course_dates(self, course_key: Any) -> CourseDates:
        return CourseDates(end=NOW - DAY if self.over else NOW + 30 * DAY)

    def members(self, course_key: Any) -> dict[int, str]:
        found = super().members(course_key)
        return {user_id: mode for user_id, mode in found.items() if user_id not in self.left}

    def outcomes(self, course_key: Any) -> list[Result]:
        return [Result(each, True, True, NOW, NOW, "audit", NOW) for each in sorted(self.done)]

    def staff_ids(self, course_key: Any) -> set[int]:
        return self.staff


@pytest.fixture(autouse=True)
def host(settings: Any, monkeypatch: pytest.MonkeyPatch) -> type[Host]:
    settings.NUDGE_COMPAT = f"{__name__}.Host"
    for name in ("left", "done", "staff"):
        monkeypatch.setattr(Host, name, set())
    monkeypatch.setattr(Host, "over", False)
    return Host


def told(case: Case) -> list[str]:
    return list(case.events.values_list("what", flat=True))


def test_everyone_at_risk_gets_one_case_and_nobody_else() -> None:
    for user_id, chance in ((1, 0.9), (2, 0.72), (3, 0.5), (4, 0.49), (5, 0.1)):
        at_risk(user_id, chance)
    assert settle(COURSE, NOW) == Settled(opened=3)
    found = Case.objects.values_list("enrolment__learner__user_id", "tier", "group", "owner").order_by("pk")
    assert list(found) == [
        (1, "high", "absence", "adviser"), (2, "moderate", "absence", "adviser"),
        (3, "marginal", "absence", "adviser"),
    ]  # fmt: skip
    assert {tuple(told(case)) for case in Case.objects.all()} == {("opened",)}
    assert CaseEvent.objects.order_by("pk")[0].detail == {"tier": "high", "group": "absence", "chance": 90}


def test_who_never_came_is_not_lost() -> None:
    at_risk(1, 0.97, partial=True, reasons=[], group="")
    assert settle(COURSE, NOW).opened == 1
    case = Case.objects.get()
    assert (case.group, case.tier, case.owner) == ("", "high", "adviser")


def test_a_night_that_is_repeated_changes_nothing() -> None:
    at_risk(1, 0.9)
    settle(COURSE, NOW)
    before = (list(Case.objects.values()), list(CaseEvent.objects.values()))
    assert settle(COURSE, NOW) == Settled()
    assert settle(COURSE, NOW + DAY) == Settled()
    assert (list(Case.objects.values()), list(CaseEvent.objects.values())) == before


def test_a_tier_that_moves_is_written_down() -> None:
    case = flagged(1, 0.6)
    at_risk(1, 0.9)
    assert settle(COURSE, NOW + DAY) == Settled(moved=1)
    case.refresh_from_db()
    assert (case.tier, case.tier_since, case.chance, case.chance_opened) == ("high", NOW + DAY, 0.9, 0.6)
    assert case.events.last().detail == {"from": "marginal", "to": "high", "chance": 90}  # type: ignore[union-attr]


def test_the_newest_chance_stands_in_the_case_though_nothing_moves() -> None:
    case = flagged(1, 0.9)
    at_risk(1, 0.95)
    assert settle(COURSE, NOW + DAY) == Settled()
    case.refresh_from_db()
    assert (case.chance, case.version) == (0.95, 0)


def test_improvement_closes_a_case_and_later_it_may_be_flagged_again() -> None:
    case = flagged(1, 0.6)
    at_risk(1, 0.47)
    assert settle(COURSE, NOW + DAY) == Settled()
    at_risk(1, 0.44)
    assert settle(COURSE, NOW + 2 * DAY) == Settled(closed=1)
    case.refresh_from_db()
    assert (case.state, case.outcome, case.closed, case.slot) == ("closed", "improved", NOW + 2 * DAY, None)
    at_risk(1, 0.6)
    assert settle(COURSE, NOW + 3 * DAY) == Settled(opened=1)
    assert Case.objects.count() == 2


def test_who_completes_leaves_or_becomes_staff_has_no_case_any_more(host: type[Host]) -> None:
    cases = {user_id: flagged(user_id) for user_id in (1, 2, 3, 4)}
    host.done, host.left, host.staff = {1}, {2}, {3}
    Enrolment.objects.get(learner__user_id=1).risk.delete()
    assert settle(COURSE, NOW + DAY) == Settled(closed=3)
    found = {user_id: Case.objects.get(pk=case.pk).outcome for user_id, case in cases.items()}
    assert found == {1: "completed", 2: "left", 3: "left", 4: ""}


def test_the_end_of_the_course_closes_every_case_and_opens_none(host: type[Host]) -> None:
    flagged(1)
    at_risk(2, 0.9)
    host.over = True
    assert settle(COURSE, NOW + DAY) == Settled(closed=1)
    assert Case.objects.get().outcome == "over"


def test_a_learner_who_is_not_assessed_tonight_keeps_the_case() -> None:
    case = flagged(1)
    case.enrolment.risk.delete()
    assert settle(COURSE, NOW + DAY) == Settled()
    assert Case.objects.get(pk=case.pk).state == "open"


def resolved(case: Case, outcome: str = "agreed") -> None:
    case.refresh_from_db()
    desk.resolve(COURSE, 21, case.pk, outcome, "", case.version, NOW + timedelta(hours=6))


def test_what_somebody_dealt_with_is_not_flagged_again_until_the_learner_was_better() -> None:
    case = flagged(1, 0.75)
    resolved(case)
    for night, group in enumerate(("absence", "grades"), 1):
        at_risk(1, 0.75, group=group)
        assert settle(COURSE, NOW + night * DAY) == Settled(), "both reasons were there as it was resolved"
    at_risk(1, 0.4)
    settle(COURSE, NOW + 3 * DAY)
    assert Case.objects.get().rearmed == NOW + 3 * DAY
    at_risk(1, 0.75)
    assert settle(COURSE, NOW + 4 * DAY) == Settled(opened=1)


def test_what_became_worse_or_is_new_is_flagged_though_a_case_was_resolved() -> None:
    resolved(flagged(1, 0.75))
    at_risk(1, 0.9)
    assert settle(COURSE, NOW + DAY) == Settled(opened=1)
    resolved(flagged(2, 0.75))
    at_risk(2, 0.75, group="pace")
    assert settle(COURSE, NOW + DAY) == Settled(opened=1)


def test_a_case_that_a_person_opened_again_stays_though_the_learner_is_better() -> None:
    case = flagged(1, 0.6)
    at_risk(1, 0.3)
    settle(COURSE, NOW + DAY)
    case.refresh_from_db()
    desk.reopen(COURSE, 21, case.pk, case.version, NOW + DAY)
    assert settle(COURSE, NOW + 2 * DAY) == Settled()
    assert Case.objects.get().state == "open"
    assert told(case) == ["opened", "closed", "reopened"]


def test_another_course_is_left_alone() -> None:
    at_risk(1, 0.9, course="course-v1:Elsewhere+X+1")
    assert settle(COURSE, NOW) == Settled()


def test_a_course_with_limits_of_its_own_goes_by_them() -> None:
    RiskSettings.objects.create(
        course_key=COURSE, marginal=91, moderate=95, high=99, version=1,
        plan={"absence": {"owner": "team", "intervention": "Call."}},
    )  # fmt: skip
    at_risk(1, 0.9)
    at_risk(2, 0.96)
    settle(COURSE, NOW)
    case = Case.objects.get()
    assert (case.tier, case.owner) == ("moderate", "team")


def test_who_was_given_a_case_meanwhile_keeps_that_one_and_the_others_get_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a database locks no rows, two nights may both find that nobody has a case."""
    for user_id in (1, 2, 3):
        at_risk(user_id, 0.9)
    real, raced = casework._open, []

    def late(cases: Any, now: Any) -> int:
        if not raced:
            raced.append(True)
            mine = cases[1]
            Case.objects.create(
                **{field.name: getattr(mine, field.name) for field in Case._meta.fields if field.name != "id"}
            )
        return real(cases, now)

    monkeypatch.setattr(casework, "_open", late)
    assert settle(COURSE, NOW) == Settled(opened=2)
    assert Case.objects.count() == 3
    assert CaseEvent.objects.filter(what=happenings.OPENED).count() == 2


def test_a_case_that_changed_meanwhile_is_left_to_the_next_night() -> None:
    case = flagged(1, 0.6)
    stale = Case.objects.get(pk=case.pk)
    desk.assign(COURSE, 21, case.pk, None, 0, NOW)
    assert casework._close(stale, "improved", NOW) == 0
    assert casework._move(casework._course(COURSE, NOW), stale, Decision(move_to="high"), NOW) == 0
    assert told(case) == ["opened", "assigned"]


def test_a_case_is_for_a_reason_that_there_still_is() -> None:
    case = flagged(1, 0.9)
    at_risk(1, 0.9, group="grades")
    assert settle(COURSE, NOW + DAY) == Settled()
    case.refresh_from_db()
    assert (case.group, case.owner) == ("absence", "adviser")
    at_risk(1, 0.9, group="grades", reasons=[GRADES])
    settle(COURSE, NOW + 2 * DAY)
    case.refresh_from_db()
    assert (case.group, case.owner, case.tier) == ("grades", "assistant", "high")
    assert told(case) == ["opened", "reason"]
    event = case.events.get(what="reason")
    assert (event.detail["from"], event.detail["to"]) == ("absence", "grades")
    assert settle(COURSE, NOW + 2 * DAY) == Settled()
    assert told(case) == ["opened", "reason"]


def test_statements_do_not_grow_with_the_learners(django_assert_max_num_queries: Any) -> None:
    for user_id in range(1, 41):
        at_risk(user_id, 0.9)
    with django_assert_max_num_queries(25):
        settle(COURSE, NOW)
    with django_assert_max_num_queries(12):
        settle(COURSE, NOW + DAY)


def test_whose_time_is_over_has_no_case_any_more() -> None:
    """The night assesses everyone who can still complete; in a self-paced course not all at the same time."""
    cases = [flagged(user_id) for user_id in (1, 2)]
    cases[0].enrolment.risk.delete()
    assert settle(COURSE, NOW + DAY) == Settled(closed=1)
    assert [Case.objects.get(pk=case.pk).outcome for case in cases] == ["over", ""]
