"""REST of at-risk cases: a case's whole life, lists that say what they hold, and settings with a meaning."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.atrisk import casework, listing, rows
from nudge_xblock.atrisk.models import Case, CaseEvent, RiskSettings
from nudge_xblock.communicator.models import Audit, Letter
from nudge_xblock.compat import platform
from nudge_xblock.models import Enrolment, InboxEvent

from ..moments import COURSE
from .people import HERE, OTHER, STAFF, call, clients
from .somebody import DAY, NOW, at_risk, day, flagged

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def roles(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    with override_settings(NUDGE_COMPAT="tests.nudge_xblock.atrisk.people.Roles", SESSION_COOKIE_AGE=10**9):
        yield


@pytest.fixture
def people() -> dict[str, Client]:
    return clients()


@pytest.fixture
def staff(people: dict[str, Client]) -> Client:
    return people["course staff"]


def get(client: Client, path: str = "cases", status: int = 200) -> Any:
    answer = call(client, "GET", HERE + path)
    assert answer.status_code == status, answer.content
    return answer.json()


def post(client: Client, path: str, status: int = 200, **body: Any) -> Any:
    answer = call(client, "POST", HERE + path, body)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_a_case_from_the_night_that_finds_it_to_the_day_it_is_opened_again(staff: Client) -> None:
    number = flagged(1).pk
    path = f"cases/{number}"
    noted = post(staff, path + "/notes", text=" Called; nobody there. ")
    assert noted["version"] == 0, "who writes a note overwrites nothing"
    given = post(staff, path + "/assign", user=STAFF, version=0)
    assert given["assignee"] == {"id": STAFF, "name": "staff"}
    back = post(staff, path + "/assign", user=None, version=1)
    assert back["assignee"] is None
    done = post(staff, path + "/resolve", outcome="agreed", text="Comes back on Monday.", version=2)
    assert (done["state"], done["state_words"], done["outcome_words"]) == (
        "resolved", "Resolved", "Reached, and agreed on what comes next",
    )  # fmt: skip
    assert done["closed"] == NOW.isoformat()
    assert get(staff)["cases"] == []
    assert [each["id"] for each in get(staff, "cases?state=ended")["cases"]] == [number]
    again = post(staff, path + "/reopen", version=3)
    assert (again["state"], again["outcome"], again["closed"], again["version"]) == ("open", "", None, 4)
    told = [(each["what"], each["who"], each["words"], each["text"]) for each in again["history"]]
    assert told == [
        ("opened", "", "Opened as High: Absence", ""),
        ("note", "staff", "Note", "Called; nobody there."),
        ("assigned", "staff", "Given to staff", ""),
        ("assigned", "staff", "Given back: nobody has it", ""),
        ("resolved", "staff", "Resolved: Reached, and agreed on what comes next", "Comes back on Monday."),
        ("reopened", "staff", "Opened again", ""),
    ]
    done_here = Audit.objects.exclude(what__endswith="_seen").values_list("what", flat=True).order_by("pk")
    assert list(done_here) == [
        "case_noted", "case_assigned", "case_assigned", "case_resolved", "case_reopened",
    ]  # fmt: skip
    assert {str(each) for each in Audit.objects.values_list("detail__case", flat=True)} == {
        str(number),
        "None",
    }


def test_of_two_who_change_a_case_the_second_sees_what_the_first_did(people: dict[str, Client]) -> None:
    path = f"cases/{flagged(1).pk}"
    post(people["course staff"], path + "/assign", user=STAFF, version=0)
    for what, body in (
        ("assign", {"user": None}), ("resolve", {"outcome": "helped"}), ("reopen", {}),
    ):  # fmt: skip
        answer = post(people["global staff"], f"{path}/{what}", 409, version=0, **body)
        assert answer["error"]["code"] == "changed"
        assert (answer["case"]["version"], answer["case"]["assignee"]["id"]) == (1, STAFF)
        assert answer["case"]["state"] == "open"


def test_what_a_cases_state_does_not_allow_is_refused_in_words(staff: Client) -> None:
    path = f"cases/{flagged(1).pk}"
    assert "open" in post(staff, path + "/reopen", 409, version=0)["error"]["message"]
    post(staff, path + "/resolve", outcome="other", version=0)
    for what, body in (("assign", {"user": STAFF}), ("resolve", {"outcome": "helped"})):
        assert "has ended" in post(staff, f"{path}/{what}", 409, version=1, **body)["error"]["message"]


def test_a_case_is_not_opened_again_beside_a_newer_one(staff: Client) -> None:
    old = flagged(1, 0.75).pk
    post(staff, f"cases/{old}/resolve", outcome="other", version=0)
    new = flagged(1, 0.95).pk
    assert new != old
    answer = post(staff, f"cases/{old}/reopen", 409, version=1)
    assert "Another case of this learner is open" in answer["error"]["message"]
    assert Case.objects.get(pk=old).state == "resolved"


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("notes", {"text": "  "}, "text"),
        ("notes", {"text": "x" * 5001}, "text"),
        ("notes", {}, "text"),
        ("assign", {"version": 0}, "user"),
        ("assign", {"user": STAFF}, "version"),
        ("assign", {"user": "me", "version": 0}, "user"),
        ("resolve", {"outcome": "gone", "version": 0}, "outcome"),
        ("resolve", {"outcome": "improved", "version": 0}, "outcome"),
        ("resolve", {"outcome": "helped", "version": 0, "text": 5 * ["x"]}, "text"),
        ("reopen", {"version": -1}, "version"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_field(
    staff: Client, what: str, body: dict[str, Any], field: str
) -> None:
    number = flagged(1).pk
    before = list(Case.objects.values())
    answer = call(staff, "POST", HERE + f"cases/{number}/{what}", body)
    assert answer.status_code == 400
    assert field in answer.json()["error"]["fields"]
    assert list(Case.objects.values()) == before


def test_the_page_of_a_case_says_why_and_what_moved_it(staff: Client) -> None:
    case = flagged(1, unknown=["help"])
    for ago, chance, absence in ((8, 0.5, 0.2), (1, 0.8, 1.3), (0, 0.9, 2.1)):
        day(case.enrolment, ago, chance, absence=absence, grades=0.4)
    told = get(staff, f"cases/{case.pk}")
    assert [each["group"] for each in told["reasons"]] == ["absence", "grades"]
    first = told["reasons"][0]
    assert (first["chance_if_typical"], first["points"]) == (40, 50)
    assert first["numbers"][0]["value"] == 12.0
    assert told["unknown"] == ["Asking for help"]
    assert (told["change"], [each["chance"] for each in told["days"]]) == (40, [50, 80, 90])
    assert told["days"][0]["moved"] == []
    moved = told["days"][1]["moved"]
    assert (moved[0]["group"], moved[0]["points"]) == ("absence", 24)
    assert sum(each["points"] for each in moved) == 30
    assert [each["name"] for each in told["staff"]] == ["adviser", "staff"]
    assert {each["value"] for each in told["outcomes"]} >= {"agreed", "no_answer", "not_needed"}


def test_a_case_without_a_leading_reason_is_told_as_that(staff: Client) -> None:
    number = flagged(1, partial=True, reasons=[], group="").pk
    other = flagged(2).pk
    for query, wanted in (("several", [number]), ("absence", [other]), ("absence,several", [number, other])):
        assert sorted(each["id"] for each in get(staff, f"cases?group={query}")["cases"]) == wanted
    told = get(staff, f"cases/{number}")
    assert (told["group"], told["group_words"], told["partial"]) == ("", "Several things together", True)
    assert told["sentence"]
    assert told["intervention"]


def test_nobody_is_told_who_a_learner_is(staff: Client) -> None:
    number = flagged(918273645).pk
    get_user_model().objects.filter(pk=918273645).update(first_name="Secretname", last_name="Hidden")
    for path in ("cases", f"cases/{number}", "cases.csv", "cases/settings"):
        text = call(staff, "GET", HERE + path).content.decode()
        for secret in ("918273645", "Secretname", "Hidden", "learner918273645@"):
            assert secret not in text
    assert (
        platform().anonymous_id(918273645, COURSE)[:16] in call(staff, "GET", HERE + "cases").content.decode()
    )


def test_the_most_urgent_come_first(staff: Client) -> None:
    found = {chance: flagged(int(100 * chance), chance).pk for chance in (0.55, 0.9, 0.72, 0.97, 0.78)}
    listed = [each["id"] for each in get(staff)["cases"]]
    assert listed == [found[chance] for chance in (0.97, 0.9, 0.78, 0.72, 0.55)]
    newest = [each["id"] for each in get(staff, "cases?order=opened")["cases"]]
    assert newest == sorted(found.values(), reverse=True)


def test_counts_are_of_all_open_cases_whatever_is_asked_for(staff: Client) -> None:
    mine = flagged(1, 0.9).pk
    flagged(2, 0.72, partial=True)
    flagged(3, 0.55)
    at_risk(4, 0.1)
    post(staff, f"cases/{mine}/assign", user=STAFF, version=0)
    for query in ("", "?tier=marginal", "?state=ended", "?who=" + "0" * 16):
        assert get(staff, "cases" + query)["counts"] == {
            "open": 3, "high": 1, "moderate": 1, "marginal": 1, "mine": 1, "unassigned": 2, "never_came": 1,
            "assessed": 4,
        }  # fmt: skip


def test_each_filter_holds_what_it_says(staff: Client) -> None:
    one, two, three = flagged(1, 0.9).pk, flagged(2, 0.72, group="grades").pk, flagged(3, 0.55).pk
    post(staff, f"cases/{one}/assign", user=STAFF, version=0)
    post(staff, f"cases/{three}/resolve", outcome="other", version=0)
    who = platform().anonymous_id(2, COURSE)[:16]
    held = {
        "tier=high": {one}, "tier=high,moderate": {one, two},
        "tier=high&tier=moderate": {one, two}, "group=grades": {two}, "owner=assistant": {two},
        "owner=adviser": {one}, "state=ended": {three}, "state=all": {one, two, three}, "assignee=me": {one},
        "assignee=none": {two}, f"assignee={STAFF}": {one}, "assignee=404": set(), f"who={who}": {two},
        "tier=high&group=grades": set(), "": {one, two}, "tier=&state=": {one, two},
    }  # fmt: skip
    for query, expected in held.items():
        assert {each["id"] for each in get(staff, f"cases?{query}")["cases"]} == expected, query
        table = call(staff, "GET", HERE + f"cases.csv?{query}").content.decode()
        assert {int(row["case"]) for row in csv.DictReader(io.StringIO(table))} == expected, query


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("tier=worst", "high"), ("group=weather", "absence"), ("owner=nobody", "adviser"),
        ("state=gone", "ended"), ("order=name", "urgency"), ("assignee=x", "me"),
        ("assignee=99999999999999999999", "none"),
        ("who=Zoe", "hexadecimal"), ("page=0", "from 1"), ("page=x", "from 1"), ("page=9999999999", "from 1"),
        ("colour=red", "tier"), ("state=open&state=ended", "open"),
    ],
)  # fmt: skip
def test_an_unknown_filter_says_which_there_are(staff: Client, query: str, says: str) -> None:
    for path in (HERE + "cases", HERE + "cases.csv", "cases", "cases.csv"):
        answer = call(staff, "GET", f"{path}?{query}")
        assert answer.status_code == 400
        assert says in answer.json()["error"]["message"]
        assert list(answer.json()["error"]["fields"]) == [query.split("=")[0]]


def test_pages_hold_each_case_once(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE", 3)
    for user_id in range(1, 9):
        flagged(user_id, 0.9)
    seen = [each["id"] for page in (1, 2, 3) for each in get(staff, f"cases?page={page}")["cases"]]
    assert (len(seen), len(set(seen)), get(staff)["pages"]) == (8, 8, 3)
    assert get(staff, "cases?page=4")["cases"] == []
    assert {get(staff, f"cases?page={page}")["total"] for page in (1, 3, 4)} == {8}
    assert get(staff, "cases?tier=marginal")["total"] == 0


def test_when_a_learner_was_last_there(staff: Client) -> None:
    for user_id, last in ((1, NOW - 3 * DAY), (2, None), (3, NOW - 9 * DAY)):
        flagged(user_id)
        Enrolment.objects.filter(learner__user_id=user_id).update(last_seen=last)
    InboxEvent.objects.create(digest="d", course_key=COURSE, user_id=3, time=NOW - DAY, token="play_video")
    names = {platform().anonymous_id(user_id, COURSE)[:16]: user_id for user_id in (1, 2, 3)}
    assert {names[each["learner"]]: each["seen"] for each in get(staff)["cases"]} == {1: 3, 2: "never", 3: 1}


def test_a_table_holds_values_and_no_formulas(staff: Client) -> None:
    flagged(1)
    evil = '=HYPERLINK("http://x.org")'
    RiskSettings.objects.create(
        course_key=COURSE, marginal=50, moderate=70, high=85, version=1,
        plan={"absence": {"owner": "adviser", "intervention": evil}},
    )  # fmt: skip
    get_user_model().objects.filter(pk=STAFF).update(username="+cmd")
    Case.objects.update(assignee_id=STAFF)
    [row] = csv.DictReader(io.StringIO(call(staff, "GET", HERE + "cases.csv").content.decode()))
    assert (row["intervention"], row["assignee"]) == (f"'{evil}", "'+cmd")
    assert (row["chance"], row["days_since_seen"], row["closed"]) == ("90", "12", "")


def test_lists_and_pages_are_in_the_readers_language(staff: Client) -> None:
    flagged(1)
    with translation.override("ar"):
        words = {str(rows.group_words("absence"))}
    assert words != {"Absence"}
    answer = staff.get("/api/nudge/v1/" + HERE + "cases", headers={"accept-language": "ar"})
    assert {each["group_words"] for each in answer.json()["cases"]} == words


def programme(courses: int, each: int) -> None:
    for number in range(courses):
        course = CourseKey.from_string(f"course-v1:Programme+C{number}+1")
        for user_id in range(1, each + 1):
            at_risk(100 * number + user_id, 0.5 + 0.5 * user_id / each - 0.001, course=course)
        casework.settle(course, NOW)


def statements(client: Client, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as told:
        assert call(client, "GET", path).status_code == 200
    return len(told)


def test_a_programme_is_listed_in_a_handful_of_statements_however_large(people: dict[str, Client]) -> None:
    client = people["global staff"]
    programme(2, 3)
    for path in ("cases", "cases.csv"):
        statements(client, path)  # the first look is written down, later ones are counted
        few = statements(client, path)
        assert few <= 25, f"{path}: {few}"
    before = {path: statements(client, path) for path in ("cases", "cases.csv")}
    programme(12, 9)
    for path in before:
        statements(client, path)
        assert statements(client, path) <= before[path] + 1, path
    answer = call(client, "GET", "cases").json()
    assert (answer["counts"]["open"], len(answer["cases"]), answer["pages"]) == (108, 50, 3)
    assert (len(answer["courses"]), answer["courses"][0]["open"]) == (12, 9)
    narrowed = call(
        client, "GET", "cases?course=course-v1:Programme%2BC0%2B1&course=course-v1:Programme%2BC1%2B1"
    )
    assert narrowed.json()["counts"]["open"] == 18
    assert len(narrowed.json()["courses"]) == 12, "the others can still be chosen"


def test_who_looks_over_all_courses_is_written_down_in_each_of_those_shown(people: dict[str, Client]) -> None:
    flagged(1)
    flagged(2, course=OTHER)
    for _again in range(3):
        call(people["global staff"], "GET", "cases")
    call(people["global staff"], "GET", "cases?tier=high")
    call(people["global staff"], "GET", "cases.csv?group=absence")
    for course in (COURSE, CourseKey.from_string(OTHER)):
        told = Audit.objects.filter(course_key=course).order_by("pk").values_list("what", "times", "detail")
        assert list(told) == [
            ("cases_seen", 3, {"query": {}}),
            ("cases_seen", 1, {"query": {"tier": "high"}}),
            ("cases_exported", 1, {"query": {"group": "absence"}}),
        ]


def test_a_look_that_showed_nobody_is_written_down_once_too(people: dict[str, Client]) -> None:
    for _again in range(3):
        call(people["global staff"], "GET", "cases")
    assert [(row.course_key, row.what, row.times) for row in Audit.objects.all()] == [(None, "cases_seen", 3)]


def test_the_audit_does_not_tell_which_learner_was_looked_for(staff: Client) -> None:
    get(staff, "cases?who=" + "a" * 16)
    assert Audit.objects.get().detail == {"query": {}}


def test_the_history_names_what_went_out_and_forgets_who_was_retired(staff: Client) -> None:
    case = flagged(1)
    letter = Letter.objects.create(course_key=COURSE, subject="Come back, [:firstname:]")
    for what, more in (
        ("mail", {"detail": {"letter": letter.pk, "delivery": 1}}), ("popup", {"detail": {"letter": 999}}),
        ("assigned", {"author_id": None, "about_id": None}), ("later", {}),
    ):  # fmt: skip
        CaseEvent.objects.create(case=case, at=NOW, what=what, **more)
    assert [each["words"] for each in get(staff, f"cases/{case.pk}")["history"]] == [
        "Opened as High: Absence",
        "A mail went out: “Come back, [:firstname:]”",
        "A pop-up was shown",
        "Given to someone who has left",
        "later",
    ]


def test_next_steps_are_told_while_the_case_is_open(staff: Client) -> None:
    number = flagged(1).pk
    assert all(step["words"] and step["url"] for step in get(staff, f"cases/{number}")["next_steps"])
    assert get(staff, f"cases/{number}")["next_steps"]
    post(staff, f"cases/{number}/resolve", outcome="leaving", version=0)
    assert get(staff, f"cases/{number}")["next_steps"] == []


def test_a_case_of_a_learner_who_is_not_assessed_any_more_can_still_be_read(staff: Client) -> None:
    case = flagged(1)
    case.enrolment.risk.delete()
    told = get(staff, f"cases/{case.pk}")
    assert (told["chance"], told["change"], told["seen"], told["sentence"]) == (90, None, 12, "")
    assert (told["reasons"], told["unknown"], told["partial"]) == ([], [], False)
    assert "90" in call(staff, "GET", HERE + "cases.csv").content.decode()
