"""Sending over a real SMTP server: each learner once, restraint obeyed, every failure told apart."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.test import override_settings
from django.utils import timezone

from nudge_xblock import decisions
from nudge_xblock.communicator import automation, claims, delivery
from nudge_xblock.communicator.models import Delivery, Letter, Suppression
from nudge_xblock.communicator.suppression import mark
from nudge_xblock.models import Learner

from ..moments import CLAIM, COURSE, NOW, fields, happened, placed
from . import post_office
from .conftest import SENDER, answered, deliver, send, written
from .learners import learner
from .post_office import PostOffice, parts

pytestmark = [pytest.mark.django_db(transaction=True)]
State = Delivery.State


@pytest.fixture(autouse=True)
def no_caps() -> Any:
    with override_settings(NUDGE_COOL_DOWN_MINUTES=0, NUDGE_CAP_PER_DAY=99, NUDGE_CAP_PER_WEEK=99):
        yield


def states(letter: Letter) -> Counter[tuple[str, str]]:
    return Counter(letter.deliveries.values_list("state", "reason"))


def only(letter: Letter) -> Delivery:
    return letter.deliveries.get()


def test_each_learner_gets_one_mail_that_is_theirs(office: PostOffice) -> None:
    for user_id in range(1, 8):
        learner(user_id)
    with override_settings(NUDGE_MAIL_BATCH=3):
        letter = written()
        send(letter)
    assert office.received == Counter({f"learner{n}@example.org": 1 for n in range(1, 8)})
    assert states(letter) == {("sent", ""): 7}
    assert letter.state == Letter.State.SENT
    mail = office.to("learner3@example.org")[0]
    text, html = parts(mail)
    assert mail["Subject"] == "Week 3, Zoë"
    assert "Dear Zoë, look again." in text
    assert "<p>Dear Zoë, look again.</p>" in html
    assert mail["From"] == f'"{COURSE}" <{SENDER}>'
    assert letter.deliveries.get(learner__user_id=3).message_id == mail["Message-ID"]


def test_a_mail_lets_its_reader_leave_with_one_click(office: PostOffice) -> None:
    learner(1)
    send(written())
    mail = office.mails[0]
    link = mail["List-Unsubscribe"].strip(" <>")
    assert link.startswith("https://learn.example.org/api/nudge/v1/unsubscribe/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = parts(mail)
    assert link in text.replace("=\n", "")
    assert link in html


def test_answers_go_where_the_letter_says(office: PostOffice) -> None:
    learner(1)
    send(written(**answered()))
    assert office.mails[0]["Reply-To"] == "teacher@example.org"


def test_sending_again_sends_nothing_again(office: PostOffice) -> None:
    learner(1)
    letter = written()
    send(letter)
    Letter.objects.update(state=Letter.State.SENDING)
    send(letter)
    deliver(letter)
    assert office.received.total() == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"opted_out": True}, "opted_out"),
        ({"address": ""}, "no_address"),
        ({"inactive": True}, "unverified"),
        ({"suppressed": True}, "unsubscribed"),
        ({"elsewhere": True}, ""),
    ],
)
def test_who_must_not_be_mailed_is_skipped_with_the_reason(
    office: PostOffice, changes: dict[str, Any], reason: str
) -> None:
    row = learner(1, address=changes.get("address"))
    if changes.get("opted_out"):
        Learner.objects.update(opted_out=True)
    if changes.get("inactive"):
        get_user_model().objects.update(is_active=False)
    if changes.get("suppressed") or changes.get("elsewhere"):
        scope = str(COURSE) if changes.get("suppressed") else "course-v1:Elsewhere+X+1"
        Suppression.objects.create(
            address=mark("learner1@example.org"), scope=scope, learner=row.learner, why="unsubscribed"
        )
    letter = written()
    send(letter)
    if reason:
        assert states(letter) == {("skipped", reason): 1}
        assert office.mails == []
    else:
        assert office.received.total() == 1
    assert letter.state == Letter.State.SENT


def test_caps_and_cool_down_are_shared_with_nudges(office: PostOffice) -> None:
    row = learner(1)
    at = NOW.timestamp()
    Learner.objects.update(sends=[[at - 600, "review", 5]])
    letter = written()
    with override_settings(NUDGE_COOL_DOWN_MINUTES=60):
        send(letter)
        assert states(letter) == {("queued", "cool_down"): 1}
        deliver(letter, NOW + timedelta(minutes=29))
        assert office.mails == [], "it is put off for half an hour"
        deliver(letter, NOW + timedelta(minutes=51))
    assert office.received.total() == 1
    row.learner.refresh_from_db()
    assert [send[1] for send in row.learner.sends] == ["review", "letter"]


def test_a_mail_spends_the_cap_of_the_next_nudge(office: PostOffice) -> None:
    learner(1)
    placed()
    happened("problem_check_incorrect", 1.0, user_id=1)
    with override_settings(NUDGE_CAP_PER_DAY=1):
        send(written(at=None), NOW - timedelta(hours=2))
        answer = decisions.ask(1, COURSE, [fields()["key"]], CLAIM, NOW, 0.5)
    assert (answer.nudge, answer.reason) == (None, "cap_day")


def test_quiet_hours_are_the_learners_own(office: PostOffice) -> None:
    learner(1)
    letter = written()
    with override_settings(NUDGE_QUIET_HOURS=["11:00", "13:00"]):
        send(letter)  # noon in UTC, the learner's zone
        assert states(letter) == {("queued", "quiet_hours"): 1}
        deliver(letter, NOW + timedelta(minutes=61))
    assert states(letter) == {("sent", ""): 1}


def test_what_is_put_off_too_long_is_left_out(office: PostOffice) -> None:
    learner(1)
    Learner.objects.update(sends=[[NOW.timestamp() + 86400 * 3, "review", 5]])
    letter = written()
    with override_settings(NUDGE_CAP_PER_WEEK=1, NUDGE_MAIL_PATIENCE_HOURS=1):
        send(letter)
        first = only(letter).put_off_since
        assert first == NOW
        Delivery.objects.update(created=NOW - timedelta(days=9), due_at=None)
        deliver(letter, NOW + timedelta(minutes=50))
        assert states(letter) == {("queued", "cap_week"): 1}, (
            "patience runs from the first time it was put off"
        )
        Delivery.objects.update(due_at=None)
        deliver(letter, NOW + timedelta(minutes=61))
    assert states(letter) == {("skipped", "cap_week"): 1}
    assert office.mails == []


def test_an_address_that_does_not_exist_is_never_mailed_again(office: PostOffice) -> None:
    learner(1)
    learner(2)
    office.refuse["learner1@example.org"] = "550 5.1.1 no such mailbox"
    letter = written()
    send(letter)
    assert states(letter) == {("failed", "bounced"): 1, ("sent", ""): 1}
    assert Suppression.objects.get().why == "bounced"
    assert Suppression.objects.get().scope == ""
    again = written()
    send(again)
    assert states(again) == {("skipped", "bounced"): 1, ("sent", ""): 1}
    assert Learner.objects.get(user_id=1).sends == [], "what did not go out spends no cap"


def test_a_refusal_that_is_not_about_the_address_does_not_suppress_it(office: PostOffice) -> None:
    learner(1)
    office.refuse_mail["learner1@example.org"] = "554 5.7.1 looks like spam"
    letter = written()
    send(letter)
    assert states(letter) == {("failed", "refused"): 1}
    assert not Suppression.objects.exists()


def test_a_refusal_for_the_moment_is_tried_again_and_not_for_ever(office: PostOffice) -> None:
    learner(1)
    office.refuse["learner1@example.org"] = "451 4.7.1 greylisted"
    letter = written()
    now = NOW
    with override_settings(NUDGE_MAIL_TRIES=3):
        send(letter, now)
        assert states(letter) == {("queued", "later"): 1}
        for _try in range(2):
            due = only(letter).due_at
            assert due is not None
            now = due
            deliver(letter, now)
    assert states(letter) == {("failed", "later"): 1}
    assert now - NOW == timedelta(minutes=25), "five minutes, then four times as long"


def test_a_refusal_that_passes_is_a_mail_that_arrives_once(office: PostOffice) -> None:
    learner(1)
    office.refuse["learner1@example.org"] = "451 4.7.1 greylisted"
    letter = written()
    send(letter)
    office.refuse.clear()
    deliver(letter, NOW + timedelta(minutes=6))
    assert states(letter) == {("sent", ""): 1}
    assert office.received.total() == 1
    assert only(letter).tries == 1


def test_a_connection_lost_while_handing_over_is_not_known_and_not_repeated(office: PostOffice) -> None:
    learner(1)
    learner(2)
    office.break_off.add("learner1@example.org")
    letter = written()
    send(letter)
    found = dict(letter.deliveries.values_list("learner__user_id", "state"))
    assert found == {1: State.FAILED, 2: State.SENT}
    assert letter.deliveries.get(learner__user_id=1).reason == "unknown"
    deliver(letter, NOW + timedelta(days=1))
    assert office.received.total() == 2


def test_a_mail_server_that_is_down_loses_nothing(office: PostOffice) -> None:
    learner(1)
    letter = written()
    with override_settings(EMAIL_PORT=post_office.free_port()):
        send(letter)
        assert states(letter) == {("queued", "down"): 1}
    deliver(letter, NOW + timedelta(minutes=6))
    assert states(letter) == {("sent", ""): 1}
    assert office.received.total() == 1


def test_stopping_keeps_what_was_sent_and_sends_no_more(office: PostOffice) -> None:
    for user_id in range(1, 7):
        learner(user_id)
    letter = written()
    automation.begin(letter.pk, NOW)
    with override_settings(NUDGE_MAIL_BATCH=2):
        delivery.work(letter.pk, lambda: NOW)
    assert claims.stop(letter.pk, NOW)
    deliver(letter)
    assert states(letter) == {("sent", ""): 2, ("skipped", "stopped"): 4}
    assert letter.state == Letter.State.STOPPED
    assert office.received.total() == 2
    assert not claims.stop(letter.pk, NOW), "there is nothing more to stop"


def test_a_letter_stopped_while_a_batch_is_under_way_stops_there(office: PostOffice) -> None:
    for user_id in range(1, 5):
        learner(user_id)
    letter = written()
    taken = office.handle_DATA

    async def stopping(server: Any, session: Any, envelope: Any) -> str:
        if len(office.mails) == 1:
            await sync_to_async(claims.stop, thread_sensitive=False)(letter.pk, NOW)
        return await taken(server, session, envelope)

    office.handle_DATA = stopping  # type: ignore[method-assign]
    send(letter)
    assert office.received.total() == 2, "one was on its way when the letter was stopped"
    assert states(letter) == {("sent", ""): 2, ("skipped", "stopped"): 2}


def test_workers_together_keep_to_the_rate(office: PostOffice) -> None:
    for user_id in range(1, 8):
        learner(user_id)
    letter = written()
    automation.begin(letter.pk, NOW)
    with override_settings(NUDGE_MAIL_PER_MINUTE=3, NUDGE_MAIL_BATCH=2):
        for _worker in range(4):
            delivery.work(letter.pk, lambda: NOW)
        assert office.received.total() == 3
        later = NOW + timedelta(seconds=61)
        for _worker in range(4):
            delivery.work(letter.pk, lambda: later)
        assert office.received.total() == 6
        assert delivery.work(letter.pk, lambda: later).again == later + timedelta(seconds=10)


def test_what_a_dead_worker_had_claimed_is_sent_and_what_it_had_handed_over_is_not(
    office: PostOffice,
) -> None:
    learner(1)
    learner(2)
    letter = written()
    automation.begin(letter.pk, NOW)
    first, second = claims.claim(letter.pk, "dead", NOW, 2)
    assert claims.hand_over(first, "<id>", NOW)
    later = NOW + timedelta(minutes=16)
    assert claims.lapse(later - timedelta(minutes=10)) == {"failed": 0, "queued": 0}
    assert claims.lapse(later) == {"failed": 1, "queued": 1}
    deliver(letter, later)
    assert letter.deliveries.get(pk=first.pk).reason == "unknown"
    assert letter.deliveries.get(pk=second.pk).state == State.SENT
    assert office.received.total() == 1
    assert letter.state == Letter.State.SENT


def test_a_worker_taken_for_dead_hands_nothing_over_and_tells_what_it_sent(office: PostOffice) -> None:
    learner(1)
    learner(2)
    letter = written()
    automation.begin(letter.pk, NOW)
    first, second = claims.claim(letter.pk, "slow", NOW, 2)
    assert claims.hand_over(first, "<id>", NOW)
    claims.lapse(NOW + timedelta(minutes=16))
    assert not claims.hand_over(second, "<id2>", NOW)
    claims.sent(first, NOW + timedelta(minutes=17))
    assert letter.deliveries.get(pk=first.pk).state == State.SENT


def test_no_row_is_claimed_twice() -> None:
    for user_id in range(1, 6):
        learner(user_id)
    letter = written()
    automation.begin(letter.pk, NOW)
    with override_settings(NUDGE_MAIL_PER_MINUTE=0):
        mine = {row.pk for row in claims.claim(letter.pk, "a", NOW, 3)}
        yours = {row.pk for row in claims.claim(letter.pk, "b", NOW, 3)}
    assert len(mine) == 3
    assert len(yours) == 2
    assert not mine & yours


def test_a_letter_that_cannot_be_written_is_not_half_sent(office: PostOffice) -> None:
    learner(1)
    letter = written(sender="no address\nBcc: x@example.org")
    send(letter)
    assert office.mails == []
    assert states(letter) == {("failed", "refused"): 1}


def test_history_says_why_each_matched(office: PostOffice) -> None:
    learner(1, chances={"pass": 0.3, "complete": 0.8})
    learner(2, chances={"pass": 0.9, "complete": 0.8})
    letter = written(selection="pass=0-40&complete=60-100")
    send(letter)
    why = only(letter).why
    assert (why["pass"], why["complete"], why["mode"]) == (30, 80, "audit")
    assert only(letter).learner.user_id == 1
    assert timezone.is_aware(only(letter).created)


def test_a_step_that_the_database_broke_off_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims.time, "sleep", lambda seconds: None)
    answers: list[Any] = [OperationalError("deadlock"), OperationalError("deadlock"), 5]

    def step() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return int(answer)

    assert claims.surely(step) == 5
    answers[:] = [OperationalError("gone")] * (claims.STUBBORN + 1)
    with pytest.raises(OperationalError):
        claims.surely(step)
