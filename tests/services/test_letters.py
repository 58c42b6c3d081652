"""Letters on a real MariaDB: workers race and are killed; each learner has one mail or a failure."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.mail import get_connection
from django.test import override_settings
from django.utils import timezone

from nudge_xblock.communicator import automation, claims, delivery, desk, picking
from nudge_xblock.communicator.models import Delivery, Letter
from nudge_xblock.models import Enrolment, Learner
from tests.conftest import Server
from tests.flow.conftest import ROOT
from tests.nudge_xblock.communicator import post_office
from tests.nudge_xblock.communicator.conftest import SENDER
from tests.nudge_xblock.communicator.post_office import PostOffice
from tests.nudge_xblock.moments import COURSE
from tests.services.racing import at_once

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("on_mariadb")]
State = Delivery.State


@pytest.fixture
def office() -> Iterator[PostOffice]:
    """A mail server that takes a moment for each mail."""
    settings = {"NUDGE_SITE_URL": "https://learn.example.org", "NUDGE_MAIL_SENDERS": {"*": [SENDER]}}
    with post_office.opened(**settings, NUDGE_COOL_DOWN_MINUTES=0, NUDGE_MAIL_PER_MINUTE=0) as found:
        taken = found.handle_DATA

        async def slowly(server: Any, session: Any, envelope: Any) -> str:
            answer = await taken(server, session, envelope)
            await asyncio.sleep(0.02)  # accepted, and the worker does not know yet
            return answer

        found.handle_DATA = slowly  # type: ignore[method-assign]
        yield found


def queued(count: int) -> Letter:
    """A letter whose mails to so many learners wait."""
    users = get_user_model().objects
    users.bulk_create(
        users.model(pk=n, username=f"u{n}", email=f"u{n}@example.org", first_name=f"N{n}")
        for n in range(1, count + 1)
    )
    learners = Learner.objects.bulk_create(Learner(user_id=n) for n in range(1, count + 1))
    now = timezone.now()
    learners = list(Learner.objects.all())
    Enrolment.objects.bulk_create(
        Enrolment(learner=each, course_key=COURSE, mode="audit", last_seen=now) for each in learners
    )
    letter = Letter.objects.create(
        course_key=COURSE, author_id=99, subject="To [:firstname:]", body="<p>[:fullname:]</p>",
        sender=SENDER, selection="everyone=1", state=Letter.State.SCHEDULED,
    )  # fmt: skip
    assert automation.begin(letter.pk, now)
    assert letter.deliveries.count() == count
    return letter


def postmen(letter: Letter, database: str, kills: int, *more: str) -> int:
    """Let workers send the letter and be killed; how many were."""
    child = subprocess.run(
        [
            *(sys.executable, "-m", "tests.services.postmen", str(letter.pk)),
            *("--kills", str(kills), "--seed", "7", *more),
        ],
        cwd=ROOT,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "NUDGE_TEST_MYSQL": database,
            "NUDGE_TEST_SMTP": str(get_connection().port),
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-3000:]
    return int(child.stdout.split()[-1])


def test_workers_killed_at_random_moments_send_each_mail_once_or_say_that_they_do_not_know(
    office: PostOffice, mariadb: Server
) -> None:
    letter = queued(60)
    killed = postmen(letter, mariadb.socket, 12)
    assert killed >= 3
    rows = letter.deliveries.values_list("learner__user_id", "state", "reason")
    for user_id, state, reason in rows:
        mails = office.received[f"u{user_id}@example.org"]
        if state == State.SENT:
            assert mails == 1
        else:
            assert (state, reason) == (State.FAILED, "unknown")
            assert mails <= 1
    unknown = sum(reason == "unknown" for _user, _state, reason in rows)
    assert unknown <= killed
    assert office.received.total() >= 60 - unknown
    letter.refresh_from_db()
    assert letter.state == Letter.State.SENT


def test_workers_that_race_claim_each_row_once(office: PostOffice) -> None:
    letter = queued(40)
    now = timezone.now()
    found = at_once(
        lambda number: [row.pk for row in claims.claim(letter.pk, f"w{number}", now, 10)], range(6)
    )
    claimed = Counter(pk for each in found for pk in each)
    assert claimed.total() == 40
    assert max(claimed.values()) == 1


def test_workers_that_race_send_each_mail_once(office: PostOffice) -> None:
    letter = queued(60)

    def work(number: int) -> None:
        while delivery.work(letter.pk).again is not None:
            pass

    with override_settings(NUDGE_MAIL_BATCH=7):
        at_once(work, range(4))
    assert set(office.received.values()) == {1}
    assert office.received.total() == 60


def test_looks_for_new_matches_that_race_make_one_row_each() -> None:
    letter = queued(30)
    Delivery.objects.all().delete()
    now = timezone.now()
    at_once(lambda _number: picking.queue(Letter.objects.get(pk=letter.pk), now), range(4))
    assert letter.deliveries.count() == 30


def test_two_presses_at_once_send_a_letter_once(office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    launched: list[int] = []
    monkeypatch.setattr(desk.launching, "_launch", lambda letter_id, at: launched.append(letter_id))
    letter = queued(5)
    Delivery.objects.all().delete()
    Letter.objects.update(state=Letter.State.DRAFT)

    def press(number: int) -> str:
        try:
            desk.send(COURSE, 99, letter.pk, None, timezone.now())
        except ValueError:
            return "refused"
        return "sent"

    assert Counter(at_once(press, range(4))) == {"sent": 1, "refused": 3}
    assert launched == [letter.pk]


def test_a_stop_while_workers_send_stops_them_and_every_row_is_settled(office: PostOffice) -> None:
    letter = queued(80)

    def work(number: int) -> None:
        if number == 0:
            while office.received.total() < 10:
                pass
            claims.stop(letter.pk, timezone.now())
            return
        while delivery.work(letter.pk).again is not None:
            pass

    with override_settings(NUDGE_MAIL_BATCH=5):
        at_once(work, range(3))
    states = Counter(letter.deliveries.values_list("state", flat=True))
    assert set(states) <= {State.SENT, State.SKIPPED}
    assert states[State.SENT] == office.received.total()
    assert states[State.SENT] < 80
