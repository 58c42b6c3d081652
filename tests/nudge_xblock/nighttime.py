"""A night that a test is in the middle of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nudge_xblock import courses, promotion, slots
from nudge_xblock.night import Run
from predictor.events import Event

from .moments import COURSE

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


def run(now: datetime = NOW) -> Run:
    """A night with its slot, that knows what serves."""
    job = Run(slots.claim(now), now, lambda step, progress, words: None)
    job.enter("test", 0.0, 1.0)
    promotion.check_serving(job)
    return job


def event(
    user_id: int | str,
    ago: timedelta,
    token: str = "play_video",
    item: str = "v1",
    course: str = str(COURSE),
    score: float | None = None,
) -> Event:
    """One event, `ago` before NOW."""
    return Event(course, str(user_id), (NOW - ago).timestamp(), token, item, score)


def store(*events: Event) -> None:
    """Put events into the site's store."""
    courses.event_store().append(events)
