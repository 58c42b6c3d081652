"""What the letters of the tiers say until a course's team writes them anew.

They speak to the learner, kindly and of the next steps; never of a risk, a prediction or a comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from nudge_xblock.communicator.models import Channel

from .plan import NONE
from .tiers import MARGINAL, MODERATE


class Starter(NamedTuple):
    """A letter's words."""

    subject: str
    body: str


SAID: Mapping[str, Promise] = {
    "absence": gettext_lazy(
        "We have not seen you in the course for a while. You can go on at any time, and a short visit is "
        "enough to find your way."
    ),
    "assignments": gettext_lazy(
        "There are assignments that you can still work on. Handing in one of them is a good start."
    ),
    "grades": gettext_lazy(
        "Some answers may not have come out as you hoped. Going over these parts once more usually helps."
    ),
    "pace": gettext_lazy(
        "Half an hour on a few fixed days of the week is enough to keep up with the course."
    ),
    "difficulty": gettext_lazy(
        "Parts of this course are hard for many. It is fine to need several tries, and to ask."
    ),
    "help": gettext_lazy(
        "You need not work things out alone: questions are welcome in the discussion, and somebody answers."
    ),
    "enrolment": gettext_lazy(
        "A course beside everything else is not easy. Small steps on fixed days help most learners."
    ),
    NONE: gettext_lazy("A few small steps are enough to be well on your way again."),
}
"""Reason group to a kind sentence or two."""


def starter(tier: str, group: str, channel: str) -> Starter:
    """The words of a letter for a tier and leading reason, in the language in use."""
    said = escape(SAID.get(group, SAID[NONE]))
    if channel == Channel.NUDGE:
        link = _("Go on with the course")
        return Starter(_("Good to see you"), f"<p>{said}</p><p>[:link:course|{escape(link)}:]</p>")
    subjects = {
        MARGINAL: _("Your next steps in [:course:]"),
        MODERATE: _("How can we help you with [:course:]?"),
    }
    asked = _("If something keeps you from it, say so: there is often a way. Write in the {discussion}.")
    discussion = f"[:link:discussion|{escape(_('discussion of the course'))}:]"
    close = escape(asked).format(discussion=discussion) if tier == MODERATE else ""
    parts = [
        escape(_("Hello [:firstname:],")),
        said,
        escape(_("This is what we suggest to you next:")),
        "[:next_steps:]",
        close,
    ]
    return Starter(subjects[tier], "".join(f"<p>{part}</p>" for part in parts if part))
