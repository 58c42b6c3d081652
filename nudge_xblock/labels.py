"""How enrolments ended, from the platform's tables: what the engagement model learns to foresee.

A course run is labelled once it has ended, because until then only those who already passed are known, and a
model that learns from them alone learns that everybody passes.  A run without an end (self-paced) is labelled
learner by learner, `NUDGE_SELF_PACED_DAYS` after each enrolment.  `leave` needs no label: the event stream
itself tells it.

Learners are split once and for all by a digest of their id: those of the held-out share are never trained on,
in any course, so that every model, tonight's and last month's, can be judged on them.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import CourseDates, Result, platform
from nudge_xblock.night import Run, workroom
from predictor.sequences import EventStore

TARGETS = ("pass", "complete")
COLUMNS = ("course_id", "learner_id", "course_start", "pass", "complete", "pass_at", "complete_at")
BUCKETS = 10_000


class Label(NamedTuple):
    """How one enrolment ended; the fields are the columns of an outcome table, times in ISO form."""

    course_id: str
    learner_id: str
    course_start: str
    passed: int
    completed: int
    passed_at: str
    completed_at: str


def is_held_out(learner_id: str) -> bool:
    """Whether the learner is kept out of all training, so that models can be judged on them."""
    bucket = int.from_bytes(blake2b(learner_id.encode(), digest_size=8).digest(), "big") % BUCKETS
    return bucket < settings.NUDGE_HELD_OUT_SHARE * BUCKETS


def trained_on() -> Path:
    """The outcome table that the training reads."""
    return workroom() / "outcomes.csv"


def held_out() -> Path:
    """The outcome table of the learners who are kept out of training."""
    return workroom() / "held_out.csv"


def collect(job: Run) -> str:
    """The night's step: write both outcome tables, from every course run that has events."""
    courses = _course_keys(EventStore(settings.NUDGE_EVENTS_DIR).courses)
    if not courses:
        job.figures.update({"courses": 0, "enrolments": 0})
        _write(trained_on(), []), _write(held_out(), [])
        return "There are no events of any course yet, so there is nothing to label."
    labels: list[Label] = []
    labelled = 0
    for number, course_key in enumerate(courses):
        found = list(labels_of(course_key, job.now))
        labels += found
        labelled += bool(found)
        job.report(number / len(courses), str(course_key))
    train = [label for label in labels if not is_held_out(label.learner_id)]
    _write(trained_on(), train)
    _write(held_out(), [label for label in labels if is_held_out(label.learner_id)])
    return _report(job, labels, labelled, len(courses))


def labels_of(course_key: CourseKey, now: datetime) -> Iterator[Label]:
    """How the enrolments of one course run ended, as far as that is known at `now`."""
    dates = platform().course_dates(course_key)
    for result in platform().outcomes(course_key):
        if _is_known(result, dates, now):
            yield _label(course_key, result, dates, now)


def _is_known(result: Result, dates: CourseDates, now: datetime) -> bool:
    if dates.end is not None and not dates.self_paced:
        return dates.end <= now
    return result.enrolled + timedelta(days=settings.NUDGE_SELF_PACED_DAYS) <= now


def _label(course_key: CourseKey, result: Result, dates: CourseDates, now: datetime) -> Label:
    passed_at = _by(result.passed_at, now)
    completed_at = _by(result.completed_at, now)
    return Label(
        str(course_key),
        str(result.user_id),
        dates.start.isoformat() if dates.start else "",
        int(passed_at is not None),
        int(completed_at is not None),
        passed_at.isoformat() if passed_at else "",
        completed_at.isoformat() if completed_at else "",
    )


def _by(moment: datetime | None, now: datetime) -> datetime | None:
    """The moment, unless it lies in the future of a night that looks back."""
    return moment if moment is not None and moment <= now else None


def _course_keys(course_ids: Iterable[str]) -> list[CourseKey]:
    """The course runs whose ids the platform could know; events may name others."""
    keys = []
    for course_id in course_ids:
        try:
            keys.append(CourseKey.from_string(course_id))
        except InvalidKeyError:
            continue
    return keys


def _write(path: Path, labels: Iterable[Label]) -> None:
    """Write an outcome table, readable by this user alone, whole or not at all."""
    draft = path.with_suffix(".unfinished")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(labels)
    draft.replace(path)


def _report(job: Run, labels: list[Label], labelled: int, courses: int) -> str:
    job.figures.update(
        {
            "courses": courses,
            "labelled_courses": labelled,
            "enrolments": len(labels),
            "held_out": sum(is_held_out(label.learner_id) for label in labels),
            "passed": sum(label.passed for label in labels),
            "completed": sum(label.completed for label in labels),
        }
    )
    if not labels:
        return (
            f"None of the {courses} course runs with events has ended or tells how its learners did, "
            "so passing and completing cannot be learned yet; leaving can."
        )
    return f"{len(labels)} enrolments of {labelled} of {courses} course runs are labelled."
