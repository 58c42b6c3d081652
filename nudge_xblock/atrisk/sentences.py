"""Why a learner is at risk, in plain sentences for staff: the numbers beside those of learners who finish.

A sentence is written when it is read, in the reader's language, from the keys and numbers that are stored.
Wordings are in `wordings`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictor.factors import GROUPS as KEYS

from .quantities import Quantity, quantities, quantity
from .wordings import OF_UNITS, WORDINGS, Wording

GROUPS: Mapping[str, Promise] = {
    "absence": gettext_lazy("Absence"),
    "assignments": gettext_lazy("Assignments"),
    "grades": gettext_lazy("Grades"),
    "pace": gettext_lazy("Pace"),
    "difficulty": gettext_lazy("Difficulty"),
    "help": gettext_lazy("Asking for help"),
    "enrolment": gettext_lazy("Background and other courses"),
}
"""The groups of reasons."""

FACTORS: Mapping[str, Promise] = {name: wording.label for name, wording in WORDINGS.items()}
"""What each factor is, as a heading over its numbers."""

NEVER_CAME = "never_came"


def group_words(group: str) -> str:
    """A group's name; the key itself where this release does not know it."""
    return str(GROUPS.get(group, group))


def factor_words(factor: str) -> str:
    """A factor's name; that of a feature table's own column is made of its key."""
    return str(FACTORS[factor]) if factor in FACTORS else _own_name(factor)


def sentence(group: str, numbers: Sequence[Mapping[str, Any]], days: float) -> str:
    """One reason in a sentence: the number that adds most to it, beside a typical learner's.

    Args:
        group: the reason's, one of `predictor.factors.GROUPS`.
        numbers: as stored in `Risk.reasons`, the strongest first: factor, unit, value, typical.
        days: how long the learner has been in the course.
    """
    if not numbers:
        return _("{group}: the numbers behind it are not known.").format(group=group_words(group))
    first = numbers[0]
    if first["factor"] == NEVER_CAME:
        return _("Has not come once in {days}.").format(days=quantity("days", days))
    wording = _wording(first)
    own, typical = _pair(wording, first)
    if typical is None:
        return _("{factor}: {own}.").format(factor=factor_words(first["factor"]), own=own)
    return str(wording.sentence).format(own=own, typical=typical, factor=factor_words(first["factor"]))


def together() -> str:
    """Where no reason alone would change the prediction by a point."""
    return _("Several things together: none of them alone would change the prediction.")


def described(numbers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Numbers for a page: each with its factor's words, and both values as texts (`said`, `said_typical`)."""
    rows = []
    for number in numbers:
        own, typical = _pair(_wording(number), number)
        rows.append(
            {
                "factor": number["factor"],
                "words": factor_words(number["factor"]),
                "unit": number["unit"],
                "value": number["value"],
                "typical": number["typical"],
                "said": str(own),
                "said_typical": "" if typical is None else str(typical),
            }
        )
    return rows


def _wording(number: Mapping[str, Any]) -> Wording:
    return WORDINGS.get(number["factor"]) or OF_UNITS.get(number["unit"]) or OF_UNITS["number"]


def _pair(wording: Wording, number: Mapping[str, Any]) -> tuple[Quantity, Quantity | None]:
    """A learner's number and a typical learner's in words, with digits enough to tell them apart."""
    own, typical = wording.told(float(number["value"])), wording.told(float(number["typical"]))
    if not math.isfinite(typical):
        return quantity(wording.kind, own), None
    return quantities(wording.kind, own, typical)


def _own_name(factor: str) -> str:
    """The name of a column that only the operator's own table has, from its factor's key `GROUP_NAME`."""
    group, _dot, name = factor.partition("_")
    if group not in KEYS or not name:
        group, name = "", factor
    words = name.replace("_", " ").strip()
    return f"{group_words(group)} – {words}" if group else words
