"""How good answers are, and whether one model's are better than another's: learners are kept whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from predictor import intervals, metrics

from . import cells

Array = npt.NDArray[np.float64]
Texts = npt.NDArray[np.str_]
Figures = dict[str, Any]

ROUNDS = 200
LEAST_OF_A_CLASS = 10
"""Rows of either class that a group, and everyone else, must have for a gap to be measured."""
BLANK: Figures = {"auc": None, "auc_low": None, "auc_high": None, "ece": None, "loss": None}


def measured(truth: Array, said: Array) -> Figures:
    """AUC with its interval, ECE and log loss; None where one class is missing or a model does not say."""
    finite = bool(np.isfinite(said).all())
    if not len(truth) or not finite or truth.min() == truth.max():
        return {**BLANK, "finite": finite}
    area = metrics.auc_interval(truth, said, rounds=ROUNDS)
    figures = {
        "auc": area.value,
        "auc_low": area.low,
        "auc_high": area.high,
        "ece": metrics.ece(truth, said),
        "loss": metrics.log_loss(truth, said),
    }
    return {**{name: round(float(value), 4) for name, value in figures.items()}, "finite": True}


def beside(truth: Array, said: Sequence[Array], learners: Texts) -> Figures:
    """One model ("new") beside another ("old"), if there is one, on the same answers.

    `rise` and `drop_error` (see below) are there where both can be measured.
    """
    figures: Figures = {name: measured(truth, each) for name, each in zip(("new", "old"), said, strict=False)}
    if len(said) > 1 and all(each["auc"] is not None for each in figures.values()):
        new, old = said
        figures["rise"] = rise(losses(truth, new), losses(truth, old), learners)
        figures["drop_error"] = drop_error(truth, new, old, learners)
    return figures


def losses(truth: Array, said: Array) -> Array:
    """Log loss of each answer."""
    chances = np.clip(said, metrics.CLIP, 1 - metrics.CLIP)
    lost: Array = -np.log(np.where(truth > 0, chances, 1 - chances))
    return lost


def rise(new: Array, old: Array, learners: Texts) -> Figures:
    """By how much one model's losses exceed another's on the same answers, and its standard error."""
    found = intervals.mean(new - old, learners)
    return {"rise": round(found.value, 6), "error": round(min(found.error, 1e6), 6)}


def drop_error(truth: Array, new: Array, old: Array, learners: Texts) -> float:
    """Standard error of the difference of two AUCs on the same answers."""

    def drop(rows: npt.NDArray[np.int64]) -> float:
        return metrics.auc(truth[rows], old[rows]) - metrics.auc(truth[rows], new[rows])

    return round(_redrawn(learners, drop), 4)


def gaps(
    truth: Array, new: Array, old: Array, learners: Texts, divided: Mapping[str, Texts], least: float
) -> list[Figures]:
    """ABROCA between each group and everyone else, by both models, where either side is large enough.

    `divided`: division to each answer's group [n], "" for nobody's.  `error` is that of the rise, drawn over
    learners; it is worked out where the rise exceeds `least`.
    """
    found = []
    for division, groups in sorted(divided.items()):
        for group in sorted(set(groups.tolist()) - {""}):
            inside = groups == group
            if not _large(inside, truth, learners) or not _large(~inside, truth, learners):
                continue
            areas = [metrics.abroca(truth, said, inside) for said in (new, old)]
            error = _error(truth, new, old, learners, inside) if areas[0] - areas[1] > least else 0.0
            found.append(
                {
                    "division": division,
                    "group": group,
                    "n": len(set(learners[inside].tolist())),
                    "new": round(areas[0], 4),
                    "old": round(areas[1], 4),
                    "error": round(error, 4),
                }
            )
    return found


def _large(rows: npt.NDArray[np.bool_], truth: Array, learners: Texts) -> bool:
    ones = int(truth[rows].sum())
    if min(ones, int(rows.sum()) - ones) < LEAST_OF_A_CLASS:
        return False
    return len(set(learners[rows].tolist())) >= cells.FEWEST


def _error(truth: Array, new: Array, old: Array, learners: Texts, inside: npt.NDArray[np.bool_]) -> float:
    """Standard error of the rise of a gap."""

    def rise(rows: npt.NDArray[np.int64]) -> float:
        first, second = (metrics.abroca(truth[rows], said[rows], inside[rows]) for said in (new, old))
        return first - second

    return _redrawn(learners, rise)


def _redrawn(learners: Texts, figure: Callable[[npt.NDArray[np.int64]], float], rounds: int = 100) -> float:
    """Standard deviation of a figure of rows, whole learners being drawn with replacement."""
    rng = np.random.default_rng(0)
    whose = np.unique(learners, return_inverse=True)[1]
    rows_of = np.split(np.argsort(whose, kind="stable"), np.cumsum(np.bincount(whose))[:-1])
    drawn = [
        figure(np.concatenate([rows_of[each] for each in rng.integers(0, len(rows_of), len(rows_of))]))
        for _ in range(rounds)
    ]
    return float(np.nanstd(drawn))
