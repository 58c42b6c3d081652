"""A term at a small school, as the platform and the event store know it, and risk models made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import CourseDates, Enrolled, Platform, Result
from predictor.events import Event
from predictor.factors import OF_EVENTS, Factor
from predictor.moments import DAY as SECONDS
from predictor.records import CourseRecords
from predictor.risk import KIND, RiskModel
from predictor.store import ModelStore

from ..nighttime import NOW, store

DAY = timedelta(days=1)
LENGTH = 40 * DAY
NOW_RUN = CourseKey.from_string("course-v1:School+NUM+now")
PAST = [CourseKey.from_string(f"course-v1:School+NUM+past{number}") for number in (1, 2, 3)]
ACTIVE = next(factor for factor in OF_EVENTS if factor.name == "active_days_fortnight")
NEVER = next(factor for factor in OF_EVENTS if factor.name == "never_came")
GOOD, BAD = -1.0, 1.0
"""What an active day more does to the log-odds, in spreads: it lowers the risk, and a bad model denies it."""


class School(Platform):
    """A platform whose runs, enrolments and ends a test sets."""

    dates: dict[Any, CourseDates] = {}
    enrolled: dict[Any, list[Enrolled]] = {}
    completed: dict[Any, dict[int, datetime]] = {}
    staff: set[int] = set()

    @classmethod
    def forget(cls) -> None:
        """Begin anew."""
        cls.dates, cls.enrolled, cls.completed, cls.staff = {}, {}, {}, set()

    def course_keys(self) -> list[Any]:
        return list(self.dates)

    def course_dates(self, course_key: Any) -> CourseDates:
        return self.dates.get(course_key, CourseDates())

    def enrolments(self, course_key: Any) -> Iterator[Enrolled]:
        return iter(self.enrolled.get(course_key, []))

    def members(self, course_key: Any) -> dict[int, str]:
        return {row.user_id: row.mode for row in self.enrolments(course_key) if row.active}

    def staff_ids(self, course_key: Any) -> set[int]:
        return self.staff

    def outcomes(self, course_key: Any) -> list[Result]:
        done = self.completed.get(course_key, {})
        return sorted(
            Result(
                row.user_id,
                passed=row.user_id in done,
                completed=row.user_id in done,
                passed_at=done.get(row.user_id),
                completed_at=done.get(row.user_id),
                mode=row.mode,
                enrolled=row.enrolled,
            )
            for row in self.enrolments(course_key)
        )


def run(course_key: Any, begun: timedelta, *user_ids: int, self_paced: bool = False) -> datetime:
    """A run that began so long ago, with these learners; when it began."""
    start = NOW - begun
    end = None if self_paced else start + LENGTH
    School.dates[course_key] = CourseDates(start=start, end=end, self_paced=self_paced)
    School.enrolled[course_key] = [Enrolled(user_id, "audit", start, True) for user_id in user_ids]
    return start


def visits(course_key: Any, user_id: int, *days: float) -> None:
    """A few events on each of these days of the run, in the store."""
    store(*_events(course_key, user_id, days))


def _events(course_key: Any, user_id: int, days: Iterable[float]) -> Iterator[Event]:
    start = School.dates[course_key].start
    assert start is not None
    times = [start.timestamp() + (day + 0.01 * part) * SECONDS for day in days for part in range(3)]
    kinds = ("seq_next", "play_video", "complete_video")
    for place, time in enumerate(times):
        if time <= NOW.timestamp():
            yield Event(str(course_key), str(user_id), time, kinds[place % 3], f"i{place % 7}", None)


def finished(seed: int = 0, learners: int = 50) -> None:
    """The past runs: learners who come on most days complete, the others mostly do not."""
    rng = np.random.default_rng(seed)
    events: list[Event] = []
    for number, course_key in enumerate(PAST):
        people = range(1000 * (number + 1), 1000 * (number + 1) + learners)
        start = run(course_key, (number + 1) * 50 * DAY, *people)
        for user_id in people:
            zeal = rng.random()
            events += _events(course_key, user_id, np.flatnonzero(rng.random(38) < 0.1 + 0.7 * zeal).tolist())
            if rng.random() < 0.1 + 0.8 * (zeal > 0.5):
                School.completed.setdefault(course_key, {})[user_id] = start + 39 * DAY
    store(*events)


def made(coefficient: float = GOOD, target: str = "complete", auc: float = 0.9) -> RiskModel:
    """A model that knows active days and who never came."""
    factors: tuple[Factor, ...] = (ACTIVE, NEVER)
    weights = np.array([[0.5] * 4, [coefficient] * 4, [1.0] * 4])
    return RiskModel(
        version="",
        target=target,
        adverse=False,
        clock="course",
        length=LENGTH.total_seconds(),
        factors=factors,
        weights=weights,
        points=np.array([0.0, 1.0]),
        typical=np.array([[5.0, 0.0], [5.0, 0.0]]),
        spread=np.array([4.0, 1.0]),
        courses=CourseRecords({}),
        metrics={target: {"auc": auc, "ece": 0.02, "log_loss": 0.4, "n": 500, "moments": []}},
    )


def serve(folder: Path | str, model: RiskModel | None = None) -> str:
    """Publish a model and let it serve; its version."""
    models = ModelStore(folder)
    version = (model or made()).publish(models)
    models.promote(KIND, version)
    return version
