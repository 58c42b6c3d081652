"""Messages to start from, by situation: an author picks one and makes it their own.

Kind, in the second person, and never blaming; a heading, at most two sentences and one thing to do.
"""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Starter(NamedTuple):
    """One ready message, with the kind of help it is and the trigger it suits."""

    kind: str
    situation: Promise
    when: str
    heading: Promise
    body: Promise
    action: Promise


KINDS: dict[str, Promise] = {
    "review": _("Look again"),
    "encourage": _("Encouragement"),
    "practise": _("Practice"),
    "plan": _("Planning"),
    "return": _("Welcome back"),
    "celebrate": _("Well done"),
    "stretch": _("Going further"),
    "people": _("Other people"),
    "other": _("Something else"),
}

STARTERS: tuple[Starter, ...] = (
    Starter(
        "review",
        _("A problem went wrong"),
        "problem_failed",
        _("This one is tricky for many"),
        _("The lecture takes it slowly, with an example. A second look often makes it click."),
        _("Watch that part again"),
    ),
    Starter(
        "encourage",
        _("Several tries have not worked yet"),
        "problem_failed",
        _("You are closer than it feels"),
        _("Each try tells you something. Take a short break, then read the question aloud once more."),
        _("See a worked example"),
    ),
    Starter(
        "practise",
        _("A score is lower than hoped"),
        "score_below",
        _("A little practice goes a long way"),
        _("A few short exercises on this topic help most people more than rereading does."),
        _("Try three exercises"),
    ),
    Starter(
        "review",
        _("Earlier material would help here"),
        "unit_seen",
        _("This builds on last week"),
        _("If it has been a while, ten minutes with the summary will make today easier."),
        _("Open the summary"),
    ),
    Starter(
        "celebrate",
        _("A hard problem was solved"),
        "problem_passed",
        _("That was a hard one, and you solved it"),
        _("Before you go on, say in one sentence why it works. That is what makes it stay."),
        _("Write it in your notes"),
    ),
    Starter(
        "stretch",
        _("Things are going well"),
        "problem_passed",
        _("Ready for a bit more?"),
        _("You might enjoy a harder version of the same idea. It is optional and not graded."),
        _("Show me the challenge"),
    ),
    Starter(
        "return",
        _("A learner comes back after a while"),
        "return_after_absence",
        _("Good to see you again"),
        _("You have not lost what you learned. Start with something short to get back into it."),
        _("Pick up where you stopped"),
    ),
    Starter(
        "plan",
        _("Nothing was worked on for some days"),
        "inactivity",
        _("When is your next half hour?"),
        _("People who choose a time finish more often. Put one in your calendar now, however short."),
        _("Choose a time"),
    ),
    Starter(
        "plan",
        _("A deadline comes close"),
        "deadline_near",
        _("Something is due soon"),
        _("Starting today leaves you a second try. Even one question is a start."),
        _("Open what is due"),
    ),
    Starter(
        "practise",
        _("A lecture was just watched"),
        "item_completed",
        _("Try it while it is fresh"),
        _("Answering a question now helps you remember far longer than watching once more."),
        _("Go to the questions"),
    ),
    Starter(
        "people",
        _("Others could help"),
        "problem_failed",
        _("You are not the only one asking"),
        _("Others have talked about this very question. Reading along often helps, and so does asking."),
        _("Read the discussion"),
    ),
    Starter(
        "encourage",
        _("The first week is done"),
        "item_completed",
        _("The first week is behind you"),
        _("Getting started is the hardest part of any course. The next step is a short one."),
        _("See what comes next"),
    ),
)
