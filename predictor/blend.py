"""One probability of two: boosting's log-odds, moved towards the sequence model's.

    logit = boosting + w · (sequence - boosting),   w = a + b·u,   u = log(1 + days) - log(8)

Boosting sees a course as a whole and so tells how many will drop out of it; the sequence model tells learners
apart. So the share w is fitted inside courses: every course has at every moment a level of its own, which is
then forgotten. It is fitted on learners whom neither of the two has learned from, by a logistic regression
drawn towards a quarter by a ridge, and kept between none and all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .calibration import sigmoid
from .moments import DAY, FloatArray, IntArray

PRIOR = np.array([0.25, 0.0])
RIDGE = 20.0
"""In learners of middling chances: against many thousands it decides nothing."""
ROUNDS = 50
MOST_SURE = 1e-6


def log_odds(probabilities: FloatArray) -> FloatArray:
    """Log-odds of probabilities, which are kept a millionth away from 0 and 1."""
    inside = np.clip(probabilities, MOST_SURE, 1 - MOST_SURE)
    odds: FloatArray = np.log(inside) - np.log1p(-inside)
    return odds


@dataclass(frozen=True)
class Blend:
    """Two weights (see above) and the shortest and longest time, in seconds, that they were fitted for."""

    weights: FloatArray
    shortest: float
    longest: float

    def __call__(self, boosted: FloatArray, sequence: FloatArray, at: float | FloatArray) -> FloatArray:
        """Probabilities [n] from log-odds of boosting and probabilities of the sequence model [n]."""
        share = np.clip(late(np.clip(at, self.shortest, self.longest)) @ self.weights, 0.0, 1.0)
        return sigmoid(boosted + share * (log_odds(sequence) - boosted))

    @classmethod
    def fit(
        cls, boosted: FloatArray, sequence: FloatArray, at: FloatArray, labels: FloatArray, groups: IntArray
    ) -> Blend:
        """From learners whom neither has seen; arguments as of a call, all [n], and `labels` 0/1 [n].

        `groups` [n] numbers their courses.
        """
        if not len(labels):
            return cls(PRIOR.copy(), 0.0, 0.0)
        _, group = np.unique(np.stack((groups, at)), axis=1, return_inverse=True)
        design = late(at) * (log_odds(sequence) - boosted)[:, None]
        weights = regression(boosted, design, labels, np.ravel(group), PRIOR, RIDGE, 1.0)
        return cls(weights, float(at.min()), float(at.max()))


def regression(
    offset: FloatArray,
    design: FloatArray,
    labels: FloatArray,
    group: IntArray,
    prior: FloatArray,
    ridge: float | FloatArray,
    steady: float,
) -> FloatArray:
    """Weights [d] of a logistic regression in which every group has a level of its own (Newton's method).

    Args:
        offset: log-odds [n] to begin with; `design` [n, d]; `labels` 0/1 [n]; `group` [n] counts from 0.
        prior: [d] what the ridge draws the weights towards.
        steady: ridge of the levels.
    """
    weights, levels = prior.copy(), np.zeros(int(group.max()) + 1)
    strength = np.broadcast_to(ridge, prior.shape)
    for _ in range(ROUNDS):
        chance = sigmoid(offset + design @ weights + levels[group])
        curve, miss = chance * (1 - chance), chance - labels
        mass = np.bincount(group, curve) + steady
        means = np.stack([np.bincount(group, curve * column) / mass for column in design.T], axis=1)
        pull = np.bincount(group, miss) + steady * levels
        gradient = design.T @ miss - means.T @ pull + strength * (weights - prior)
        curvature = ((design - means[group]) * curve[:, None]).T @ design + np.diag(strength)
        step = np.linalg.solve(curvature, gradient)
        shift: FloatArray = pull / mass - means @ step
        damped = 1 / max(1.0, np.abs(step).max(), np.abs(shift).max())
        weights -= damped * step
        levels -= damped * shift
        if max(np.abs(step).max(), np.abs(shift).max()) < 1e-8:
            break
    return weights


def late(at: float | FloatArray) -> FloatArray:
    """1 and u for each time [..., 2]."""
    late = np.log1p(np.asarray(at, dtype=np.float64) / DAY) - np.log(8)
    return np.stack((np.ones_like(late), late), axis=-1)
