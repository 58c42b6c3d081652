"""What was sent to a learner, written into the history of the case that was open then, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Q

from nudge_xblock.communicator.models import Delivery

from . import happenings, history
from .models import Case, CaseEvent

BEHIND = timedelta(days=8)
"""How far back it is looked for what went out."""


class Sent(NamedTuple):
    """A mail that was handed over, or a pop-up that was on the screen, while a case was open."""

    case_id: int
    what: str
    delivery_id: int
    at: datetime
    letter_id: int


def note(now: datetime) -> int:
    """Write down what went out since and is not written down yet; how many.  Safe to repeat, and for two."""
    found = sorted(_sent(now))
    missing = sorted({each.case_id for each in found} if found else ())
    count = 0
    for at in range(0, len(missing), 200):
        some = set(missing[at : at + 200])
        with transaction.atomic():
            list(Case.objects.select_for_update().filter(pk__in=some).order_by("pk").values_list("pk"))
            count += _write([each for each in found if each.case_id in some])
    return count


def _write(found: list[Sent]) -> int:
    events = CaseEvent.objects.filter(
        case__in={each.case_id for each in found}, what__in=[happenings.MAIL, happenings.POPUP]
    )
    known = {
        (case_id, what, detail.get("delivery"))
        for case_id, what, detail in events.values_list("case_id", "what", "detail")
    }
    new = [each for each in found if (each.case_id, each.what, each.delivery_id) not in known]
    history.write_all(
        CaseEvent(
            case_id=each.case_id,
            what=each.what,
            at=each.at,
            detail={"delivery": each.delivery_id, "letter": each.letter_id},
        )
        for each in new
    )
    return len(new)


def _sent(now: datetime) -> Iterator[Sent]:
    since = now - BEHIND
    lately = Q(sent_at__gt=since) | Q(shown_at__gt=since)
    rows = Delivery.objects.filter(
        lately,
        learner__enrolments__cases__isnull=False,
        learner__enrolments__course_key=F("letter__course_key"),
    )
    columns = (
        "learner__enrolments__cases", "learner__enrolments__cases__opened",
        "learner__enrolments__cases__closed", "pk", "letter_id", "sent_at", "shown_at",
    )  # fmt: skip
    for case_id, opened, closed, pk, letter_id, sent_at, shown_at in rows.values_list(*columns):
        for what, at in ((happenings.MAIL, sent_at), (happenings.POPUP, shown_at)):
            if at is not None and at > since and opened <= at and (closed is None or at <= closed):
                yield Sent(case_id, what, pk, at, letter_id)
