"""How well one group is served beside everyone else, and whether a gap is more than luck.

Gaps in ranking and in calibration are areas or distances, never negative: chance alone makes them larger in
small groups. Hence each comes with what chance would make of it, and with the p of a permutation test:

- Ranking: with group membership dealt anew among those of the same outcome, the ROC curves differ by chance.
- Calibration: with membership dealt anew among those given the same probability, so do the shares seen.

Resampling works on counts in bins (200 of equal size for ranking, 100 of equal width for calibration); the
figure itself is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .metrics import Interval, abroca, auc, ece, percentiles

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Mask = NDArray[np.bool_]

RANK_BINS = 200
CHANCE_BINS = 100
COARSE_BINS = 10
GRID = np.linspace(0, 1, 201)
ROUNDS = 200
FEW = 10
"""With fewer draws than these as large as what was seen, the test is drawn on."""
MORE_ROUNDS = 4000


@dataclass(frozen=True)
class Gap:
    """How far a group is from everyone else, what chance makes of it on average, and the test's p."""

    value: float
    chance: float
    p: float


@dataclass(frozen=True)
class Served:
    """How well a group of n rows is served.

    `predicted`, `observed` are its mean probability and its share of ones; `area` is ABROCA with its
    bootstrap interval; `ranking` and `calibration` are the gaps to everyone else.
    """

    n: int
    predicted: float
    observed: float
    auc: Interval
    ece: Interval
    area: Interval
    ranking: Gap
    calibration: Gap


class Scores:
    """Labels 0/1 and probabilities of the same n rows, to be looked at group by group."""

    def __init__(self, labels: IntArray, probabilities: FloatArray, seed: int = 0) -> None:
        self._labels = labels
        self._probabilities = probabilities
        self._seed = seed
        edges = np.unique(np.quantile(probabilities, np.linspace(0, 1, RANK_BINS + 1)[1:-1]))
        self._rank = np.searchsorted(edges, probabilities, side="right")
        self._chance = np.minimum((probabilities * CHANCE_BINS).astype(np.int64), CHANCE_BINS - 1)

    def of(self, inside: Mask) -> Served:
        """How well the rows of a mask are served; NaN where a figure is not defined."""
        labels, probabilities = self._labels[inside], self._probabilities[inside]
        rng = np.random.default_rng(self._seed)
        ranks, everyone = self._counts(self._rank, inside), self._counts(self._rank, slice(None))
        area = abroca(self._labels, self._probabilities, inside)
        drawn = _resampled(ranks, rng)
        return Served(
            n=len(labels),
            predicted=float(probabilities.mean()) if len(labels) else np.nan,
            observed=float(labels.mean()) if len(labels) else np.nan,
            auc=_interval(auc(labels, probabilities), np.array([_auc(*part) for part in drawn])),
            ece=self._ece(inside, rng),
            area=_distance(
                area,
                np.array(
                    [
                        _area(one, other)
                        for one, other in zip(drawn, _resampled(everyone - ranks, rng), strict=True)
                    ]
                ),
            ),
            ranking=_ranking(area, ranks, everyone, rng),
            calibration=self._calibration(inside, rng),
        )

    def _counts(self, bins: IntArray, rows: Mask | slice) -> IntArray:
        """Zeros and ones per bin [2, bins]."""
        width = int(bins.max(initial=0)) + 1
        place = self._labels[rows] * width + bins[rows]
        return np.bincount(place, minlength=2 * width).reshape(2, width)

    def _ece(self, inside: Mask, rng: np.random.Generator) -> Interval:
        value = ece(self._labels[inside], self._probabilities[inside])
        cells = self._counts(self._chance, inside)
        total = np.bincount(self._chance, self._probabilities * inside, minlength=cells.shape[1])
        means = _share(total, cells.sum(axis=0))
        drawn = _resampled(cells, rng)
        surplus = _coarse(drawn[:, 1] - drawn.sum(axis=1) * means)
        return _distance(value, np.abs(surplus).sum(axis=1) / max(1, int(cells.sum())))

    def _calibration(self, inside: Mask, rng: np.random.Generator) -> Gap:
        """Mean over the group of |its observed - predicted minus the others'| in bins of equal width."""
        everyone = self._counts(self._chance, slice(None))
        group = self._counts(self._chance, inside)
        sizes, ones = group.sum(axis=0), everyone[1]
        total = everyone.sum(axis=0)
        if not sizes.any() or not (total - sizes).any():
            return Gap(np.nan, np.nan, np.nan)
        predicted = np.bincount(self._chance, self._probabilities * inside, minlength=len(total))
        others = np.bincount(self._chance, self._probabilities * ~inside, minlength=len(total))
        n_in, n_out = _coarse(sizes), _coarse(total - sizes)
        both = (n_in > 0) & (n_out > 0)

        def gap(mine: IntArray) -> FloatArray:
            """Of ones in the group per fine bin [..., bins]."""
            left = _share(_coarse(mine - predicted), n_in)
            right = _share(_coarse(ones - mine - others), n_out)
            apart: FloatArray = (np.abs(left - right) * n_in * both).sum(axis=-1) / max(
                1, (n_in * both).sum()
            )
            return apart

        def draw(rounds: int) -> FloatArray:
            return gap(rng.hypergeometric(ones, total - ones, sizes, size=(rounds, len(total))))

        return _tested(float(gap(group[1])), draw)


