"""One probability of two: log-odds of boosting and of the sequence model, weighed by how far a course is.

    logit = (a + b·u) · boosting + (c + d·u) · sequence + e + f·u,   u = log(1 + days) - log(8)

Fitted on learners whom neither of the two has learned from, so it calibrates as well: its weights say how far
both are to be trusted. It is a logistic regression (Newton's method) drawn towards equal shares by a ridge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .calibration import sigmoid
from .moments import DAY, FloatArray

PRIOR = np.array([0.5, 0.5, 0.0, 0.0, 0.0, 0.0])
RIDGE = 20.0
"""In learners: against many thousands it decides nothing, against a hundred it keeps the weights sane."""
ROUNDS = 50
MOST_SURE = 1e-6


def log_odds(probabilities: FloatArray) -> FloatArray:
    """Log-odds of probabilities, which are kept a millionth away from 0 and 1."""
    inside = np.clip(probabilities, MOST_SURE, 1 - MOST_SURE)
    odds: FloatArray = np.log(inside) - np.log1p(-inside)
    return odds


@dataclass(frozen=True)
class Blend:
    """Six weights (see above) and the shortest and longest time, in seconds, that they were fitted for."""

    weights: FloatArray
    shortest: float
    longest: float

    def __call__(self, boosted: FloatArray, sequence: FloatArray, at: float | FloatArray) -> FloatArray:
        """Probabilities [n] from log-odds of boosting and probabilities of the sequence model [n]."""
        inside = np.clip(at, self.shortest, self.longest)
        return sigmoid(_design(boosted, log_odds(sequence), inside) @ self.weights)

    @classmethod
    def fit(cls, boosted: FloatArray, sequence: FloatArray, at: FloatArray, labels: FloatArray) -> Blend:
        """From learners whom neither has seen; arguments as of a call, all [n], and `labels` 0/1 [n]."""
        design = _design(boosted, log_odds(sequence), at)
        weights = PRIOR.copy()
        for _ in range(ROUNDS if len(labels) else 0):
            chance = sigmoid(design @ weights)
            gradient = design.T @ (chance - labels) + RIDGE * (weights - PRIOR)
            curvature = (design * (chance * (1 - chance))[:, None]).T @ design
            step = np.linalg.solve(curvature + RIDGE * np.eye(len(weights)), gradient)
            weights -= np.clip(step, -1, 1)
            if np.abs(step).max() < 1e-8:
                break
        ends = (float(at.min()), float(at.max())) if len(at) else (0.0, 0.0)
        return cls(weights, *ends)


def _design(boosted: FloatArray, sequence: FloatArray, at: float | FloatArray) -> FloatArray:
    late = np.broadcast_to(np.log1p(np.asarray(at) / DAY) - np.log(8), boosted.shape)
    return np.stack((boosted, sequence, boosted * late, sequence * late, np.ones(late.shape), late), axis=1)
