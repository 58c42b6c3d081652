"""How a letter of the tiers is written anew: a copy of it that is sent to new matches takes its place."""

from __future__ import annotations

from datetime import datetime

from nudge_xblock.communicator import cards, claims
from nudge_xblock.communicator.models import Channel, Letter

from . import meant
from .models import Intervention


def adopt(letter: Letter, now: datetime) -> None:
    """Let a letter that was just confirmed take the place that it is a copy for, if it is one.

    Those that held the place before are stopped.
    """
    mine = meant.place_of(letter)
    if mine is None or mine.letter_id == letter.pk:
        return
    Intervention.objects.create(letter=letter, course_key=mine.course_key, tier=mine.tier, group=mine.group)
    others = Letter.objects.filter(
        intervention__course_key=mine.course_key,
        intervention__tier=mine.tier,
        intervention__group=mine.group,
        channel=letter.channel,
    )
    for other in others.exclude(pk=letter.pk):
        stop(other, now)


def stop(letter: Letter, now: datetime) -> None:
    """Let nothing more of a letter go out."""
    if claims.stop(letter.pk, now) and letter.channel != Channel.MAIL:
        cards.withdraw(letter)
