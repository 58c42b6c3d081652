"""States and predictions of every enrolment, computed afresh from the event store, a course run at a time.

A state is computed from all events up to the night's `through` (the present less the lag), so that late and
repeated events leave no trace; what comes after `through` is the tail that serving reads from the inbox.
Enrolments without any event have a state and predictions too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import courses, progress
from nudge_xblock.compat import Enrolled, platform
from nudge_xblock.models import Enrolment, Learner, PredictionDay
from nudge_xblock.night import ENGAGEMENT, Run, models
from nudge_xblock.upserts import upsert
from predictor.foresight import Foresight
from predictor.sequences import Sequences
from predictor.stack import Stack
from predictor.store import BrokenModel, NoModel
from predictor.streaming import Reading, State, Streamer

LOG = logging.getLogger(__name__)

BATCH = 500
KNOWN = ("mode", "started", "last_seen", "progress")
PREDICTED = (
    "state", "state_model", "state_through", "needs_rebuild", "predictions", "predicted_at", "predicted_by",
    "fell",
)  # fmt: skip


class Course(NamedTuple):
    """What is known of one course run at the moment of its refresh."""

    key: CourseKey
    sequences: Sequences
    enrolled: Mapping[int, Enrolled]
    spans: Mapping[str, tuple[float, float]]  # learner id to the times of the first and the last event
    progress: Mapping[str, int]  # learner id to percent of the items completed
    start: float
    now: datetime
    through: datetime


def refresh(job: Run) -> str:
    """The night's step: every course run that has events or enrolments."""
    streamer = _streamer(job.serving.get(ENGAGEMENT))
    stack = _stack(streamer)
    keys = courses.known()
    count = 0
    for number, course_key in enumerate(keys):
        job.report(number / len(keys), str(course_key))
        count += _refresh(course_key, job.now, streamer, stack, job)
    job.figures.update(
        {"courses": len(keys), "enrolments": count, "model": streamer.version if streamer else ""}
    )
    if streamer is None:
        return f"No model serves yet: {count} enrolments are known, none is predicted."
    return f"{count} enrolments of {len(keys)} course runs were predicted by {streamer.version}."


def refresh_course(course_key: CourseKey, now: datetime | None = None) -> int:
    """Refresh one course run, outside the night; return how many enrolments."""
    streamer = _streamer(models().current(ENGAGEMENT))
    return _refresh(course_key, now or timezone.now(), streamer, _stack(streamer), None)


def _streamer(version: str | None) -> Streamer | None:
    """The model of that version, read afresh: this process may have promoted it a moment ago."""
    return Streamer.load(models(), version) if version else None


def _stack(streamer: Streamer | None) -> Stack | None:
    """The stack beside the model; None without a model or a whole stack."""
    try:
        return Stack.load(models(), streamer.version) if streamer else None
    except (BrokenModel, NoModel, ValueError):
        LOG.exception("The stack cannot be read, so the LSTM alone predicts")
        return None


def _refresh(
    course_key: CourseKey, now: datetime, streamer: Streamer | None, stack: Stack | None, job: Run | None
) -> int:
    course = _course(course_key, now)
    user_ids = _user_ids(course)
    completed = job.completed if job else None
    foresight = _foresight(course, stack, user_ids)
    for position in range(0, len(user_ids), BATCH):
        _write(course, streamer, foresight, user_ids[position : position + BATCH], completed)
        if job:
            job.report(None, f"{course_key}: {position} of {len(user_ids)} enrolments")
    drop_forgotten(user_ids)
    return len(user_ids)


def _foresight(course: Course, stack: Stack | None, user_ids: list[int]) -> Foresight | None:
    """What boosting beside the serving model says of everyone; None without a stack."""
    if stack is None:
        return None
    names = [str(user_id) for user_id in user_ids]
    return Foresight.of(stack, course.sequences, course.start, _moment(course), names)


def _moment(course: Course) -> float:
    """The time in unix seconds of which predictions speak."""
    return max(course.now.timestamp(), course.start)


def _course(course_key: CourseKey, now: datetime) -> Course:
    through = now - timedelta(seconds=settings.NUDGE_STATE_LAG_SECONDS)
    sequences = courses.sequences_of(course_key, through)
    enrolled = {row.user_id: row for row in platform().enrolments(course_key)}
    start = courses.start_of(course_key, sequences) or now.timestamp()
    done = progress.completed(sequences)
    return Course(course_key, sequences, enrolled, spans(sequences), done, start, now, through)


