"""Between which chances of not completing a learner is in which tier.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Final

MARGINAL: Final = "marginal"
MODERATE: Final = "moderate"
HIGH: Final = "high"
ORDER: Final = (MARGINAL, MODERATE, HIGH)
"""Least first; the values of models.Tier."""
CLEAR_POINTS: Final = 5
"""How many points below a limit a learner must fall to leave what lies above it.

A chance moves by some points from day to day; without this a learner at the limit would be flagged and
cleared every other night.
"""


@dataclass(frozen=True)
class Limits:
    """Where each tier begins, in whole percent.  Raises ValueError unless 1 ≤ each < next ≤ 100."""

    marginal: int
    moderate: int
    high: int

    def __post_init__(self) -> None:
        if not 1 <= self.marginal < self.moderate < self.high <= 100:
            raise ValueError("Limits rise from marginal over moderate to high, between 1 and 100.")

    def of(self, tier: str) -> int:
        """Where a tier begins."""
        return {MARGINAL: self.marginal, MODERATE: self.moderate, HIGH: self.high}[tier]

    def as_json(self) -> dict[str, int]:
        """Tier to percent."""
        return {tier: self.of(tier) for tier in ORDER}


def percent(chance: float) -> int:
    """Whole percent, rounded half up, as staff see it and as limits are compared with."""
    return floor(100.0 * min(max(chance, 0.0), 1.0) + 0.5)


def least(shown: int) -> float:
    """The least chance that is shown as so many percent or more."""
    return (shown - 0.5) / 100.0


def tier_of(chance: float, limits: Limits) -> str:
    """The tier of a chance, whatever was before; empty where there is nothing to do."""
    shown = percent(chance)
    return next((tier for tier in reversed(ORDER) if shown >= limits.of(tier)), "")


def is_clear(chance: float, limits: Limits) -> bool:
    """Whether a learner is better for certain: below the lowest tier by more than what moves by itself."""
    return percent(chance) < max(1, limits.marginal - CLEAR_POINTS)


def moved(chance: float, limits: Limits, before: str) -> str:
    """The tier of a learner who was in `before`: up at once, down only where it is certain.

    Never empty: who is neither clear nor in a tier stays in the lowest.
    """
    now = tier_of(chance, limits)
    if rank(now) >= rank(before):
        return now
    steady = tier_of(chance + CLEAR_POINTS / 100.0, limits) or MARGINAL
    return min(before, steady, key=rank)


def rank(tier: str) -> int:
    """How urgent a tier is: 0 for none, then 1 to 3."""
    return ORDER.index(tier) + 1 if tier else 0
