"""Whether one model's lead over another is more than luck: paired tests over courses, in plain numpy.

A test that is not defined (fewer than two pairs) is NaN, never a made-up number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .metrics import mean_interval

FloatArray = NDArray[np.float64]

EXACT_PAIRS = 16
DRAWS = 50_000


@dataclass(frozen=True)
class Paired:
    """A paired comparison over courses.

    Mean `difference` with the ends of its bootstrap interval; two-sided `p` of the sign-flip test and
    `p_wilcoxon` of the signed ranks; number of `pairs`.
    """

    difference: float
    low: float
    high: float
    p: float
    p_wilcoxon: float
    pairs: int


def paired(first: FloatArray, second: FloatArray, seed: int = 0) -> Paired:
    """Compare first - second over courses; a course where either is NaN is left out."""
    difference = first - second
    difference = difference[np.isfinite(difference)]
    pairs = len(difference)
    if pairs < 2:
        return Paired(float(difference.mean()) if pairs else np.nan, np.nan, np.nan, np.nan, np.nan, pairs)
    mean = mean_interval(difference, seed=seed)
    return Paired(mean.value, mean.low, mean.high, sign_flip(difference, seed), wilcoxon(difference), pairs)


def sign_flip(difference: FloatArray, seed: int = 0) -> float:
    """Two-sided p of the mean when each difference is as likely to have either sign.

    All 2^k sign patterns are enumerated up to 16 courses, beyond that 50,000 are drawn (the observed one
    counted among them).
    """
    size = len(difference)
    observed = abs(difference.sum()) - 1e-12
    if size <= EXACT_PAIRS:
        bits = np.arange(1 << size)[:, None] >> np.arange(size) & 1
        return float(np.mean(np.abs((1 - 2 * bits) @ difference) >= observed))
    signs = np.random.default_rng(seed).integers(0, 2, size=(DRAWS, size)) * 2 - 1
    return float((1 + np.sum(np.abs(signs @ difference) >= observed)) / (DRAWS + 1))


def wilcoxon(difference: FloatArray) -> float:
    """Two-sided exact p of Wilcoxon's signed-rank test.

    Differences of 0 are left out, as Wilcoxon did. Equal sizes share their mean rank, and the distribution is
    counted over the ranks as they are, so it is exact with ties too.
    """
    moved = difference[np.abs(difference) > 1e-12]
    if not len(moved):
        return 1.0
    doubled = _doubled_ranks(np.abs(moved))
    counts = np.zeros(int(doubled.sum()) + 1)
    counts[0] = 1.0
    for rank in doubled.tolist():
        counts[rank:] = counts[rank:] + counts[: len(counts) - rank]
    positive = int(doubled[moved > 0].sum())
    tail = min(counts[: positive + 1].sum(), counts[positive:].sum()) / counts.sum()
    return float(min(1.0, 2 * tail))


def _doubled_ranks(sizes: FloatArray) -> NDArray[np.int64]:
    """Twice the rank of each, which is a whole number with ties too."""
    ordered = np.sort(np.round(sizes, 12))
    low = np.searchsorted(ordered, np.round(sizes, 12), side="left")
    high = np.searchsorted(ordered, np.round(sizes, 12), side="right")
    return (low + high + 1).astype(np.int64)


def holm(values: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979), in the order given; NaN stays and counts for none."""
    known = [place for place, value in enumerate(values) if np.isfinite(value)]
    corrected = [float("nan")] * len(values)
    highest = 0.0
    for rank, place in enumerate(sorted(known, key=lambda place: values[place])):
        highest = max(highest, min(1.0, values[place] * (len(known) - rank)))
        corrected[place] = highest
    return corrected
