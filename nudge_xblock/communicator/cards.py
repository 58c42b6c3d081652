"""Letters as pop-ups: their card, what became of it, and the mail that follows one that nobody saw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from nudge_xblock import addressed, placements, policy
from nudge_xblock.compat import platform
from nudge_xblock.models import Decision, Placement
from nudge_xblock.reasons import Reason

from . import filling, markup
from .claims import GOING, GONE
from .filling import Composed, Link
from .mails import Writer, said_of
from .models import Channel, Delivery, Letter
from .picking import BATCH, NUDGED

if TYPE_CHECKING:
    from uuid import UUID

    from opaque_keys.edx.keys import CourseKey

State = Delivery.State
CARD_DAYS = 60  # a card that waited longer is about something long gone
FOLLOWED_DAYS = 7  # after its letter's end a card is hardly followed any more
NOT_SEEN = "not_seen"


def problems(letter: Letter, composed: Composed) -> list[str]:
    """What keeps a letter from being shown as a card, in words; empty for one that goes by mail alone."""
    if letter.channel not in NUDGED or composed.problems:
        return []
    found = []
    if composed.names:
        found.append(_("A pop-up cannot say the learner's name; names are used in mail only."))
    if not composed.fields.isdisjoint(filling.OWN):
        found.append(_("A pop-up is the same for all; next steps and due dates are used in mail only."))
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
    said = filling.render(composed, {**said_of(dates), "course": title})
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


def settle(letter_ids: Sequence[int]) -> int:
    """Take over from the decisions which of these letters' cards were seen and followed; how many rows."""
    rows = Delivery.objects.filter(
        letter_id__in=letter_ids, state=State.WAITING, decision__shown_at__isnull=False
    )
    clicked = Delivery.objects.filter(
        letter_id__in=letter_ids, clicked_at__isnull=True, decision__clicked_at__isnull=False
    )
    seen = 0
    for pk, at in list(rows.values_list("pk", "decision__shown_at")):
        waiting = Delivery.objects.filter(pk=pk, state=State.WAITING)
        seen += waiting.update(state=State.SEEN, shown_at=at)
    for pk, at in list(clicked.values_list("pk", "decision__clicked_at")):
        Delivery.objects.filter(pk=pk).update(clicked_at=at)
    return seen


def open_letters(now: datetime, course_key: CourseKey | None = None) -> list[int]:
    """The letters whose cards may still be seen or followed, of one course or of all."""
    found = Letter.objects.filter(channel__in=NUDGED)
    if course_key is not None:
        found = found.filter(course_key=course_key)
    lately = Q(state__in=GOING) | Q(finished__gt=now - timedelta(days=FOLLOWED_DAYS))
    return list(found.filter(lately).values_list("pk", flat=True))


def escalate(now: datetime) -> int:
    """Let a mail follow each card that was not seen in its days; how many.  Never both at once.

    A card that a page has just got may be seen in a moment: it is left alone for that long.  Who left the
    course is not written to; nor is the control group, who could not see the card.
    """
    settle(open_letters(now))
    due = _unseen(now).filter(escalate_at__lte=now, letter__state__in=GOING)
    moved = 0
    for letter_id in list(due.order_by().values_list("letter_id", flat=True).distinct()):
        letter = Letter.objects.get(pk=letter_id)
        columns = due.filter(letter=letter).values_list("pk", "decision_id", "learner__user_id")
        rows = list(columns)
        for begin in range(0, len(rows), BATCH):
            moved += _escalated(letter.course_key, rows[begin : begin + BATCH], now)
    _expire(now)
    return moved


def _escalated(course_key: CourseKey, rows: Sequence[tuple[int, UUID | None, int]], now: datetime) -> int:
    """Turn waiting cards into mails, but for those that a page got meanwhile; how many."""
    there = platform().takers(course_key, [user_id for _pk, _decision, user_id in rows])
    given = [decision for _pk, decision, _user in rows if decision is not None]
    same = _unseen(now).filter(Q(decision__isnull=True) | Q(decision_id__in=given))
    kinds: dict[str, list[int]] = {}
    for pk, _decision, user_id in rows:
        control = user_id in there and policy.is_control(user_id, course_key)
        why = GONE if user_id not in there else str(Reason.CONTROL) if control else ""
        kinds.setdefault(why, []).append(pk)
    moved = 0
    for why, pks in kinds.items():
        left_out = {"state": State.SKIPPED, "reason": why}
        changes = left_out if why else {"state": State.QUEUED, "channel": Channel.MAIL}
        changed = same.filter(pk__in=pks).update(**changes)
        moved += 0 if why else changed
    return moved


def _unseen(now: datetime) -> QuerySet[Delivery]:
    """Cards that wait, that nobody saw, and that no page has just got: in one statement, with no join."""
    mine = Decision.objects.filter(pk=OuterRef("decision_id"))
    held = mine.filter(Q(shown_at__isnull=False) | Q(created__gt=now - addressed.REPEAT))
    return Delivery.objects.filter(~Exists(held), state=State.WAITING)


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
