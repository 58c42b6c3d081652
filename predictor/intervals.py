"""The mean of skewed, perhaps dependent values with its 95% interval, without any draw of chance.

The interval is Student's, on Hall's cubic transformation of the t statistic (Hall 1992, "On the removal of
skewness by transformation"), which takes the skewness of the mean's distribution out: rewards are rare and
weights are long-tailed, and a plain normal interval then misses on one side, one time in ten.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

Z_95 = 1.959963984540054
FEWEST_FREE = 2.0


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error and interval, in units of the values."""

    value: float
    error: float
    low: float
    high: float


def mean(
    values: FloatArray, clusters: NDArray[np.str_] | None = None, free: float = np.inf, z: float = Z_95
) -> Estimate:
    """Mean of `values` [n] with its interval.

    Args:
        clusters: [n], whose values they are; deviations are summed within a cluster first.
        free: degrees of freedom, where fewer than the clusters' number less one.
        z: the normal quantile of the interval's level.

    One value, or one cluster, has an infinite interval.
    """
    n, value = len(values), float(values.mean())
    deviations: FloatArray = values - value
    if clusters is not None:
        deviations = np.bincount(np.unique(clusters, return_inverse=True)[1], deviations).astype(np.float64)
    size = len(deviations)
    if size < 2:
        return Estimate(value, np.inf, -np.inf, np.inf)
    squares = float((deviations**2).sum())
    error = float(np.sqrt(squares * size / (size - 1)) / n)
    if squares < 1e-24 * n:
        return Estimate(value, error, value, value)
    spread = np.sqrt(squares / size)
    skewness = float(((deviations / spread) ** 3).mean())
    reach = student(z, max(FEWEST_FREE, min(free, size - 1.0)))
    ends = (_unskewed(each, skewness, size) for each in (reach, -reach))
    low, high = (value - end * error for end in ends)
    return Estimate(value, error, low, high)


def student(z: float, free: float) -> float:
    """Student's quantile from the normal one (Abramowitz & Stegun 26.7.5), for 2 degrees of freedom up."""
    terms = (
        z**3 + z,
        5 * z**5 + 16 * z**3 + 3 * z,
        3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z,
        79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z,
    )
    scales = (4.0, 96.0, 384.0, 92160.0)
    return z + sum(
        term / (scale * free**power) for power, (term, scale) in enumerate(zip(terms, scales, strict=True), 1)
    )


def _unskewed(quantile: float, skewness: float, size: int) -> float:
    """The quantile of the t statistic of a mean of `size` values of this skewness."""
    if abs(skewness) < 1e-9:
        return quantile
    root = float(np.sqrt(size))
    inside = 1.0 + skewness * (quantile / root - skewness / (6.0 * size))
    return float(root * 3.0 / skewness * (np.cbrt(inside) - 1.0))
