"""Letters that go on by themselves: to the newly matching, each day once, never twice to one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import override_settings

from nudge_xblock.communicator import automation, claims, history, picking
from nudge_xblock.communicator.models import Delivery, Letter
from nudge_xblock.models import Enrolment

from ..moments import COURSE, NOW
from .conftest import deliver, send, written
from .learners import learner
from .post_office import PostOffice

pytestmark = [pytest.mark.django_db(transaction=True)]
LEARNERS = 40
FIRST = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_caps() -> object:
    with override_settings(NUDGE_COOL_DOWN_MINUTES=0, NUDGE_CAP_PER_DAY=99, NUDGE_CAP_PER_WEEK=99):
        yield


def predict(chances: np.ndarray) -> None:
    """Give each learner this chance to pass, in percent."""
    for user_id, percent in enumerate(chances, 1):
        Enrolment.objects.filter(learner__user_id=user_id).update(predictions={"pass": percent / 100})


def test_over_thirty_days_exactly_the_newly_matching_get_it_each_day(office: PostOffice) -> None:
    rng = np.random.default_rng(5)
    for user_id in range(1, LEARNERS + 1):
        learner(user_id, now=FIRST)
    last = (FIRST + timedelta(days=24)).date()
    letter = written(
        at=FIRST, selection="pass=0-30", automatic_until=last, body="<p>Come by.</p>", subject="Hello"
    )
    reached: set[int] = set()
    for day in range(30):
        now = FIRST + timedelta(days=day)
        chances = rng.integers(0, 101, LEARNERS)
        if day in (7, 8):
            chances[:] = 100  # days on which nobody matches
        predict(chances)
        before = set(letter.deliveries.values_list("learner__user_id", flat=True))
        if day == 0:
            assert automation.begin(letter.pk, now)
        for _again in range(2):  # beat, cron and the night may all look
            automation.sweep(now + timedelta(hours=_again))
            deliver(letter, now + timedelta(hours=_again))
        after = set(letter.deliveries.values_list("learner__user_id", flat=True))
        matching = {user_id for user_id, percent in enumerate(chances, 1) if percent <= 30}
        wanted = matching - reached if day <= 24 else set()
        assert after - before == wanted, f"day {day}"
        reached |= wanted
    assert len(reached) > 30
    assert office.received == {f"learner{user_id}@example.org": 1 for user_id in reached}
    letter.refresh_from_db()
    assert letter.state == Letter.State.SENT
    assert letter.finished is not None


def test_whoever_enrols_later_is_a_new_match(office: PostOffice) -> None:
    learner(1)
    letter = written(automatic_until=date(2026, 12, 24))
    send(letter)
    learner(2)
    automation.sweep(NOW + timedelta(hours=3))
    deliver(letter, NOW + timedelta(hours=3))
    assert office.received.total() == 1, "it looks once a day"
    automation.sweep(NOW + timedelta(days=1))
    deliver(letter, NOW + timedelta(days=1))
    assert office.received == {"learner1@example.org": 1, "learner2@example.org": 1}


def test_what_the_night_finds_waits_for_the_morning() -> None:
    learner(1)
    letter = written(automatic_until=date(2026, 12, 24), selection="pass=0-30")
    automation.begin(letter.pk, NOW)
    Enrolment.objects.update(predictions={"pass": 0.1})
    night = datetime(2026, 11, 19, 3, 15, tzinfo=UTC)
    assert automation.daily(night) == 1
    assert letter.deliveries.get().due_at == night.replace(hour=6, minute=0)
    assert automation.waiting(night) == []
    assert automation.waiting(night.replace(hour=6, minute=1)) == [letter.pk]
    assert automation.daily(night.replace(hour=7)) == 0


def test_a_sweep_before_the_morning_looks_for_nobody() -> None:
    letter = written(automatic_until=date(2026, 12, 24))
    automation.begin(letter.pk, NOW)
    learner(1)
    assert automation.sweep(datetime(2026, 11, 19, 0, 5, tzinfo=UTC))["matched"] == 0
    assert automation.sweep(datetime(2026, 11, 19, 6, 0, tzinfo=UTC))["matched"] == 1


def test_a_look_that_was_killed_is_done_again_and_doubles_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for user_id in range(1, 6):
        learner(user_id)
    letter = written(automatic_until=date(2026, 12, 24), selection="pass=0-30")
    automation.begin(letter.pk, NOW)
    Enrolment.objects.update(predictions={"pass": 0.1})
    monkeypatch.setattr(picking, "BATCH", 2)
    made = Delivery.objects.bulk_create
    calls = []

    def dying(rows: list[Delivery], **options: bool) -> list[Delivery]:
        calls.append(len(rows))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return made(rows, **options)

    monkeypatch.setattr(Delivery.objects, "bulk_create", dying)
    tomorrow = NOW + timedelta(days=1)
    with pytest.raises(KeyboardInterrupt):
        automation.daily(tomorrow)
    assert letter.deliveries.count() == 2
    assert automation.daily(tomorrow) == 3
    assert letter.deliveries.count() == 5


def test_a_letter_waits_for_its_time_and_its_learners_are_chosen_then(office: PostOffice) -> None:
    learner(1, chances={"pass": 0.1})
    learner(2, chances={"pass": 0.9})
    letter = written(at=NOW + timedelta(hours=5), selection="pass=0-30")
    automation.sweep(NOW)
    assert not letter.deliveries.exists()
    Enrolment.objects.filter(learner__user_id=2).update(predictions={"pass": 0.2})
    automation.sweep(NOW + timedelta(hours=5))
    deliver(letter, NOW + timedelta(hours=5))
    assert office.received == {"learner1@example.org": 1, "learner2@example.org": 1}


def test_a_letter_stopped_while_it_waits_never_begins() -> None:
    learner(1)
    letter = written(at=NOW + timedelta(hours=5))
    assert claims.stop(letter.pk, NOW)
    automation.sweep(NOW + timedelta(hours=6))
    assert not letter.deliveries.exists()


def test_an_automatic_letter_can_be_stopped() -> None:
    letter = written(automatic_until=date(2026, 12, 24))
    automation.begin(letter.pk, NOW)
    assert claims.stop(letter.pk, NOW)
    learner(1)
    automation.sweep(NOW + timedelta(days=1))
    assert not letter.deliveries.exists()


def test_a_letter_that_cannot_begin_says_why_and_keeps_no_other_back() -> None:
    learner(1)
    bad, good = written(selection="pass=no-number"), written()
    assert automation.sweep(NOW)["started"] == 1
    bad.refresh_from_db()
    assert (bad.state, bad.deliveries.count()) == (Letter.State.STOPPED, 0)
    assert bad.problem
    assert history.letter(bad)["words"] == f"Stopped: {bad.problem}"
    assert good.deliveries.count() == 1


def test_an_error_that_may_pass_stops_neither_its_letter_nor_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learner(1)
    bad, good = written(), written()
    daily = written(state=Letter.State.AUTOMATIC, automatic_until=date(2026, 12, 24))
    queue = picking.queue

    def breaking(letter: Letter, *given: Any, **named: Any) -> int:
        if letter.pk in (bad.pk, daily.pk):
            raise RuntimeError("the database is away")
        return queue(letter, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(picking, "queue", breaking)
        assert automation.sweep(NOW)["started"] == 1
    assert good.deliveries.count() == 1
    done = automation.sweep(NOW + timedelta(minutes=5))
    assert (done["started"], done["matched"]) == (1, 1)


def test_the_course_goes_with_its_letter() -> None:
    learner(1, course="course-v1:Elsewhere+X+1")
    letter = written()
    automation.begin(letter.pk, NOW)
    letter.refresh_from_db()
    assert not letter.deliveries.exists()
    assert letter.state == Letter.State.SENT
    assert letter.course_key == COURSE
