"""What is known of a learner at a moment, in two reads.

The first reads the enrolment with its learner.  The second reads the learner's recent events and recent
decisions in one statement.  What the platform says of a person (roles, certificate, time zone, due dates) is
kept per process for five minutes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.db.models import CharField, F, Q, QuerySet, Value

from .catalogue import Book
from .compat import platform
from .models import Decision, Enrolment, InboxEvent, Learner
from .triggers import DAY, Facts, Row

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

FRESH = 300.0
MOST_PERSONS = 20_000
MOST_ROWS = 3000
DECISION_DAYS = 2.0


@dataclass(frozen=True, slots=True)
class Person:
    """What the platform says of one learner in one course."""

    staff: bool = False
    certified: bool = False
    time_zone: str = "UTC"
    dues: Mapping[str, float] | None = None


class TailRow(NamedTuple):
    """One event as `states` takes it."""

    time: datetime
    token: str
    item_id: str


@dataclass(frozen=True, slots=True)
class Past:
    """Recent events, oldest first, and the reason of each recent or asked-for moment already decided.

    `whole`: nothing was left out for being too much.
    """

    rows: tuple[Row, ...]
    tail: tuple[TailRow, ...]
    decided: Mapping[str, str]
    whole: bool


_persons: dict[tuple[int, CourseKey], tuple[float, Person]] = {}


def person(user_id: int, course_key: CourseKey) -> Person:
    """What the platform says, at most five minutes old."""
    key = (user_id, course_key)
    known = _persons.get(key)
    if known is not None and time.monotonic() - known[0] < FRESH:
        return known[1]
    host = platform()
    dues = host.due_dates(course_key, user_id)
    found = Person(
        staff=host.is_course_staff(user_id, course_key),
        certified=host.has_certificate(user_id, course_key),
        time_zone=str(host.time_zone(user_id)) if settings.NUDGE_QUIET_HOURS else "UTC",
        dues={key: when.timestamp() for key, when in dues.items()},
    )
    if len(_persons) >= MOST_PERSONS:
        _persons.clear()
    _persons[key] = (time.monotonic(), found)
    return found


def forget() -> None:
    """Ask the platform afresh about everybody, in this process."""
    _persons.clear()


def enrolment(user_id: int, course_key: CourseKey) -> Enrolment:
    """The first read: the enrolment with its learner.  Someone never met is written down first."""
    rows = Enrolment.objects.select_related("learner").order_by()
    found = rows.filter(learner__user_id=user_id, course_key=course_key)[:1]
    for row in found:
        return row
    learner, _created = Learner.objects.get_or_create(user_id=user_id)
    row, _created = Enrolment.objects.get_or_create(learner=learner, course_key=course_key)
    row.learner = learner
    return row


def past(enrolled: Enrolment, book: Book, moments: Iterable[str], now: datetime) -> Past:
    """The second read.  `moments` are digests to look up however long ago they were decided."""
    since = now - timedelta(seconds=book.window)
    tail_from = enrolled.state_through
    events = InboxEvent.objects.filter(
        user_id=enrolled.learner.user_id, course_key=enrolled.course_key, time__lte=now
    )
    if tail_from is not None:
        events = events.filter(time__gt=min(since, tail_from))
    earlier = now - max(timedelta(seconds=book.window), timedelta(days=DECISION_DAYS))
    decisions = Decision.objects.filter(
        Q(course_key=enrolled.course_key, created__gt=earlier) | Q(moment__in=list(moments)),
        learner=enrolled.learner_id,
    )
    both = _labelled(events, "event", "time", "token", "item_id", "score").union(
        _labelled(decisions, "decision", "created", "moment", "reason", "propensity"), all=True
    )
    # Decisions sort before events, so a long tail cannot push them out.
    return _sorted_out(list(both.order_by("label", "-at")[:MOST_ROWS]), tail_from)


def _labelled(
    rows: QuerySet[Any], label: str, at: str, name: str, what: str, number: str
) -> QuerySet[Any, Any]:
    """Rows of either table under common names: one statement can then fetch both."""
    mark = Value(label, output_field=CharField())
    named = rows.order_by().annotate(label=mark, at=F(at), name=F(name), what=F(what), number=F(number))
    found: QuerySet[Any, Any] = named.values_list("label", "at", "name", "what", "number")
    return found


def _sorted_out(
    found: list[tuple[str, datetime, str, str, float | None]], tail_from: datetime | None
) -> Past:
    decided: dict[str, str] = {}
    rows: list[Row] = []
    tail: list[TailRow] = []
    for label, at, name, what, number in reversed(found):
        if label == "decision":
            decided[name] = what
            continue
        rows.append(Row(at.timestamp(), name, what, number))
        if tail_from is None or at > tail_from:
            tail.append(TailRow(at, name, what))
    return Past(tuple(rows), tuple(tail), decided, len(found) < MOST_ROWS)


def facts(
    enrolled: Enrolment, known: Past, whose: Person, course_wide: bool, book: Book, now: datetime
) -> Facts:
    """What the triggers may know."""
    kept = settings.NUDGE_INBOX_DAYS * DAY
    begun = enrolled.started
    since = max(now - timedelta(seconds=min(book.window, kept)), begun) if begun else None
    return Facts(
        rows=known.rows,
        now=now.timestamp(),
        last_seen=enrolled.last_seen.timestamp() if enrolled.last_seen else None,
        since=since.timestamp() if since else None,
        kept=kept,
        deadlines=tuple((whose.dues or {}).items()),
        course_wide=course_wide,
    )