def _user_ids(course: Course) -> list[int]:
    """Everyone enrolled, met before, or with events.  A name that is no user id is nobody of this site."""
    known = Enrolment.objects.filter(course_key=course.key).values_list("learner__user_id", flat=True)
    seen = (int(learner) for learner in course.sequences.learners if learner.isascii() and learner.isdigit())
    gone = courses.event_store().forgotten()
    return sorted(user_id for user_id in {*course.enrolled, *known, *seen} if not gone(str(user_id)))


def drop_forgotten(user_ids: Iterable[int]) -> None:
    """Erase whoever was retired while these rows were written: the store forgets before the rows go."""
    gone = courses.event_store().forgotten()
    Learner.objects.filter(user_id__in=[user_id for user_id in user_ids if gone(str(user_id))]).delete()


def _write(
    course: Course,
    streamer: Streamer | None,
    foresight: Foresight | None,
    user_ids: list[int],
    completed: Mapping[int, int] | None,
) -> None:
    """Store one batch of learners: profiles, enrolments and the day's predictions, in one transaction."""
    profiles = _profiles(user_ids, completed)
    names = [str(user_id) for user_id in user_ids]
    found = streamer.refresh(course.sequences, course.start, _moment(course), names) if streamer else {}
    chances = _chances(foresight, {name: reading for name, (_, reading) in found.items()})
    with transaction.atomic():
        rows = [_row(course, learner) for learner in _learners(profiles)]
        if streamer:
            for row in rows:
                name = str(row.learner.user_id)
                _predict(row, course, streamer, found[name][0], chances[name])
            progress.compare(course.key, rows, course.now.date())
        fields = (*KNOWN, *PREDICTED) if streamer else KNOWN
        upsert(Enrolment, rows, fields, ("learner", "course_key"))
        if streamer:
            _write_days(course, rows)


def _profiles(user_ids: list[int], completed: Mapping[int, int] | None) -> dict[int, dict[str, Any]]:
    """What the platform says of each, and how many course runs they completed, as last counted."""
    if completed is None:
        known = Learner.objects.filter(user_id__in=user_ids).values_list("user_id", "profile")
        completed = {user_id: profile.get("completed", 0) for user_id, profile in known}
    told = platform().profiles(user_ids)
    return {
        user_id: {**told.get(user_id, {}), "completed": completed.get(user_id, 0)} for user_id in user_ids
    }


def _learners(profiles: Mapping[int, dict[str, Any]]) -> list[Learner]:
    """The learners' rows, made where they lack, with the profile of tonight."""
    rows = [Learner(user_id=user_id, profile=profile) for user_id, profile in profiles.items()]
    upsert(Learner, rows, ("profile",), ("user_id",))
    return list(Learner.objects.filter(user_id__in=profiles).order_by("user_id"))


def _row(course: Course, learner: Learner) -> Enrolment:
    enrolled = course.enrolled.get(learner.user_id)
    times = [datetime.fromtimestamp(time, UTC) for time in course.spans.get(str(learner.user_id), ())]
    known = [enrolled.enrolled] if enrolled else []
    return Enrolment(
        learner=learner,
        course_key=course.key,
        mode=enrolled.mode if enrolled else "",
        started=min([*known, *times], default=None),
        last_seen=max(times, default=None),
        progress=course.progress.get(str(learner.user_id), 0) if course.progress else None,
    )


def _chances(
    foresight: Foresight | None, readings: Mapping[str, Reading]
) -> Mapping[str, Mapping[str, float]]:
    """Target to probability by learner: the stack's where there is one, else the LSTM's alone."""
    if foresight:
        return foresight.probabilities(readings)
    return {name: reading.probabilities for name, reading in readings.items()}


def _predict(
    row: Enrolment, course: Course, streamer: Streamer, state: State, chances: Mapping[str, float]
) -> None:
    row.state = streamer.pack(state, half=settings.NUDGE_STATE_HALF)
    row.state_model, row.state_through = streamer.version, course.through
    row.predictions = {name: round(float(value), 6) for name, value in chances.items()}
    row.predicted_at, row.predicted_by = course.now, streamer.version


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
    upsert(PredictionDay, days, ("predictions",), ("enrolment", "day"))
