"""Who among a course's staff did what and when: every call, the refused ones too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import platform

from .letter_words import LETTERS
from .models import Audit

NEWEST = 200
REFUSED = "refused"
FLOOD = timedelta(minutes=1)

WORDS: Mapping[str, Promise] = {
    "learners_seen": _("Looked at the learners’ predictions"),
    "trends_seen": _("Looked at predictions over time"),
    "learners_counted": _("Counted a selection"),
    "learners_exported": _("Downloaded learners as a table"),
    "selections_seen": _("Looked at the saved selections"),
    "selection_saved": _("Saved a selection"),
    "selection_deleted": _("Deleted a saved selection"),
    "audit_seen": _("Looked at this list"),
    REFUSED: _("Was refused"),
    **LETTERS,
}


def record(
    course_key: CourseKey, user_id: int, what: str, letter_id: int | None = None, **detail: Any
) -> Audit:
    """Write down one call.  detail: counts and queries as JSON, never who was written to."""
    return Audit.objects.create(
        course_key=course_key, user_id=user_id, what=what, letter_id=letter_id, detail=detail
    )


def record_refusal(course_key: CourseKey, user_id: int, call: str, status: int) -> None:
    """Write down a call that was refused, unless one of theirs was within the last minute.

    Anybody who is logged in can be refused, as often as they like.
    """
    mine = Audit.objects.filter(course_key=course_key, user_id=user_id, what=REFUSED)
    if not mine.filter(at__gt=timezone.now() - FLOOD).exists():
        record(course_key, user_id, REFUSED, call=call, status=status)


def newest(course_key: CourseKey) -> list[dict[str, Any]]:
    """The course's last calls, newest first, as JSON."""
    rows = list(Audit.objects.filter(course_key=course_key)[:NEWEST])
    names = platform().names_of({row.user_id for row in rows if row.user_id is not None})
    return [
        {
            "at": row.at.isoformat(),
            "who": names.get(row.user_id or 0, ""),
            "what": row.what,
            "words": str(WORDS.get(row.what, row.what)),
            "letter": row.letter_id,
            "detail": row.detail,
        }
        for row in rows
    ]
