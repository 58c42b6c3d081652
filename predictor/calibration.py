"""Probabilities that mean what they say: a scale and a shift per target, fitted on held-out learners."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALLEST_SCALE = 0.05
ROUNDS = 50


class Calibration(NamedTuple):
    """The probability is sigmoid(scale * logit + shift); 1 / scale is the temperature."""

    scale: float = 1.0
    shift: float = 0.0


def fit_calibration(logits: Floats, labels: Floats, shifted: bool = True) -> Calibration:
    """Maximum likelihood by Newton's method (Platt 1999), with his smoothed labels.

    Args:
        logits, labels: [n]; labels are 0, 1 or NaN, and those with NaN are left out.
        shifted: false fits the temperature alone (Guo et al. 2017).  A shift makes the mean that of those
            at hand, which is right where they are drawn from the same courses as those predicted later.

    Where a class is missing, or the best scale would turn the ranking round, nothing is changed.
    """
    known = np.isfinite(labels)
    x, y = logits[known].astype(np.float64), labels[known].astype(np.float64)
    ones, zeros = float(y.sum()), float((1 - y).sum())
    if not ones or not zeros:
        return Calibration()
    target = np.where(y > 0, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    design = np.stack([x, np.ones_like(x)][: 1 + shifted], axis=1)
    weights = np.eye(1, design.shape[1])[0]
    for _ in range(ROUNDS):
        chance = sigmoid(design @ weights)
        gradient = design.T @ (chance - target)
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + 1e-6 * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights -= np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    if not np.isfinite(weights).all() or weights[0] < SMALLEST_SCALE:
        return Calibration()
    return Calibration(*weights.tolist())


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)) without overflow."""
    chances: Floats = 0.5 + 0.5 * np.tanh(0.5 * logits)
    return chances
