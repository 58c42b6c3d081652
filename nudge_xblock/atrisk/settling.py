"""Settling a course's cases because of what somebody did, without letting them wait for it."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from kombu.exceptions import KombuError
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import starting

from . import casework

LOG = logging.getLogger(__name__)


def soon(course_key: CourseKey) -> None:
    """Let a worker settle, once this transaction is through; where there is none, it is done here.

    Where a worker cannot be asked, the night does it.
    """
    transaction.on_commit(lambda: _soon(course_key, timezone.now()))


def _soon(course_key: CourseKey, now: datetime) -> None:
    from nudge_xblock import tasks

    if not starting.has_broker():
        casework.settle(course_key, now)
        return
    try:
        tasks.send(tasks.settle_cases, str(course_key))
    except (OSError, KombuError, RuntimeError):
        LOG.exception("The cases of %s wait for the night: no worker could be asked", course_key)
