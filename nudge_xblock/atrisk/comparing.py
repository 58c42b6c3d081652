"""With help and without: the difference in what followed, between learners who are alike or drawn by chance.

Where chance decided, its share is the chance of being helped.  Elsewhere that chance is estimated from what
was known at the time (logistic regression, ridge), and who is hardly ever found on both sides is left out
(Crump et al. 2009).  The difference itself is doubly robust, with its interval: predictor.effects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from predictor.calibration import sigmoid
from predictor.effects import Trials, Unanswerable, doubly_robust, levels

Floats = npt.NDArray[np.float64]
OVERLAP = 0.05
"""Whose chance of being helped is below this, or above one less this, has nobody to be compared with."""
RIDGE = 1.0
ROUNDS = 50
ENOUGH = 1e-8


@dataclass(frozen=True)
class Compared:
    """What the mean of all who are compared would be with help and without, and the 95% interval of the
    difference."""

    with_it: float
    without: float
    low: float
    high: float
    n_with: int
    n_without: int

    @property
    def difference(self) -> float:
        """With help, less without."""
        return self.with_it - self.without


def compare(
    outcome: Floats,
    helped: npt.NDArray[np.bool_],
    learner: npt.NDArray[np.int64],
    context: Floats,
    share: float | None = None,
) -> Compared:
    """Compare n rows [n], context [n, d]; `share`: with which chance each was helped, None where nobody drew.

    Raises Unanswerable where fewer than ten learners are on one of the sides.
    """
    chance = np.full(len(outcome), share) if share is not None else propensity(helped, context)
    kept = (chance >= OVERLAP) & (chance <= 1.0 - OVERLAP) if share is None else np.ones(len(outcome), bool)
    if not kept.any():
        raise Unanswerable("nobody who was helped has anybody to be compared with")
    trials = Trials(outcome[kept], helped[kept], chance[kept], learner[kept], context[kept])
    estimate = doubly_robust(trials).estimate
    with_it, without = (float(values.mean()) for values in levels(trials))
    sides = [len(np.unique(trials.learner[side])) for side in (trials.treated, ~trials.treated)]
    return Compared(with_it, without, estimate.low, estimate.high, sides[0], sides[1])


def propensity(helped: npt.NDArray[np.bool_], context: Floats) -> Floats:
    """The estimated chance of being helped [n], by Newton's steps on standardised columns; free intercept."""
    if helped.all() or not helped.any():
        raise Unanswerable("everybody or nobody was helped")
    spread = context.std(axis=0)
    rows = (context - context.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    design = np.column_stack((np.ones(len(rows)), rows))
    penalty = RIDGE * np.diag([0.0, *([1.0] * rows.shape[1])])
    weights = np.zeros(design.shape[1])
    for _round in range(ROUNDS):
        chance = sigmoid(design @ weights)
        slope = design.T @ (helped - chance) - penalty @ weights
        curve = (design * (chance * (1.0 - chance) + 1e-9)[:, None]).T @ design + penalty
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if float(np.abs(step).max()) < ENOUGH:
            break
    return np.asarray(sigmoid(design @ weights), np.float64)
