"""What a nudge is for: which answers, or what the learner did afterwards, count as success or failure.

Pure.  The gate, the tallies and the models speak of success, failure and neither; a nudge's objective says
what these are.

*vote*: success is a "helpful" vote, failure a "not helpful" one, neither no vote.
*click*: success is that the learner followed the link; failure that the card was put away or voted not
helpful, and the link not followed; neither the rest.
*items*: what the learner completed in the days after, against what was to be expected: success is at least
one item more, failure at least one item less, neither the rest.  Expected is what learners who were shown
nothing complete after as many items before (`Expectation`).  Nothing is known until the days are over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

VOTE, CLICK, ITEMS = "vote", "click", "items"
OBJECTIVES = (VOTE, CLICK, ITEMS)
LEAST_DAYS, MOST_DAYS = 1.0, 60.0

SUCCESS, FAILURE, NEITHER = 0, 1, 2
MARGIN = 1.0
"""Items more or less than expected that make a success or a failure."""
PRIOR = 20.0
"""How many learners an unbiased guess counts for: that they complete as much after as before."""


def of_vote(helpful: bool | None) -> int:
    """The result of a nudge that is to be found helpful."""
    if helpful is None:
        return NEITHER
    return SUCCESS if helpful else FAILURE


def of_click(clicked: bool, dismissed: bool, helpful: bool | None) -> int:
    """The result of a nudge whose link is to be followed."""
    if clicked:
        return SUCCESS
    return FAILURE if dismissed or helpful is False else NEITHER


def of_items(after: float, expected: float) -> int:
    """The result of a nudge after which more is to be completed."""
    if after >= expected + MARGIN:
        return SUCCESS
    return FAILURE if after <= expected - MARGIN else NEITHER


def result(
    objective: str,
    helpful: bool | None,
    clicked: bool,
    dismissed: bool,
    outcome: Mapping[str, Any],
    days: float,
) -> int | None:
    """The result of one shown nudge; None while it is not known.

    `outcome` is what the night found of the days after (`Decision.outcome`), `days` how many of them count:
    a result over other days, from before that was changed, is none.
    """
    if objective == CLICK:
        return of_click(clicked, dismissed, helpful)
    if objective == ITEMS:
        aim = outcome.get("objective") or {}
        found = aim.get("result") if aim.get("days") == days else None
        return found if isinstance(found, int) else None
    return of_vote(helpful)


@dataclass(frozen=True, slots=True)
class Expectation:
    """Items that a learner who is shown nothing completes in a day, from those of a day before."""

    level: float = 0.0
    slope: float = 1.0

    def of(self, before: float, days: float) -> float:
        """Items expected in `days` days after as many days with `before` items."""
        return max(0.0, self.level * days + self.slope * before)

    @classmethod
    def fit(cls, before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> Expectation:
        """From items a day before and after the moments at which nothing was shown, [n] each.

        Ridge regression, shrunk towards as much after as before.
        """
        design = np.stack([np.ones_like(before), before], axis=1)
        weighed = design.T @ design + PRIOR * np.eye(2)
        level, change = np.linalg.solve(weighed, design.T @ (after - before))
        return cls(float(level), float(1.0 + change))
