"""A course's limits and plan: refused where they make no sense, followed by tiers, cases and letters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, override_settings
from kombu.exceptions import OperationalError

from nudge_xblock import starting, tasks
from nudge_xblock.atrisk import plan
from nudge_xblock.atrisk.models import Case, Risk, RiskSettings
from nudge_xblock.atrisk.tiers import Limits
from nudge_xblock.communicator.models import Letter
from predictor.factors import GROUPS

from ..moments import COURSE
from .people import HERE, call, clients
from .somebody import at_risk, flagged

pytestmark = pytest.mark.django_db
PATH = HERE + "cases/settings"
LIMITS = {"marginal": 40, "moderate": 60, "high": 80}


@pytest.fixture(autouse=True)
def roles() -> Iterator[None]:
    with override_settings(
        NUDGE_COMPAT="tests.nudge_xblock.atrisk.people.Roles",
        NUDGE_MAIL_SENDERS={"*": ["courses@example.org"]},
        NUDGE_SITE_URL="https://learn.example.org",
    ):
        yield


@pytest.fixture
def staff() -> Client:
    return clients()["course staff"]


def put(client: Client, status: int = 200, **body: Any) -> Any:
    answer = call(client, "PUT", PATH, body)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_a_course_whose_team_said_nothing_has_the_sites(staff: Client, settings: Any) -> None:
    settings.NUDGE_RISK_TIERS = {"marginal": 30, "moderate": 50, "high": 90}
    told = call(staff, "GET", PATH).json()
    assert (told["limits"], told["automatic"], told["version"], told["letters"]) == (
        {"marginal": 30, "moderate": 50, "high": 90}, False, 0, [],
    )  # fmt: skip
    assert [each["group"] for each in told["groups"]] == [*GROUPS, "several"]
    for each in told["groups"]:
        assert {"owner": each["owner"], "intervention": each["intervention"]} == each["usual"]
        assert each["intervention"]
    assert [each["value"] for each in told["tiers"]] == ["marginal", "moderate", "high"]


def test_limits_of_the_site_that_make_no_sense_say_so(settings: Any) -> None:
    for wrong in ({"marginal": 60, "moderate": 50, "high": 90}, {"marginal": 60}, {}, None):
        settings.NUDGE_RISK_TIERS = wrong
        with pytest.raises(ValueError, match="NUDGE_RISK_TIERS"):
            plan.of(COURSE)


def test_how_many_there_are_with_these_limits(staff: Client) -> None:
    for user_id, chance in enumerate((0.1, 0.496, 0.5, 0.7, 0.84, 0.85, 1.0), 1):
        at_risk(user_id, chance)
    told = call(staff, "GET", PATH).json()
    assert told["counts"] == {"marginal": 2, "moderate": 2, "high": 2}
    assert (len(told["histogram"]), sum(told["histogram"])) == (101, 7)
    assert [told["histogram"][percent] for percent in (10, 50, 70, 84, 85, 100)] == [1, 2, 1, 1, 1, 1]


def test_new_limits_are_followed_by_tiers_and_cases(
    staff: Client, django_capture_on_commit_callbacks: Any
) -> None:
    for user_id, chance in ((1, 0.45), (2, 0.594), (3, 0.595), (4, 0.9), (5, 0.2)):
        at_risk(user_id, chance)
    with django_capture_on_commit_callbacks(execute=True):
        told = put(staff, version=0, limits=LIMITS)
    assert (told["limits"], told["version"]) == (LIMITS, 1)
    tiers = Risk.objects.order_by("enrolment__learner__user_id").values_list("tier", flat=True)
    assert list(tiers) == ["marginal", "marginal", "moderate", "high", ""]
    assert sorted(Case.objects.values_list("tier", flat=True)) == ["high", "marginal", "marginal", "moderate"]


def test_a_plan_keeps_what_differs_from_the_usual_and_open_cases_follow_it(staff: Client) -> None:
    case = flagged(1)
    usual = plan.usual("grades")
    told = put(
        staff,
        version=0,
        plan={
            "absence": {"owner": "team", "intervention": "  Call them. "},
            "grades": {"owner": usual.owner, "intervention": usual.intervention},
            "pace": {"owner": "adviser", "intervention": ""},
        },
    )
    assert RiskSettings.objects.get().plan == {"absence": {"owner": "team", "intervention": "Call them."}}
    absence = told["groups"][0]
    assert (absence["owner"], absence["intervention"]) == ("team", "Call them.")
    assert absence["usual"]["owner"] == "adviser"
    row = call(staff, "GET", HERE + f"cases/{case.pk}").json()
    assert (row["owner"], row["owner_words"], row["intervention"]) == ("team", "Course team", "Call them.")
    assert put(staff, version=1, limits=LIMITS)["groups"][0]["owner"] == "team", "what is left out stays"
    put(staff, version=2, plan={})
    assert call(staff, "GET", HERE + f"cases/{case.pk}").json()["owner"] == "adviser"


def test_cases_without_a_single_reason_have_a_plan_of_their_own(staff: Client) -> None:
    case = flagged(1, reasons=[], group="")
    told = put(staff, version=0, plan={"several": {"owner": "team", "intervention": "Talk it over."}})
    last = told["groups"][-1]
    assert (last["group"], last["words"], last["owner"]) == ("several", "Several things together", "team")
    assert last["intervention"] == "Talk it over."
    row = call(staff, "GET", HERE + f"cases/{case.pk}").json()
    assert (row["owner"], row["intervention"]) == ("team", "Talk it over.")
    put(staff, version=1, plan={"several": last["usual"]})
    assert RiskSettings.objects.get().plan == {}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"limits": {"marginal": 60, "moderate": 50, "high": 80}}, "limits"),
        ({"limits": {"marginal": 0, "moderate": 50, "high": 80}}, "limits"),
        ({"limits": {"marginal": 10, "moderate": 50, "high": 101}}, "limits"),
        ({"limits": {"marginal": 10, "moderate": 50}}, "limits"),
        ({"limits": {"marginal": True, "moderate": 50, "high": 80}}, "limits"),
        ({"limits": {"marginal": 10.5, "moderate": 50, "high": 80}}, "limits"),
        ({"limits": [1, 2, 3]}, "limits"),
        ({"automatic": "yes"}, "automatic"),
        ({"plan": []}, "plan"),
        ({"plan": {"weather": {"owner": "team"}}}, "plan"),
        ({"plan": {"absence": {"owner": "nobody"}}}, "plan"),
        ({"plan": {"absence": {"owner": ["team"]}}}, "plan"),
        ({"plan": {"absence": {"intervention": "x" * 501}}}, "plan"),
        ({"plan": {"absence": {"intervention": "x\x00"}}}, "plan"),
        ({"plan": {"absence": "team"}}, "plan"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(staff: Client, body: dict[str, Any], field: str) -> None:
    answer = put(staff, 400, version=0, **body)
    assert list(answer["error"]["fields"]) == [field]
    assert answer["error"]["message"]
    assert not RiskSettings.objects.exists()


@pytest.mark.parametrize("version", [None, 7, "0", [0]])
def test_of_two_who_change_them_the_second_is_shown_what_the_first_set(staff: Client, version: Any) -> None:
    put(staff, version=0, limits=LIMITS)
    for stale in (0, version):
        answer = put(staff, 409, version=stale, automatic=False, limits={**LIMITS, "high": 99})
        assert (answer["error"]["code"], answer["settings"]["limits"]) == ("changed", LIMITS)
    assert plan.of(COURSE).limits == Limits(40, 60, 80)


def test_settings_are_an_object(staff: Client) -> None:
    assert call(staff, "PUT", PATH, [1]).status_code == 400


def test_letters_go_out_by_themselves_while_that_is_switched_on(staff: Client) -> None:
    told = put(staff, version=0, automatic=True)
    assert told["automatic"] is True
    assert {each["tier"] for each in told["letters"]} >= {"marginal"}
    assert {each["state"] for each in told["letters"]} == {Letter.State.AUTOMATIC}
    off = put(staff, version=1, automatic=False)
    assert {each["state"] for each in off["letters"]} == {Letter.State.STOPPED}


def test_where_no_mail_can_go_out_nothing_is_switched_on(staff: Client) -> None:
    with override_settings(NUDGE_SITE_URL="", LMS_ROOT_URL=""):
        answer = put(staff, 400, version=0, automatic=True)
    assert "address" in answer["error"]["fields"]["automatic"][0]
    assert not RiskSettings.objects.exists()
    assert not Letter.objects.exists()


def test_where_there_are_workers_one_of_them_settles_the_cases(
    staff: Client, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(starting, "has_broker", lambda: True)
    monkeypatch.setattr(tasks, "send", lambda task, *given: asked.append((task, given)))
    at_risk(1, 0.45)
    with django_capture_on_commit_callbacks(execute=True):
        put(staff, version=0, limits=LIMITS)
    assert asked == [(tasks.settle_cases, (str(COURSE),))]
    assert not Case.objects.exists()
    assert tasks.settle_cases(str(COURSE)) == {"opened": 1, "closed": 0, "moved": 0}


def test_a_broker_that_is_down_keeps_nobody_from_setting_limits(
    staff: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def down(*_given: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(starting, "has_broker", lambda: True)
    monkeypatch.setattr(tasks, "send", down)
    with django_capture_on_commit_callbacks(execute=True):
        assert put(staff, version=0, limits=LIMITS)["version"] == 1
    assert "wait for the night" in caplog.text
