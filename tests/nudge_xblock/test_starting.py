"""The button: tonight's job now, in a process that is not the web's."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from celery import current_app
from kombu.exceptions import OperationalError

from nudge_xblock import api, remarks, starting, tasks
from nudge_xblock.models import Night

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stores")]


@pytest.fixture
def broker(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_app.conf, "broker_url", "redis://localhost")
    settings.CELERY_TASK_ALWAYS_EAGER = False


def test_without_a_broker_the_command_runs_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Night] = []
    monkeypatch.setattr(starting, "_detach", started.append)
    night = api.start_night()
    assert started == [night]
    assert api.start_night() == night
    assert started == [night], "the second press starts nothing"
    assert api.night_status(night.pk)["running"] is True


def test_with_a_broker_the_task_is_queued(broker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(tasks.night, "apply_async", lambda *arguments, **options: sent.append(options))
    night = api.start_night()
    assert night.runner == ""
    assert sent == [{"queue": None, "retry": False, "eta": None}]


def test_eager_tasks_do_not_run_the_night_in_the_web_process(broker: None, settings: Any) -> None:
    settings.CELERY_TASK_ALWAYS_EAGER = True
    assert not starting.has_broker()


def test_a_broker_that_is_down_frees_the_slot_and_the_row_says_so(
    broker: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(tasks.night, "apply_async", refuse)
    night = api.start_night()
    night.refresh_from_db()
    assert (night.slot, night.failed) == (None, True)
    assert "check that the Celery broker is up" in remarks.text(night.verdict)
    assert "connection refused" not in remarks.text(night.verdict)
    assert "connection refused" in caplog.text


def test_a_process_that_ends_before_it_begins_is_told_in_the_row(caplog: pytest.LogCaptureFixture) -> None:
    night = Night.objects.create(started="2026-11-20T03:00Z", slot="night")
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.exit('no such settings')"], stderr=subprocess.PIPE, text=True
    )
    _, complaint = child.communicate()
    starting._report(night, child.returncode, complaint)
    night.refresh_from_db()
    assert "The night could not be started" in remarks.text(night.verdict)
    assert "no such settings" in caplog.text


def test_a_process_that_began_has_a_word_of_its_own() -> None:
    night = Night.objects.create(started="2026-11-20T03:00Z", slot="night", runner="here/1/1/x")
    starting._report(night, 1, "CommandError: Night 1 failed")
    night.refresh_from_db()
    assert (night.slot, night.verdict) == ("night", [])
