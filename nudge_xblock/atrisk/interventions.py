"""What goes out by itself to learners at risk: automatic letters of the Communicator, one a tier and reason.

Marginal: a mail with the learner's own next steps.  Moderate: a pop-up at the next visit, and such a mail.
High: nothing; a person helps.  As they are letters, each goes to a learner once, keeps to caps and quiet
hours, can be left by its link, stands in the history, and is stopped or written anew like any other: a copy
that is sent to new matches takes the place of the letter that it was copied from.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone, translation
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.communicator import cards, desk, markup, senders
from nudge_xblock.communicator.mails import Writer
from nudge_xblock.communicator.models import Channel, Letter
from nudge_xblock.communicator.selection import SEVERAL
from nudge_xblock.compat import platform
from predictor.factors import GROUPS

from . import meant, noted, starters, succession
from .models import Intervention, RiskSettings
from .plan import NONE
from .tiers import MARGINAL, MODERATE

LOG = logging.getLogger(__name__)

State = Letter.State
CHANNELS: Mapping[str, tuple[str, ...]] = {MARGINAL: (Channel.MAIL,), MODERATE: (Channel.NUDGE, Channel.MAIL)}
"""What goes out in each tier; in the highest a person helps."""
ON = (State.AUTOMATIC, State.SCHEDULED)
YEARS = timedelta(days=3650)
"""How long letters of a course without an end go out, unless they are switched off."""


class Slot(NamedTuple):
    """What there is one letter for."""

    tier: str
    group: str
    channel: str


def switch(course_key: CourseKey, user_id: int, on: bool, now: datetime) -> list[str]:
    """Let the letters of the tiers go out by themselves, or stop them; what cannot go out, in words.

    Safe to repeat: what is on stays as it is.  Letters that were switched off come back as they were written
    last, and go to nobody whom they reached.  Raises desk.NotReady where no mail can go out at all; then
    nothing is changed.
    """
    if not on:
        for letter in letters(course_key):
            succession.stop(letter, now)
        return []
    return _complete(course_key, user_id, ON, now)


def _complete(course_key: CourseKey, user_id: int | None, fine: Collection[str], now: datetime) -> list[str]:
    """Begin what is not there, or is there but in none of the states that are fine."""
    problems: dict[str, None] = {}
    with transaction.atomic():
        list(RiskSettings.objects.select_for_update().filter(course_key=course_key))  # one at a time
        there = {slot(each): each for each in letters(course_key)}
        for place in _slots():
            if place in there and there[place].state in fine:
                continue
            letter = _letter(course_key, user_id, place, there.get(place), now)
            told = desk.problems(letter, Writer(letter), None, now)
            if told and letter.channel == Channel.MAIL:
                raise desk.NotReady(" ".join(told))
            problems |= dict.fromkeys(told)
            if not told:
                _begin(letter, place)
    return list(problems)


def _slots() -> list[Slot]:
    return [
        Slot(tier, group, channel)
        for tier, channels in CHANNELS.items()
        for channel in channels
        for group in (*GROUPS, NONE)
    ]


def slot(letter: Letter) -> Slot:
    """Which of the letters of the tiers this is."""
    return Slot(letter.intervention.tier, letter.intervention.group, letter.channel)


def letters(course_key: CourseKey) -> list[Letter]:
    """The newest letter of each tier, reason and channel."""
    rows = Letter.objects.filter(intervention__course_key=course_key).select_related("intervention")
    return list({slot(letter): letter for letter in rows.order_by("pk")}.values())


def told(course_key: CourseKey) -> list[dict[str, Any]]:
    """The same as JSON."""
    return [
        {
            "id": letter.pk,
            "subject": letter.subject,
            "tier": letter.intervention.tier,
            "group": letter.intervention.group,
            "channel": letter.channel,
            "state": letter.state,
        }
        for letter in letters(course_key)
    ]


def _letter(
    course_key: CourseKey, user_id: int | None, place: Slot, before: Letter | None, now: datetime
) -> Letter:
    """A letter for a tier and reason, not stored: as it was before, or in the starter's words."""
    usual = senders.senders(course_key)
    letter = Letter(
        course_key=course_key,
        author_id=user_id,
        sender=usual[0] if usual else "",
        selection=f"tier={place.tier}&risk={place.group or SEVERAL}",
        channel=place.channel,
        state=State.AUTOMATIC,
        at=now,
        confirmed=now,
        automatic_until=_until(course_key, now),
    )
    if before is not None:
        letter.subject, letter.body, letter.links = before.subject, before.body, before.links
        letter.selection, letter.reused_from, letter.resend = before.selection, before, True
        letter.sender = before.sender if before.sender in usual else letter.sender
        return letter
    with translation.override(_language(course_key)):
        words = starters.starter(*place)
    letter.subject, letter.body = words.subject, markup.sanitise(words.body)
    return letter


def _until(course_key: CourseKey, now: datetime) -> date:
    end = platform().course_dates(course_key).end
    return timezone.localdate(end if end is not None and end > now else now + YEARS)


def _language(course_key: CourseKey) -> str:
    """The course's language where there are words in it, else the one in use."""
    told = platform().course_dates(course_key).language
    return told if told and translation.check_for_language(told) else translation.get_language() or "en"


def _begin(letter: Letter, place: Slot) -> None:
    letter.save()
    Intervention.objects.create(
        letter=letter, course_key=letter.course_key, tier=place.tier, group=place.group
    )
    if letter.channel == Channel.NUDGE:
        cards.place(letter)


def tend(now: datetime) -> int:
    """Keep the letters of the tiers in step with the cases; how many learners are left out for it.

    Who is better is not written to any more, and what went out stands in the case's history.
    """
    keys = Intervention.objects.order_by().values_list("course_key", flat=True).distinct()
    left_out = sum(meant.better(course_key) for course_key in filter(None, list(keys)))
    noted.note(now)
    return left_out


def complete(now: datetime) -> None:
    """Give a course what it had no room for as its letters were switched on, as its pages ask for pop-ups."""
    for settings in RiskSettings.objects.filter(automatic=True).order_by("pk"):
        try:
            _complete(settings.course_key, settings.author_id, Letter.State.values, now)
        except desk.NotReady as error:
            LOG.warning("The letters of the tiers of %s cannot go out: %s", settings.course_key, error)
