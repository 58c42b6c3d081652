"""Numbers with their nouns, in the reader's language: 9 days, 40%, 1.5 hours.

What is less than one of its kind is told in a smaller kind where there is one: half an hour is 30 minutes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import get_language, gettext, ngettext_lazy

MOST_DIGITS = 2
MANY = 10
"""From here on a number is told without decimals."""

NOUNS: Mapping[str, Any] = {
    "days": ngettext_lazy("{n} day", "{n} days", "count"),
    "hours": ngettext_lazy("{n} hour", "{n} hours", "count"),
    "minutes": ngettext_lazy("{n} minute", "{n} minutes", "count"),
    "months": ngettext_lazy("{n} month", "{n} months", "count"),
    "times": ngettext_lazy("{n} time", "{n} times", "count"),
    "assignments": ngettext_lazy("{n} assignment", "{n} assignments", "count"),
    "problems": ngettext_lazy("{n} problem", "{n} problems", "count"),
    "tries": ngettext_lazy("{n} try", "{n} tries", "count"),
    "answers": ngettext_lazy("{n} answer", "{n} answers", "count"),
    "items": ngettext_lazy("{n} page", "{n} pages", "count"),
    "videos": ngettext_lazy("{n} video action", "{n} video actions", "count"),
    "forum": ngettext_lazy("{n} forum action", "{n} forum actions", "count"),
    "posts": ngettext_lazy("{n} post", "{n} posts", "count"),
    "hints": ngettext_lazy("{n} hint", "{n} hints", "count"),
    "questions": ngettext_lazy("{n} question", "{n} questions", "count"),
    "actions": ngettext_lazy("{n} action", "{n} actions", "count"),
    "courses": ngettext_lazy("{n} course", "{n} courses", "count"),
}
PERCENT, NUMBER = "percent", "number"
KINDS = frozenset({*NOUNS, PERCENT, NUMBER, "pause"})
"""`pause` is a time of days, in hours where it is under one."""
SMALLER: Mapping[str, tuple[str, float]] = {
    "pause": ("hours", 24),
    "hours": ("minutes", 60),
    "months": ("days", 30.4375),
}


@dataclass(frozen=True)
class Quantity:
    """A number that is rounded to `digits`, and its kind."""

    kind: str
    value: float
    digits: int

    def __str__(self) -> str:
        """In words."""
        said = number_format(
            _rounded(self.value, self.digits), self.digits, use_l10n=get_language() is not None
        )
        if self.kind == PERCENT:
            return gettext("{n}%").format(n=said)
        if self.kind == NUMBER:
            return said
        return str(NOUNS[self.kind] % {"count": self._plural}).format(n=said)

    @property
    def _plural(self) -> int:
        """The count by which a noun's form is chosen; a number with decimals is never one."""
        rounded = _rounded(self.value, self.digits)
        whole = math.ceil(abs(rounded))
        return whole if float(whole) == abs(rounded) and self.digits == 0 else max(2, whole)


def quantity(kind: str, value: float, digits: int = 0) -> Quantity:
    """A number of a kind (one of `KINDS`; percent is of a share), in a smaller kind where it is under one."""
    if kind == PERCENT:
        return Quantity(kind, 100 * value, digits)
    smaller = SMALLER.get(kind)
    if smaller and 0 < abs(value) < 1:
        return quantity(smaller[0], value * smaller[1], digits)
    return Quantity("days" if kind == "pause" else kind, value, digits)


def quantities(kind: str, own: float, typical: float) -> tuple[Quantity, Quantity]:
    """Two numbers to be compared, with as few digits as tell them apart."""
    fewest = 1 if kind in ("times", "tries", "hints", NUMBER) and max(abs(own), abs(typical)) < MANY else 0
    for digits in range(fewest, MOST_DIGITS + 1):
        pair = quantity(kind, own, digits), quantity(kind, typical, digits)
        if str(pair[0]) != str(pair[1]):
            return pair
    return quantity(kind, own, fewest), quantity(kind, typical, fewest)


def _rounded(value: float, digits: int) -> float:
    """Half up, as people round; no negative zero."""
    scale = 10.0**digits
    return math.floor(value * scale + 0.5) / scale + 0.0