def _ranking(area: float, ranks: IntArray, everyone: IntArray, rng: np.random.Generator) -> Gap:
    if np.isnan(area):
        return Gap(np.nan, np.nan, np.nan)
    sizes = ranks.sum(axis=1)

    def draw(rounds: int) -> FloatArray:
        zeros, ones = (
            rng.multivariate_hypergeometric(everyone[label], sizes[label], size=rounds, method="marginals")
            for label in (0, 1)
        )
        dealt = np.stack((zeros, ones), axis=1)
        return np.array([_area(part, everyone - part) for part in dealt])

    tested = _tested(_area(ranks, everyone - ranks), draw)
    return Gap(area, tested.chance, tested.p)


def _tested(seen: float, draw: Callable[[int], FloatArray]) -> Gap:
    """The p of a value under draws of chance; more are drawn where few are as large as it."""
    drawn = draw(ROUNDS)
    if np.sum(drawn >= seen - 1e-12) < FEW:
        drawn = np.concatenate((drawn, draw(MORE_ROUNDS)))
    beyond = int(np.sum(drawn >= seen - 1e-12))
    return Gap(seen, float(drawn.mean()), (1 + beyond) / (1 + len(drawn)))


def _interval(value: float, draws: FloatArray) -> Interval:
    return Interval(value, *percentiles(draws)) if np.isfinite(value) else Interval(value, np.nan, np.nan)


def _distance(value: float, draws: FloatArray) -> Interval:
    """The interval of a figure that is never negative.

    Resampling adds chance to chance, which makes such a figure larger: the draws are moved back so that their
    mean is the figure itself.
    """
    draws = draws[np.isfinite(draws)]
    if not len(draws):
        return Interval(value, np.nan, np.nan)
    return _interval(value, np.maximum(0.0, draws - draws.mean() + value))


def _resampled(cells: IntArray, rng: np.random.Generator) -> IntArray:
    """Bootstrap samples of counted rows [rounds, 2, bins]."""
    total = int(cells.sum())
    chances = cells.ravel() / max(1, total)
    return rng.multinomial(total, chances, size=ROUNDS).reshape(ROUNDS, *cells.shape)


def _auc(zeros: IntArray, ones: IntArray) -> float:
    pairs = float(zeros.sum()) * float(ones.sum())
    if not pairs:
        return np.nan
    below = np.cumsum(zeros) - zeros
    return float((ones * (below + zeros / 2)).sum() / pairs)


def _area(first: IntArray, second: IntArray) -> float:
    """ABROCA of two tables of counts [2, bins], on a grid; NaN where one lacks an outcome."""
    if not (first.sum(axis=1).all() and second.sum(axis=1).all()):
        return np.nan
    return float(np.mean(np.abs(_curve(first) - _curve(second))))


def _curve(cells: IntArray) -> FloatArray:
    """True positive rates at the grid's false positive rates."""
    rates = np.cumsum(cells[:, ::-1], axis=1) / cells.sum(axis=1, keepdims=True)
    return np.interp(GRID, np.append(0.0, rates[0]), np.append(0.0, rates[1]))


def _coarse(fine: NDArray[Any]) -> FloatArray:
    """Sums over the coarse bins [..., 10] of values per fine bin [..., up to 100]."""
    step = CHANCE_BINS // COARSE_BINS
    edges = np.arange(0, fine.shape[-1], step)
    summed: FloatArray = np.add.reduceat(fine, edges, axis=-1).astype(np.float64)
    return summed


def _share(total: NDArray[Any], size: NDArray[Any]) -> FloatArray:
    """A mean, 0 where there is nothing."""
    return np.divide(total, size, out=np.zeros(total.shape), where=size > 0)
