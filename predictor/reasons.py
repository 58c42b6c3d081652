"""Why a learner is thought to be at risk: groups of factors against a typical learner, with their numbers.

No words: whoever shows a reason words it, in the reader's language, by the keys of its group and factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LEAST = 0.1
"""A group that adds less than this to the log-odds is no reason."""
MOST_NUMBERS = 3


@dataclass(frozen=True)
class Number:
    """One factor of a learner beside that of a typical learner who completes, at this point of the course.

    `contribution` is what it adds to the log-odds; `unit` is one of `factors.UNITS`.
    """

    factor: str
    unit: str
    value: float
    typical: float
    contribution: float


@dataclass(frozen=True)
class Reason:
    """A group that raises a learner's risk.

    Args:
        group: one of `factors.GROUPS`.
        contribution: what it adds to the log-odds.
        numbers: those that add most to it, at most three, the strongest first.
        chance_if_typical: the risk that the model gives to the same learner with this group's numbers
            replaced by a typical learner's: what the reason claims, and what was asked of the model.
    """

    group: str
    contribution: float
    numbers: tuple[Number, ...]
    chance_if_typical: float


@dataclass(frozen=True)
class Case:
    """What the model says of one learner at one time.

    Args:
        learner: who.
        chance: probability of not completing.
        logit: its log-odds, which is `baseline` and all of `contributions` together.
        baseline: log-odds of a typical learner who completes, at this point of the course.
        contributions: every group's part, nothing left out.
        reasons: the groups that raise the risk, the strongest first.
        days: how long the learner's clock has run; `share` of the course passed.
        partial: the learner never came, so that only absence, enrolment and the course speak.
        unknown: groups of which nothing is known, so that they add nothing either way.
    """

    learner: str
    chance: float
    logit: float
    baseline: float
    contributions: Mapping[str, float]
    reasons: tuple[Reason, ...]
    days: float
    share: float
    partial: bool
    unknown: tuple[str, ...]


def strongest(numbers: list[Number], most: int = MOST_NUMBERS) -> tuple[Number, ...]:
    """The numbers that raise the risk most, the strongest first; what adds nothing is left out."""
    raising = [number for number in numbers if number.contribution > 0]
    return tuple(sorted(raising, key=lambda number: -number.contribution)[:most])
