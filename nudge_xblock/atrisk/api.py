"""The at-risk room's half of the plugin's door; nudge_xblock/api.py says what holds of every function."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey


def settle(course_key: CourseKey, now: datetime | None = None) -> dict[str, int]:
    """Open, move and close the course's cases by what was assessed; what was done, counted."""
    from . import casework

    done = casework.settle(course_key, now or timezone.now())
    return {"opened": done.opened, "closed": done.closed, "moved": done.moved}
