"""The at-risk room's half of the plugin's door; nudge_xblock/api.py says what holds of every function.

Who calls on somebody's behalf has checked that they may see the course, or asks for `everywhere`, which holds
what they may see alone.  What a function raises is a ValueError whose message says in words what to change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from .asked import Unreadable
from .desk import Changed, Invalid, Missing, NotPossible

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

    from .listing import Scope
    from .notices import Sent

__all__ = ["Changed", "Invalid", "Missing", "NotPossible", "Unreadable"]


# Nightly


def settle(course_key: CourseKey, now: datetime | None = None) -> dict[str, int]:
    """Open, move and close the course's cases by what was assessed; what was done, counted."""
    from . import casework

    done = casework.settle(course_key, now or timezone.now())
    return {"opened": done.opened, "closed": done.closed, "moved": done.moved}


# Notices


def send_notices() -> Sent:
    """Tell the operator's system of cases what it was not told yet."""
    from . import notices

    return notices.send()


# Lists


def cases(course_key: CourseKey, user_id: int, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of a course's cases, as a query asks for them.  Raises Unreadable."""
    from . import listing
    from .asked import Asked

    return listing.listed(listing.of_course(user_id, course_key), Asked.parse(query), timezone.now())


def cases_table(course_key: CourseKey, user_id: int, query: Mapping[str, str]) -> str:
    """The course's cases that a query means, as CSV.  Raises Unreadable."""
    from . import listing
    from .asked import Asked

    scope = listing.of_course(user_id, course_key)
    return listing.table(scope, Asked.parse(query), timezone.now())[0]


def everywhere(user_id: int, narrowed: Iterable[CourseKey] = ()) -> Scope:
    """The course runs whose cases somebody may see, or those of them that are named.

    Raises Missing for one that they may not see.
    """
    from . import listing

    return listing.narrowed(listing.of_all(user_id), list(narrowed))


def cases_everywhere(scope: Scope, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of the cases of several courses, and all the courses there are.  Raises Unreadable."""
    from . import listing
    from .asked import Asked

    told = listing.listed(scope, Asked.parse(query), timezone.now())
    return {**told, "courses": listing.courses(listing.of_all(scope.user_id))}


def table_everywhere(scope: Scope, query: Mapping[str, str]) -> tuple[str, list[CourseKey]]:
    """The cases of several courses as CSV, and of which courses they are.  Raises Unreadable."""
    from . import listing
    from .asked import Asked

    return listing.table(scope, Asked.parse(query), timezone.now())


# One case


def case(course_key: CourseKey, user_id: int, number: int) -> dict[str, Any]:
    """A case with all that helps to work on it.  Raises Missing."""
    from . import desk, page

    return page.told(desk.find(course_key, number), user_id, timezone.now())


def note(course_key: CourseKey, user_id: int, number: int, text: str) -> dict[str, Any]:
    """Write a note; the case.  Raises Missing and Invalid."""
    from . import desk

    desk.note(course_key, user_id, number, text, timezone.now())
    return case(course_key, user_id, number)


def assign(
    course_key: CourseKey, user_id: int, number: int, assignee: int | None, version: int
) -> dict[str, Any]:
    """Give an open case to somebody; the case.  Raises Missing, Invalid, Changed and NotPossible."""
    from . import desk

    desk.assign(course_key, user_id, number, assignee, version, timezone.now())
    return case(course_key, user_id, number)


def resolve(
    course_key: CourseKey, user_id: int, number: int, outcome: str, text: str, version: int
) -> dict[str, Any]:
    """Be done with a case; the case.  Raises Missing, Invalid, Changed and NotPossible."""
    from . import desk

    desk.resolve(course_key, user_id, number, outcome, text, version, timezone.now())
    return case(course_key, user_id, number)


def reopen(course_key: CourseKey, user_id: int, number: int, version: int) -> dict[str, Any]:
    """Open an ended case again; the case.  Raises Missing, Changed and NotPossible."""
    from . import desk

    desk.reopen(course_key, user_id, number, version, timezone.now())
    return case(course_key, user_id, number)


# A course's settings


def settings(course_key: CourseKey) -> dict[str, Any]:
    """Limits, plan, and what they mean for those who take the course now."""
    from . import planning

    return planning.told(course_key)


def change_settings(course_key: CourseKey, user_id: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Change them; cases follow within minutes.  Raises Invalid and Changed."""
    from . import planning, settling

    problems = planning.change(course_key, user_id, fields, timezone.now())
    settling.soon(course_key)
    return planning.told(course_key, problems)


# What helped, and whether it is fair


def worked(course_key: CourseKey) -> dict[str, Any]:
    """What became of learners with each kind of help, beside comparable ones without it."""
    from . import worked

    return worked.worked(course_key, timezone.now())


def fairness(course_key: CourseKey) -> dict[str, Any]:
    """Which groups of learners are flagged without need more often than others."""
    from . import fairness

    return fairness.fairness(course_key, timezone.now())
