"""Learners who walk through a course's pages in order, for tests of what comes next."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from nudge_xblock.atrisk import trail
from predictor.events import Event
from predictor.sequences import EventStore

from ..moments import COURSE, NOW

PAGES = 30
BEGAN = NOW.timestamp() - 20 * 86400


def page(place: int) -> str:
    """The usage key of the page at a place, from 0 on."""
    return str(COURSE.make_usage_key("html", f"i{place:02d}"))


def walked(lengths: Mapping[str, int], left_out: Mapping[str, set[int]] | None = None) -> None:
    """Write into the event store learners who were at their first so many pages, one an hour.

    A night then stores where those are who are enrolled.
    """
    events = [
        Event(str(COURSE), name, BEGAN + 3600.0 * place, "seq_next", page(place))
        for name, length in lengths.items()
        for place in range(length)
        if place not in (left_out or {}).get(name, ())
    ]
    EventStore(settings.NUDGE_EVENTS_DIR).append(events)
    trail.write(COURSE, NOW)
