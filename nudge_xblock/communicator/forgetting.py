"""Taking a retired learner's pseudonyms out of what staff wrote of whom they chose."""

from __future__ import annotations

from typing import Any

from nudge_xblock.compat import platform
from nudge_xblock.models import Enrolment

from .models import Letter, SavedSelection
from .selection import NOBODY

DIGITS = 16
"""Hexadecimal digits of a pseudonym in a selection."""


def forget(user_id: int) -> int:
    """Let letters and saved selections name nobody in place of this learner; how many.  The audit names none.

    Called while the learner's enrolments are still there: a pseudonym belongs to a course run.
    """
    changed = 0
    keys: Any = Enrolment.objects.filter(learner__user_id=user_id).values_list("course_key", flat=True)
    for key in keys:
        name = platform().anonymous_id(user_id, key)[:DIGITS]
        for letter in Letter.objects.filter(course_key=key, selection__contains=name):
            letter.selection = letter.selection.replace(name, NOBODY)
            letter.save(update_fields=["selection"])
            changed += 1
        for saved in SavedSelection.objects.filter(course_key=key, query__contains=name):
            saved.query = saved.query.replace(name, NOBODY)
            saved.save(update_fields=["query"])
            changed += 1
    return changed
