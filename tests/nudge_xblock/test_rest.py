"""REST v1: who may call what, in one shape of answers and errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, override_settings
from django.utils import timezone

from nudge_xblock.compat import Platform
from nudge_xblock.models import Decision, Enrolment, Learner, Night
from predictor.store import ModelStore

from . import engagement
from .moments import COURSE, enrolled, placed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]

API = "/api/nudge/v1/"
OTHER = "course-v1:Elsewhere+X+1"
WHO = ("anonymous", "learner", "other learner", "staff of another course", "course staff", "global staff")
ALL, SIGNED_IN, OF_COURSE, OF_SITE = set(WHO), set(WHO[1:]), set(WHO[4:]), {WHO[5]}
DENIED = {"anonymous": 401}


class Roles(Platform):
    """Staff by name: `staff-<course key>`, and global staff everywhere."""

    def is_course_staff(self, user_id: int, course_key: Any) -> bool:
        user = get_user_model().objects.get(pk=user_id)
        return user.is_staff or user.first_name == f"staff-{course_key}"


@pytest.fixture(autouse=True)
def roles() -> Iterator[None]:
    with override_settings(NUDGE_COMPAT=f"{__name__}.Roles"):
        yield


@pytest.fixture
def people() -> dict[str, Client]:
    """A client for each kind of caller; the learner has a nudge."""
    make = get_user_model().objects.create_user
    users = {
        "learner": make("learner", pk=7),
        "other learner": make("other", pk=8),
        "staff of another course": make("other-staff", pk=20, first_name=f"staff-{OTHER}"),
        "course staff": make("staff", pk=21, first_name=f"staff-{COURSE}"),
        "global staff": make("global", pk=22, is_staff=True),
    }
    clients = {"anonymous": Client()}
    for name, user in users.items():
        clients[name] = Client()
        clients[name].force_login(user)
    return clients


def sent(user_id: int = 7) -> Decision:
    """A nudge that was sent to the learner."""
    placement = placed()
    variant = placement.variants.get(position=0)
    learner = enrolled(user_id).learner
    return Decision.objects.create(
        moment=uuid4().hex,
        learner=learner,
        course_key=COURSE,
        placement=placement,
        variant=variant,
        reason="explore",
        explored=True,
        propensity=0.1,
        propensities={str(variant.pk): 0.1, "hold": 0.9},
        draw=0.05,
        created=timezone.now() - timedelta(minutes=1),
    )


READS = {
    f"courses/{COURSE}/overview": OF_COURSE,
    f"courses/{COURSE}/decisions": OF_COURSE,
    f"courses/{COURSE}/placements": OF_COURSE,
    f"courses/{COURSE}/enrolments": OF_COURSE,
    "nights": OF_SITE,
    "models": OF_SITE,
    "me/preferences": SIGNED_IN,
}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("path", READS)
def test_only_those_who_may_read_read(people: dict[str, Client], path: str, who: str) -> None:
    answer = people[who].get(API + path)
    allowed = who in READS[path]
    assert answer.status_code == (200 if allowed else DENIED.get(who, 403)), answer.content
    if not allowed:
        assert set(answer.json()) == {"error"}
        assert set(answer.json()["error"]) == {"code", "message", "fields"}


@pytest.mark.parametrize("who", WHO)
def test_only_global_staff_roll_back(people: dict[str, Client], settings: Any, who: str) -> None:
    old = engagement.publish(settings.NUDGE_MODEL_DIR, seed=1)
    new = engagement.publish(settings.NUDGE_MODEL_DIR, seed=2)
    answer = people[who].post(API + "models/rollback", {"kind": "engagement"}, "application/json")
    serving = ModelStore(settings.NUDGE_MODEL_DIR).current("engagement")
    if who in OF_SITE:
        assert (answer.status_code, answer.json()) == (200, {"kind": "engagement", "serving": old})
    else:
        assert answer.status_code == DENIED.get(who, 403)
    assert serving == (old if who in OF_SITE else new)


@pytest.mark.parametrize("who", WHO)
def test_only_global_staff_start_the_night_and_get_its_row_to_poll(
    people: dict[str, Client], monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    launched: list[Night] = []
    monkeypatch.setattr("nudge_xblock.starting._launch", launched.append)
    answer = people[who].post(API + "nights", {}, "application/json")
    if who not in OF_SITE:
        assert answer.status_code == DENIED.get(who, 403)
        assert not Night.objects.exists()
        return
    assert answer.status_code == 202
    assert (answer.json()["running"], answer.json()["progress"]) == (True, 0.0)
    again = people[who].post(API + "nights", {}, "application/json")
    assert again.json()["id"] == answer.json()["id"], "a second press while one runs gets the running one"
    polled = people[who].get(f"{API}nights/{answer.json()['id']}")
    assert (polled.status_code, polled.json()["running"]) == (200, True)


@pytest.mark.parametrize("who", WHO)
def test_a_nudge_is_answered_by_its_own_learner_alone(people: dict[str, Client], who: str) -> None:
    decision = sent()
    answer = people[who].post(
        f"{API}decisions/{decision.pk}/response", {"what": "helpful", "key": "k"}, "application/json"
    )
    decision.refresh_from_db()
    if who == "learner":
        assert (answer.status_code, answer.json()["vote"]) == (200, "helpful")
        assert decision.helpful is True
    else:
        assert answer.status_code == DENIED.get(who, 403)
        assert decision.helpful is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"what": "love"}, "'love' is no answer"),
        ({}, "what: This field is required."),
        ({"what": "shown", "at": "noon"}, "at: A valid integer is required."),
        ({"what": "shown", "at": 10**15}, "at: Ensure this value is less"),
    ],
)
def test_an_answer_that_is_none_is_refused_in_words(people: dict[str, Client], body: Any, words: str) -> None:
    decision = sent()
    answer = people["learner"].post(f"{API}decisions/{decision.pk}/response", body, "application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid"
    assert words in answer.json()["error"]["message"]


def test_an_answer_to_no_nudge_at_all_is_refused(people: dict[str, Client]) -> None:
    answer = people["learner"].post(
        f"{API}decisions/{uuid4()}/response", {"what": "helpful"}, "application/json"
    )
    assert answer.status_code == 400
    assert "does not exist" in answer.json()["error"]["message"]


def test_preferences_are_the_callers_own_and_keep_what_is_left_out(people: dict[str, Client]) -> None:
    put = people["learner"].put(API + "me/preferences", {"opted_out": True}, "application/json")
    assert put.json() == {"opted_out": True, "fewer": 0}
    put = people["learner"].put(API + "me/preferences", {"fewer": 1}, "application/json")
    assert put.json() == {"opted_out": True, "fewer": 1}
    assert people["other learner"].get(API + "me/preferences").json() == {"opted_out": False, "fewer": 0}
    wrong = people["learner"].put(API + "me/preferences", {"fewer": 99}, "application/json")
    assert wrong.status_code == 400
    assert wrong.json()["error"]["fields"].keys() == {"fewer"}


def test_learners_appear_under_a_pseudonym_that_differs_between_courses(people: dict[str, Client]) -> None:
    decision = sent()
    Enrolment.objects.create(learner=decision.learner, course_key=OTHER)
    path = f"{API}courses/%s/enrolments"
    here = people["global staff"].get(path % COURSE).json()["results"][0]["learner"]
    there = people["global staff"].get(path % OTHER).json()["results"][0]["learner"]
    moment = datetime(2026, 9, 1, 17, 42, 3, tzinfo=UTC)
    Enrolment.objects.filter(course_key=COURSE).update(started=moment, last_seen=moment)
    told = people["global staff"].get(path % COURSE).json()["results"][0]
    assert told["started"] == told["last_seen"] == "2026-09-01"  # the moment itself would tell who it is
    row = people["course staff"].get(f"{API}courses/{COURSE}/decisions").json()["results"][0]
    assert row["learner"] == here != there
    assert row["sent"] is True
    assert row["reason"] == "explore"
    assert not {"features", "inputs", "user_id"} & set(row)


def test_lists_come_in_pages_that_are_read_to_the_end_once_each(people: dict[str, Client]) -> None:
    learners = [Learner.objects.create(user_id=100 + number) for number in range(25)]
    Enrolment.objects.bulk_create(Enrolment(learner=learner, course_key=COURSE) for learner in learners)
    url, seen = f"{API}courses/{COURSE}/enrolments?page_size=10", []
    while url:
        page = people["course staff"].get(url).json()
        seen += [row["learner"] for row in page["results"]]
        url = page["next"]
    assert len(seen) == len(set(seen)) == 25


def test_old_course_keys_are_addresses_too(people: dict[str, Client]) -> None:
    assert people["global staff"].get(f"{API}courses/MITx/6.002x/2013/placements").status_code == 200


@pytest.mark.parametrize("path", ["courses/course-v1:a+b+c+d%20e+f/placements", "nights/99"])
def test_what_is_not_there_is_not_found_in_words(people: dict[str, Client], path: str) -> None:
    answer = people["global staff"].get(API + path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_a_rollback_with_nothing_before_is_a_conflict_in_words(people: dict[str, Client]) -> None:
    answer = people["global staff"].post(API + "models/rollback", {"kind": "engagement"}, "application/json")
    assert answer.status_code == 409
    assert "nothing to roll back to" in answer.json()["error"]["message"]
    answer = people["global staff"].post(API + "models/rollback", {"kind": "x"}, "application/json")
    assert answer.status_code == 400


def test_models_tell_what_serves_and_name_the_broken(people: dict[str, Client], settings: Any) -> None:
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    found = people["global staff"].get(API + "models").json()["engagement"]
    assert found["serving"] == version
    assert [entry["version"] for entry in found["versions"]] == [version]
    assert found["history"][0]["action"] == "promote"


def test_a_method_that_is_not_there_has_the_same_shape(people: dict[str, Client]) -> None:
    answer = people["global staff"].delete(API + "nights")
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_an_overview_of_odd_days_is_refused(people: dict[str, Client]) -> None:
    answer = people["course staff"].get(f"{API}courses/{COURSE}/overview?days=13")
    assert answer.status_code == 400
    assert "days must be one of" in answer.json()["error"]["message"]
