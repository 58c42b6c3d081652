"""Small cells: which groups may be shown at all, so that nobody is found, also not by subtraction.

A group under `FEWEST` learners is hidden.  Hiding it alone is not enough: whoever knows the total takes the
shown groups away and reads the rest off.  So further groups are hidden, the smallest first, until the
hidden ones cover each other (complementary suppression), and what is shown is rounded down to fives.

The caller must not tell how many groups are hidden, nor name them: a group without learners is as absent
from what is shown as a hidden one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

FEWEST = 10
STEP = 5


@dataclass(frozen=True)
class Shown:
    """What may be shown: learners by group, down to fives, and whether any learner is in none of them."""

    learners: dict[str, int]
    hidden: bool


def shown(learners: Mapping[str, int], withheld: Collection[str] = ()) -> Shown:
    """Which of the groups may be shown.  `learners`: how many learners each group of one division has.

    `withheld` names groups that are hidden already, for another reason; they count among the hidden ones, and
    stay so.  Groups must not overlap; their total is taken to be known, and so is this rule.
    """
    present = {name: count for name, count in learners.items() if count > 0}
    hidden = {name for name, count in present.items() if count < FEWEST or name in withheld}
    for tier in sorted({rounded(count) for name, count in present.items() if name not in hidden}):
        if not hidden or covers(hidden, present):
            break
        # A whole tier: to hide one of several equals would tell them apart by the order of their names.
        hidden |= {name for name, count in present.items() if rounded(count) == tier}
    kept = {name: rounded(count) for name, count in present.items() if name not in hidden}
    return Shown(kept, bool(hidden))


def rounded(learners: int) -> int:
    """Down to fives."""
    return learners // STEP * STEP


def covers(hidden: Collection[str], learners: Mapping[str, int]) -> bool:
    """Whether hidden groups hide each other: two or more, their sum neither small nor at its utmost."""
    together, utmost = sum(learners[name] for name in hidden), len(hidden) * (FEWEST - 1)
    return len(hidden) >= 2 and together >= FEWEST and together != utmost
