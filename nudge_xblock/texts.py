"""The words that the browser's scripts show, translated on the server, so that one catalogue serves both."""

from __future__ import annotations

from django.utils.translation import gettext as _

from . import wording
from .starters import KINDS, STARTERS


def card() -> dict[str, str]:
    """What the learner's card says beside the author's message."""
    return {
        "announce": _("A message for you:"),
        "question": _("Was this helpful?"),
        "yes": _("Yes"),
        "no": _("No"),
        "not_now": _("Not now"),
        "close": _("Close"),
        "fewer": _("Fewer of these"),
        "fewer_done": _("All right: you will see fewer of these."),
        "stop": _("Stop them"),
        "stop_done": _("These messages are off now, in all your courses."),
        "resume": _("Turn them on again"),
        "resume_done": _("They are on again."),
        "thanks_yes": _("Thank you. Glad it helped."),
        "thanks_no": _("Thank you. We will choose better."),
        "undo": _("Undo"),
        "undone": _("Taken back."),
    }


def staff() -> dict[str, str]:
    """The card's words, for its preview, and what the tabs say when the analytics cannot be shown."""
    return {
        **card(),
        "analytics_failed": _(
            "The analytics could not be loaded. Nothing is lost: reload the page to try again."
        ),
    }


def studio() -> dict[str, object]:
    """What the editing form says."""
    return {
        **card(),
        "whens": {when: str(label) for when, label in wording.WHENS.items()},
        "sentences": {when: str(sentence) for when, sentence in wording.SENTENCES.items()},
        "any_item": {
            when: {"unit": str(names[False]), "course": str(names[True])}
            for when, names in wording.ANY_ITEM.items()
        },
        "kinds": {kind: str(label) for kind, label in KINDS.items()},
        "objectives": {objective: str(label) for objective, label in wording.OBJECTIVES.items()},
        "audiences": {audience: str(label) for audience, label in wording.AUDIENCES.items()},
        "starters": [
            {
                "kind": starter.kind,
                "situation": str(starter.situation),
                "when": starter.when,
                "heading": str(starter.heading),
                "body": str(starter.body),
                "action_label": str(starter.action),
            }
            for starter in STARTERS
        ],
        **_form(),
    }


def _form() -> dict[str, str]:
    return {
        "rule": _("When it shows"),
        "rule_when": _("What happens"),
        "rule_item": _("Where it happens"),
        "rule_attempts": _("From which try on"),
        "rule_threshold": _("Percent"),
        "rule_days": _("Days"),
        "rule_hours": _("Hours"),
        "gone": _("something that is no longer in this unit"),
        "show": _(", the learner may see this message {place}:"),
        "show_here": _(", the learner may see this message:"),
        "place": _("Where it is shown"),
        "place_unit": _("in this unit"),
        "place_course": _("anywhere in the course"),
        "message": _("Message"),
        "wording": _("Wording %(letter)s"),
        "wordings": _("Wordings"),
        "wordings_help": _(
            "Each learner sees the wording likely to help most. A changed wording starts to learn anew."
        ),
        "add": _("Try another wording"),
        "remove": _("Remove this wording"),
        "removed": _("Wording %(letter)s was removed."),
        "earlier": _("Move earlier"),
        "later": _("Move later"),
        "heading": _("Heading"),
        "heading_hint": _("A few kind words"),
        "body": _("Text"),
        "body_hint": _("One or two sentences: what could help, and why"),
        "action_label": _("Button"),
        "action_label_hint": _("What the button says"),
        "action_url": _("Leads to"),
        "action_url_hint": _("https://… or /jump_to_id/…"),
        "preview": _("As a learner sees it"),
        "preview_phone": _("Phone"),
        "preview_wide": _("Computer"),
        "preview_dark": _("Dark"),
        "preview_light": _("Light"),
        "starters_title": _("Start from a ready message"),
        "starter_used": _("The message was put in."),
        "starter_undo": _("Put back what was there"),
        "settings": _("More"),
        "title": _("Name, for you and your colleagues"),
        "kind": _("Kind of help"),
        "audience": _("Who may get it"),
        "objective": _("It succeeds when"),
        "objective_days": _("Days after it that count"),
        "may_retire": _("Take it out of use by itself if learners complete less after it"),
        "enabled": _("Learners may see this nudge"),
        "save": _("Save"),
        "saving": _("Saving…"),
        "cancel": _("Cancel"),
        "failed": _(
            "It was not saved: the server did not answer. What you wrote is still here; try again soon."
        ),
        "refused": _(
            "It was not saved: you may no longer be signed in as an author. What you wrote is still here."
        ),
        "fix": _("Please look at what is marked; nothing was saved yet."),
        "leave": _("Leave without saving?"),
        "leave_yes": _("Leave"),
        "leave_no": _("Keep editing"),
        "draft": _("You have changes from %(when)s that were not saved."),
        "draft_use": _("Bring them back"),
        "draft_drop": _("Throw them away"),
        "warnings": _("Worth a second look"),
    }
