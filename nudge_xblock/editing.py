"""What an author wrote, read with care, and warnings about rules that would never or always fire."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import api
from .objectives import ITEMS, VOTE
from .olx import VARIANT, plain

SENTENCE_END = re.compile(r"[.!?。؟।]+(?=\s|$)")
SHORT = 280
"""Characters of text that are still read at a glance."""

GRADED, READ, PLAYED = "graded", "read", "played"
"""How a block of the unit is completed: by answering, by being read, or by itself."""


@dataclass(frozen=True)
class Item:
    """One block of the unit that a rule can wait for."""

    key: str
    label: str
    way: str
    max_attempts: int | None = None
    hides_results: bool = False


@dataclass(frozen=True)
class Cleaned:
    """The fields to save, and by field name what is wrong with them; nothing is saved while errors stand."""

    fields: dict[str, Any]
    errors: dict[str, str] = field(default_factory=dict)


AIM = ("objective", "objective_days", "may_retire")
"""What the nudge is for, and whether it may be taken out of use by itself."""
NUMBERS = ("attempts", "threshold", "days", "hours")
USED = {
    "problem_failed": "attempts",
    "score_below": "threshold",
    "return_after_absence": "days",
    "inactivity": "days",
    "deadline_near": "hours",
}
"""The number that a trigger reads."""


def clean(data: Mapping[str, Any], saved: Mapping[str, Any]) -> Cleaned:
    """Read what the form sent, whatever it is; a number that the rule does not use stays as `saved`."""
    fields: dict[str, Any] = {
        "display_name": plain(data.get("display_name") or "") or _("Nudge"),
        "when": str(data.get("when") or ""),
        "item": plain(data.get("item") or ""),
        "course_wide": bool(data.get("course_wide")),
        "kind": str(data.get("kind") or "other"),
        "audience": str(data.get("audience") or "all"),
        "enabled": bool(data.get("enabled", True)),
        "objective": str(data.get("objective") or VOTE),
        "may_retire": bool(data.get("may_retire", True)),
        "variants": _variants(data.get("variants")),
    }
    used = USED.get(fields["when"], "")
    fields |= {name: _number(data.get(name)) if name == used else saved[name] for name in NUMBERS}
    days = _number(data.get("objective_days"))
    fields["objective_days"] = days if fields["objective"] == ITEMS else saved["objective_days"]
    errors = {problem.field: problem.message for problem in reversed(api.validate(published(fields)))}
    if used == "attempts" and "trigger.attempts" not in errors:
        if fields["attempts"] != int(fields["attempts"]):
            errors["trigger.attempts"] = _("Please write a whole number.")
        fields["attempts"] = int(fields["attempts"])
    return Cleaned(fields, errors)


def published(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a block as `api.validate` and `api.register` take them."""
    same = ("kind", "audience", "course_wide", "enabled", "variants", *AIM)
    trigger = {name: fields[name] for name in ("when", "item", *NUMBERS)}
    return {"title": fields["display_name"], "trigger": trigger, **{name: fields[name] for name in same}}


def warnings(fields: Mapping[str, Any], items: Sequence[Item], timed: bool) -> list[str]:
    """What is allowed but probably not meant, such as a rule that can never fire."""
    found = []
    if timed:
        found.append(_("This unit is in a timed exam. Nudges are never shown there."))
    if not fields["enabled"]:
        found.append(_("This nudge is switched off; learners will not see it."))
    found += _never(fields, {item.key: item for item in items}) + _always(fields)
    for number, variant in enumerate(fields["variants"]):
        if len(SENTENCE_END.findall(variant["body"])) > 2 or len(variant["body"]) > SHORT:
            found.append(
                _("Wording %(letter)s is long. One or two short sentences are read; more are closed.")
                % {"letter": letter(number)}
            )
        if variant["heading"].isupper() and len(variant["heading"]) > 8:
            found.append(
                _("The heading of wording %(letter)s is in capitals, which feels like shouting.")
                % {"letter": letter(number)}
            )
    return found


def letter(number: int) -> str:
    """The name of a wording by its place: A, B, …"""
    return chr(ord("A") + number) if number < 26 else str(number + 1)


def _never(fields: Mapping[str, Any], items: Mapping[str, Item]) -> list[str]:
    when, chosen = fields["when"], items.get(fields["item"])
    graded = [item for item in items.values() if item.way == GRADED]
    if when in ("problem_failed", "problem_passed") and not fields["course_wide"]:
        if fields["item"] and chosen is None:
            return [
                _("The problem that this waits for has left the unit, so it never shows. Choose another.")
            ]
        if not graded:
            return [
                _("This unit has no problem yet, so it never shows. Add one, or choose the whole course.")
            ]
    if when == "item_completed" and not fields["course_wide"]:
        if fields["item"] and chosen is None:
            return [
                _("What this waits for has left this unit, so it will never show. Choose something else.")
            ]
        if not items:
            return [_("There is nothing to finish in this unit yet, so this will never show.")]
    if (
        when == "problem_failed"
        and chosen
        and chosen.max_attempts
        and fields["attempts"] > chosen.max_attempts
    ):
        text = ngettext(
            "%(item)s allows %(most)d try, so a rule from try number %(attempts)d on never fires.",
            "%(item)s allows %(most)d tries, so a rule from try number %(attempts)d on never fires.",
            chosen.max_attempts,
        )
        return [text % {"item": chosen.label, "most": chosen.max_attempts, "attempts": fields["attempts"]}]
    if when in ("problem_failed", "problem_passed") and chosen and chosen.hides_results:
        return [
            _("%(item)s does not tell learners their result, so this will never show there.")
            % {"item": chosen.label}
        ]
    if when == "score_below" and fields["threshold"] <= 0:
        return [_("No score is below 0 percent, so this will never show.")]
    return []


def _always(fields: Mapping[str, Any]) -> list[str]:
    when = fields["when"]
    if when == "score_below" and fields["threshold"] >= 0.95:
        return [
            _("Nearly every score is below this, so nearly everyone will see it. Consider 50 to 70 percent.")
        ]
    if when in ("return_after_absence", "inactivity") and fields["days"] < 2:
        return [_("Most learners pause that long, so nearly everyone will see it. Consider 5 days or more.")]
    if when == "deadline_near" and fields["hours"] > 24 * 7:
        return [_("In most courses something is always due within this time. Consider 48 hours.")]
    return []


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _variants(sent: Any) -> list[dict[str, str]]:
    rows = [row for row in sent if isinstance(row, Mapping)] if isinstance(sent, list) else []
    return [{name: plain(row.get(name) or "") for name in VARIANT} for row in rows]
