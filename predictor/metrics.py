"""How good probabilities are: AUC and calibration, with intervals, and fairness.

Everything is plain numpy. Arrays of one length n: `labels` 0/1, `scores` or `probabilities` float.
A figure that is not defined (one class only, no rows) is NaN, never a made-up number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

CLIP = 1e-6
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A point estimate with the ends of its interval; all NaN where it is not defined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability plot: mean prediction and share of ones of `n` rows."""

    predicted: float
    observed: float
    n: int


def auc(labels: Array, scores: Array) -> float:
    """Area under the ROC curve, ties counted half (Mann-Whitney); NaN where one class is missing."""
    return float(_weighted_aucs(*_ranked(labels, scores), np.ones((1, len(labels))))[0])


def auc_interval(labels: Array, scores: Array, rounds: int = 400, seed: int = 0) -> Interval:
    """AUC with a percentile bootstrap interval over rows (learners)."""
    value = auc(labels, scores)
    if np.isnan(value):
        return Interval(value, np.nan, np.nan)
    truth, ends = _ranked(labels, scores)
    rng = np.random.default_rng(seed)
    draws = np.empty(rounds)
    for i in range(rounds):
        picked = np.bincount(rng.integers(0, len(truth), len(truth)), minlength=len(truth))
        draws[i] = _weighted_aucs(truth, ends, picked[None, :])[0]
    return Interval(value, *percentiles(draws))


def _ranked(labels: Array, scores: Array) -> tuple[FloatArray, IntArray]:
    """Labels in order of score, and the last position of each group of equal scores."""
    order = np.argsort(scores, kind="stable")
    ranked = np.asarray(scores)[order]
    ends = (
        np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, np.int64)
    )
    return np.asarray(labels, dtype=np.float64)[order], ends


def _weighted_aucs(truth: FloatArray, ends: IntArray, weights: Array) -> FloatArray:
    """AUC for each row of `weights` [rounds, n]: sum over tie groups of w_pos * (neg below + neg tied / 2).

    `weights` follow the order of `truth`; in a bootstrap they are exchangeable, so no reordering is needed.
    """
    if not len(ends):
        return np.full(len(weights), np.nan)
    ones = np.cumsum(weights * truth, axis=1)[:, ends]
    zeros = np.cumsum(weights * (1 - truth), axis=1)[:, ends]
    ones_here = np.diff(ones, axis=1, prepend=0)
    zeros_here = np.diff(zeros, axis=1, prepend=0)
    area = (ones_here * (zeros - zeros_here / 2)).sum(axis=1)
    pairs = ones[:, -1] * zeros[:, -1]
    return np.divide(area, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)


def percentiles(draws: FloatArray) -> tuple[float, float]:
    """Ends of the 95% interval of bootstrap draws; NaN where none is defined."""
    draws = draws[np.isfinite(draws)]
    if not len(draws):
        return np.nan, np.nan
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def mean_interval(values: NDArray[np.float64], rounds: int = 2000, seed: int = 0) -> Interval:
    """Mean of the defined values (one per course) with a bootstrap interval over them."""
    values = values[np.isfinite(values)]
    if not len(values):
        return Interval(np.nan, np.nan, np.nan)
    picks = np.random.default_rng(seed).integers(0, len(values), size=(rounds, len(values)))
    return Interval(float(values.mean()), *percentiles(values[picks].mean(axis=1)))


def reliability(labels: Array, probabilities: FloatArray, bins: int = 10) -> list[Bin]:
    """Equal-width bins of predicted probability; bins without rows are left out."""
    truth = np.asarray(labels, dtype=np.float64)
    place = np.clip((probabilities * bins).astype(np.int64), 0, bins - 1)
    n = np.bincount(place, minlength=bins)
    predicted = np.bincount(place, probabilities, minlength=bins)
    observed = np.bincount(place, truth, minlength=bins)
    return [Bin(float(predicted[i] / n[i]), float(observed[i] / n[i]), int(n[i])) for i in np.flatnonzero(n)]


