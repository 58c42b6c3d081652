"""The states and predictions of every enrolment, computed afresh from the event store, course run by course run.

A state is computed from all events up to the night's `through` (the present less the lag), so that late and
repeated events leave no trace; what comes after `through` is the tail that serving reads from the inbox.
Enrolments without any event have a state and predictions too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import states
from nudge_xblock.compat import Enrolled, platform
from nudge_xblock.labels import course_keys_of
from nudge_xblock.models import Enrolment, Learner, PredictionDay
from nudge_xblock.night import ENGAGEMENT, Run, models
from predictor.sequences import EventStore, Sequences, UnknownCourse
from predictor.streaming import Reading, State, Streamer

BATCH = 500
FIELDS = (
    "mode", "started", "last_seen", "state", "state_model", "state_through", "needs_rebuild", "predictions",
    "predicted_at", "predicted_by",
)  # fmt: skip
FIELDS_WITHOUT_MODEL = ("mode", "started", "last_seen")


class Course(NamedTuple):
    """What is known of one course run at the moment of its refresh."""

    key: CourseKey
    sequences: Sequences
    enrolled: Mapping[int, Enrolled]
    spans: Mapping[str, tuple[float, float]]  # learner id to the times of the first and the last event
    start: float
    now: datetime
    through: datetime


def refresh(job: Run) -> str:
    """The night's step: every course run that has events or enrolments."""
    streamer = _streamer()
    keys = course_keys()
    count = 0
    for number, course_key in enumerate(keys):
        count += _refresh(course_key, job.now, streamer, job)
        job.report((number + 1) / len(keys), str(course_key))
    job.figures.update(
        {"courses": len(keys), "enrolments": count, "model": streamer.version if streamer else ""}
    )
    if streamer is None:
        return f"No model serves yet: {count} enrolments are known, none is predicted."
    return f"{count} enrolments of {len(keys)} course runs were predicted by {streamer.version}."


def refresh_course(course_key: CourseKey, now: datetime | None = None) -> int:
    """Refresh one course run, outside the night; return how many enrolments."""
    return _refresh(course_key, now or timezone.now(), _streamer(), None)


def course_keys() -> list[CourseKey]:
    """Every course run that has events, enrolments on the platform, or rows here."""
    known = {*course_keys_of(EventStore(settings.NUDGE_EVENTS_DIR).courses), *platform().course_keys()}
    known |= set(Enrolment.objects.order_by().values_list("course_key", flat=True).distinct())
    return sorted(known, key=str)


def start_of(course_key: CourseKey, sequences: Sequences) -> float | None:
    """The course run's zero in unix seconds, as serving counts it; the first event where nobody knows it."""
    start = states.course_start(course_key)
    if start is None and len(sequences.times):
        start = float(sequences.times.min())
    return start


def sequences_of(course_key: CourseKey, through: datetime) -> Sequences:
    """The stored events of a course run up to `through`; empty when there are none."""
    try:
        return until(EventStore(settings.NUDGE_EVENTS_DIR).sequences(str(course_key)), through.timestamp())
    except UnknownCourse:
        nothing = np.zeros(0)
        return Sequences(
            str(course_key), [], np.zeros(1, np.int64), nothing.astype(np.uint16), nothing, nothing.astype(np.int32),
            nothing.astype(np.float32), [], [],
        )  # fmt: skip


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


def _streamer() -> Streamer | None:
    """The serving model, read afresh: this process may have promoted another a moment ago."""
    store = models()
    version = store.current(ENGAGEMENT)
    return Streamer(*store.load(ENGAGEMENT, version)) if version else None


def _refresh(course_key: CourseKey, now: datetime, streamer: Streamer | None, job: Run | None) -> int:
    through = now - timedelta(seconds=settings.NUDGE_STATE_LAG_SECONDS)
    sequences = sequences_of(course_key, through)
    enrolled = {row.user_id: row for row in platform().enrolments(course_key)}
    start = start_of(course_key, sequences)
    user_ids = _user_ids(course_key, sequences, enrolled)
    if start is None:
        start = min((row.enrolled for row in enrolled.values()), default=now).timestamp()
    course = Course(course_key, sequences, enrolled, spans(sequences), start, now, through)
    found = streamer.refresh(sequences, start, now.timestamp()) if streamer else {}
    for position in range(0, len(user_ids), BATCH):
        _write(course, streamer, user_ids[position : position + BATCH], found)
        if job:
            job.report(0.0, f"{course_key}: {position} of {len(user_ids)}")
    _drop_forgotten(user_ids)
    return len(user_ids)


