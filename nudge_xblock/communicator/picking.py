"""Whom a letter goes to: the selection as the server sees it now, each learner at most once.

What a preview counts, what is confirmed and what is queued all come from `chosen`.  A letter that goes out
at once keeps whom it was confirmed for (see confirmed.py), so that they are the same learners too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import numpy as np
from django.db.models import Q
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import policy
from nudge_xblock.atrisk import meant
from nudge_xblock.models import Learner

from . import figures
from .claims import UNKNOWN
from .figures import PSEUDONYM, Learners
from .models import Channel, Delivery, Letter
from .selection import Selection

BATCH = 1000
EXAMPLES = 10
NUDGED = (Channel.NUDGE, Channel.NUDGE_THEN_MAIL)


@dataclass(frozen=True)
class Chosen:
    """Rows of `learners` that a selection holds."""

    learners: Learners
    rows: Sequence[int]

    @property
    def user_ids(self) -> list[int]:
        return [int(self.learners.user_ids[row]) for row in self.rows]

    @property
    def reachable(self) -> int:
        """How many of them a mail may reach."""
        mask = self.learners.reachable
        return int(mask[list(self.rows)].sum()) if self.rows else 0

    @property
    def shown(self) -> int:
        """How many of them a pop-up may reach: neither who opted out nor the control group sees any."""
        course_key = self.learners.course_key
        out = set(Learner.objects.filter(opted_out=True).values_list("user_id", flat=True))
        return sum(
            user_id not in out and not policy.is_control(user_id, course_key) for user_id in self.user_ids
        )

    @property
    def examples(self) -> list[str]:
        """The pseudonyms of a few of them, always the same ones of the same learners."""
        some = self.learners.pseudonyms[list(self.rows[:EXAMPLES])]
        return [f"{name:0{2 * PSEUDONYM}x}" for name in some.tolist()]

    @property
    def digest(self) -> str:
        """The same for the same learners alone, and tells nothing of them."""
        return sha256(self.learners.pseudonyms[list(self.rows)].tobytes()).hexdigest()[:32]

    def without(self, user_ids: set[int]) -> Chosen:
        """The same but for these users."""
        kept = [row for row in self.rows if int(self.learners.user_ids[row]) not in user_ids]
        return Chosen(self.learners, kept)


def chosen(course_key: CourseKey, query: str, now: datetime, known: Learners | None = None) -> Chosen:
    """Whom a selection holds now, of the course's learners where they are known.  Raises Unreadable."""
    selection = Selection.parse(query)
    found = figures.learners(course_key, now) if known is None else known
    return Chosen(found, np.flatnonzero(selection.matches(found.figures)).tolist())


def recipients(letter: Letter, now: datetime, known: Learners | None = None) -> Chosen:
    """Whom a letter would go to now: those its selection holds, but for those it is to leave out."""
    found = chosen(letter.course_key, letter.selection, now, known).without(reached(letter))
    only = meant.meant(letter) if found.rows else None
    return found if only is None else found.without(set(found.user_ids) - only)


def reached(letter: Letter) -> set[int]:
    """Users that this letter has a row for already, or that one it resends has reached, or may have.

    Who was left out there, or whose mail certainly did not go out, may be written to; and who was left out
    as better here.
    """
    # A preview's letter need not be stored.
    mine = letter.deliveries.exclude(meant.LEFT_OUT) if letter.pk else Delivery.objects.none()
    found = set(mine.values_list("learner__user_id", flat=True))
    missed = Q(state=Delivery.State.SKIPPED) | Q(state=Delivery.State.FAILED) & ~Q(reason=UNKNOWN)
    seen = {letter.pk}
    while letter.resend and letter.reused_from is not None and letter.reused_from.pk not in seen:
        letter = letter.reused_from
        seen.add(letter.pk)
        found |= set(letter.deliveries.exclude(missed).values_list("learner__user_id", flat=True))
    return found


def queue(letter: Letter, now: datetime, due: datetime | None = None, found: Chosen | None = None) -> int:
    """Make a row for each learner whom the letter goes to and has none yet; how many.  Safe to repeat.

    `due`: not to be sent before.  `found`: who they are, where it is known already.
    """
    found = recipients(letter, now) if found is None else found
    if not found.rows:
        return 0
    state, channel = (
        (Delivery.State.WAITING, letter.channel)
        if letter.channel in NUDGED
        else (Delivery.State.QUEUED, Channel.MAIL)
    )
    escalate = now + timedelta(days=letter.wait_days) if letter.channel == Channel.NUDGE_THEN_MAIL else None
    user_ids = found.user_ids
    before = letter.deliveries.exclude(meant.LEFT_OUT).count()
    for begin in range(0, len(user_ids), BATCH):
        some = user_ids[begin : begin + BATCH]
        pks = _learners(some)
        letter.deliveries.filter(meant.LEFT_OUT, learner__in=pks.values()).delete()
        rows = [
            Delivery(
                letter=letter,
                learner_id=pks[user_id],
                state=state,
                channel=channel,
                why=found.learners.why(row),
                escalate_at=escalate,
                due_at=due,
            )
            for row, user_id in zip(found.rows[begin : begin + BATCH], some, strict=True)
        ]
        Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    return letter.deliveries.exclude(meant.LEFT_OUT).count() - before


def _learners(user_ids: Sequence[int]) -> dict[int, int]:
    """The rows of these users, made for who has none."""
    known = dict(Learner.objects.filter(user_id__in=user_ids).values_list("user_id", "pk"))
    new = [Learner(user_id=user_id) for user_id in user_ids if user_id not in known]
    if new:
        Learner.objects.bulk_create(new, ignore_conflicts=True)
        rows = Learner.objects.filter(user_id__in=[each.user_id for each in new])
        known |= dict(rows.values_list("user_id", "pk"))
    return known
