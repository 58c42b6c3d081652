"""A programme on the platform's tables: finished runs to learn from, running ones to be assessed.

Learners do as those of `risk_world` do; beside their events there are enrolments, certificates, eight
assignments with due dates, and a feature table of the operator's own.  The running ones began 28 days ago.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.risk_world import CAUSES, DAYS, LOST, SICK, stream
from predictor.events import Event
from predictor.moments import DAY

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
PASSED = 28
"""Days of the running ones that are past."""
NEVER = 0.05
DUES = tuple(range(5, 41, 5))
FURTHER = tuple(f"pace.module_{number}" for number in range(16))
BATCH = 5000


def make_tables() -> None:
    """The platform's, which have no migrations here and refer to tables that have."""
    from django.apps import apps
    from django.db import connection

    from tests.openedx import APPS

    with connection.schema_editor() as editor:
        for name in APPS:
            for model in apps.get_app_config(name.rpartition(".")[2]).get_models():
                editor.create_model(model)


def course_id(number: int) -> str:
    """Of the n-th run."""
    return f"course-v1:Campus+C{number}+2026"


def make(number: int, learners: int, first: int, finished: bool) -> str:
    """One run with so many learners, whose user ids begin at `first`; its id."""
    from opaque_keys.edx.keys import CourseKey

    rng = np.random.default_rng([7, number])
    start = NOW - timedelta(days=(DAYS + 30 + 10 * number) if finished else PASSED)
    key = CourseKey.from_string(course_id(number))
    people = range(first, first + learners)
    sick = rng.random(learners) < SICK
    causes = [str(rng.choice(CAUSES[:-1])) if ill else "" for ill in sick]
    lost = rng.random(learners) < np.where(sick, LOST, 0.1)
    _enrol(key, start, people)
    _append(_events(rng, str(key), start, people, causes))
    _grade(rng, key, start, people, causes)
    if finished:
        _certify(key, start, people, lost)
    return str(key)


def write_features(path: Path, courses: dict[str, range]) -> None:
    """The operator's own feature table: numbers at random of everyone, some unknown."""
    rng = np.random.default_rng(4)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["course_id", "learner_id", *FURTHER])
        for course, people in courses.items():
            numbers = rng.gamma(1.0, 1.0, (len(people), len(FURTHER))).round(4)
            for user_id, row in zip(people, numbers.tolist(), strict=True):
                writer.writerow([course, user_id, *("" if rng.random() < 0.05 else each for each in row)])


def _events(
    rng: np.random.Generator, course: str, start: datetime, people: range, causes: list[str]
) -> Iterator[Event]:
    now = NOW.timestamp()
    for user_id, cause in zip(people, causes, strict=True):
        if rng.random() > NEVER:
            onset = 0.0 if cause == "help" else float(rng.uniform(1, 7))
            for event in stream(rng, course, str(user_id), start.timestamp(), cause, onset):
                if event.time < now:
                    yield event


def _append(events: Iterator[Event]) -> None:
    from nudge_xblock import courses

    courses.event_store().append(events)


def _enrol(key: Any, start: datetime, people: range) -> None:
    from django.contrib.auth import get_user_model

    from tests.openedx.course_overviews.models import CourseOverview
    from tests.openedx.student.models import CourseEnrollment

    users = get_user_model()
    end = start + timedelta(days=DAYS)
    CourseOverview.objects.create(
        id=key, display_name=str(key), start=start, end=end, lowest_passing_grade="0.60"
    )
    insert(users, (users(pk=n, username=f"u{n}", email=f"u{n}@example.org") for n in people))
    insert(
        CourseEnrollment,
        (CourseEnrollment(user_id=n, course_id=key, mode="verified", created=start) for n in people),
    )


def _grade(rng: np.random.Generator, key: Any, start: datetime, people: range, causes: list[str]) -> None:
    from tests.openedx.edx_when.models import ContentDate, DatePolicy
    from tests.openedx.grades.models import PersistentSubsectionGrade

    blocks = [(day, key.make_usage_key("sequential", f"week{day}")) for day in DUES]
    for day, block in blocks:
        policy = DatePolicy.objects.create(abs_date=start + timedelta(days=day))
        ContentDate.objects.create(course_id=key, location=block, field="due", policy=policy)

    def rows() -> Iterator[Any]:
        for user_id, cause in zip(people, causes, strict=True):
            for day, block in blocks:
                when = start + timedelta(days=day + float(rng.normal(-1.0, 2.0)))
                if when < NOW and rng.random() < (0.15 if cause in ("assignments", "absence") else 0.9):
                    yield PersistentSubsectionGrade(
                        user_id=user_id,
                        course_id=key,
                        usage_key=block,
                        earned_graded=float(rng.binomial(10, 0.3 if cause == "grades" else 0.8)),
                        possible_graded=10.0,
                        first_attempted=when,
                        modified=when,
                    )

    insert(PersistentSubsectionGrade, rows())


def _certify(key: Any, start: datetime, people: range, lost: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
    from tests.openedx.certificates.models import GeneratedCertificate

    at = start + timedelta(seconds=DAYS * DAY - 3600)
    held = (user_id for user_id, gone in zip(people, lost.tolist(), strict=True) if not gone)
    insert(
        GeneratedCertificate,
        (
            GeneratedCertificate(user_id=n, course_id=key, status="downloadable", created_date=at)
            for n in held
        ),
    )


def insert(model: Any, rows: Iterator[Any]) -> None:
    """All the rows, a few thousand in memory at a time."""
    while some := list(islice(rows, BATCH)):
        model.objects.bulk_create(some)
