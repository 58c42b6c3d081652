"""What happened to cases: written with each change, in its transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from . import notices
from .models import Case, CaseEvent


def write(
    case: Case,
    what: str,
    at: datetime,
    author_id: int | None = None,
    text: str = "",
    about_id: int | None = None,
    **detail: Any,
) -> None:
    """Write down one thing, within the transaction that does it.

    text: what a person wrote; about_id: the member of staff it is about; detail: figures and codes alone.
    """
    told = {"author_id": author_id, "text": text, "about_id": about_id, "detail": detail}
    write_all([CaseEvent(case=case, what=what, at=at, **told)])


def write_all(events: Iterable[CaseEvent]) -> None:
    """Write down several, within the transaction that does them, and that others are to be told of them."""
    written = list(events)
    if not written:
        return
    CaseEvent.objects.bulk_create(written)
    if notices.enabled():
        notices.store(_stored(written))


def _stored(written: list[CaseEvent]) -> Iterable[CaseEvent]:
    """The events as they are stored: not every database tells the numbers that it gave."""
    if all(event.pk is not None for event in written):
        return written
    cases, times = {event.case_id for event in written}, {event.at for event in written}
    return CaseEvent.objects.filter(case__in=cases, at__in=times, notice=None)