def ece(labels: Array, probabilities: FloatArray, bins: int = 10) -> float:
    """Expected calibration error over equal-width bins (Naeini et al. 2015): mean |observed - predicted|."""
    bars = reliability(labels, probabilities, bins)
    total = sum(bar.n for bar in bars)
    return sum(bar.n * abs(bar.observed - bar.predicted) for bar in bars) / total if total else np.nan


def log_loss(labels: Array, probabilities: FloatArray) -> float:
    """Mean negative log likelihood; probabilities are clipped to [1e-6, 1 - 1e-6]."""
    truth = np.asarray(labels, dtype=np.float64)
    p = np.clip(probabilities, CLIP, 1 - CLIP)
    return float(-np.mean(truth * np.log(p) + (1 - truth) * np.log1p(-p))) if len(truth) else np.nan


def roc(labels: Array, scores: Array) -> tuple[FloatArray, FloatArray]:
    """False and true positive rates from (0, 0) to (1, 1), one point per distinct score."""
    truth, ends = _ranked(labels, scores)
    ones, zeros = truth.sum(), (1 - truth).sum()
    starts = np.concatenate(([0], ends[:-1] + 1))[::-1]
    from_top_ones = np.cumsum(truth[::-1])[::-1]
    from_top_zeros = np.cumsum(1 - truth[::-1])[::-1]
    true_rate = np.concatenate(([0.0], from_top_ones[starts] / ones))
    false_rate = np.concatenate(([0.0], from_top_zeros[starts] / zeros))
    return false_rate, true_rate


def abroca(labels: Array, scores: Array, group: NDArray[np.bool_]) -> float:
    """Absolute area between the ROC curves of a group and of everyone else (Gardner et al. 2019).

    The curves are piecewise linear; the area is exact, crossings included. NaN where a side lacks a class.
    """
    truth = np.asarray(labels)
    for side in (group, ~group):
        if len(np.unique(truth[side])) < 2:
            return np.nan
    x_in, y_in = roc(truth[group], np.asarray(scores)[group])
    x_out, y_out = roc(truth[~group], np.asarray(scores)[~group])
    grid = np.unique(np.concatenate((x_in, x_out)))
    left, right = grid[:-1], grid[1:]
    start = _at_right(left, x_in, y_in) - _at_right(left, x_out, y_out)
    end = _at_left(right, x_in, y_in) - _at_left(right, x_out, y_out)
    return float(_absolute_area(right - left, start, end).sum())


def _at_right(x: FloatArray, xs: FloatArray, ys: FloatArray) -> FloatArray:
    """The curve just right of x, i.e. the top of a vertical step at x."""
    after = np.searchsorted(xs, x, side="right")
    return _between(x, xs, ys, after)


def _at_left(x: FloatArray, xs: FloatArray, ys: FloatArray) -> FloatArray:
    """The curve just left of x, i.e. the foot of a vertical step at x."""
    after = np.searchsorted(xs, x, side="left")
    return _between(x, xs, ys, after)


def _between(x: FloatArray, xs: FloatArray, ys: FloatArray, after: IntArray) -> FloatArray:
    before, after = after - 1, np.minimum(after, len(xs) - 1)
    width = xs[after] - xs[before]
    share = np.divide(x - xs[before], width, out=np.zeros_like(x), where=width > 0)
    height: FloatArray = ys[before] + share * (ys[after] - ys[before])
    return height


def _absolute_area(width: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    """Integral of |linear from start to end| over each width; two triangles where the sign changes."""
    total = np.abs(start) + np.abs(end)
    crossing = np.divide(start**2 + end**2, 2 * total, out=np.zeros_like(total), where=total > 0)
    area: FloatArray = width * np.where(start * end < 0, crossing, total / 2)
    return area
