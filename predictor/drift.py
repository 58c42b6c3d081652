"""Whether last week is like the weeks before: distributions, and rates against what was foreseen.

A difference is an alarm only when it is large and more than chance explains, by a level that is spent over
all nights and all checks: however long a model serves, and however often it is looked at, the chance of any
false alarm stays below ALARMS.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from . import intervals

FloatArray = NDArray[np.float64]

ALARMS = 0.05
SMOOTHING = 0.5
DRAWS = 200


@dataclass(frozen=True)
class Shift:
    """A population stability index, and what it may come to by chance at the level asked for."""

    value: float
    by_chance: float


def level(look: int, checks: int) -> float:
    """The level of one of `checks` checks at the `look`-th night, from 1; all of them sum to ALARMS."""
    return ALARMS * 6.0 / (math.pi * look) ** 2 / max(1, checks)


def quantile(level: float, sides: int = 2) -> float:
    """The normal quantile of a test at this level."""
    return NormalDist().inv_cdf(1.0 - level / sides)


def stability(before: FloatArray, after: FloatArray) -> float:
    """Population stability index between counts [bins]: sum of (q - p) ln(q / p) over their shares p, q."""
    p, q = ((counts + SMOOTHING) / (counts + SMOOTHING).sum() for counts in (before, after))
    return float(((q - p) * np.log(q / p)).sum())


def shift(before: FloatArray, after: FloatArray, level: float, seed: int = 0) -> Shift:
    """Compare counts of n and m learners, [n, bins] and [m, bins].

    By chance: learners are dealt anew to the two sides; the index is then about a multiple of a chi-square
    variable, whose moments the draws give (Wilson & Hilferty 1931 for its quantile).
    """
    rng = np.random.default_rng(seed)
    everyone, size = np.concatenate((before, after)), len(before)
    drawn = np.empty(DRAWS)
    for draw in range(DRAWS):
        order = rng.permutation(len(everyone))
        drawn[draw] = stability(everyone[order[:size]].sum(axis=0), everyone[order[size:]].sum(axis=0))
    value = stability(before.sum(axis=0), after.sum(axis=0))
    return Shift(value, _upper(float(drawn.mean()), float(drawn.var()), quantile(level, sides=1)))


def _upper(mean: float, variance: float, z: float) -> float:
    """Upper quantile of a scaled chi-square variable of this mean and variance."""
    if mean <= 0.0 or variance <= 0.0:
        return mean
    freedom = 2.0 * mean * mean / variance
    return mean * (1.0 - 2.0 / (9.0 * freedom) + z * math.sqrt(2.0 / (9.0 * freedom))) ** 3


def misfit(
    observed: FloatArray, foreseen: FloatArray, learners: NDArray[np.str_], level: float
) -> intervals.Estimate:
    """Mean of observed (0 or 1) less foreseen [n], with its interval at the level."""
    return intervals.mean(observed - foreseen, learners, z=quantile(level))


def counted(bins: Sequence[NDArray[np.int64]], size: int) -> FloatArray:
    """How often each learner's values fall in each of `size` bins: [n, size]."""
    rows = [np.bincount(each, minlength=size) for each in bins]
    return np.stack(rows).astype(np.float64) if rows else np.zeros((0, size))
