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

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

    from nudge_xblock.decisions import Answer
    from nudge_xblock.models import Night, Placement
    from nudge_xblock.nightly import Reporter


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


def respond(
    user_id: int, decision_id: UUID | str, what: str, at: datetime | None = None, key: str = ""
) -> dict[str, Any]:
    """Record shown, helpful, not_helpful, undo, clicked, dismissed, fewer or stop; return the standing."""
    from nudge_xblock import votes

    return votes.respond(user_id, decision_id, what, at, key)


def register(fields: Mapping[str, Any]) -> Placement:
    """Insert or bring up to date the placement and the variants that a block's fields describe."""
    from nudge_xblock import placements

    return placements.register(fields)


# Staff


def analytics(course_key: CourseKey, view: str, **options: Any) -> dict[str, Any]:
    """The numbers behind one view of the staff tab; cells under ten learners are hidden."""
    from nudge_xblock import analytics as queries

    return queries.view(course_key, view, **options)


# The night


def start_night() -> Night:
    """Start tonight's job now, or return the one that is queued or running.  Poll it by its id."""
    from nudge_xblock import nightly

    return nightly.start()


def run_night(now: datetime | None = None, reporter: Reporter | None = None, night_id: int | None = None) -> Night:
    """Do the night's work in this process.  Raises `Busy` while another process is at it."""
    from nudge_xblock import nightly

    return nightly.run(now, reporter, night_id)


def night_status(night_id: int | None = None) -> dict[str, Any]:
    """How far a night is (the newest one when no id is given), as JSON; {} when there was none."""
    from nudge_xblock import nightly

    return nightly.status(night_id)


def ingest_log(paths: Iterable[Path | str]) -> dict[str, Any]:
    """Read tracking logs into the event store; the report counts what was read, kept and skipped, by reason."""
    from nudge_xblock import ingesting

    return ingesting.read_logs(paths)


def refresh_course(course_key: CourseKey, now: datetime | None = None) -> int:
    """Compute the state and the predictions of every enrolment of a course; return how many."""
    from nudge_xblock import refreshing

    return refreshing.refresh_course(course_key, now)
