"""A small campus with a known law: diligent learners come more days, answer better, and pass."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import CourseDates, Enrolled, Platform, Result

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ENDED = [CourseKey.from_string(f"course-v1:Flow+Past{number}+2026") for number in (1, 2, 3)]
RUNNING = CourseKey.from_string("course-v1:Flow+Now+2026")
LENGTH = timedelta(days=35)
LEARNERS = 60  # in each course run
STAFF = 9001


class Campus(Platform):
    """The platform of these tests: answers from the law itself, as any process can compute it."""

    def course_keys(self) -> list[CourseKey]:
        return [*ENDED, RUNNING]

    def course_dates(self, course_key: CourseKey) -> CourseDates:
        start = starts(course_key)
        return CourseDates(start=start, end=start + LENGTH, title=str(course_key))

    def enrolments(self, course_key: CourseKey) -> Iterator[Enrolled]:
        for user_id in [*learners(course_key), quiet(course_key)]:
            yield Enrolled(user_id, "audit", starts(course_key), True)

    def outcomes(self, course_key: CourseKey) -> list[Result]:
        end = starts(course_key) + LENGTH - timedelta(days=1)
        found = []
        for user_id in learners(course_key):
            passed = end if diligence(user_id) > 0.5 else None
            done = end if diligence(user_id) > 0.6 else None
            found.append(
                Result(
                    user_id, passed is not None, done is not None, passed, done, "audit", starts(course_key)
                )
            )
        return found

    def is_course_staff(self, user_id: int, course_key: CourseKey) -> bool:
        return user_id == STAFF


def starts(course_key: CourseKey) -> datetime:
    """Ended runs began some months ago; the running one three weeks ago."""
    if course_key == RUNNING:
        return NOW.replace(hour=0) - timedelta(days=21)
    return NOW.replace(hour=0) - timedelta(days=60 * (ENDED.index(course_key) + 1))


def learners(course_key: CourseKey) -> range:
    first = 100 * (1 + [*ENDED, RUNNING].index(course_key))
    return range(first, first + LEARNERS)


def quiet(course_key: CourseKey) -> int:
    """Somebody enrolled who never did anything."""
    return learners(course_key).stop


def diligence(user_id: int) -> float:
    return random.Random(user_id).random()


def records(course_key: CourseKey, user_id: int, until: datetime) -> Iterator[dict[str, Any]]:
    """A learner's tracking records in order of time, up to `until`."""
    chance, zeal = random.Random(user_id * 7919), diligence(user_id)
    quits = 3 + 60 * zeal * chance.random() ** 0.3
    for day in range(min(LENGTH.days, int(quits))):
        if chance.random() > 0.2 + 0.7 * zeal:
            continue
        time = starts(course_key) + timedelta(days=day, seconds=chance.uniform(30000, 70000))
        for step in range(chance.randint(2, 4)):
            for record in episode(course_key, user_id, f"{day}x{step}", time, chance, zeal):
                if datetime.fromisoformat(record["time"]) <= until:
                    yield record
            time += timedelta(seconds=chance.uniform(60, 900))


def episode(
    course_key: CourseKey, user_id: int, item: str, time: datetime, chance: random.Random, zeal: float
) -> Iterator[dict[str, Any]]:
    """A video, then its problem."""
    video = json.dumps({"id": f"v{item}", "currentTime": 1.5, "code": "html5"})
    yield record(course_key, user_id, time, "play_video", "browser", video)
    if chance.random() > zeal:
        yield record(course_key, user_id, time + timedelta(seconds=20), "pause_video", "browser", video)
    right = chance.random() < 0.2 + 0.7 * zeal
    answer = {
        "problem_id": str(course_key.make_usage_key("problem", f"p{item}")),
        "success": "correct" if right else "incorrect",
        "grade": int(right),
        "max_grade": 1,
    }
    yield record(course_key, user_id, time + timedelta(seconds=45), "problem_check", "server", answer)


def record(
    course_key: CourseKey, user_id: int, time: datetime, kind: str, source: str, event: Any
) -> dict[str, Any]:
    """One line of a tracking log."""
    return {
        "event_type": kind,
        "name": kind,
        "event_source": source,
        "event": event,
        "time": time.isoformat(),
        "username": f"learner{user_id}",
        "context": {"course_id": str(course_key), "user_id": user_id, "org_id": "Flow", "path": ""},
    }


def write_logs(until: datetime = NOW) -> None:
    """The ended runs' records as tracking logs: two rotated and compressed, one plain, with a torn line."""
    folder = Path(settings.NUDGE_TRACKING_LOGS[0]).parent
    folder.mkdir(parents=True, exist_ok=True)
    for number, course_key in enumerate(ENDED):
        lines = [
            json.dumps(one) for user_id in learners(course_key) for one in records(course_key, user_id, until)
        ]
        text = "\n".join([*lines, '{"event_type": "play_vid']).encode() + b"\n"
        name = folder / ("tracking.log" if number == 0 else f"tracking.log-{number}.gz")
        name.write_bytes(text if number == 0 else gzip.compress(text, mtime=0))


def live(until: datetime = NOW, since: datetime | None = None) -> None:
    """The running course's events through the live backend, a request per learner."""
    from nudge_xblock import afterwards, tracking

    backend = tracking.InboxBackend()
    for user_id in learners(RUNNING):
        afterwards.begin_request()
        for one in records(RUNNING, user_id, until):
            if since is None or datetime.fromisoformat(one["time"]) > since:
                backend.send(one)
        afterwards.finish_request()
