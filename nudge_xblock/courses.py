"""Course runs as the night reads them: which there are, when each began, what is stored of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import numpy as np
from django.conf import settings
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import states
from nudge_xblock.compat import platform
from nudge_xblock.models import Enrolment
from predictor.sequences import EventStore, Sequences, UnknownCourse


def event_store() -> EventStore:
    """The site's event store."""
    return EventStore(settings.NUDGE_EVENTS_DIR)


def with_events() -> list[CourseKey]:
    """Course runs that have events, whose ids the platform could know; logs may name others."""
    return parsed(event_store().courses)


def known() -> list[CourseKey]:
    """Course runs that have events, are on the platform, or have rows here."""
    ours = Enrolment.objects.order_by().values_list("course_key", flat=True).distinct()
    return sorted({*with_events(), *platform().course_keys(), *filter(None, ours)}, key=str)


def parsed(course_ids: Iterable[str]) -> list[CourseKey]:
    """The ids that are course keys."""
    keys = []
    for course_id in course_ids:
        try:
            keys.append(CourseKey.from_string(course_id))
        except InvalidKeyError:
            continue
    return keys


def start_of(course_key: CourseKey, sequences: Sequences) -> float | None:
    """The course run's zero in unix seconds, as serving counts it; None where nothing ever happened.

    Where nobody told it yet, it is the first event or enrolment: what serving will find after the refresh.
    """
    start = states.course_start(course_key)
    if start is not None:
        return start
    times = [row.enrolled.timestamp() for row in platform().enrolments(course_key)]
    if len(sequences.times):
        times.append(float(sequences.times.min()))
    return min(times, default=None)


def sequences_of(course_key: CourseKey, through: datetime) -> Sequences:
    """The stored events of a course run up to `through`; empty when there are none."""
    try:
        return until(event_store().sequences(str(course_key)), through.timestamp())
    except UnknownCourse:
        return nothing(str(course_key))


def nothing(course_id: str) -> Sequences:
    """A course run without events."""
    return Sequences(
        course_id=course_id,
        learners=[],
        offsets=np.zeros(1, np.int64),
        tokens=np.zeros(0, np.uint16),
        times=np.zeros(0),
        items=np.zeros(0, np.int32),
        scores=np.zeros(0, np.float32),
        names=[],
        item_names=[],
    )


def until(sequences: Sequences, end: float) -> Sequences:
    """The same learners with their events up to `end` (unix seconds, included)."""
    kept = sequences.times <= end
    if kept.all():
        return sequences
    before = np.concatenate(([0], np.cumsum(kept)))
    return replace(
        sequences,
        offsets=before[sequences.offsets].astype(np.int64),
        tokens=sequences.tokens[kept],
        times=sequences.times[kept],
        items=sequences.items[kept],
        scores=sequences.scores[kept],
    )
