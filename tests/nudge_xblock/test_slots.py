"""One night at a time: across processes, and over the dead."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from nudge_xblock import remarks, slots
from nudge_xblock.models import Night

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


def runner_of(pid: int, born: str) -> str:
    return f"{slots._place()}/{pid}/{born}/beef"


def test_a_second_night_is_refused_while_one_lives_and_the_message_says_how_far_it_is() -> None:
    night = slots.claim(NOW)
    slots.beat(night, "train", 0.4)
    with pytest.raises(slots.Busy, match=rf"Night {night.pk} is already running \(step train, 40%\)") as busy:
        slots.claim(NOW)
    assert busy.value.night == night


def test_a_queued_night_is_adopted_by_the_process_that_comes_first() -> None:
    queued, new = slots.queue(NOW)
    assert new
    assert slots.queue(NOW) == (queued, False)
    night = slots.claim(NOW)
    assert night.pk == queued.pk
    assert str(os.getpid()) in night.runner


def test_over_nights_leave_the_slot_to_any_number_of_later_ones() -> None:
    for _ in range(3):
        slots.release(slots.claim(NOW), verdict=[remarks.remark("done")])
    assert Night.objects.filter(slot=None, finished__isnull=False).count() == 3


def test_the_database_itself_refuses_two_in_the_slot() -> None:
    slots.claim(NOW)
    with pytest.raises(IntegrityError):
        Night.objects.create(started=NOW, slot=slots.SLOT)


def test_a_night_whose_process_is_gone_is_taken_over_at_once() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    runner = runner_of(child.pid, slots._born(child.pid))
    dead = Night.objects.create(
        started=NOW, slot=slots.SLOT, runner=runner, beat=timezone.now(), step="train"
    )
    with pytest.raises(slots.Busy):
        slots.claim(NOW)
    child.kill()
    child.communicate()
    taken = slots.claim(NOW)
    dead.refresh_from_db()
    assert taken.pk != dead.pk
    assert (dead.failed, dead.slot) == (True, None)
    assert "stopped at “Training the new model”: its process is gone" in remarks.text(dead.verdict)


def test_a_process_id_that_is_another_process_by_now_is_no_sign_of_life() -> None:
    Night.objects.create(
        started=NOW, slot=slots.SLOT, runner=runner_of(os.getpid(), "123"), beat=timezone.now()
    )
    assert slots.claim(NOW).runner != ""


def test_a_night_on_another_machine_is_dead_only_after_the_timeout() -> None:
    night = Night.objects.create(
        started=NOW, slot=slots.SLOT, runner="elsewhere/1/1/beef", beat=timezone.now() - slots.TIMEOUT / 2
    )
    with pytest.raises(slots.Busy):
        slots.claim(NOW)
    Night.objects.filter(pk=night.pk).update(beat=timezone.now() - slots.TIMEOUT - timedelta(seconds=1))
    assert slots.claim(NOW).pk != night.pk
    night.refresh_from_db()
    assert "no sign of life for 15 minutes" in remarks.text(night.verdict)


def test_a_process_seen_to_live_is_given_more_time_before_it_counts_as_hung() -> None:
    night = slots.claim(NOW)
    Night.objects.update(beat=timezone.now() - 2 * slots.TIMEOUT)
    with pytest.raises(slots.Busy):
        slots.claim(NOW)
    Night.objects.update(beat=timezone.now() - slots.HUNG - timedelta(seconds=1))
    assert slots.claim(NOW).pk != night.pk
    night.refresh_from_db()
    assert "no sign of life for 360 minutes" in remarks.text(night.verdict)


def test_a_process_that_was_taken_for_dead_stops_writing() -> None:
    night = slots.claim(NOW)
    Night.objects.filter(pk=night.pk).update(slot=None)
    with pytest.raises(slots.LostSlot):
        slots.beat(night, "train", 0.5)
    with pytest.raises(slots.LostSlot):
        slots.release(night)


def test_a_zombie_counts_as_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert slots._born(child.pid) == ""
    finally:
        child.wait()
