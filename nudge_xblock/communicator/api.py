"""The Communicator's half of the plugin's door; nudge_xblock/api.py says what holds of every function.

What a function raises is a ValueError whose message says in words what to change, unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from .saved import Taken
from .selection import Unreadable

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

__all__ = ["Taken", "Unreadable"]


# Learners


def learners(course_key: CourseKey, now: datetime | None = None) -> dict[str, Any]:
    """Everyone's figures under pseudonyms, in columns, with the phrases to choose by."""
    from . import export

    return export.payload(course_key, now or timezone.now())


def count(course_key: CourseKey, query: str) -> dict[str, int]:
    """How many a selection means, and how many of them a mail may reach."""
    from . import export

    return export.count(course_key, query)


def table(course_key: CourseKey, query: str) -> str:
    """The learners whom a selection means, as CSV, under pseudonyms."""
    from . import export

    return export.table(course_key, query)


def trends(course_key: CourseKey, who: Sequence[str]) -> dict[str, Any]:
    """The last 30 days of each prediction of at most a hundred learners, by pseudonym."""
    from . import trends

    return trends.trends(course_key, who, timezone.now())


# Selections of the course team


def selections(course_key: CourseKey) -> list[dict[str, Any]]:
    """The selections that the course's staff named."""
    from . import saved

    return saved.every(course_key)


def save_selection(course_key: CourseKey, user_id: int, name: str, query: str) -> dict[str, Any]:
    """Name a selection.  Raises Unreadable or Taken."""
    from . import saved

    return saved.save(course_key, user_id, name, query)


def delete_selection(course_key: CourseKey, number: int) -> bool:
    """Forget a named selection; whether the course had it."""
    from . import saved

    return saved.delete(course_key, number)


# The audit


def record(
    course_key: CourseKey, user_id: int, what: str, letter_id: int | None = None, **detail: Any
) -> None:
    """Write down one call of a member of staff."""
    from . import audit

    audit.record(course_key, user_id, what, letter_id, **detail)


def record_refusal(course_key: CourseKey, user_id: int, call: str, status: int) -> None:
    """Write down a call that was refused; a flood of them is one line a minute."""
    from . import audit

    audit.record_refusal(course_key, user_id, call, status)


def audited(course_key: CourseKey) -> list[dict[str, Any]]:
    """The course's last 200 calls, newest first."""
    from . import audit

    return audit.newest(course_key)
