"""Who does the sending: workers where there is a broker, a process of its own where there is none, cron."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from nudge_xblock import starting, tasks
from nudge_xblock.communicator import automation, claims, delivery, launching
from nudge_xblock.communicator.models import Delivery, Letter
from nudge_xblock.models import Enrolment
from nudge_xblock.nightly import STEPS

from ..moments import NOW
from .conftest import written
from .learners import learner
from .post_office import PostOffice

pytestmark = [pytest.mark.django_db(transaction=True)]
launch = launching._launch


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was queued: the task's name, its arguments, and not before when."""
    found: list[tuple[Any, ...]] = []
    monkeypatch.setattr(tasks, "send", lambda task, *given, eta=None: found.append((task.name, *given, eta)))
    return found


def test_tasks_begin_a_letter_share_it_and_come_back_until_it_is_sent(
    office: PostOffice, asked: list[tuple[Any, ...]]
) -> None:
    for user_id in range(1, 5):
        learner(user_id)
    letter = written(at=None)
    assert tasks.due(letter.pk)
    assert asked == [("nudge_xblock.tasks.deliver", letter.pk, None)] * 2
    asked.clear()
    with override_settings(NUDGE_MAIL_BATCH=3):
        assert tasks.deliver(letter.pk) is not None
        assert [each[:2] for each in asked] == [("nudge_xblock.tasks.deliver", letter.pk)]
        assert tasks.deliver(letter.pk) is None
    assert office.received.total() == 4
    assert not tasks.due(letter.pk)
    assert len(asked) == 1


def test_the_task_that_looks_at_all_letters_begins_what_is_due(
    office: PostOffice, asked: list[tuple[Any, ...]]
) -> None:
    learner(1)
    letter = written(at=NOW - timedelta(hours=1))
    assert tasks.letters()["started"] == 1
    assert {each[1] for each in asked} == {letter.pk}


def test_a_letter_that_workers_are_at_is_not_shared_out_again(
    office: PostOffice, asked: list[tuple[Any, ...]]
) -> None:
    for user_id in range(1, 6):
        learner(user_id)
    written(at=None)
    assert tasks.letters()["started"] == 1
    with override_settings(NUDGE_MAIL_BATCH=2):
        tasks.deliver(Letter.objects.get().pk)
    asked.clear()
    tasks.letters()
    assert asked == [], "three mails wait, and a worker is coming back for them"
    Letter.objects.update(attended_until=timezone.now())
    tasks.letters()
    assert len(asked) == 2


def test_a_letter_that_waits_for_the_rate_or_for_the_night_to_end_is_not_shared_out_again(
    office: PostOffice, asked: list[tuple[Any, ...]]
) -> None:
    for user_id in range(1, 4):
        learner(user_id)
    letter = written(at=None)
    tasks.letters()
    assert len(asked) == 2
    asked.clear()
    with override_settings(NUDGE_MAIL_PER_MINUTE=1):
        tasks.deliver(letter.pk)
        tasks.deliver(letter.pk)
        Delivery.objects.update(claimed_at=timezone.now())  # others use the rate up
        for _minute in range(3):
            assert automation.idle(timezone.now()) == []
            assert tasks.due(letter.pk) is False
            tasks.letters()
    assert [each[0] for each in asked] == ["nudge_xblock.tasks.deliver"] * 2, "each came back as one"
    assert launching.share(letter.pk) == 0


def test_new_matches_do_not_wait_for_workers_that_sleep_on_old_ones() -> None:
    learner(1)
    letter = written(automatic_until=date(2099, 1, 1))
    automation.begin(letter.pk, NOW)
    claims.attend(letter.pk, NOW + timedelta(days=2))
    learner(2)
    tomorrow = NOW + timedelta(days=1)
    assert automation.idle(tomorrow) == []
    assert automation.daily(tomorrow) == 1
    assert automation.idle(tomorrow) == [letter.pk]


