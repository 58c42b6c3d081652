"""The one slot of the night: who holds it, whether the holder lives, and how it is taken over.

The lock is a row: `Night.slot` is unique, and empty (NULL, of which there may be many) once a night is over,
so that it holds across processes and machines and on every database.  A night that was killed leaves its
slot filled.  Its death is proven when its process is gone from this machine; of a process elsewhere it is
assumed when it has not beaten for `TIMEOUT`.  Then, and only then, another takes over.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils import timezone

from nudge_xblock import remarks
from nudge_xblock.models import Night

SLOT = "night"
TIMEOUT = timedelta(minutes=15)
HUNG = timedelta(hours=6)  # for a process that is seen to live, on this machine
BEAT = timedelta(seconds=2)


class Busy(RuntimeError):
    """Another process is at tonight's work."""

    def __init__(self, night: Night) -> None:
        super().__init__(
            f"Night {night.pk} is already running (step {night.step or 'queued'}, {night.progress:.0%}). "
            "Wait for it; if its process was killed, it is taken over by itself "
            f"after {TIMEOUT.seconds // 60} minutes at most."
        )
        self.night = night


class LostSlot(RuntimeError):
    """This process was taken for dead and another took over; it must stop writing."""


def queue(now: datetime) -> tuple[Night, bool]:
    """The night that holds the slot, and whether it is new: a row for a process that is about to start."""
    free_dead_slot()
    try:
        with transaction.atomic():
            return Night.objects.create(started=now, slot=SLOT, beat=timezone.now()), True
    except IntegrityError:
        holder = Night.objects.filter(slot=SLOT).first()
        return (holder, False) if holder else queue(now)


def claim(now: datetime) -> Night:
    """Take the slot for this process: a queued night is adopted.  Raises Busy while another one lives."""
    night, _ = queue(now)
    runner = f"{_place()}/{os.getpid()}/{_born(os.getpid())}/{secrets.token_hex(4)}"
    taken = Night.objects.filter(pk=night.pk, slot=SLOT, runner="").update(
        runner=runner, beat=timezone.now(), started=now
    )
    night.refresh_from_db()
    if not taken:
        raise Busy(night)
    return night


def beat(night: Night, step: str, progress: float) -> None:
    """Show that this process lives and how far it is.  Raises LostSlot when another has taken over."""
    held = Night.objects.filter(pk=night.pk, slot=SLOT, runner=night.runner)
    now = timezone.now()
    if not held.update(step=step, progress=progress, beat=now):
        raise LostSlot(f"night {night.pk} was taken over; this process stops")
    night.step, night.progress, night.beat = step, progress, now


def release(night: Night, **fields: object) -> None:
    """Leave the slot, writing the night's last fields.  Raises LostSlot when another has taken over."""
    held = Night.objects.filter(pk=night.pk, slot=SLOT, runner=night.runner)
    if not held.update(slot=None, finished=timezone.now(), **fields):
        raise LostSlot(f"night {night.pk} was taken over; this process stops")
    night.refresh_from_db()


def free_dead_slot() -> Night | None:
    """Close the night whose process is dead, and return it; None when there is none such."""
    night = Night.objects.filter(slot=SLOT).first()
    if night is None or not (why := _death(night)):
        return None
    freed = Night.objects.filter(pk=night.pk, slot=SLOT, runner=night.runner, beat=night.beat).update(
        slot=None, finished=timezone.now(), failed=True, verdict=[why]
    )
    return night if freed else None


def _death(night: Night) -> remarks.Remark | None:
    """Why the holder counts as dead; None while it counts as alive."""
    patience, step = TIMEOUT, night.step or "queued"
    if night.runner:
        place, pid, born, _ = night.runner.split("/")
        if place == _place():
            if _born(int(pid)) != born:
                return remarks.remark("died_gone", step=step)
            patience = HUNG
    if night.beat is None or timezone.now() - night.beat > patience:
        minutes = patience // timedelta(minutes=1)
        return remarks.remark("died_silent", step=step, minutes=minutes)
    return None


def _place() -> str:
    """Where process ids mean the same: this boot of this machine, and this process id namespace."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    parts = [platform.node()]
    with contextlib.suppress(OSError):
        parts += [boot.read_text(), os.readlink(namespace)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _born(pid: int) -> str:
    """When a process started, in clock ticks since boot (field 22 of proc(5) stat); "" when it is gone.

    Where there is no /proc, a living process answers "?" and a reused id is not noticed.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        if Path("/proc/self").exists():
            return ""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return ""
        except OSError:
            pass
        return "?"
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state == "Z" else fields[18]
