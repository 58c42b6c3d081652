"""REST of the learners' figures: for the course's staff alone, each call written down."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings

from nudge_xblock.communicator.models import Audit, SavedSelection
from nudge_xblock.compat import platform

from ..moments import COURSE
from .learners import learner
from .people import ALLOWED, API, OTHER, STAFF, WHO, clients

pytestmark = pytest.mark.django_db
JSON = "application/json"
SECRET = "q7Wm2Zk9Tn4Rb8Yc1Vx6Hd3Jf5Lg0Psa"


@pytest.fixture(autouse=True)
def roles() -> Iterator[None]:
    with override_settings(NUDGE_COMPAT="tests.nudge_xblock.communicator.people.Roles"):
        yield


@pytest.fixture
def people() -> dict[str, Client]:
    for user_id, chance in ((7, 0.1), (8, 0.9)):
        learner(user_id, chances={"pass": chance, "complete": 0.7})
    return clients()


@pytest.fixture
def staff(people: dict[str, Client]) -> Client:
    return people["course staff"]


def name(user_id: int) -> str:
    return platform().anonymous_id(user_id, COURSE)[:16]


CALLS = {
    "learners": "learners_seen",
    "learners/count?pass=0-40": "learners_counted",
    f"learners/trends?who={'0' * 16}": "trends_seen",
    "learners.csv?pass=0-40": "learners_exported",
    "selections": "selections_seen",
    "audit": "audit_seen",
}


def told(error: Any) -> dict[str, Any]:
    body = error.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "fields"}
    return dict(body["error"])


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("call", CALLS)
def test_only_the_courses_staff_read(people: dict[str, Client], call: str, who: str) -> None:
    answer = people[who].get(API + call)
    if who in ALLOWED:
        assert answer.status_code == 200
        assert Audit.objects.get().what == CALLS[call]
    else:
        assert answer.status_code == (401 if who == "anonymous" else 403)
        assert told(answer)["code"] in ("not_authenticated", "permission_denied")
        whats = list(Audit.objects.values_list("what", "detail"))
        assert whats == ([] if who == "anonymous" else [("refused", {"call": CALLS[call], "status": 403})])


@pytest.mark.parametrize("who", WHO)
def test_only_the_courses_staff_save_and_delete(people: dict[str, Client], who: str) -> None:
    saved = people[who].post(API + "selections", {"name": "Mine", "query": "pass=0-40"}, JSON)
    assert saved.status_code == (201 if who in ALLOWED else 401 if who == "anonymous" else 403)
    row, _ = SavedSelection.objects.get_or_create(course_key=COURSE, name="Mine")
    gone = people[who].delete(f"{API}selections/{row.pk}")
    assert gone.status_code == (204 if who in ALLOWED else saved.status_code)
    assert SavedSelection.objects.exists() == (who not in ALLOWED)


def test_staff_of_one_course_reach_nothing_of_another_by_its_number(people: dict[str, Client]) -> None:
    mine = SavedSelection.objects.create(course_key=COURSE, name="Mine")
    theirs = f"/api/nudge/v1/courses/{OTHER}/selections/{mine.pk}"
    assert people["staff of another course"].delete(theirs).status_code == 404
    assert SavedSelection.objects.filter(pk=mine.pk).exists()


@pytest.mark.parametrize("token", [None, "x" * 64, "forged"], ids=["missing", "of another", "forged"])
def test_what_changes_something_needs_the_pages_own_token(
    people: dict[str, Client], token: str | None
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = people["course staff"].cookies
    strict.cookies["csrftoken"] = SECRET
    headers = {} if token is None else {"HTTP_X_CSRFTOKEN": token}
    row = SavedSelection.objects.create(course_key=COURSE, name="Here")
    saved = strict.post(API + "selections", {"name": "Mine", "query": "pass=0-40"}, JSON, **headers)
    gone = strict.delete(f"{API}selections/{row.pk}", **headers)
    assert [saved.status_code, gone.status_code] == [403, 403]
    assert "CSRF" in told(saved)["message"]
    assert list(SavedSelection.objects.values_list("name", flat=True)) == ["Here"]
    right = {"HTTP_X_CSRFTOKEN": SECRET}
    assert strict.delete(f"{API}selections/{row.pk}", **right).status_code == 204


def test_the_payload_comes_packed_and_is_not_kept_by_anybody(staff: Client) -> None:
    for user_id in range(100, 160):
        learner(user_id)
    answer = staff.get(API + "learners", HTTP_ACCEPT_ENCODING="gzip")
    assert answer["Content-Encoding"] == "gzip"
    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]
    assert json.loads(gzip.decompress(answer.content))["n"] == 62
    assert Audit.objects.get().detail == {"learners": 62}


def test_the_server_counts_what_the_address_says(staff: Client) -> None:
    answer = staff.get(API + "learners/count?pass=0-40&complete=60-100")
    assert answer.json() == {"matched": 1, "reachable": 1}
    assert Audit.objects.get().detail == {"query": "pass=0-40&complete=60-100", "matched": 1, "reachable": 1}


@pytest.mark.parametrize("call", ["learners/count", "learners.csv"])
def test_a_selection_that_cannot_be_read_is_refused_in_words(staff: Client, call: str) -> None:
    answer = staff.get(f"{API}{call}?pass=40")
    assert answer.status_code == 400
    assert "“pass” is a range" in told(answer)["message"]
    assert Audit.objects.get().what == "refused"


def test_the_table_is_a_file_of_the_chosen(staff: Client) -> None:
    answer = staff.get(API + "learners.csv?pass=0-40")
    assert answer["Content-Disposition"] == 'attachment; filename="learners.csv"'
    assert [row["learner"] for row in csv.DictReader(io.StringIO(answer.content.decode()))] == [name(7)]
    assert Audit.objects.get().detail == {"query": "pass=0-40", "learners": 1}


def test_lines_over_time_are_of_those_asked_for(staff: Client) -> None:
    answer = staff.get(f"{API}learners/trends?who={name(7)},{name(8)}")
    assert set(answer.json()["learners"]) == {name(7), name(8)}
    assert staff.get(API + "learners/trends?who=everyone").status_code == 400
    assert staff.get(API + "learners/trends").json()["learners"] == {}


def test_a_selection_is_saved_listed_and_refused_twice(staff: Client) -> None:
    made = staff.post(API + "selections", {"name": "Mine", "query": "seen=7-&pass=40-"}, JSON)
    assert made.json() == {"n": made.json()["n"], "name": "Mine", "query": "pass=40-100&seen=7-"}
    assert staff.get(API + "selections").json() == [made.json()]
    again = staff.post(API + "selections", {"name": "Mine", "query": "pass=0-1"}, JSON)
    assert (again.status_code, told(again)["code"]) == (409, "conflict")
    assert staff.post(API + "selections", {"name": "Bad", "query": "pass=1"}, JSON).status_code == 400
    assert set(told(staff.post(API + "selections", {}, JSON))["fields"]) == {"name", "query"}
    assert staff.delete(f"{API}selections/999999").status_code == 404


def test_the_audit_tells_who_did_what(staff: Client) -> None:
    staff.get(API + "learners/count?pass=0-40")
    row = staff.get(API + "audit").json()[0]
    assert (row["who"], row["what"], row["words"]) == ("staff", "learners_counted", "Counted a selection")


def test_refusals_are_written_down_once_a_minute(people: dict[str, Client]) -> None:
    for _ in range(3):
        people["learner"].get(API + "learners")
    assert Audit.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_kept_where_requests_are_transactions(people: dict[str, Client]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        assert people["learner"].get(API + "learners").status_code == 403
        assert people["course staff"].get(API + "learners/count?pass=1").status_code == 400
    assert sorted(Audit.objects.values_list("user_id", flat=True)) == [18, STAFF]


def test_what_is_no_course_is_not_found_and_not_written_down(staff: Client) -> None:
    answer = staff.get("/api/nudge/v1/courses/a+b+c%20d/learners")
    assert (answer.status_code, told(answer)["code"]) == (404, "not_found")
    assert not Audit.objects.exists()


@pytest.mark.parametrize("call", CALLS)
def test_nobodys_name_or_address_is_in_any_answer(staff: Client, call: str) -> None:
    body = staff.get(API + call).content.decode()
    assert not any(secret in body for secret in ("Zoë", "learner-7", "@example.org"))


def test_the_audit_can_leave_out_looks_and_goes_on_page_by_page(staff: Client) -> None:
    staff.post(API + "selections", {"name": "Mine", "query": "seen=7-"}, JSON)
    staff.get(API + "learners/count?pass=0-40")
    rows = staff.get(API + "audit?looks=0").json()
    assert [row["what"] for row in rows] == ["selection_saved"]
    every = staff.get(API + "audit").json()
    older = staff.get(API + f"audit?before={every[-2]['n']}").json()
    assert [row["what"] for row in older] == ["selection_saved"]
    for wrong in ("before=x", "before=-1", "looks=2"):
        assert staff.get(API + f"audit?{wrong}").status_code == 400
