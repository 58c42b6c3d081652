"""A case's times in each tier, and what was done about them: what is compared in `worked`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.communicator.models import Channel, Delivery, Letter

from . import happenings, meant
from .models import Case, CaseEvent

MAIL, POPUP, ADVISER = "mail", "popup", "adviser"
LETTERS = (MAIL, POPUP)
INTERVENTIONS = (*LETTERS, ADVISER)
CHANNELS: Mapping[str, str] = {Channel.MAIL: MAIL, Channel.NUDGE: POPUP}
NOT_NEEDED = "not_needed"


@dataclass(frozen=True)
class Episode:
    """One learner's time in one tier, for one reason.

    Args:
        end: when it left the tier; None while it is there.
        done: intervention to when it was first given: a mail went out, a pop-up began to wait for their next
            visit, or a person acted.
    """

    case_id: int
    enrolment_id: int
    user_id: int
    group: str
    tier: str
    start: datetime
    end: datetime | None
    chance: float
    done: Mapping[str, datetime]

    def is_open(self, at: datetime) -> bool:
        """Whether the learner was in the tier at that time."""
        return self.start <= at and (self.end is None or at < self.end)


def of(course_key: CourseKey) -> list[Episode]:
    """Every episode of a course run, in the order of their cases."""
    rows = Case.objects.filter(course_key=course_key).select_related("enrolment__learner")
    cases = list(rows.order_by("pk"))
    events: dict[int, list[CaseEvent]] = defaultdict(list)
    for event in CaseEvent.objects.filter(case__course_key=course_key).order_by("at", "pk"):
        events[event.case_id].append(event)
    letters = _letters(course_key)
    found = []
    for case in cases:
        user_id = case.enrolment.learner.user_id
        for tier, start, end in _spans(case, events[case.pk]):
            done = _by_letter(letters.get((user_id, tier), ()), start, end)
            acted = _by_person(events[case.pk], start, end)
            if acted is not None:
                done[ADVISER] = acted
            of_case = (case.pk, case.enrolment_id, user_id, _opened_for(case, events[case.pk]))
            found.append(Episode(*of_case, tier, start, end, case.chance_opened, done))
    return found


def _spans(case: Case, events: Iterable[CaseEvent]) -> list[tuple[str, datetime, datetime | None]]:
    """Tier, from when and until when, as the case's history tells."""
    entries = [
        (str(event.detail.get("to") or event.detail.get("tier") or case.tier), event.at)
        for event in events
        if event.what in (happenings.OPENED, happenings.MOVED)
    ] or [(case.tier, case.opened)]
    ends = [at for _tier, at in entries[1:]] + [case.closed]
    return [(tier, start, end) for (tier, start), end in zip(entries, ends, strict=True)]


def _opened_for(case: Case, events: Iterable[CaseEvent]) -> str:
    """The reason a case was opened for: which one it is for now may be the work of the help."""
    first = next((event for event in events if event.what == happenings.OPENED), None)
    return str(first.detail.get("group", case.group)) if first else case.group


def _letters(course_key: CourseKey) -> dict[tuple[int, str], list[tuple[str, datetime]]]:
    """User and tier to what went out to them by itself, and when.

    A pop-up counts from when it began to wait, seen or not, as whoever sees it has come back.
    """
    rows = Delivery.objects.filter(letter__intervention__course_key=course_key).order_by("created")
    waited = ~Q(state__in=[Delivery.State.FAILED, Delivery.State.SKIPPED]) | meant.LEFT_OUT
    rows = rows.filter(
        Q(letter__channel=Channel.MAIL, sent_at__isnull=False) | Q(waited, letter__channel=Channel.NUDGE)
    )
    columns = ("learner__user_id", "letter__intervention__tier", "letter__channel", "created", "sent_at")
    found: dict[tuple[int, str], list[tuple[str, datetime]]] = defaultdict(list)
    for user_id, tier, channel, created, sent_at in rows.values_list(*columns):
        found[user_id, tier].append((CHANNELS[channel], sent_at if channel == Channel.MAIL else created))
    return found


def _by_letter(
    letters: Iterable[tuple[str, datetime]], start: datetime, end: datetime | None
) -> dict[str, datetime]:
    done: dict[str, datetime] = {}
    for kind, at in letters:
        if start <= at and (end is None or at < end):
            done[kind] = min(at, done.get(kind, at))
    return done


def _by_person(events: Iterable[CaseEvent], start: datetime, end: datetime | None) -> datetime | None:
    """When somebody first acted: a note, or a case resolved with something done about it."""
    for event in events:
        acted = event.what == happenings.NOTE or (
            event.what == happenings.RESOLVED and event.detail.get("outcome") != NOT_NEEDED
        )
        if acted and start <= event.at and (end is None or event.at <= end):
            return event.at
    return None


def switched_on(course_key: CourseKey) -> dict[tuple[str, str, str], list[tuple[datetime, datetime | None]]]:
    """Tier, reason and intervention to the times in which such a letter went out by itself."""
    found: dict[tuple[str, str, str], list[tuple[datetime, datetime | None]]] = defaultdict(list)
    rows = Letter.objects.filter(intervention__course_key=course_key).select_related("intervention")
    for letter in rows.order_by("pk"):
        if letter.confirmed is not None:
            place = (letter.intervention.tier, letter.intervention.group, CHANNELS[letter.channel])
            found[place].append((letter.confirmed, letter.finished))
    return found
