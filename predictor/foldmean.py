"""What one trained model does on several new courses: the AUC of all learners of a fold, averaged over folds.

Pooled over folds, scores of differently trained models stand in one order; here each model's stand alone.
"""

from __future__ import annotations

import numpy as np

from .metrics import Array, FloatArray, Interval, auc, auc_interval, percentiles


def fold_interval(labels: Array, scores: Array, folds: Array, rounds: int = 400, seed: int = 0) -> Interval:
    """Mean of the folds' AUCs with a percentile bootstrap interval over learners, drawn within their folds.

    `labels` 0/1, `scores` and `folds` are of the same n learners. A fold with one class only is left out; all
    NaN where none is left. One fold alone has the pooled AUC and its very interval.
    """
    if len(np.unique(folds)) == 1:
        return auc_interval(labels, scores, rounds, seed)
    rng = np.random.default_rng(seed)
    values, draws = [], []
    for fold in told_apart(labels, folds):
        rows = folds == fold
        values.append(auc(labels[rows], scores[rows]))
        draws.append(drawn_aucs(labels[rows], scores[rows], rounds, rng))
    if not values:
        return Interval(np.nan, np.nan, np.nan)
    return Interval(float(np.mean(values)), *percentiles(_means(np.array(draws))))


def told_apart(labels: Array, folds: Array) -> list[int]:
    """The folds with learners of both classes."""
    both = np.intersect1d(folds[labels == 0], folds[labels == 1])
    return [int(fold) for fold in both]


def drawn_aucs(labels: Array, scores: Array, rounds: int, rng: np.random.Generator) -> FloatArray:
    """AUC [rounds] of as many learners drawn with replacement; NaN where a draw lacks a class.

    A learner drawn twice counts twice. So each draw needs no sorting: the weight of the zeros below each one
    is read off their running sum.
    """
    zeros, ones = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
    zeros = zeros[np.argsort(scores[zeros], kind="stable")]
    below, upto = (np.searchsorted(scores[zeros], scores[ones], side) for side in ("left", "right"))
    draws = np.full(rounds, np.nan)
    for place in range(rounds):
        weights = np.bincount(rng.integers(0, len(labels), len(labels)), minlength=len(labels))
        running = np.append(0, np.cumsum(weights[zeros]))
        mine = weights[ones]
        pairs = mine.sum() * running[-1]
        if pairs:
            draws[place] = mine @ (running[below] + running[upto]) / (2 * pairs)
    return draws


def _means(draws: FloatArray) -> FloatArray:
    """Means over folds [rounds] of draws [folds, rounds], of those folds that are defined in a draw."""
    defined = np.isfinite(draws)
    total, number = np.where(defined, draws, 0.0).sum(axis=0), defined.sum(axis=0)
    return np.divide(total, number, out=np.full(draws.shape[1], np.nan), where=number > 0)
