"""The plugin's only Python door: what the block, REST, tasks, commands and the tracker may call.

Every function takes identifiers and plain values, so that a Celery task or another process can call it, and
owns its transactions.  Nothing here imports torch or the platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from nudge_xblock import models as tables
from nudge_xblock.atrisk import api as atrisk
from nudge_xblock.communicator import api as communicator
from nudge_xblock.preferences import Preferences
from nudge_xblock.slots import Busy, LostSlot
from nudge_xblock.votes import NotYours, Unanswerable
from predictor.store import BrokenModel, NoModel

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

    from nudge_xblock.night import Reporter
    from nudge_xblock.placements import Problem
    from nudge_xblock.recording import Answer

__all__ = [
    "Busy",
    "LostSlot",
    "ModelError",
    "NotYours",
    "Preferences",
    "Unanswerable",
    "atrisk",
    "communicator",
]

ModelError = (NoModel, BrokenModel, ValueError)
"""What `promote` and `rollback` raise; the message says what to do."""


# Learners and moments


def ask(
    user_id: int,
    course_key: CourseKey,
    placement_keys: Sequence[str],
    occasion: Mapping[str, Any],
    now: datetime | None = None,
) -> Answer:
    """What to show this learner at this moment, if anything.  Never raises and never waits for a model."""
    from nudge_xblock import decisions

    return decisions.ask(user_id, course_key, placement_keys, occasion, now)


def awaits(user_id: int, course_key: CourseKey) -> bool:
    """Whether the card of a letter waits for this learner, so that a page asks as it opens.  Never raises."""
    from nudge_xblock import decisions

    return decisions.awaits(user_id, course_key)


def respond(
    user_id: int, decision_id: UUID | str, what: str, at: datetime | None = None, key: str = ""
) -> dict[str, Any]:
    """Record an answer (see votes.respond); return the standing.  Raises NotYours or Unanswerable."""
    from nudge_xblock import votes

    return votes.respond(user_id, decision_id, what, at, key)


def register(fields: Mapping[str, Any]) -> tables.Placement:
    """Insert or bring up to date the placement and the variants that a block's fields describe."""
    from nudge_xblock import placements

    return placements.register(fields)


