"""Who among a course's staff did what and when: every call, the refused ones too.

Screens look again by themselves, every second while a letter goes out.  Looks of one person at one thing
within minutes are one line that says how often, so that they do not bury what was done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.django.models import CourseKeyField
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import platform

from .case_words import CASES, SEEN
from .letter_words import LETTERS
from .models import Audit
from .selection import unnamed

NEWEST = 200
REFUSED = "refused"
FLOOD = timedelta(minutes=1)
FOLDED = timedelta(minutes=10)
"""How long after the first look others are counted on its line."""
LOOKS = frozenset({
    "learners_seen", "trends_seen", "learners_counted", "selections_seen", "audit_seen", "senders_seen",
    "places_seen",
    "letters_seen", "letter_seen", "letter_previewed", "deliveries_seen", *SEEN,
})  # fmt: skip
"""Calls that neither change anything nor take a table away."""

OF_NONE: Any = CourseKeyField.Empty
"""In place of a course: the call was about none."""
SAME = ("query", "case")
"""What of the detail must be the same for two looks to be one line."""

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
    **CASES,
}


def record(
    course_key: CourseKey, user_id: int, what: str, letter_id: int | None = None, **detail: Any
) -> None:
    """Write down one call.  detail: counts and queries as JSON, never who was written to.

    Of looks that are counted on one line, the detail is that of the last.
    """
    told = {"course_key": course_key, "user_id": user_id, "what": what, "letter_id": letter_id}
    now, detail = timezone.now(), _unnamed(detail)
    if what in LOOKS:
        before = Audit.objects.filter(**told, at__gt=now - FOLDED).first()
        if before is not None and _alike(before, detail):
            again = {"times": F("times") + 1, "last": now, "detail": detail}
            Audit.objects.filter(pk=before.pk).update(**again)
            return
    Audit.objects.create(**told, detail=detail)


def record_everywhere(course_keys: Sequence[CourseKey], user_id: int, what: str, **detail: Any) -> None:
    """Write down one call about several courses in each of them, or one about none; in few statements."""
    now, detail, keys = timezone.now(), _unnamed(detail), list(course_keys) or [OF_NONE]
    told = {"user_id": user_id, "what": what}
    folded: dict[CourseKey, int] = {}
    if what in LOOKS:
        before = Audit.objects.filter(**told, course_key__in=keys, at__gt=now - FOLDED, letter=None)
        for row in before.order_by("at", "id"):
            if _alike(row, detail):
                folded[row.course_key or OF_NONE] = row.pk
    again = {"times": F("times") + 1, "last": now, "detail": detail}
    Audit.objects.filter(pk__in=folded.values()).update(**again)
    new = [key for key in keys if key not in folded]
    Audit.objects.bulk_create(Audit(**told, course_key=key, detail=detail) for key in new)


def _alike(row: Audit, detail: Mapping[str, Any]) -> bool:
    """Whether a look was at the same thing as the one of that row."""
    return all(row.detail.get(name) == detail.get(name) for name in SAME)


def _unnamed(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The same, without the pseudonyms that a selection may hold."""
    return {key: unnamed(each) if isinstance(each, str) else each for key, each in detail.items()}


def record_refusal(course_key: CourseKey | None, user_id: int, call: str, status: int) -> None:
    """Write down a call about a course, or about none, that was refused, unless one was within a minute.

    Anybody who is logged in can be refused, as often as they like.
    """
    key = OF_NONE if course_key is None else course_key
    mine = Audit.objects.filter(course_key=key, user_id=user_id, what=REFUSED)
    if not mine.filter(at__gt=timezone.now() - FLOOD).exists():
        record(key, user_id, REFUSED, call=call, status=status)


def newest(course_key: CourseKey, before: int | None = None, looks: bool = True) -> list[dict[str, Any]]:
    """The course's last calls, newest first, as JSON.

    `before`: those older than the row of that number; `looks`: not only what was done.
    """
    found = Audit.objects.filter(course_key=course_key)
    if before is not None:
        last = found.filter(pk=before).first()
        if last is None:
            return []
        found = found.filter(Q(at__lt=last.at) | Q(at=last.at, pk__lt=last.pk))
    if not looks:
        found = found.exclude(what__in=LOOKS)
    rows = list(found[:NEWEST])
    names = platform().names_of({row.user_id for row in rows if row.user_id is not None})
    return [
        {
            "n": row.pk,
            "at": row.at.isoformat(),
            "times": row.times,
            "last": row.last.isoformat(),
            "who": names.get(row.user_id or 0, ""),
            "what": row.what,
            "words": str(WORDS.get(row.what, row.what)),
            "letter": row.letter_id,
            "detail": row.detail,
        }
        for row in rows
    ]
