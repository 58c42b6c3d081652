"""Starting tonight's job now, from a web request, without doing any of it there."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from threading import Thread

from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from kombu.exceptions import KombuError

from nudge_xblock import remarks, slots
from nudge_xblock.models import Night

LOG = logging.getLogger(__name__)


def start() -> Night:
    """Queue tonight's job and return its row to poll; the one queued or running when there is one.

    With a Celery broker a worker does it; without one, or with eager tasks, a process of its own.
    """
    night, new = slots.queue(timezone.now())
    if new:
        transaction.on_commit(lambda: _launch(night))
    return night


def _launch(night: Night) -> None:
    try:
        if has_broker():
            from nudge_xblock import tasks

            tasks.send(tasks.night)
        else:
            _detach(night)
    except (OSError, KombuError, RuntimeError) as error:  # the last: a result store that is down
        _give_up(night, str(error))


def has_broker() -> bool:
    """Whether this site runs Celery tasks in workers."""
    eager = current_app.conf.task_always_eager or getattr(settings, "CELERY_TASK_ALWAYS_EAGER", False)
    return bool(current_app.conf.broker_url) and not eager


def _detach(night: Night) -> None:
    """Let a process of its own do the night."""
    Thread(target=_watch, args=(beside("nudge_nightly"), night), daemon=True).start()


def beside(*command: str) -> subprocess.Popen[str]:
    """Run a command in a process that outlives this one, so that no web process does the work."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "django", *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )


def _watch(child: subprocess.Popen[str], night: Night) -> None:
    """Wait for the process, lest it stay a zombie."""
    _, complaint = child.communicate()
    _report(night, child.returncode, complaint)
    connection.close()


def _report(night: Night, status: int, complaint: str) -> None:
    """Say in the night's row why its process ended, if that was before it began."""
    if status:
        _give_up(night, " ".join(complaint.split())[-500:] or f"its process ended with status {status}")


def _give_up(night: Night, why: str) -> None:
    """Free the slot of a night that nobody began."""
    LOG.error("Night %s could not be started: %s", night.pk, why)
    verdict = [remarks.remark("not_started")]
    Night.objects.filter(pk=night.pk, slot=slots.SLOT, runner="").update(
        slot=None, finished=timezone.now(), failed=True, verdict=verdict
    )
