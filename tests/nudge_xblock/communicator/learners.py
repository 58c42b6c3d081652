"""Learners of the small course with figures of their own, for the tests of this room."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model

from nudge_xblock.models import Enrolment, Learner

from ..moments import COURSE, NOW

DAY = timedelta(days=1)


def learner(
    user_id: int,
    *,
    course: Any = COURSE,
    chances: dict[str, float] | None = None,
    seen: timedelta | None = timedelta(hours=1),
    now: datetime = NOW,
    address: str | None = None,
    **fields: Any,
) -> Enrolment:
    """A user with a verified address who takes the course, last seen so long before `now` (None: never).

    chances: of passing, completing and leaving; none are predicted by default.
    """
    email = f"learner{user_id}@example.org" if address is None else address
    get_user_model().objects.get_or_create(
        pk=user_id, defaults={"username": f"learner-{user_id}", "email": email, "first_name": "Zoë"}
    )
    row, _ = Learner.objects.get_or_create(user_id=user_id)
    return Enrolment.objects.create(
        learner=row,
        course_key=course,
        predictions=chances or {},
        last_seen=None if seen is None else now - seen,
        **({"mode": "audit"} | fields),
    )
