"""Which learners are meant: conditions on their figures, as they stand in the address of the page.

    pass=0-40&complete=60-100&seen=7-&mode=audit,verified&reason=absent&tier=high&risk=grades

All conditions hold at once; `mode`, `reason`, `tier` and `risk` take any of several.  `tier` is how much help
a learner needs, and `risk` the leading reason: who is at risk has one of each.  `who` names learners by their
pseudonyms.  Both ends belong to a range, and either may be left open.  A figure that is not known lies in no
range; who never came was not seen for any number of days, and `seen=never` is only they.  Without a condition
nobody is meant, unless `everyone=1` says all.

The browser applies the same rule while a brush is drawn: frontend/src/learners/selection.js.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import numpy as np
import numpy.typing as npt
from django.utils.translation import gettext as _

from nudge_xblock.atrisk import tiers
from predictor.factors import GROUPS

UNKNOWN = 255
"""What stands in a column of percents where nothing is known."""
NEVER = 65535
"""What stands in `seen`, the days since a learner was last seen, where there was no such day."""
MOST_DAYS = 9999

PERCENTS = ("pass", "complete", "leave", "progress")
SEEN = "seen"
FIGURES = (*PERCENTS, SEEN)
REASONS = ("absent", "never_came", "fell")
"""Bit by bit, from the lowest, what stands in the column `reasons`."""
TIERS = tiers.ORDER
SEVERAL = "several"
"""The leading reason of a learner of whom no single one stands out."""
RISKS = (*GROUPS, SEVERAL)
NAMED: Mapping[str, tuple[str, ...]] = {"tier": TIERS, "risk": RISKS}
"""Columns of one name each, from 1 on in this order; 0 stands for none."""
MOST_PARTS = 20

RANGE = re.compile(r"([0-9]{0,5})-([0-9]{0,5})")
NAMES = re.compile(r"[A-Za-z0-9_-]{1,32}(,[A-Za-z0-9_-]{1,32})*")
PSEUDONYM = re.compile(r"[0-9a-f]{16}")
NAMING = re.compile(r"(?<=\bwho=)[0-9a-f,]+")
NOBODY = "0" * 16
"""Stands where a learner was named who has been retired."""

Mask = npt.NDArray[np.bool_]
Column = npt.NDArray[np.unsignedinteger[Any]]


class Unreadable(ValueError):
    """An address that says nothing we understand; the message says what, in words."""


class Range(NamedTuple):
    """A figure from `low` to `high`, both of them included."""

    low: int
    high: int


class Figures(NamedTuple):
    """What a selection looks at, a row a learner; figures.py makes it."""

    columns: Mapping[str, Column]  # each of FIGURES and NAMED, "mode" (index into modes), "reasons"
    modes: tuple[str, ...]
    pseudonyms: npt.NDArray[np.uint64]  # most significant byte first


@dataclass(frozen=True)
class Selection:
    """Conditions that all hold at once."""

    ranges: Mapping[str, Range] = field(default_factory=dict)
    modes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    who: tuple[str, ...] = ()
    everyone: bool = False

    @classmethod
    def parse(cls, query: str) -> Selection:
        """Read an address's query.  Raises Unreadable: what is misspelt must not mean more learners."""
        parts = _parts(query)
        everyone = parts.pop("everyone", "0")
        if everyone not in ("0", "1"):
            raise Unreadable(_("“everyone” is 1 or 0, not “%s”.") % everyone)
        modes = _names("mode", parts.pop("mode", None))
        reasons = _names("reason", parts.pop("reason", None))
        if strange := set(reasons) - set(REASONS):
            raise Unreadable(_("There is no reason “%s”.") % min(strange))
        tier_names, risks = (_known(key, parts.pop(key, None)) for key in NAMED)
        who = _pseudonyms(parts.pop("who", None))
        if strange := set(parts) - set(FIGURES):
            raise Unreadable(_("There is no figure “%s” to choose by.") % min(strange))
        ranges = {name: _range(name, parts[name]) for name in FIGURES if name in parts}
        found = cls(ranges, modes, reasons, tier_names, risks, who)
        return replace(found, everyone=everyone == "1" and not found.limited)

    @property
    def limited(self) -> bool:
        """Whether there is any condition."""
        return bool(self.ranges or self.modes or self.reasons or self.tiers or self.risks or self.who)

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """What is chosen of each of NAMED."""
        return {"tier": self.tiers, "risk": self.risks}

    def query(self) -> str:
        """The same selection as a query, always spelt the same way."""
        parts = [f"{name}={_written(name, held)}" for name, held in self.ranges.items()]
        parts += [f"mode={','.join(self.modes)}"] if self.modes else []
        parts += [f"reason={','.join(self.reasons)}"] if self.reasons else []
        parts += [f"{key}={','.join(names)}" for key, names in self.named.items() if names]
        parts += [f"who={','.join(self.who)}"] if self.who else []
        parts += ["everyone=1"] if self.everyone else []
        return "&".join(parts)

    def matches(self, learners: Figures) -> Mask:
        """Which rows are meant [n]."""
        chosen = np.full(len(learners.columns[SEEN]), self.limited or self.everyone)
        for name, held in self.ranges.items():
            column = learners.columns[name]
            chosen &= (column >= held.low) & (column <= held.high)
        if self.modes:
            places = [place for place, mode in enumerate(learners.modes) if mode in self.modes]
            chosen &= np.isin(learners.columns["mode"], places)
        if self.reasons:
            chosen &= (learners.columns["reasons"] & bits(self.reasons)) != 0
        for key, names in self.named.items():
            if names:
                chosen &= np.isin(learners.columns[key], [NAMED[key].index(name) + 1 for name in names])
        if self.who:
            wanted = np.array([int(name, 16) for name in self.who], np.uint64)
            chosen &= np.isin(learners.pseudonyms.astype(np.uint64), wanted)
        return chosen


