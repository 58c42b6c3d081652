"""How enrolments ended, from the platform's tables: what the engagement model learns to foresee.

A course run is labelled once it has ended, because until then only those who already passed are known, and a
model that learns from them alone learns that everybody passes.  A run without an end (self-paced) is labelled
learner by learner, `NUDGE_SELF_PACED_DAYS` after each enrolment.  `leave` needs no label: the event stream
itself tells it.

Learners are split once and for all by a digest of their id: those of the held-out share are never trained on,
in any course, so that every model, tonight's and last month's, can be judged on them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import courses, holdout
from nudge_xblock.compat import CourseDates, Result, platform
from nudge_xblock.night import Run, workroom
from predictor.outcomes import Outcomes

TARGETS = ("pass", "complete")

Row = dict[str, Any]
"""One enrolment in an outcome table; an empty label is one that is not known yet."""


def is_held_out(learner_id: str) -> bool:
    """Whether the learner is kept out of all training, so that models can be judged on them."""
    return holdout.is_held_out(learner_id, settings.NUDGE_HELD_OUT_SHARE)


def trained_on() -> Path:
    """The outcome table that the training reads."""
    return workroom() / "outcomes.csv"


def held_out() -> Path:
    """The outcome table of the learners who are kept out of training."""
    return workroom() / "held_out.csv"


def collect(job: Run) -> str:
    """The night's step: write both outcome tables, over every course run that has events."""
    keys = courses.with_events()
    rows: list[Row] = []
    for number, course_key in enumerate(keys):
        rows += rows_of(course_key, job.now)
        job.report(number / len(keys), str(course_key))
    job.completed = Counter(int(row["learner_id"]) for row in rows if row["complete"])
    Outcomes.from_rows(row for row in rows if not is_held_out(row["learner_id"])).write(trained_on())
    Outcomes.from_rows(row for row in rows if is_held_out(row["learner_id"])).write(held_out())
    return _report(job, rows, len(keys))


def rows_of(course_key: CourseKey, now: datetime) -> Iterator[Row]:
    """How the enrolments of one course run ended, as far as that is known at `now`.

    Learners with events, or on the platform, of whom it is not known have a row without labels.
    """
    dates = platform().course_dates(course_key)
    sequences = courses.sequences_of(course_key, now)
    start = courses.start_of(course_key, sequences)
    results = {str(result.user_id): result for result in platform().outcomes(course_key)}
    for learner_id in sorted({*sequences.learners, *results}):
        result = results.get(learner_id)
        row = {"course_id": str(course_key), "learner_id": learner_id, "course_start": start}
        known = result is not None and _is_known(result, dates, now)
        yield row | (_labels(result, now) if result and known else dict.fromkeys(TARGETS))


def _is_known(result: Result, dates: CourseDates, now: datetime) -> bool:
    if dates.end is not None and not dates.self_paced:
        return dates.end <= now
    return result.enrolled + timedelta(days=settings.NUDGE_SELF_PACED_DAYS) <= now


def _labels(result: Result, now: datetime) -> Row:
    passed_at, completed_at = _by(result.passed_at, now), _by(result.completed_at, now)
    return {
        "pass": int(passed_at is not None),
        "complete": int(completed_at is not None),
        "pass_at": passed_at,
        "complete_at": completed_at,
    }


def _by(moment: datetime | None, now: datetime) -> datetime | None:
    """The moment, unless it lies in the future of a night that looks back."""
    return moment if moment is not None and moment <= now else None


def _report(job: Run, rows: list[Row], count: int) -> str:
    labelled = [row for row in rows if row["pass"] is not None]
    ended = len({row["course_id"] for row in labelled})
    counts = Counter(f"{target}: {row[target]}" for row in labelled for target in TARGETS)
    held = sum(is_held_out(row["learner_id"]) for row in rows)
    job.figures.update(
        {"courses": count, "enrolments": len(rows), "labelled": len(labelled), "held_out": held}
    )
    job.figures["labels"] = dict(sorted(counts.items()))
    if not count:
        return "There are no events of any course yet, so there is nothing to learn from."
    if not labelled:
        return (
            f"None of the {count} course runs with events has ended or tells how its learners did, "
            "so passing and completing cannot be learned yet; leaving can."
        )
    return f"{len(labelled)} enrolments of {ended} of {count} course runs are labelled."
