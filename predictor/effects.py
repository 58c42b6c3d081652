"""What a treatment changed where chance decided who got it, with known chances.

Two estimators of the mean difference over n trials, T = 1 where treated, p the chance of that:

- IPW, self-normalised (Hájek 1971): the weighted mean of the treated, weights 1 / p, less that of the others,
  weights 1 / (1 - p).
- Doubly robust (Robins, Rotnitzky & Zhao 1994): the mean of
  m1 - m0 + T / p (y - m1) - (1 - T) / (1 - p) (y - m0).  m1 and m0 are ridge regressions of the outcome on
  the context, fitted on other learners (cross-fitting, Chernozhukov et al. 2018), so that they narrow the
  interval and never bias it.

Intervals are those of `intervals.mean` over the influence values, whole learners together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.intervals import Estimate, FloatArray, mean

FOLDS = 5
RIDGE = 1.0
FEWEST = 10
SEED = 20_180_814


class Unanswerable(ValueError):
    """The data cannot tell the effect; the message says why."""


@dataclass(frozen=True, eq=False)
class Trials:
    """n trials: outcomes, whether treated, the chance of that, and whose they are, [n] each; context [n, d].

    Raises ValueError where a chance is not strictly between 0 and 1, or a value is no number.
    """

    outcome: FloatArray
    treated: NDArray[np.bool_]
    chance: FloatArray
    learner: NDArray[np.int64]
    context: FloatArray

    def __post_init__(self) -> None:
        if not np.all((self.chance > 0.0) & (self.chance < 1.0)):
            raise ValueError("chances must lie strictly between 0 and 1: leave out trials without a choice")
        if not (np.isfinite(self.outcome).all() and np.isfinite(self.context).all()):
            raise ValueError("outcomes and context must be numbers: leave out trials that lack one")


@dataclass(frozen=True)
class Effect:
    """One estimator's answer, and on how many trials of each side, of how many learners, it rests."""

    method: str
    estimate: Estimate
    treated: int
    others: int
    learners: int


def ipw(trials: Trials) -> Effect:
    """The self-normalised inverse propensity weighted difference.  Raises Unanswerable."""
    _check(trials)
    sides = [
        _side(trials.outcome, mask / chance)
        for mask, chance in ((trials.treated, trials.chance), (~trials.treated, 1.0 - trials.chance))
    ]
    return _effect("ipw", trials, sides[0] - sides[1])


def doubly_robust(trials: Trials) -> Effect:
    """The cross-fitted doubly robust difference.  Raises Unanswerable."""
    with_it, without = levels(trials)
    return _effect("doubly_robust", trials, with_it - without)


def levels(trials: Trials) -> tuple[FloatArray, FloatArray]:
    """Doubly robust values [n] of the outcome were everybody treated, and were nobody: their means tell it.

    Raises Unanswerable.
    """
    _check(trials)
    with_it = _outcomes(trials, trials.treated)
    without = _outcomes(trials, ~trials.treated)
    return (
        with_it + trials.treated / trials.chance * (trials.outcome - with_it),
        without + ~trials.treated / (1.0 - trials.chance) * (trials.outcome - without),
    )


def _check(trials: Trials) -> None:
    few = min(len(np.unique(trials.learner[side])) for side in (trials.treated, ~trials.treated))
    if few < FEWEST:
        raise Unanswerable(f"only {few} learners are on one of the two sides; {FEWEST} are needed")


def _side(outcome: FloatArray, weight: FloatArray) -> FloatArray:
    """Influence values [n] of a weighted mean; their mean is the weighted mean itself."""
    centre = float((weight * outcome).sum() / weight.sum())
    return np.asarray(centre + weight * (outcome - centre) / weight.mean(), np.float64)


def _effect(method: str, trials: Trials, values: FloatArray) -> Effect:
    weights = np.where(trials.treated, 1.0 / trials.chance, 1.0 / (1.0 - trials.chance))
    free = min(_effective(weights[side]) for side in (trials.treated, ~trials.treated)) - 1.0
    found = mean(values, trials.learner.astype(np.str_), free=free)
    count = int(trials.treated.sum())
    return Effect(method, found, count, len(values) - count, len(np.unique(trials.learner)))


def _effective(weights: FloatArray) -> float:
    return float(weights.sum() ** 2 / (weights**2).sum())


def _outcomes(trials: Trials, side: NDArray[np.bool_]) -> FloatArray:
    """Outcome expected of every trial on this side, [n], each from other learners."""
    learners, number = np.unique(trials.learner, return_inverse=True)
    folds = np.random.default_rng(SEED).permutation(len(learners))[number] % FOLDS
    found = np.zeros(len(trials.outcome))
    for fold in range(FOLDS):
        mine = folds == fold
        fitted = side & ~mine
        if fitted.any():
            weights = np.where(trials.treated, 1.0 / trials.chance, 1.0 / (1.0 - trials.chance))[fitted]
            found[mine] = _ridge(
                trials.context[fitted], trials.outcome[fitted], weights, trials.context[mine]
            )
    return found


def _ridge(known: FloatArray, outcome: FloatArray, weights: FloatArray, wanted: FloatArray) -> FloatArray:
    """Ridge regression with standardised columns and a free intercept, at the rows wanted."""
    weights = weights / weights.mean()
    centre, spread = np.average(known, axis=0, weights=weights), known.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    rows, middle = (known - centre) / scale, float(np.average(outcome, weights=weights))
    gram = rows.T @ (weights[:, None] * rows) + RIDGE * np.eye(rows.shape[1])
    slopes = np.linalg.solve(gram, rows.T @ (weights * (outcome - middle)))
    return np.asarray(middle + (wanted - centre) / scale @ slopes, np.float64)