def unnamed(query: str) -> str:
    """A query as it is told where nobody is to be named."""
    return NAMING.sub(NOBODY, query)


def bits(reasons: Iterable[str]) -> np.uint32:
    """The reasons as they stand in a column."""
    return np.uint32(sum(1 << REASONS.index(reason) for reason in set(reasons)))


def _parts(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            query.removeprefix("?"), keep_blank_values=True, max_num_fields=MOST_PARTS, errors="strict"
        )
    except ValueError as error:
        raise Unreadable(_("This address cannot be read.")) from error
    parts = dict(pairs)
    if len(parts) < len(pairs):
        raise Unreadable(_("Each figure can be chosen by once."))
    return parts


def _names(key: str, text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    if not NAMES.fullmatch(text):
        raise Unreadable(
            _("“%(key)s” is one name or several with commas, not “%(text)s”.") % {"key": key, "text": text}
        )
    return tuple(sorted(set(text.split(","))))


def _known(key: str, text: str | None) -> tuple[str, ...]:
    """Names of those that NAMED has for this key."""
    names = _names(key, text)
    if strange := set(names) - set(NAMED[key]):
        raise Unreadable(
            _("“%(key)s” is one of %(known)s, not “%(text)s”.")
            % {"key": key, "known": ", ".join(NAMED[key]), "text": min(strange)}
        )
    return names


def _pseudonyms(text: str | None) -> tuple[str, ...]:
    names = _names("who", text)
    if strange := [name for name in names if not PSEUDONYM.fullmatch(name)]:
        raise Unreadable(_("A learner is named by sixteen hexadecimal digits, not by “%s”.") % strange[0])
    return names


def _range(name: str, text: str) -> Range:
    if name == SEEN and text == "never":
        return Range(NEVER, NEVER)
    most = MOST_DAYS if name == SEEN else 100
    found = RANGE.fullmatch(text)
    if found is None or text == "-":
        raise Unreadable(
            _("“%(name)s” is a range such as 0-40, not “%(text)s”.") % {"name": name, "text": text}
        )
    low, high = int(found[1] or 0), int(found[2]) if found[2] else most
    if not low <= high <= most:
        raise Unreadable(
            _("“%(name)s” runs from 0 to %(most)s, the smaller number first; %(text)s does not.")
            % {"name": name, "most": most, "text": text}
        )
    return Range(low, NEVER if name == SEEN and not found[2] else high)


def _written(name: str, held: Range) -> str:
    if held.low == NEVER:
        return "never"
    return f"{held.low}-" if held.high == NEVER else f"{held.low}-{held.high}"