def validate(fields: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a nudge, by field and in a teacher's words; empty when it can be registered."""
    from nudge_xblock import placements

    return placements.validate(fields)


def preferences(user_id: int) -> Preferences:
    """What the learner asked of the nudges."""
    from nudge_xblock import preferences

    return preferences.read(user_id)


def set_preferences(user_id: int, opted_out: bool | None = None, fewer: int | None = None) -> Preferences:
    """Change what is given, return all.  Raises ValueError for a `fewer` out of range."""
    from nudge_xblock import preferences

    return preferences.write(user_id, opted_out, fewer)


def retire(user_id: int) -> dict[str, int]:
    """Erase all that is held of a learner, in the database and in the event store; how much of each."""
    from nudge_xblock import retirement

    return retirement.retire(user_id)


# Staff


def analytics(course_key: CourseKey, view: str, **options: Any) -> dict[str, Any]:
    """The numbers behind one view of the staff tab; cells under ten learners are hidden."""
    from nudge_xblock import analytics as queries

    return queries.view(course_key, view, **options)


def effects(course_key: CourseKey | None = None, now: datetime | None = None) -> dict[str, Any]:
    """What nudges changed in what learners did afterwards, in a course run or on the whole site."""
    from nudge_xblock.effects import estimates

    return estimates(course_key, now or timezone.now())


def decisions(course_key: CourseKey) -> QuerySet[tables.Decision]:
    """A course's decisions with all that describes them."""
    rows = tables.Decision.objects.filter(course_key=course_key)
    return rows.select_related("learner", "placement", "variant").defer("features", "inputs")


def placements(course_key: CourseKey) -> QuerySet[tables.Placement]:
    """A course's nudges with their wordings."""
    return tables.Placement.objects.filter(course_key=course_key).prefetch_related("variants")


def enrolments(course_key: CourseKey) -> QuerySet[tables.Enrolment]:
    """A course's enrolments with their newest predictions."""
    return tables.Enrolment.objects.filter(course_key=course_key).select_related("learner").defer("state")


# The night


def start_night() -> tables.Night:
    """Start tonight's job now, or return the one that is queued or running.  Poll it by its id."""
    from nudge_xblock import starting

    return starting.start()


def run_night(now: datetime | None = None, reporter: Reporter | None = None) -> tables.Night:
    """Do the night's work in this process.  Raises Busy while another process is at it."""
    from nudge_xblock import nightly

    return nightly.run(now, reporter)


def night_status(night_id: int | None = None) -> dict[str, Any]:
    """How far a night is (the newest one when no id is given), as JSON; {} when there was none."""
    from nudge_xblock import nightly

    return nightly.status(night_id)


def verdict(night: tables.Night) -> str:
    """What a night promoted or refused and why, in the language in use."""
    from nudge_xblock import remarks

    return remarks.text(night.verdict)


def night_errors(night: tables.Night) -> str:
    """Why steps of a night failed, for whoever runs the site: names files and hosts, unlike `verdict`."""
    from nudge_xblock import nightly

    return nightly.errors(night)


def nights(count: int = 30) -> list[dict[str, Any]]:
    """The last nights, newest first, as JSON."""
    from nudge_xblock import nightly

    return [nightly.describe(night) for night in tables.Night.objects.all()[:count]]


def ingest_logs(paths: Iterable[Path | str], reporter: Reporter | None = None) -> dict[str, Any]:
    """Read tracking logs into the event store; the report counts lines read, kept and skipped, by reason."""
    from nudge_xblock import ingesting

    return ingesting.read_logs(paths, reporter)


def queue_logs(paths: Iterable[Path | str]) -> int:
    """Leave each log file to a Celery worker, which must see it under the same path; return how many."""
    from nudge_xblock import tasks
    from predictor.readers import expand

    files = expand(paths)
    for path in files:
        tasks.send(tasks.ingest_log, path)
    return len(files)


def train(now: datetime | None = None, reporter: Reporter | None = None) -> tables.Night:
    """Label, train, judge and promote without reading logs or refreshing; recorded as a night."""
    from nudge_xblock import nightly

    return nightly.run(now, reporter, only=nightly.LEARNING)


def refresh(now: datetime | None = None, reporter: Reporter | None = None) -> tables.Night:
    """Bring the states and predictions of every enrolment up to date; recorded as a night."""
    from nudge_xblock import nightly

    return nightly.run(now, reporter, only=nightly.REFRESHING)


def refresh_course(course_key: CourseKey, now: datetime | None = None) -> int:
    """Compute the state and the predictions of every enrolment of a course; return how many."""
    from nudge_xblock import refreshing

    return refreshing.refresh_course(course_key, now)


def queue_refresh(course_keys: Sequence[CourseKey] = ()) -> int:
    """Leave each course (all that are known, by default) to a Celery worker; return how many."""
    from nudge_xblock import courses, tasks

    keys = list(course_keys) or courses.known()
    for key in keys:
        tasks.send(tasks.refresh_course, str(key))
    return len(keys)


def assess_course(course_key: CourseKey, now: datetime | None = None) -> int:
    """Assess everyone who takes a course run, and settle its cases; how many.  Raises one of ModelError."""
    from nudge_xblock.atrisk import assessing

    return assessing.assess_course(course_key, now)


def assess(now: datetime | None = None, reporter: Reporter | None = None) -> tables.Night:
    """Assess everyone in every course run, and settle all cases; recorded as a night."""
    from nudge_xblock import nightly

    return nightly.run(now, reporter, only=nightly.ASSESSING)


def queue_assessment(course_keys: Sequence[CourseKey] = ()) -> int:
    """Leave each course's assessment (all that are known, by default) to a Celery worker; return how many."""
    from nudge_xblock import courses
    from nudge_xblock.atrisk import assessing

    return assessing.queue(list(course_keys) or courses.known())


# Models


def models() -> dict[str, Any]:
    """By kind: the version that serves, every version kept with its figures, and the promotions so far."""
    from nudge_xblock import promotion

    return promotion.describe()


def promote(kind: str, version: str) -> None:
    """Let a version serve, judged or not.  Raises one of ModelError."""
    from nudge_xblock import promotion

    promotion.promote(kind, version)


def rollback(kind: str) -> str:
    """Let the version serve that served before; return it.  Raises one of ModelError."""
    from nudge_xblock import promotion

    return promotion.rollback(kind)
