"""Whom a letter of the tiers means, beyond its selection: open cases, and nobody twice for the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Coalesce
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import policy
from nudge_xblock.communicator.claims import UNKNOWN, UNSENT
from nudge_xblock.communicator.models import Delivery, Letter

from . import tiers
from .models import Case, Intervention

BETTER = "better"
LEFT_OUT = Q(state=Delivery.State.SKIPPED, reason=BETTER)
"""Rows of whom a letter waited for in vain: it may go to them once they need it again."""


def meant(letter: Letter) -> set[int] | None:
    """The users whom a letter may go to; None for any other letter, which may go to anyone.

    They have an open case in the letter's tier, which somebody's improvement or a person closes, and got no
    letter of the same kind that was at least as urgent: since that case was opened none at all, before it
    none for the same reason.  The control group gets nothing that goes out by itself, so that what it does
    can be told.
    """
    mine = place_of(letter)
    if mine is None:
        return None
    cases = Case.objects.filter(course_key=letter.course_key, state=Case.State.OPEN, tier=mine.tier)
    opened = dict(cases.values_list("enrolment__learner__user_id", "opened"))
    users = opened.keys() - _written_to(letter, mine, opened)
    return {user_id for user_id in users if not policy.is_control(user_id, letter.course_key)}


def place_of(letter: Letter) -> Intervention | None:
    """Which tier and reason a letter goes out for, or would; None for any other letter.

    A copy of such a letter which is to go to new matches takes its place once it is sent.
    """
    mine = Intervention.objects.filter(letter=letter.pk).first() if letter.pk else None
    seen, source = {letter.pk}, letter.reused_from if letter.automatic_until else None
    while mine is None and source is not None and source.pk not in seen:
        if (source.course_key, source.channel) == (letter.course_key, letter.channel):
            mine = Intervention.objects.filter(letter=source).first()
        seen.add(source.pk)
        source = source.reused_from
    return mine


def _written_to(letter: Letter, mine: Intervention, opened: Mapping[int, datetime]) -> set[int]:
    """Who got, may have got or is to get such a letter, as urgent or more so.

    For whatever reason while the case was open that is open now; for the same reason ever.
    """
    missed = Q(state=Delivery.State.SKIPPED) | Q(state=Delivery.State.FAILED) & ~Q(reason=UNKNOWN)
    same = Delivery.objects.filter(
        letter__intervention__course_key=letter.course_key,
        letter__intervention__tier__in=tiers.ORDER[tiers.ORDER.index(mine.tier) :],
        letter__channel=letter.channel,
    )
    rows = same.exclude(missed).annotate(told=Coalesce("sent_at", "shown_at", "created"))
    columns = ("learner__user_id", "letter__intervention__group", "state", "told")
    return {
        user_id
        for user_id, group, state, told in rows.values_list(*columns)
        if user_id in opened and (group == mine.group or state in UNSENT or told >= opened[user_id])
    }


def better(course_key: CourseKey) -> int:
    """Leave out whom a letter of the tiers waits for in vain; how many.

    Their case was closed, or is in another tier by now, which has letters of its own, or a person who helps.
    """
    unsent = Delivery.objects.filter(
        letter__intervention__course_key=course_key,
        state__in=[Delivery.State.WAITING, Delivery.State.QUEUED],
    )
    cases = Case.objects.filter(course_key=course_key, state=Case.State.OPEN)
    left_out = 0
    for tier in tiers.ORDER:
        there = cases.filter(tier=tier).values("enrolment__learner")
        rows = unsent.filter(letter__intervention__tier=tier).exclude(learner__in=there)
        pks = list(rows.values_list("pk", flat=True))
        still = Delivery.objects.filter(pk__in=pks, state__in=[Delivery.State.WAITING, Delivery.State.QUEUED])
        left_out += still.update(state=Delivery.State.SKIPPED, reason=BETTER)
    return left_out
