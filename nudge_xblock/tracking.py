"""The live backend: a tracking event in, an inbox row out, written once per request."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson
from django.db import OperationalError, transaction
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from predictor.events import Event, Skipped, parse

from . import afterwards, states
from .models import InboxEvent

LOG = logging.getLogger(__name__)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BATCH = 500

NOT_SERIALISABLE = "not serialisable"
NO_USER_ID = "no numeric user id"
BAD_COURSE = "unreadable course key"
NOT_WRITTEN = "not written"
STORED = "stored"

# What became of the events of this process since it started: "stored", or the reason why not.
COUNTS: Counter[str] = Counter()


class InboxBackend:
    """An event-tracking backend that keeps what the models can learn from, in the table InboxEvent."""

    def send(self, event: Mapping[str, Any]) -> None:
        """Keep `event`, in live or in log shape, until the request ends; outside a request store it at once.

        Never raises: what cannot be kept is logged and counted in `COUNTS`.
        """
        try:
            row = row_of(event)
        except Exception:
            COUNTS[NOT_SERIALISABLE] += 1
            LOG.exception(
                "An event could not be read and is left to the night's reading of the tracking logs"
            )
            return
        if isinstance(row, Skipped):
            COUNTS[row.reason] += 1
            return
        afterwards.collect(store, row)


def row_of(event: Mapping[str, Any]) -> InboxEvent | Skipped:
    """Turn one tracking event into an unsaved inbox row, or say why it is none."""
    parsed = parse(event)
    if isinstance(parsed, Skipped):
        return parsed
    if not (parsed.learner_id.isascii() and parsed.learner_id.isdigit()):
        return Skipped(NO_USER_ID)
    course_key = _course_key(parsed.course_id)
    if course_key is None:
        return Skipped(BAD_COURSE)
    return _row(parsed, course_key, digest(event))


def _row(event: Event, course_key: CourseKey, mark: str) -> InboxEvent:
    return InboxEvent(
        digest=mark,
        course_key=course_key,
        user_id=int(event.learner_id),
        time=moment(event.time),
        token=event.token,
        item_id=event.item_id if len(event.item_id) <= 255 else "",
        score=event.score,
    )


def digest(event: Mapping[str, Any]) -> str:
    """Return 32 hex digits of BLAKE2b over the whole event, whatever the order of its keys."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    return blake2b(orjson.dumps(event, default=str, option=options), digest_size=16).hexdigest()


def moment(seconds: float) -> datetime:
    """Return unix seconds as an aware datetime, to the microsecond, as the database keeps it."""
    return EPOCH + timedelta(microseconds=round(seconds * 1e6))


@lru_cache(maxsize=1024)
def _course_key(text: str) -> CourseKey | None:
    try:
        return CourseKey.from_string(text)
    except InvalidKeyError:
        return None


def store(rows: list[InboxEvent]) -> None:
    """Insert `rows` in one statement, repeats dropped; log and count instead of raising.

    The rows and the mark on enrolments that some came too late for become visible together or not at all.
    """
    try:
        try:
            _insert(rows)
        except OperationalError:  # the database chose this transaction to end a deadlock, or restarted
            _insert(rows)
    except Exception:
        COUNTS[NOT_WRITTEN] += len(rows)
        LOG.exception("%d live events were not stored; the night still reads them from the logs", len(rows))
    else:
        COUNTS[STORED] += len(rows)


def _insert(rows: list[InboxEvent]) -> None:
    with transaction.atomic():
        states.mark_late(rows, datetime.now(UTC))
        # One order for all, so that two requests with the same events do not wait for each other in a ring.
        ordered = sorted(rows, key=lambda row: row.digest)
        InboxEvent.objects.bulk_create(ordered, batch_size=BATCH, ignore_conflicts=True)
