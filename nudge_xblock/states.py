"""The LSTM's state of each enrolment: stored, advanced by new events alone, mended at night.

What is stored is a checkpoint that lags the present by NUDGE_STATE_LAG_SECONDS.  Every event after it is
the tail, read back from the inbox in order and put through the network at each reading, so that an event
that arrives late by less than the lag falls into its place.  A later one marks the enrolment, and the
night computes its state afresh (refreshing.py).  A checkpoint is one UPDATE that succeeds only if nobody
else moved the state meanwhile: whatever is killed wherever, a row holds a state and the time through
which it counts.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache, reduce
from operator import or_
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from django.conf import settings
from django.db.models import Min, Q

from predictor.streaming import Reading, State, Streamer

from . import afterwards, serving
from .compat import platform
from .models import Enrolment, InboxEvent

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

LOG = logging.getLogger(__name__)

OTHER_MODEL = "state_of_other_model"
BROKEN_STATE = "broken_state"
NO_EVENTS = "no_events"
START_SECONDS = 600


class TailEvent(Protocol):
    """What a tail needs of an inbox row."""

    @property
    def time(self) -> datetime: ...
    @property
    def token(self) -> str: ...
    @property
    def item_id(self) -> str: ...


Row = TypeVar("Row", bound=TailEvent)


class Outlook(NamedTuple):
    """What the model makes of an enrolment, or None and a code that says why there is nothing."""

    reading: Reading | None
    why: str
    version: str


class Checkpoint(NamedTuple):
    """A state to store, and what the row must still hold for it to be stored."""

    enrolment: int
    state: bytes
    model: str
    through: datetime
    last_seen: datetime
    was_through: datetime | None
    was_model: str


def tail(enrolment: Enrolment, now: datetime) -> list[TailEvent]:
    """Return the inbox rows after the enrolment's checkpoint, up to `now`; one query."""
    rows = InboxEvent.objects.filter(
        user_id=enrolment.learner.user_id, course_key=enrolment.course_key, time__lte=now
    )
    if enrolment.state_through is not None:
        rows = rows.filter(time__gt=enrolment.state_through)
    return list(rows.order_by("time").values_list("time", "token", "item_id", named=True))


def outlook(enrolment: Enrolment, tail: Iterable[TailEvent], now: datetime) -> Outlook:
    """Return what the model makes of the enrolment at `now`; without a model or a usable state, say why not.

    `tail` holds the inbox rows after `enrolment.state_through`; see `tail`.  Nothing here waits for a
    model to be trained or for a query but that of the course's start, which is kept for ten minutes; a
    checkpoint that is due is written when the request is over.
    """
    served = serving.engagement.current()
    if served.model is None:
        return Outlook(None, served.why, "")
    if enrolment.state and enrolment.state_model != served.version:
        return Outlook(None, OTHER_MODEL, served.version)
    events = in_order(tail, now)
    if not (enrolment.state or events):
        return Outlook(None, NO_EVENTS, served.version)
    try:
        now_read = _read(served.model, enrolment, events, now)
    except ValueError:
        LOG.exception("The state of enrolment %s cannot be used; the night computes it afresh", enrolment.pk)
        return Outlook(None, BROKEN_STATE, served.version)
    return Outlook(now_read, "", served.version)


def _read(streamer: Streamer, enrolment: Enrolment, events: Sequence[TailEvent], now: datetime) -> Reading:
    horizon = now - timedelta(seconds=settings.NUDGE_STATE_LAG_SECONDS)
    settled = [event for event in events if event.time <= horizon]
    state = advance(streamer, _base(streamer, enrolment, events), settled)
    if settled and len(events) > settings.NUDGE_STATE_TAIL and enrolment.pk:
        due = Checkpoint(
            enrolment=enrolment.pk,
            state=streamer.pack(state, half=settings.NUDGE_STATE_HALF),
            model=streamer.version,
            through=horizon,
            last_seen=settled[-1].time,
            was_through=enrolment.state_through,
            was_model=enrolment.state_model,
        )
        afterwards.collect(save_checkpoints, due)
    state = advance(streamer, state, events[len(settled) :])
    return streamer.at(state, now.timestamp())


def in_order(rows: Iterable[Row], now: datetime) -> list[Row]:
    """Return the distinct events up to `now` in the event store's order: by time, token, item."""
    distinct = {(row.time, row.token, row.item_id): row for row in rows if row.time <= now}
    return [distinct[key] for key in sorted(distinct)]


def advance(streamer: Streamer, state: State, events: Sequence[TailEvent]) -> State:
    """Return the state after `events`, which come in order and not before the state's time."""
    return streamer.advance(
        state,
        [event.token for event in events],
        [event.time.timestamp() for event in events],
        [event.item_id for event in events],
    )


def _base(streamer: Streamer, enrolment: Enrolment, events: Sequence[TailEvent]) -> State:
    """Return the stored state, or the one before the first event; ValueError when it is broken."""
    if enrolment.state:
        return streamer.unpack(bytes(enrolment.state))
    start = course_start(enrolment.course_key)
    return streamer.begin(events[0].time.timestamp() if start is None else start)


def course_start(course_key: CourseKey) -> float | None:
    """Return the course's start in unix seconds, as every state of the course counts it.

    It is the platform's; where that is not known, the earliest enrolment or event known here; else None.
    """
    return _course_start(course_key, int(time.monotonic() // START_SECONDS))


@lru_cache(maxsize=1024)
def _course_start(course_key: CourseKey, _bucket: int) -> float | None:
    start = platform().course_dates(course_key).start
    if start is None:
        start = Enrolment.objects.filter(course_key=course_key).aggregate(first=Min("started"))["first"]
    return None if start is None else start.timestamp()


def forget() -> None:
    """Ask for every course's start again at the next question."""
    _course_start.cache_clear()


def save_checkpoints(checkpoints: Iterable[Checkpoint]) -> int:
    """Store each checkpoint whose row nobody moved meanwhile; return how many were stored."""
    return sum(
        Enrolment.objects.filter(
            _same_through(due.was_through), pk=due.enrolment, state_model=due.was_model
        ).update(state=due.state, state_model=due.model, state_through=due.through, last_seen=due.last_seen)
        for due in checkpoints
    )


def _same_through(moment: datetime | None) -> Q:
    return Q(state_through__isnull=True) if moment is None else Q(state_through=moment)


def mark_late(rows: Iterable[InboxEvent], now: datetime) -> int:
    """Mark enrolments for the night that `rows`, about to be inserted, may come too late for.

    Half the lag counts as late already: a checkpoint that is being written just now reads the inbox before
    these rows are in it.  Returns how many enrolments were marked; no query unless a row is late.
    """
    horizon = now - timedelta(seconds=settings.NUDGE_STATE_LAG_SECONDS / 2)
    late = {(row.user_id, row.course_key) for row in rows if row.time <= horizon}
    if not late:
        return 0
    owners = reduce(or_, (Q(learner__user_id=user, course_key=course) for user, course in late))
    return Enrolment.objects.filter(owners, needs_rebuild=False).update(needs_rebuild=True)
