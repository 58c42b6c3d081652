"""The fit of a logistic regression whose coefficients vary smoothly over the course.

    logit of row i = a(t_i) + sum over j of b_j(t_i) x_ij,   a(t) = sum over k of a_k B_k(t), and b_j likewise

with the bumps B of `basis`. Minimised is the mean log loss plus, for every b_j, half of `smooth` times the
sum of squares of the steps of its weights and of `ridge` times the sum of squares of the weights themselves;
a(t) is kept smooth alone. A factor with a direction keeps weights of that sign, so that its curve does.

The minimiser is scipy's L-BFGS-B (the `train` extra). The rows times bumps that a ready-made regression would
be handed are never written out: loss and gradient take two products with the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from .basis import bumps, roughness
from .calibration import sigmoid
from .factors import Factor
from .moments import FloatArray, IntArray

MOST_STEPS = 400
PRECISION = 1e-6
LEVEL_SMOOTH = 1e-3

Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class Penalty:
    """How rough and how large curves may be; those of a course's factors `of_course` times less large.

    Everyone in a course run has the same number there, so that a few dozen courses are all that tells what it
    means, however many their learners.
    """

    smooth: float
    ridge: float
    of_course: float


@dataclass(frozen=True)
class Rows:
    """Learners at moments, R rows: factors [R, d], shares of the course passed [R], 0/1 labels [R]."""

    table: Floats32
    share: FloatArray
    labels: FloatArray

    def take(self, rows: IntArray | NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        return Rows(self.table[rows], self.share[rows], self.labels[rows])


def fitted(
    rows: Rows, factors: Sequence[Factor], size: int, penalty: Penalty, start: FloatArray | None = None
) -> FloatArray:
    """Weights [d + 1, size] of least penalised loss, those of a(t) first; `start` is where to begin."""
    loss = _Loss(rows, factors, size, penalty)
    first = start if start is not None else loss.blank()
    signs = np.repeat([0, *(factor.direction for factor in factors)], size)
    bounds = [(0.0 if sign > 0 else None, 0.0 if sign < 0 else None) for sign in signs.tolist()]
    options = {"maxiter": MOST_STEPS, "ftol": PRECISION**1.5, "gtol": PRECISION, "maxcor": 20}
    found = minimize(loss, first.ravel(), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    weights: FloatArray = found.x.reshape(first.shape)
    return weights


class _Loss:
    """Penalised mean log loss of rows and its gradient, over flat weights."""

    def __init__(self, rows: Rows, factors: Sequence[Factor], size: int, penalty: Penalty) -> None:
        self._table, self._labels = rows.table, rows.labels
        self._bumps = bumps(rows.share, size).astype(np.float32)
        self._rough = roughness(size)
        self._shape = (len(factors) + 1, size)
        self._smooth = np.array([LEVEL_SMOOTH, *(penalty.smooth for _ in factors)])[:, None]
        sizes = (penalty.ridge * (penalty.of_course if factor.of_course else 1.0) for factor in factors)
        self._ridge = np.array([0.0, *sizes])[:, None]

    def blank(self) -> FloatArray:
        """Everyone has the share of ones."""
        share = (self._labels.sum() + 1) / (len(self._labels) + 2)
        weights = np.zeros(self._shape)
        weights[0] = np.log(share / (1 - share))
        return weights

    def __call__(self, flat: FloatArray) -> tuple[float, FloatArray]:
        weights = flat.reshape(self._shape)
        small = weights.astype(np.float32)
        logits = ((self._table @ small[1:] + small[0]) * self._bumps).sum(axis=1, dtype=np.float64)
        miss = (sigmoid(logits) - self._labels) / len(logits)
        loss = float(np.mean(np.logaddexp(0, logits) - self._labels * logits))
        pull = self._bumps * miss[:, None].astype(np.float32)
        gradient = np.concatenate((pull.sum(axis=0, dtype=np.float64)[None], self._table.T @ pull))
        rough, sizes = self._smooth * (weights @ self._rough), self._ridge * weights
        loss += float(((rough + sizes) * weights).sum()) / 2
        return loss, (gradient + rough + sizes).ravel()
