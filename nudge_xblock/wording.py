"""How a nudge's rule reads: one sentence with blanks, the same in Studio's form and wherever it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

WHENS: dict[str, Promise] = {
    "unit_seen": _("opens this unit"),
    "item_completed": _("finishes"),
    "problem_failed": _("fails"),
    "problem_passed": _("passes"),
    "score_below": _("scores less than"),
    "return_after_absence": _("comes back after at least"),
    "inactivity": _("has worked on nothing for"),
    "deadline_near": _("has something due within"),
}

# Translators: {when}, {item} and the other words in braces are blanks that the author fills in; keep them.
SENTENCES: dict[str, Promise] = {
    "unit_seen": _("When a learner {when}"),
    "item_completed": _("When a learner {when} {item}"),
    "problem_failed": _("When a learner {when} {item}, from try number {attempts} on"),
    "problem_passed": _("When a learner {when} {item}"),
    "score_below": _("When a learner {when} {threshold} percent in {item}"),
    "return_after_absence": _("When a learner {when} {days} days away"),
    "inactivity": _("When a learner {when} {days} days"),
    "deadline_near": _("When a learner {when} {hours} hours"),
}

ANY_ITEM: dict[str, dict[bool, Promise]] = {
    "item_completed": {False: _("anything in this unit"), True: _("anything in the course")},
    "problem_failed": {False: _("any problem in this unit"), True: _("any problem in the course")},
    "problem_passed": {False: _("any problem in this unit"), True: _("any problem in the course")},
    "score_below": {False: _("any problem of the course"), True: _("any problem of the course")},
}

AUDIENCES: dict[str, Promise] = {
    "all": _("every learner"),
    "verified": _("learners who paid for the course"),
    "audit": _("learners who take it for free"),
}


OBJECTIVES: dict[str, Promise] = {
    "vote": _("learners find it helpful"),
    "click": _("learners follow its link"),
    "items": _("learners complete more"),
}


def objective(name: str, days: float) -> str:
    """What counts as success of a nudge, in words; nothing for the usual, a vote."""
    if name == "click":
        return gettext("It succeeds when learners follow its link.")
    if name == "items":
        text = ngettext(
            "It succeeds when learners complete more than expected in %(days)s day.",
            "It succeeds when learners complete more than expected in %(days)s days.",
            int(days),
        )
        return text % {"days": number_format(_short(days))}
    return ""


def sentence(trigger: Mapping[str, Any], course_wide: bool, labels: Mapping[str, str]) -> str:
    """The rule as a person would say it, with `labels` naming the course's items by usage key."""
    when = trigger["when"]
    if when not in SENTENCES:
        return gettext("This rule is not one that nudges know.")
    item = trigger.get("item", "")
    blanks = {
        "when": WHENS[when],
        "item": labels.get(item, gettext("something outside this unit"))
        if item
        else _any_item(when, course_wide),
        "attempts": number_format(trigger.get("attempts", 1)),
        "threshold": number_format(round(100 * float(trigger.get("threshold", 0)))),
        "days": number_format(_short(trigger.get("days", 0))),
        "hours": number_format(_short(trigger.get("hours", 0))),
    }
    return str(SENTENCES[when]).format(**blanks)


def wordings(count: int) -> str:
    """How many wordings a nudge has."""
    return ngettext("%(count)d wording", "%(count)d wordings", count) % {"count": count}


def _any_item(when: str, course_wide: bool) -> str:
    return str(ANY_ITEM[when][course_wide]) if when in ANY_ITEM else ""


def _short(value: float) -> float | int:
    return int(value) if float(value).is_integer() else float(value)
