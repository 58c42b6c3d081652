"""The selections that a course team named for itself; all its staff see and use them."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from opaque_keys.edx.keys import CourseKey

from .models import SavedSelection
from .selection import Selection

MOST = 100


class Taken(ValueError):
    """There is one of that name, or there are too many; the message says so."""


def every(course_key: CourseKey) -> list[dict[str, Any]]:
    """The course's selections by name, as JSON."""
    return [described(row) for row in SavedSelection.objects.filter(course_key=course_key)]


def save(course_key: CourseKey, user_id: int, name: str, query: str) -> dict[str, Any]:
    """Keep a selection under a name.  Raises Unreadable for the query, Taken for the name."""
    canonical = Selection.parse(query).query()
    if SavedSelection.objects.filter(course_key=course_key).count() >= MOST:
        raise Taken(_("A course keeps %s selections at most: delete one first.") % MOST)
    try:
        with transaction.atomic():
            row = SavedSelection.objects.create(
                course_key=course_key, author_id=user_id, name=name, query=canonical
            )
    except IntegrityError as error:
        raise Taken(_("There is a selection called “%s” already: choose another name.") % name) from error
    return described(row)


def delete(course_key: CourseKey, number: int) -> bool:
    """Forget one of the course's selections; whether there was one."""
    return bool(SavedSelection.objects.filter(course_key=course_key, pk=number).delete()[0])


def described(row: SavedSelection) -> dict[str, Any]:
    """One of them as JSON."""
    return {"n": row.pk, "name": row.name, "query": row.query}
