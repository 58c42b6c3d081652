"""A letter's pop-up: the card that staff addressed to this learner, asked for before any other nudge.

Staff chose whom it is for, so the gate has nothing to decide and chance no part in it; restraint stands above
it as above every nudge.  The decision says so (`staff_letter`, probability one), and nothing that learns from
chance looks at it.  A course without such letters pays nothing for the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from .communicator.models import Delivery, Letter
from .triggers import moment

KIND = "letter"
PREFIX = "letter-"
REPEAT = timedelta(minutes=10)
"""How long a card that was given but not seen is given again as it is, to the page that asks again."""


class Waiting(NamedTuple):
    """A card that waits for a learner; `given`: the decision by which a page has got it, not seen yet."""

    delivery: int
    letter: int
    given: UUID | None
    given_at: datetime | None


class Gone(Exception):
    """The card was given to another page, or a mail took its place."""


def key(letter_id: int) -> str:
    """The key of the placement that a letter's card stands at."""
    return f"{PREFIX}{letter_id}"


def waiting(user_id: int, keys: Sequence[str]) -> Waiting | None:
    """The oldest card that waits for the learner, of the letters with these keys; one read."""
    letters = [int(each.removeprefix(PREFIX)) for each in keys]
    rows = Delivery.objects.filter(
        letter_id__in=letters,
        letter__state__in=[Letter.State.SENDING, Letter.State.AUTOMATIC],
        learner__user_id=user_id,
        state=Delivery.State.WAITING,
        decision__shown_at__isnull=True,
        decision__dismissed_at__isnull=True,
    )
    columns = ("pk", "letter_id", "decision_id", "decision__created")
    row = rows.order_by("created", "pk").values_list(*columns).first()
    return None if row is None else Waiting(*row)


def digest(user_id: int, card: Waiting, now: datetime) -> str:
    """The moment: one an hour, so that a card held back has another chance at a later visit."""
    return moment(user_id, key(card.letter), occasion(now))


def occasion(now: datetime) -> str:
    return f"letter:{int(now.timestamp() // 3600)}"


def give(card: Waiting, decision: UUID) -> None:
    """Note by which decision the card was given.  Raises Gone where it must not be any more."""
    before = Q(decision_id=card.given) if card.given else Q(decision__isnull=True)
    changed = Delivery.objects.filter(before, pk=card.delivery, state=Delivery.State.WAITING).update(
        decision_id=decision
    )
    if not changed:
        raise Gone
