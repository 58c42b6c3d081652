"""Letters as pop-ups: their card, what became of it, and the mail that follows one that nobody saw."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from nudge_xblock import addressed, placements, policy
from nudge_xblock.compat import platform
from nudge_xblock.models import Placement
from nudge_xblock.reasons import Reason

from . import letters, markup
from .claims import GOING
from .letters import Composed, Link
from .mails import Writer, said_of
from .models import Channel, Delivery, Letter
from .picking import NUDGED

State = Delivery.State
CARD_DAYS = 60  # a card that waited longer is about something long gone
NOT_SEEN, GONE = "not_seen", "gone"


def problems(letter: Letter, composed: Composed) -> list[str]:
    """What keeps a letter from being shown as a card, in words; empty for one that goes by mail alone."""
    if letter.channel not in NUDGED or composed.problems:
        return []
    found = []
    if composed.names:
        found.append(_("A pop-up cannot say the learner's name; names are used in mail only."))
    if len(_actions(composed)) > 1:
        found.append(_("A pop-up has room for one link."))
    if not _has_card(letter):
        found.append(_("No page of this course asks for pop-ups yet: add a nudge in Studio first."))
    wrong = placements.validate(fields(letter, composed)) if not found else []
    return [*found, *(each.message for each in wrong)]


def place(letter: Letter) -> Placement:
    """Make the letter's card known to the pages of its course; safe to repeat."""
    return placements.register(fields(letter, Writer(letter).composed))


def withdraw(letter: Letter) -> None:
    """Let the letter's card show no more."""
    placements.withdraw(addressed.key(letter.pk))


def fields(letter: Letter, composed: Composed) -> dict[str, object]:
    """The letter as `placements.register` takes a nudge."""
    dates = platform().course_dates(letter.course_key)
    title = dates.title or str(letter.course_key)
    said = letters.render(composed, {**said_of(dates), "course": title})
    actions = _actions(composed)
    label, url = actions[0] if actions else ("", "")
    body = said.text.strip()
    if url:
        body = body.replace(f" ({url})", "")
    return {
        "key": addressed.key(letter.pk) if letter.pk else addressed.PREFIX + "0",
        "course_key": str(letter.course_key),
        "title": letter.subject,
        "kind": addressed.KIND,
        "trigger": {"when": "unit_seen"},
        "may_retire": False,
        "variants": [
            {"heading": said.subject, "body": body, "action_label": label, "action_url": url},
        ],
    }


def settle(letter_ids: list[int] | None = None) -> int:
    """Take over from the decisions which cards were seen and followed; how many rows."""
    rows = Delivery.objects.filter(state=State.WAITING, decision__shown_at__isnull=False)
    clicked = Delivery.objects.filter(clicked_at__isnull=True, decision__clicked_at__isnull=False)
    if letter_ids is not None:
        rows, clicked = rows.filter(letter_id__in=letter_ids), clicked.filter(letter_id__in=letter_ids)
    seen = 0
    for pk, at in list(rows.values_list("pk", "decision__shown_at")):
        waiting = Delivery.objects.filter(pk=pk, state=State.WAITING)
        seen += waiting.update(state=State.SEEN, shown_at=at)
    for pk, at in list(clicked.values_list("pk", "decision__clicked_at")):
        Delivery.objects.filter(pk=pk).update(clicked_at=at)
    return seen


def escalate(now: datetime) -> int:
    """Let a mail follow each card that was not seen in its days; how many.  Never both at once.

    A card that a page has just got may be seen in a moment: it is left alone for that long.  Who left the
    course is not written to; nor is the control group, who could not see the card.
    """
    settle()
    due = Delivery.objects.filter(state=State.WAITING, escalate_at__lte=now, letter__state__in=GOING)
    just_given = Q(decision__created__gt=now - addressed.REPEAT)
    moved = 0
    for letter_id in list(due.exclude(just_given).order_by().values_list("letter_id", flat=True).distinct()):
        letter = Letter.objects.get(pk=letter_id)
        there = platform().members(letter.course_key)
        rows = due.exclude(just_given).filter(letter=letter).select_related("learner")
        for row in list(rows):
            why = ""
            if row.learner.user_id not in there:
                why = GONE
            elif policy.is_control(row.learner.user_id, letter.course_key):
                why = str(Reason.CONTROL)
            moved += _escalated(row, why)
    _expire(now)
    return moved


def _escalated(row: Delivery, why: str) -> int:
    """Turn a waiting card into a mail, unless a page got it meanwhile; 1 or 0."""
    same = Q(decision_id=row.decision_id) if row.decision_id else Q(decision__isnull=True)
    mine = Delivery.objects.filter(same, pk=row.pk, state=State.WAITING)
    if why:
        mine.update(state=State.SKIPPED, reason=why)
        return 0
    return mine.update(state=State.QUEUED, channel=Channel.MAIL)


def _expire(now: datetime) -> None:
    """Cards that nobody came to see."""
    old = Delivery.objects.filter(
        state=State.WAITING, created__lt=now - timedelta(days=CARD_DAYS), escalate_at__isnull=True
    )
    old.filter(Q(decision__isnull=True) | Q(decision__created__lt=now - addressed.REPEAT)).update(
        state=State.SKIPPED, reason=NOT_SEEN
    )


def _actions(composed: Composed) -> list[tuple[str, str]]:
    """Every link of a letter: its words and where it leads."""
    pieces = composed.html
    found = []
    for place, piece in enumerate(pieces):
        if isinstance(piece, Link):
            after = pieces[place + 1] if place + 1 < len(pieces) else ""
            words = after.partition(">")[2].partition("</a>")[0] if isinstance(after, str) else ""
            found.append((markup.plain(words), piece.url))
    return found


def _has_card(letter: Letter) -> bool:
    """Whether any page of the course has a nudge, whose script asks for cards."""
    nudges = Placement.objects.filter(course_key=letter.course_key, active=True)
    return nudges.exclude(kind=addressed.KIND).exists()