def test_a_letter_that_breaks_the_sending_does_not_keep_the_others_back(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    learner(1)
    bad, good = written(at=None), written(at=None)
    work = delivery.work

    def breaking(letter_id: int, *given: Any) -> Any:
        if letter_id == bad.pk:
            raise RuntimeError("no")
        return work(letter_id, *given)

    monkeypatch.setattr(delivery, "work", breaking)
    call_command("nudge_letters", stdout=io.StringIO())
    assert office.received.total() == 1
    assert good.deliveries.get().state == "sent"
    assert f"Letter {bad.pk} met an error" in caplog.text


def test_a_worker_is_asked_no_more_than_a_day_ahead(launched: list[Any]) -> None:
    now = timezone.now()
    soon, later = (written(at=now + timedelta(hours=hours)) for hours in (23, 25))
    launching.launch(soon, soon.at)
    launching.launch(later, later.at)
    assert launched == [(soon.pk, soon.at)]

    class Job:
        now = timezone.now() + timedelta(hours=2)
        figures: dict[str, Any] = {}

    launched.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launching.timezone, "now", lambda: Job.now)
        automation.at_night(Job())  # type: ignore[arg-type]
    assert {each[0] for each in launched} == {soon.pk, later.pk}


def test_the_command_starts_and_sends_everything(office: PostOffice) -> None:
    for user_id in range(1, 8):
        learner(user_id)
    written(at=None)
    out = io.StringIO()
    with override_settings(NUDGE_MAIL_BATCH=3):
        call_command("nudge_letters", stdout=out)
    assert office.received.total() == 7
    assert "1 started" in out.getvalue()
    assert Letter.objects.get().state == Letter.State.SENT


def test_the_command_can_leave_the_sending_to_workers(
    office: PostOffice, asked: list[tuple[Any, ...]]
) -> None:
    learner(1)
    letter = written(at=None)
    call_command("nudge_letters", "--queue", stdout=io.StringIO())
    assert asked == [("nudge_xblock.tasks.deliver", letter.pk, None)] * 2
    assert office.mails == []


def test_the_command_stops_when_its_time_is_up(office: PostOffice) -> None:
    for user_id in range(1, 8):
        learner(user_id)
    written(at=None)
    with override_settings(NUDGE_MAIL_PER_MINUTE=2, NUDGE_MAIL_BATCH=2):
        call_command("nudge_letters", "--minutes", "0", stdout=io.StringIO())
    assert office.received.total() == 2


def test_with_a_broker_a_worker_is_asked_at_once_or_for_the_time(
    monkeypatch: pytest.MonkeyPatch, asked: list[tuple[Any, ...]]
) -> None:
    monkeypatch.setattr(starting, "has_broker", lambda: True)
    launch(5, None)
    launch(6, NOW)
    assert asked == [("nudge_xblock.tasks.due", 5, None), ("nudge_xblock.tasks.due", 6, NOW)]


def test_without_a_broker_a_process_of_its_own_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[tuple[str, ...]] = []

    class Child:
        def communicate(self) -> None:
            commands.append(("waited for",))

    def beside(*command: str) -> Child:
        commands.append(command)
        return Child()

    monkeypatch.setattr(starting, "beside", beside)
    launch(5, NOW)
    assert commands == [], "cron looks for what is due later"
    launch(5, None)
    assert commands[0] == ("nudge_letters",)


def test_a_broker_that_is_down_loses_no_letter(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    learner(1)
    letter = written(at=None)

    def down(*given: Any, **options: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(starting, "has_broker", lambda: True)
    monkeypatch.setattr(tasks, "send", down)
    launch(letter.pk, None)
    assert "waits for nudge_letters" in caplog.text
    call_command("nudge_letters", stdout=io.StringIO())
    assert office.received.total() == 1


def test_the_night_looks_for_new_matches_after_it_refreshed() -> None:
    names = [step.name for step in STEPS]
    assert names.index("letters") > names.index("refresh")
    learner(1)
    letter = written(automatic_until=date(2099, 1, 1), selection="pass=0-30")
    automation.begin(letter.pk, NOW)
    Enrolment.objects.update(predictions={"pass": 0.1})

    class Job:
        now = timezone.now()
        figures: dict[str, Any] = {}

    said = automation.at_night(Job())  # type: ignore[arg-type]
    assert "1 learner" in said
    assert Job.figures == {"matched": 1}
    assert letter.deliveries.count() == 1
    assert "Nobody" in automation.at_night(Job())  # type: ignore[arg-type]
