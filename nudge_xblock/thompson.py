"""How likely each of several uncertain things is the best: the shares of Thompson sampling, computed.

Pure, and fast enough for a web request.  A sampler that draws from beliefs gives probabilities that nobody
knows exactly; here they are computed first, and one uniform number then chooses.  They are functions of the
beliefs alone, so a decision can be replayed, and its logged propensities are those it was made with.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

REACH = 3.5
"""How many standard deviations around the beliefs the integral covers: all but one in 2,000."""
CELLS = 20
"""How many cells the grid has at most; fewer where that many are no wider than `STEP`."""
STEP = 0.6
"""In standard deviations of the narrowest belief."""
LEAST = 1e-3
"""A belief is taken to be no narrower than this share of the widest one: the grid would not see it."""
CERTAIN = 1e-9
"""Beliefs narrower than this leave no choice."""
_ROOT2 = math.sqrt(2.0)


def shares(means: Sequence[float], deviations: Sequence[float]) -> list[float]:
    """The probability that each of independent normal beliefs is the largest; they sum to one.

    Certain beliefs give everything to the largest mean, the first of equals.  Two have
    a closed form.  More are integrated over a fixed grid: the sum over cells of what one belief's
    distribution gains there, times the product of the others' (mean of both ends).
    """
    widest = max(deviations)
    if len(means) == 1 or widest < CERTAIN:
        top = list(means).index(max(means))
        return [float(place == top) for place in range(len(means))]
    if len(means) == 2:
        first = _below((means[0] - means[1]) / math.hypot(*deviations))
        return [first, 1.0 - first]
    spreads = [max(each, LEAST * widest) for each in deviations]
    low = max(mean - REACH * spread for mean, spread in zip(means, spreads, strict=True))
    high = max(mean + REACH * spread for mean, spread in zip(means, spreads, strict=True))
    cells = min(CELLS, max(1, math.ceil((high - low) / (STEP * min(spreads)))))
    found = _integral(means, spreads, low, (high - low) / cells, cells)
    whole = math.fsum(found)
    return [each / whole for each in found]


def _integral(
    means: Sequence[float], spreads: Sequence[float], low: float, step: float, cells: int
) -> list[float]:
    """The probabilities, times two, but for what lies outside the grid.

    No distribution is zero at `low`, the highest of the beliefs' lower ends, so one may divide by it.
    """
    grid = [low + cell * step for cell in range(cells + 1)]
    below = [
        _distribution(mean, 1.0 / (spread * _ROOT2), grid)
        for mean, spread in zip(means, spreads, strict=True)
    ]
    products = [math.prod(column) for column in zip(*below, strict=True)]
    found = []
    for row in below:
        others = [product / mine for product, mine in zip(products, row, strict=True)]
        gains = map(operator.sub, row[1:], row)
        found.append(math.fsum(map(operator.mul, gains, map(operator.add, others, others[1:]))))
    return found


def _distribution(mean: float, scale: float, grid: Sequence[float]) -> list[float]:
    erf = math.erf
    return [0.5 + 0.5 * erf((at - mean) * scale) for at in grid]


def _below(value: float) -> float:
    """The standard normal distribution."""
    return 0.5 * math.erfc(-value / _ROOT2)
