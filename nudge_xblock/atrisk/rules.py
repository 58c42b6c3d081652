"""What becomes of a learner's case tonight.  Pure: the same learner and case give the same decision.

One case at a time; the same thing is not flagged twice until the learner was better, unless it has become
worse than it was as a person was done with it; who is better, has completed or left, or whose course is over,
needs no case any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from . import tiers
from .tiers import Limits

IMPROVED: Final = "improved"
COMPLETED: Final = "completed"
LEFT: Final = "left"
OVER: Final = "over"
BY_ITSELF: Final = (IMPROVED, COMPLETED, LEFT, OVER)
"""How a case ends without anybody."""


@dataclass(frozen=True)
class Standing:
    """How a learner stands tonight.

    Args:
        chance: of not completing; None where nothing was assessed.
        group: the leading reason; empty where no single one stands out.
        ended: COMPLETED, LEFT or OVER; empty while the learner takes the course.
        told: every reason that there is.
    """

    chance: float | None
    group: str = ""
    ended: str = ""
    told: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Open:
    """The learner's open case.

    `kept`: a person opened it again, so that being better does not close it; `group`: the reason it is for.
    """

    tier: str
    kept: bool = False
    group: str = ""


@dataclass(frozen=True)
class Ended:
    """An ended case whose learner was not better since: the reasons that there were then, and its tier."""

    groups: frozenset[str]
    tier: str


@dataclass(frozen=True)
class Decision:
    """What to do.

    Args:
        open_in: the tier to open a case in.
        open_for: the reason group that the new case is for; empty where no single one stands out.
        move_to: the tier that the open case goes to.
        lead_to: the reason that the open case is for from now on; None where it stays as it is.
        close_as: how the open case ends.
        rearm: the learner is better: what ended before may be flagged again.
    """

    open_in: str = ""
    open_for: str = ""
    move_to: str = ""
    lead_to: str | None = None
    close_as: str = ""
    rearm: bool = False


NOTHING: Final = Decision()


def decide(standing: Standing, case: Open | None, ended: Iterable[Ended], limits: Limits) -> Decision:
    """Decide about one learner.

    `ended`: the cases that ended and whose learner was not better since.
    """
    ended = tuple(ended)
    if standing.ended:
        return Decision(close_as=standing.ended) if case else NOTHING
    if standing.chance is None:
        return NOTHING
    clear = tiers.is_clear(standing.chance, limits)
    if case is not None:
        return _of_open(case, standing, standing.chance, clear, bool(ended), limits)
    if clear:
        return Decision(rearm=bool(ended))
    tier = tiers.tier_of(standing.chance, limits)
    if not tier or _known(standing.group, tier, ended):
        return NOTHING
    return Decision(open_in=tier, open_for=standing.group)


def _of_open(
    case: Open, standing: Standing, chance: float, clear: bool, ended: bool, limits: Limits
) -> Decision:
    """Whoever helps is to help with a reason that there still is."""
    if clear:
        return Decision(close_as="" if case.kept else IMPROVED, rearm=ended)
    to = tiers.moved(chance, limits, case.tier)
    stays = case.group in standing.told or case.group == standing.group
    return Decision(move_to=to if to != case.tier else "", lead_to=None if stays else standing.group)


def _known(group: str, tier: str, ended: Iterable[Ended]) -> bool:
    """Whether somebody dealt with this already, and it was no less urgent then."""
    return any(group in past.groups and tiers.rank(past.tier) >= tiers.rank(tier) for past in ended)