def _user_ids(course_key: CourseKey, sequences: Sequences, enrolled: Iterable[int]) -> list[int]:
    """Everyone enrolled, met before, or with events.  Names that are no user ids are events of nobody here."""
    known = Enrolment.objects.filter(course_key=course_key).values_list("learner__user_id", flat=True)
    seen = (int(learner) for learner in sequences.learners if learner.isascii() and learner.isdigit())
    gone = EventStore(settings.NUDGE_EVENTS_DIR).forgotten()
    return sorted(user_id for user_id in {*enrolled, *known, *seen} if not gone(str(user_id)))


def _drop_forgotten(user_ids: Iterable[int]) -> None:
    """Erase whoever was retired while these rows were written: the store forgets before the rows go."""
    gone = EventStore(settings.NUDGE_EVENTS_DIR).forgotten()
    Learner.objects.filter(user_id__in=[user_id for user_id in user_ids if gone(str(user_id))]).delete()


def _write(
    course: Course, streamer: Streamer | None, user_ids: list[int], found: Mapping[str, tuple[State, Reading]]
) -> None:
    """Store one batch of learners: profiles, enrolments and the day's predictions, in one transaction."""
    profiles = platform().profiles(user_ids)
    fields = FIELDS if streamer else FIELDS_WITHOUT_MODEL
    idle = _idle(course, streamer)
    with transaction.atomic():
        learners = _learners(user_ids, profiles)
        rows = [_row(course, streamer, learner, found, idle) for learner in learners]
        _upsert(Enrolment, rows, fields, ("learner", "course_key"))
        if streamer:
            _write_days(course, rows)


def _learners(user_ids: list[int], profiles: Mapping[int, dict[str, Any]]) -> list[Learner]:
    """The learners' rows, made where they lack, with the profile of tonight."""
    rows = [Learner(user_id=user_id, profile=profiles.get(user_id, {})) for user_id in user_ids]
    _upsert(Learner, rows, ("profile",), ("user_id",))
    return list(Learner.objects.filter(user_id__in=user_ids).order_by("user_id"))


def _idle(course: Course, streamer: Streamer | None) -> tuple[State, Reading] | None:
    """State and reading of whoever has no events: the same for all of a course run."""
    if streamer is None:
        return None
    state = streamer.begin(course.start)
    return state, streamer.at(state, max(course.now.timestamp(), course.start))


def _row(
    course: Course,
    streamer: Streamer | None,
    learner: Learner,
    found: Mapping[str, tuple[State, Reading]],
    idle: tuple[State, Reading] | None,
) -> Enrolment:
    enrolled = course.enrolled.get(learner.user_id)
    times = course.spans.get(str(learner.user_id), ())
    known = [enrolled.enrolled] if enrolled else []
    row = Enrolment(
        learner=learner,
        course_key=course.key,
        mode=enrolled.mode if enrolled else "",
        started=min([*known, *(datetime.fromtimestamp(time, UTC) for time in times[:1])], default=None),
        last_seen=datetime.fromtimestamp(times[-1], UTC) if len(times) else None,
    )
    if streamer and idle:
        state, reading = found.get(str(learner.user_id), idle)
        row.state, row.state_model, row.state_through = streamer.pack(state), streamer.version, course.through
        row.predictions = {name: round(float(value), 6) for name, value in reading.probabilities.items()}
        row.predicted_at, row.predicted_by = course.now, streamer.version
    return row


def spans(sequences: Sequences) -> dict[str, tuple[float, float]]:
    """Learner id to the times of the first and the last event, of those who have any."""
    ends = sequences.offsets[1:]
    some = np.flatnonzero(ends > sequences.offsets[:-1])
    first, last = sequences.times[sequences.offsets[some]], sequences.times[ends[some] - 1]
    return {
        sequences.learners[place]: (float(start), float(end))
        for place, start, end in zip(some, first, last, strict=True)
    }


def _write_days(course: Course, rows: list[Enrolment]) -> None:
    """Keep the day's predictions: the night's last word of a day counts."""
    day = course.now.date()
    mine = {row.learner_id: row.predictions for row in rows}
    ids = Enrolment.objects.filter(course_key=course.key, learner__in=mine).values_list("pk", "learner_id")
    days = [PredictionDay(enrolment_id=pk, day=day, predictions=mine[learner]) for pk, learner in ids]
    _upsert(PredictionDay, days, ("predictions",), ("enrolment", "day"))


def _upsert(model: Any, rows: list[Any], fields: Iterable[str], unique: Iterable[str]) -> None:
    """Insert rows, or bring `fields` of those that exist up to date, in one statement on every database."""
    targeted = connection.features.supports_update_conflicts_with_target
    model.objects.bulk_create(
        rows,
        update_conflicts=True,
        update_fields=list(fields),
        unique_fields=list(unique) if targeted else None,
        batch_size=BATCH,
    )
