"""Where answers go: to a member of staff's own address only while it is theirs, and they are staff."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from nudge_xblock.communicator import automation, senders
from nudge_xblock.communicator.models import Letter

from ..moments import COURSE
from .conftest import SENDER, deliver
from .people import STAFF
from .post_office import PostOffice
from .staffed import DRAFT, call, learners

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("site")]
TEACHER = "teacher@example.org"
LEAVING: dict[str, dict[str, Any]] = {
    "another address": {"email": "new@example.org"},
    "not confirmed": {"is_active": False},
    "no longer staff": {"first_name": ""},
}


@pytest.fixture
def drafted(staff: Client) -> int:
    """A draft whose answers go to who wrote it."""
    get_user_model().objects.filter(pk=STAFF).update(email=TEACHER)
    learners()
    made = call(staff, "POST", "letters", {**DRAFT, "reply_to": TEACHER}).json()
    assert made["reply_to"] == TEACHER
    return int(made["id"])


def test_whose_an_address_is_stays_known_when_a_colleague_sends(drafted: int, staff: Client) -> None:
    people = get_user_model().objects
    colleague = people.create_user("colleague", "c@example.org", pk=30, first_name=f"staff-{COURSE}")
    other = Client()
    other.force_login(colleague)
    assert call(other, "PATCH", f"letters/{drafted}", {"subject": "Hi"}).status_code == 200
    assert call(other, "POST", f"letters/{drafted}/send").status_code == 200
    letter = Letter.objects.get()
    assert (letter.author_id, letter.reply_to, letter.reply_owner_id) == (30, TEACHER, STAFF)


def test_an_address_of_the_course_is_nobodys(drafted: int, staff: Client) -> None:
    call(staff, "PATCH", f"letters/{drafted}", {"reply_to": SENDER})
    assert Letter.objects.get().reply_owner_id is None


@pytest.mark.parametrize("change", LEAVING.values(), ids=LEAVING)
def test_an_address_that_is_theirs_no_more_is_refused_when_the_letter_is_sent(
    drafted: int, change: dict[str, Any]
) -> None:
    get_user_model().objects.filter(pk=STAFF).update(**change)
    answer = call(somebody_else(), "POST", f"letters/{drafted}/send")
    assert answer.status_code == 400
    assert "Answers cannot go to this address" in answer.json()["error"]["message"]


@pytest.mark.parametrize("change", LEAVING.values(), ids=LEAVING)
def test_mails_that_go_out_later_do_not_name_it_either(
    drafted: int, staff: Client, office: PostOffice, change: dict[str, Any]
) -> None:
    call(staff, "POST", f"letters/{drafted}/send")
    get_user_model().objects.filter(pk=STAFF).update(**change)
    automation.begin(drafted, timezone.now())
    deliver(Letter.objects.get(), timezone.now())
    assert len(office.mails) == 2
    assert not any(mail["Reply-To"] for mail in office.mails)


def test_a_copy_answers_to_who_copied_it(drafted: int, staff: Client) -> None:
    copied = call(staff, "POST", "letters/copy", {"letter": drafted}).json()["id"]
    assert senders.answer(Letter.objects.get(pk=copied)) == TEACHER
    copied = call(somebody_else(), "POST", "letters/copy", {"letter": drafted}).json()["id"]
    assert Letter.objects.get(pk=copied).reply_to == ""


def somebody_else() -> Client:
    """One of the staff of the whole site."""
    found = Client()
    found.force_login(get_user_model().objects.get(pk=22))
    return found
