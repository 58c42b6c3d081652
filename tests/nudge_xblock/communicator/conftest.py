"""What the tests of sending share: a mail server, an author, and learners who match."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, override_settings

from nudge_xblock.communicator import automation, delivery, launching
from nudge_xblock.communicator.models import Letter

from ..moments import COURSE, NOW
from . import post_office
from .people import clients
from .post_office import PostOffice

SENDER = "courses@example.org"


@pytest.fixture
def office() -> Iterator[PostOffice]:
    """A mail server that the plugin sends through, on a site whose address is known."""
    with post_office.opened(
        NUDGE_SITE_URL="https://learn.example.org", NUDGE_MAIL_SENDERS={"*": [SENDER]}
    ) as it:
        yield it


@pytest.fixture(autouse=True)
def launched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, datetime | None]]:
    """Letters that a worker was asked to begin with, instead of a process that begins with them."""
    asked: list[tuple[int, datetime | None]] = []
    monkeypatch.setattr(launching, "_launch", lambda letter_id, at: asked.append((letter_id, at)))
    return asked


@pytest.fixture
def site() -> Iterator[None]:
    """A site where staff are known by name, with an address to write from."""
    with override_settings(
        NUDGE_COMPAT="tests.nudge_xblock.communicator.people.Roles",
        NUDGE_MAIL_SENDERS={"*": [SENDER]},
        NUDGE_SITE_URL="https://learn.example.org",
        NUDGE_COOL_DOWN_MINUTES=0,
    ):
        yield


@pytest.fixture
def staff(site: None) -> Client:
    return clients()["course staff"]


def written(**fields: Any) -> Letter:
    """A confirmed letter to everyone in the course, which waits to be begun."""
    usual = {
        "course_key": COURSE,
        "author_id": 21,
        "subject": "Week 3, [:firstname:]",
        "body": "<p>Dear [:fullname:], look again.</p>",
        "sender": SENDER,
        "selection": "everyone=1",
        "state": Letter.State.SCHEDULED,
        "at": NOW,
    }
    return Letter.objects.create(**(usual | fields))


def answered() -> dict[str, Any]:
    """A letter's fields when answers go to a member of staff, who is made for it."""
    address = "teacher@example.org"
    owner = get_user_model().objects.create_user("teacher", address, pk=70, is_staff=True)
    return {"reply_to": address, "reply_owner_id": owner.pk}


def send(letter: Letter, now: datetime = NOW) -> None:
    """Begin a letter and send all that may go out now."""
    automation.begin(letter.pk, now)
    deliver(letter, now)


def deliver(letter: Letter, now: datetime = NOW) -> None:
    with override_settings(NUDGE_MAIL_PER_MINUTE=0):
        while True:
            again = delivery.work(letter.pk, lambda: now).again
            if again is None or again > now:
                break
    letter.refresh_from_db()
