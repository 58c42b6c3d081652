"""What the demo host knows of its learners and courses, in the plugin's own terms.

The simulated part is written once by the seeding command, as one JSON file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from opaque_keys.edx.keys import CourseKey, UsageKey

from nudge_xblock.addressees import Addressee, Section
from nudge_xblock.compat import CourseDates, Enrolled, Platform, Result
from nudge_xblock.models import Learner

from . import outline, people, runtime, simulator

FILE = Path(settings.VAR) / "campus.json"


def write(runs: Iterable[tuple[simulator.Run, list[simulator.Result]]]) -> None:
    """Keep what the simulation knows of its learners, for `Campus` to answer from."""
    campus = {
        str(run.key): {
            "start": run.start.isoformat(),
            "weeks": run.weeks,
            "learners": [_row(result) for result in sorted(results, key=lambda each: each.learner.user_id)],
        }
        for run, results in runs
    }
    FILE.write_text(json.dumps(campus), encoding="utf-8")
    _campus.cache_clear()
    _invented.cache_clear()


class Campus(Platform):
    """Answers for the demo's accounts and for the simulated learners."""

    def profiles(self, user_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        wanted = set(user_ids)
        found = {user.id: _profile(user) for user in User.objects.filter(pk__in=wanted)}
        for run in _campus().values():
            found.update(
                {row["user_id"]: row["profile"] for row in run["learners"] if row["user_id"] in wanted}
            )
        if not settings.NUDGE_USE_DEMOGRAPHICS:
            found = {user_id: {"language": row.get("language", "en")} for user_id, row in found.items()}
        return found

    def language(self, user_id: int) -> str:
        user = User.objects.filter(pk=user_id).first()
        person = people.by_name(user.username) if user else None
        return person.language if person else "en"

    def addresses(self, user_ids: Iterable[int] | QuerySet[Any]) -> Iterator[tuple[int, str, bool]]:
        """Simulated learners have no account here, but an address, so that letters can be tried out."""
        ids = self._ids(user_ids)
        yield from super().addresses(ids)
        invented = _invented()
        yield from ((pk, invented[pk].email, invented[pk].verified) for pk in ids if pk in invented)

    def _ids(self, user_ids: Iterable[int] | QuerySet[Any]) -> list[int]:
        if not isinstance(user_ids, QuerySet):
            return list(user_ids)
        return list(Learner.objects.filter(user_id__in=user_ids).values_list("user_id", flat=True))

    def addressees(self, user_ids: Sequence[int]) -> dict[int, Addressee]:
        invented = _invented()
        return {pk: invented.get(pk, who) for pk, who in super().addressees(user_ids).items()}

    def course_keys(self) -> list[CourseKey]:
        keys = {CourseKey.from_string(key) for key in _campus()} | {outline.COURSE_KEY}
        return sorted(keys | set(super().course_keys()), key=str)

    def course_dates(self, course_key: CourseKey) -> CourseDates:
        if course_key == outline.COURSE_KEY:
            start, weeks = outline.start(), outline.WEEKS
        elif str(course_key) in _campus():
            run = _campus()[str(course_key)]
            start, weeks = datetime.fromisoformat(run["start"]), run["weeks"]
        else:
            return CourseDates()
        end = start + timedelta(weeks=weeks)
        return CourseDates(start=start, end=end, title=outline.TITLE, language="en", effort="02:00")

    def course_titles(self, course_keys: Iterable[CourseKey]) -> dict[CourseKey, str]:
        return {key: _title(key) for key in course_keys}

    def due_dates(self, course_key: CourseKey, user_id: int) -> dict[str, datetime]:
        if course_key != outline.COURSE_KEY:
            return {}
        return {
            str(outline.COURSE_KEY.make_usage_key(kind, name)): unit.due
            for unit in outline.units()
            for kind, name in unit.blocks
            if unit.due is not None
        }

    def labels(self, usage_keys: Iterable[UsageKey]) -> dict[str, str]:
        course = runtime.DemoRuntime()
        return {str(key): course.get_block(key).display_name for key in usage_keys if outline.unit_of(key)}

    def outline(self, course_key: CourseKey) -> list[Section]:
        weeks: dict[int, Section] = {}
        for unit in outline.units() if course_key == outline.COURSE_KEY else ():
            week = weeks.setdefault(unit.week, Section(f"Week {unit.week}", []))
            week.places.append((course_key.make_usage_key("unit", unit.slug), unit.title))
        return list(weeks.values())

    def enrolments(self, course_key: CourseKey) -> Iterator[Enrolled]:
        if course_key == outline.COURSE_KEY:
            begun = outline.start() + timedelta(days=1)
            for user in User.objects.filter(is_staff=False):
                yield Enrolled(user.id, "audit", begun, True)
        for row in _campus().get(str(course_key), {}).get("learners", ()):
            yield Enrolled(row["user_id"], row["mode"], datetime.fromisoformat(row["enrolled"]), True)

    def outcomes(self, course_key: CourseKey) -> list[Result]:
        """What became of simulated learners.  Nothing yet where the demo runs on somebody's own logs."""
        rows = _campus().get(str(course_key), {}).get("learners", ())
        return [_outcome(row) for row in rows]


def _title(key: CourseKey) -> str:
    """Runs of the demo course are told apart by their term; other courses are called by their number."""
    if key == outline.COURSE_KEY:
        return outline.TITLE
    return f"{outline.TITLE if key.course == outline.COURSE_KEY.course else key.course}, {key.run}"


def _outcome(row: dict[str, Any]) -> Result:
    passed_at, completed_at = (_when(row[name]) for name in ("passed_at", "completed_at"))
    return Result(
        user_id=row["user_id"],
        passed=passed_at is not None,
        completed=completed_at is not None,
        passed_at=passed_at,
        completed_at=completed_at,
        mode=row["mode"],
        enrolled=datetime.fromisoformat(row["enrolled"]),
    )


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@cache
def _campus() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


@cache
def _invented() -> dict[int, Addressee]:
    """What a mail to each simulated learner needs."""
    rows = (row for run in _campus().values() for row in run["learners"])
    return {row["user_id"]: people.invented(row["user_id"], row["profile"]["language"]) for row in rows}


def _row(result: simulator.Result) -> dict[str, Any]:
    who = result.learner
    return {
        "user_id": who.user_id,
        "mode": who.mode,
        "enrolled": _time(who.enrolled),
        "passed_at": _time(result.passed_at) if result.passed_at else None,
        "completed_at": _time(result.completed_at) if result.completed_at else None,
        "profile": {
            "gender": who.gender,
            "birth_year": who.birth_year,
            "country": who.country,
            "education": who.education,
            "language": "en",
        },
    }


def _profile(user: User) -> dict[str, Any]:
    person = people.by_name(user.username)
    if person is None:
        return {}
    return {
        "gender": person.gender,
        "birth_year": person.birth_year,
        "country": person.country,
        "education": person.education,
        "language": person.language,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
