"""Evidence that may be looked at every day: confidence sequences, e-values and false discoveries.

Pure numpy.  Everything here is about sums of *scores* X_1, X_2, … of which each has, given all that came
before it, the mean w_i times an effect.  `total` is their sum S, `square` the sum V of their squares,
`weight` the sum of the w_i; the estimate of the effect is S / weight.

An *e-value* is a number whose mean is at most 1 where there is no effect, at whatever moment one stops to
look; it is large where there is one.  A *confidence sequence* holds the effect at all looks together with the
probability `level`; it is the set of effects against which the e-value is small.

Sources of the formulas:

* Ville (1939): a nonnegative supermartingale that starts at 1 ever reaches 1 / a with probability a at most.
* Robbins (1970); Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024, Annals of Statistics 52(6)): the
  asymptotic confidence sequence of a martingale (of Lindeberg's type), as `Normal`.
* Fan, Grama and Liu (2015, Electronic Journal of Probability 20(1)); Howard, Ramdas, McAuliffe and Sekhon
  (2021, Annals of Statistics 49(2)): the empirical Bernstein bound, as `Bernstein`; exact for any number.
* Wang and Ramdas (2022, JRSS B 84(3)): e-BH, as `discoveries`, under any dependence.
* Xu, Wang and Ramdas (2024, Electronic Journal of Statistics 18(1)): e-BY, as `level_after`.
* Lindon and Malek (2022, NeurIPS): sequential tests of assignment counts, of which `sample_ratio` is one for
  chances that differ from moment to moment.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
HORIZON = 1000  # moments at even odds: where `Normal` is tightest
TWICE = -2.0 * math.log(1.0 - LEVEL)
PRIOR = HORIZON / (TWICE + math.log(TWICE) + 1.0)  # the variance r of the mixture that is tightest there
BETS: Floats = np.geomspace(0.005, 0.9, 18)  # stakes of `Bernstein`
PRICES: Floats = -np.log1p(-BETS) - BETS
FAVOUR: Floats = np.exp(-(np.log(BETS / 0.2) ** 2) / 2.0)  # the best stake for some hundred votes weighs most
SHARES: Floats = FAVOUR / FAVOUR.sum()
TILTS: Floats = np.array([side * size for size in (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6) for side in (1, -1)])
FALSE_DISCOVERIES = 0.1  # of the groups said to have an effect, this share at most is expected to have none


class Sums(NamedTuple):
    """What is known of a stream of scores, at one look or at several: arrays of one shape.

    `odds` is the sum of what the scores' variances would be at outcomes of variance 1: known by design.
    """

    total: Floats
    square: Floats
    weight: Floats
    odds: Floats


class Bound(Protocol):
    """A way to turn sums into evidence, look by look."""

    def reach(self, sums: Sums, level: float = LEVEL) -> Floats:
        """Half the width of the confidence sequence of `total`."""

    def evidence(self, sums: Sums) -> Floats:
        """The e-values against there being no effect."""


class Normal:
    """Robbins' normal mixture, for outcomes without bounds; asymptotic."""

    def reach(self, sums: Sums, level: float = LEVEL) -> Floats:
        """sqrt(V / G) sqrt((G + r) log((G + r) / (r a^2))), G the odds and r = PRIOR."""
        alpha, clock = 1.0 - level, sums.odds + PRIOR
        found: Floats = np.sqrt(sums.square / sums.odds * clock * np.log(clock / (PRIOR * alpha**2)))
        return found

    def evidence(self, sums: Sums) -> Floats:
        """sqrt(r / (G + r)) exp(S^2 G / (2 V (G + r)))."""
        clock = sums.odds + PRIOR
        noise = 2.0 * sums.square * clock
        exponent = np.divide(sums.total**2 * sums.odds, noise, out=np.zeros_like(noise), where=noise > 0)
        return power(exponent + 0.5 * np.log(PRIOR / clock))


class Bernstein:
    """A mixture of empirical Bernstein bets, for scores in [-1, 1]; exact."""

    def reach(self, sums: Sums, level: float = LEVEL) -> Floats:
        """The deviation at which the one-sided e-value reaches 2 / (1 - level), by bisection."""
        bar = math.log(2.0 / (1.0 - level))
        low = np.zeros_like(sums.square)
        high = (bar - math.log(SHARES[0]) + PRICES[0] * sums.square) / BETS[0]  # the first bet alone suffices
        for _ in range(40):
            middle = (low + high) / 2.0
            short = one_sided(middle, sums.square) < bar
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return np.asarray(high, np.float64)

    def evidence(self, sums: Sums) -> Floats:
        """Half the larger of the e-values of both sides: less than their mean, and what `reach` inverts."""
        return power(one_sided(np.abs(sums.total), sums.square) - math.log(2.0))


def one_sided(deviation: Floats, square: Floats) -> Floats:
    """log of the mean over BETS b, weighed by SHARES, of exp(b S - psi(b) V), psi(b) = -log(1 - b) - b."""
    gains = np.multiply.outer(BETS, deviation) - np.multiply.outer(PRICES, square)
    weights = np.log(SHARES).reshape(-1, *(1,) * np.ndim(deviation))
    mixed: Floats = np.logaddexp.reduce(gains + weights, axis=0)
    return mixed


def power(exponent: Floats) -> Floats:
    """exp without overflow: evidence beyond 1e299 is no news."""
    evidence: Floats = np.exp(np.minimum(exponent, 690.0))
    return evidence


# Several questions at once


def discoveries(evidence: Sequence[float], share: float = FALSE_DISCOVERIES) -> list[bool]:
    """Which of several e-values are found, so that the expected share of false ones is at most `share`.

    e-BH: the k largest, for the largest k whose smallest is at least len / (share k).
    """
    order = np.sort(np.asarray(evidence, np.float64))[::-1]
    places = np.arange(1, len(order) + 1)
    enough = places[order * share * places >= len(order)] if len(order) else places
    if not len(enough):
        return [False] * len(evidence)
    bar = order[enough[-1] - 1]
    return [value >= bar for value in evidence]


def level_after(found: int, asked: int, share: float = FALSE_DISCOVERIES) -> float:
    """The level of intervals of which some were picked because they were found: e-BY."""
    return 1.0 - share * max(found, 1) / max(asked, 1)


# Is chance deciding as logged?


def sample_ratio(first: npt.NDArray[np.bool_], chance: Floats) -> Floats:
    """The e-value that the first of two happened otherwise than with its logged chance, after each moment.

    The mean over TILTS t of exp(t A - sum log(1 - p + p e^t)), A the number of firsts: exact for any chances,
    also when they depend on the past.
    """
    if not len(first):
        return np.ones(0)
    growth = np.zeros(len(first))
    logs = []
    for tilt in TILTS:
        np.cumsum(tilt * first - np.log1p(chance * math.expm1(tilt)), out=growth)
        logs.append(growth.copy())
    mixed: Floats = np.logaddexp.reduce(np.array(logs), axis=0) - math.log(len(TILTS))
    return power(mixed)
