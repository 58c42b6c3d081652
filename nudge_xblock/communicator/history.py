"""What was written to whom, why they matched and what became of it: as JSON and as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import platform
from nudge_xblock.sentences import SENTENCES

from . import spreadsheet
from .figures import PSEUDONYM
from .models import Delivery, Letter

PAGE = 500
NEWEST = 200
WORDS: Mapping[str, Promise] = {
    "no_address": _("No address is known."),
    "unverified": _("The address was never confirmed."),
    "opted_out": _("The learner asked for no messages."),
    "declined": _("The learner declined mail from this course on the platform."),
    "unsubscribed": _("The learner unsubscribed."),
    "bounced": _("The address does not exist."),
    "complained": _("The learner reported an earlier mail as unwanted."),
    "down": _("The mail server could not be reached."),
    "later": _("The mail server refused it for the moment, again and again."),
    "refused": _("The mail server refused it."),
    "unknown": _("It is not known whether it went out, so it is not sent again."),
    "stopped": _("The sending was stopped before."),
    "broken": _("The mail could not be written; the server log says why."),
    "gone": _("The learner has left the course."),
    "better": _("Things had changed before it went out: the learner’s case was closed, or more urgent."),
    "not_seen": _("The learner did not come by while the pop-up waited."),
}


def letters(course_key: CourseKey) -> list[dict[str, Any]]:
    """The course's letters, newest first."""
    rows = list(Letter.objects.filter(course_key=course_key)[:NEWEST])
    found = counts([row.pk for row in rows])
    names = authors(rows)
    return [described(row, found.get(row.pk, {}), names) for row in rows]


def letter(row: Letter) -> dict[str, Any]:
    """One letter."""
    return described(row, counts([row.pk]).get(row.pk, {}), authors([row]))


def authors(rows: Iterable[Letter]) -> dict[int, str]:
    """User names of who wrote the letters, by id."""
    return platform().names_of({row.author_id for row in rows if row.author_id is not None})


def described(row: Letter, found: Mapping[str, int], names: Mapping[int, str]) -> dict[str, Any]:
    """A letter as JSON."""
    return {
        "id": row.pk,
        "author": names.get(row.author_id or 0, ""),
        "subject": row.subject,
        "body": row.body,
        "links": row.links,
        "sender": row.sender,
        "reply_to": row.reply_to,
        "selection": row.selection,
        "channel": row.channel,
        "wait_days": row.wait_days,
        "at": row.at.isoformat() if row.at else None,
        "automatic_until": row.automatic_until.isoformat() if row.automatic_until else None,
        "state": row.state,
        "words": ": ".join(filter(None, [str(Letter.State(row.state).label), row.problem])),
        "matched": row.matched,
        "counts": {name: found.get(name, 0) for name in COUNTED},
        "tracking": bool(settings.NUDGE_MAIL_TRACKING),
        "created": row.created.isoformat(),
        "updated": row.updated.isoformat(),
        "confirmed": row.confirmed.isoformat() if row.confirmed else None,
        "finished": row.finished.isoformat() if row.finished else None,
        "reused_from": row.reused_from_id,
        "resend": row.resend,
    }


COUNTED = (*Delivery.State.values, "opened", "clicked")


def counts(letter_ids: Iterable[int]) -> dict[int, Counter[str]]:
    """Letter to how many deliveries are in each state, were opened and clicked."""
    rows = (
        Delivery.objects.filter(letter_id__in=list(letter_ids))
        .order_by()
        .values_list("letter_id", "state")
        .annotate(
            every=Count("pk"),
            opened=Count("pk", filter=Q(opened_at__isnull=False)),
            clicked=Count("pk", filter=Q(clicked_at__isnull=False)),
        )
    )
    found: dict[int, Counter[str]] = {}
    for letter_id, state, every, opened, clicked in rows:
        found.setdefault(letter_id, Counter()).update({state: every, "opened": opened, "clicked": clicked})
    return found


def deliveries(row: Letter, after: int = 0) -> dict[str, Any]:
    """To whom it went, under pseudonyms, why they matched and what became of it; a page of PAGE at a time."""
    rows = list(row.deliveries.filter(pk__gt=after).select_related("learner").order_by("pk")[: PAGE + 1])
    told = [_delivery(row, each) for each in rows[:PAGE]]
    return {"deliveries": told, "next": rows[PAGE - 1].pk if len(rows) > PAGE else None}


def _delivery(row: Letter, each: Delivery) -> dict[str, Any]:
    return {
        "learner": _pseudonym(row, each),
        "state": each.state,
        "words": str(Delivery.State(each.state).label),
        "reason": each.reason,
        "because": because(each.reason),
        "why": each.why,
        "sent_at": each.sent_at.isoformat() if each.sent_at else None,
        "seen": each.shown_at is not None,
        "opened": each.opened_at is not None,
        "clicked": each.clicked_at is not None,
    }


def because(reason: str) -> str:
    """A reason code in words; those of restraint are the nudges' own."""
    if not reason:
        return ""
    known = {str(code): words for code, words in SENTENCES.items()} | dict(WORDS)
    return str(known.get(reason, reason))


def letters_table(course_key: CourseKey) -> str:
    """Every letter with its counts, as CSV."""
    titles = ["id", "state", "subject", "channel", "selection", "confirmed", "matched", *COUNTED]
    rows = (
        [
            each["id"], each["state"], each["subject"], each["channel"], each["selection"], each["confirmed"],
            each["matched"], *(each["counts"][name] for name in COUNTED),
        ]
        for each in letters(course_key)
    )  # fmt: skip
    return spreadsheet.written(titles, rows)


def deliveries_table(row: Letter) -> str:
    """Everyone a letter went to, under pseudonyms, as CSV."""
    figures = ("pass", "complete", "leave", "progress", "seen", "mode", "tier", "risk")
    titles = ["learner", "state", "reason", "sent_at", "seen", "opened", "clicked", *figures]
    rows = row.deliveries.select_related("learner").order_by("pk").iterator(chunk_size=2000)
    cells = (
        [
            _pseudonym(row, each), each.state, each.reason,
            each.sent_at.isoformat() if each.sent_at else None,
            int(each.shown_at is not None), int(each.opened_at is not None), int(each.clicked_at is not None),
            *(each.why.get(name) for name in figures),
        ]
        for each in rows
    )  # fmt: skip
    return spreadsheet.written(titles, cells)


def _pseudonym(row: Letter, each: Delivery) -> str:
    return platform().anonymous_id(each.learner.user_id, row.course_key)[: 2 * PSEUDONYM]
