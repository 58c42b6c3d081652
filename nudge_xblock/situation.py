"""What is known of a learner at a moment, in two reads.

The first reads the enrolment with its learner.  The second reads the learner's recent events and recent
decisions in one statement.  What the platform says of a person (roles, certificate, time zone, due dates) is
kept per process for five minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings

from . import statements
from .catalogue import Book
from .compat import platform
from .models import Enrolment, Learner
from .triggers import DAY, Facts, Row

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

FRESH = 300.0
MOST_PERSONS = 20_000
MOST_ROWS = 3000
DECISION_DAYS = 2.0
EVER = datetime(1970, 1, 1, tzinfo=UTC)


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
    decided: Mapping[str, str]
    whole: bool


_persons: dict[tuple[int, CourseKey], tuple[float, Person]] = {}


def person(user_id: int, course_key: CourseKey) -> Person:
    """What the platform says, at most five minutes old."""
    key = (user_id, course_key)
    known = _persons.get(key)
    if known is not None and monotonic() - known[0] < FRESH:
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
    _persons[key] = (monotonic(), found)
    return found


def forget() -> None:
    """Ask the platform afresh about everybody, in this process."""
    _persons.clear()


def enrolment(user_id: int, course_key: CourseKey) -> Enrolment:
    """The first read: the enrolment with its learner.  Someone never met is written down first."""
    found = statements.enrolment(user_id, course_key)
    if found is not None:
        return found
    learner, _created = Learner.objects.get_or_create(user_id=user_id)
    row, _created = Enrolment.objects.get_or_create(learner=learner, course_key=course_key)
    row.learner = learner
    return row


def past(enrolled: Enrolment, book: Book, moments: Sequence[str], now: datetime) -> Past:
    """The second read.  `moments` are digests to look up however long ago they were decided."""
    reach = timedelta(seconds=book.window)
    through = enrolled.state_through
    since = EVER if through is None else min(now - reach, through)
    earlier = now - max(reach, timedelta(days=DECISION_DAYS))
    found = statements.past(enrolled, since, earlier, moments, now, MOST_ROWS)
    loaded = statements.loaded
    return Past(
        rows=tuple(
            [
                Row(loaded(at), name, what, number)
                for label, at, name, what, number in reversed(found)
                if label
            ]
        ),
        decided={name: what for label, _, name, what, _ in found if not label},
        whole=len(found) < MOST_ROWS,
    )


def tail(known: Past, enrolled: Enrolment) -> Iterator[TailRow]:
    """The events after the stored state, as `states` takes them; made only when read."""
    through = enrolled.state_through.timestamp() if enrolled.state_through else float("-inf")
    for row in known.rows:
        if row.time > through:
            yield TailRow(datetime.fromtimestamp(row.time, UTC), row.token, row.item)


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
