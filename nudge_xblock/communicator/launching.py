"""Starting a letter's sending from a web request, without doing any of it there."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from threading import Thread

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import KombuError

from nudge_xblock import starting

from . import claims
from .models import Letter

LOG = logging.getLogger(__name__)
AHEAD = timedelta(days=1)
"""How far ahead a worker is asked: a broker may hand out anew, every hour, what waits for a time."""


def launch(letter: Letter, at: datetime | None = None) -> None:
    """Let a worker begin with a letter, at once or at its time, once this transaction is through.

    Where that cannot be asked of anyone now, or not yet, the letter waits for the night and for
    `nudge_letters`, which look for letters that are due: nothing is lost, only later.
    """
    if at is None or at < timezone.now() + AHEAD:
        transaction.on_commit(lambda: _launch(letter.pk, at))


def _launch(letter_id: int, at: datetime | None) -> None:
    from nudge_xblock import tasks

    try:
        if starting.has_broker():
            tasks.send(tasks.due, letter_id, eta=at)
        elif at is None:
            child = starting.beside("nudge_letters")
            Thread(target=child.communicate, daemon=True).start()  # lest it stay a zombie
    except (OSError, KombuError, RuntimeError):
        LOG.exception("Letter %s waits for nudge_letters: no worker could be asked", letter_id)


def share(letter_id: int) -> int:
    """Queue the tasks that share a letter's sending; how many: none while workers attend to it."""
    from nudge_xblock import tasks

    if not claims.taken_on(letter_id, timezone.now()):
        return 0
    for _shard in range(settings.NUDGE_MAIL_SHARDS):
        tasks.send(tasks.deliver, letter_id)
    return int(settings.NUDGE_MAIL_SHARDS)
