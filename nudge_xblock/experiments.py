"""Shares and ratios with honest intervals; what one thing did compared with another is in `comparison`.

Pure numpy: counts in, intervals out.  The dashboard is looked at every day, so whatever carries a verdict has
an *always-valid* interval: with probability `level` it holds the truth at all looks together, and stopping at
a lucky moment gains nothing.

Sources of the formulas:

* Wilson (1927): score interval of a share.
* Robbins (1970) and Howard, Ramdas, McAuliffe and Sekhon (2021, Annals of Statistics 49(2)): mixture
  confidence sequences; `share_always` is the beta mixture.
* Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021, arXiv:2103.06476), theorem 2.2: the asymptotic
  confidence sequence of `radius`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
HORIZON = 500  # learners: where the always-valid interval is tightest
ENOUGH_LEARNERS = 30  # per side, before an asymptotic interval may speak


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its interval, all in the unit of the estimate."""

    estimate: float
    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


UNKNOWN_SHARE = Interval(math.nan, 0.0, 1.0)
UNKNOWN_RATIO = Interval(math.nan, 0.0, math.inf)


def quantile(level: float) -> float:
    """The two-sided normal quantile: 1.96 for a level of 0.95."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def check_counts(successes: float, trials: float) -> None:
    """Raise ValueError unless 0 <= successes <= trials."""
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials: need 0 <= successes <= trials")


def wilson(successes: float, trials: float, level: float = LEVEL) -> Interval:
    """Wilson's interval of a share, for one look at settled counts.  No trials: the whole of [0, 1]."""
    check_counts(successes, trials)
    if trials == 0:
        return UNKNOWN_SHARE
    z2 = quantile(level) ** 2
    share = successes / trials
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    reach = math.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    low = 0.0 if successes == 0 else min(share, centre - reach)
    high = 1.0 if successes == trials else max(share, centre + reach)
    return Interval(share, max(0.0, low), min(1.0, high))


def share_always(successes: float, trials: float, level: float = LEVEL) -> Interval:
    """Always-valid interval of a share; exact for any number of trials.  No trials: the whole of [0, 1].

    Holds every p at which the beta-mixture martingale
    B(s + 1/2, f + 1/2) / (B(1/2, 1/2) p^s (1 - p)^f) stays below 1 / (1 - level); Ville's inequality does
    the rest.
    """
    check_counts(successes, trials)
    if trials == 0:
        return UNKNOWN_SHARE
    failures = trials - successes
    bar = log_beta(successes + 0.5, failures + 0.5) - log_beta(0.5, 0.5) + math.log(1 - level)

    def inside(p: float) -> bool:
        likelihood = successes * math.log(p) if successes else 0.0
        return likelihood + (failures * math.log1p(-p) if failures else 0.0) > bar

    share = successes / trials
    low = 0.0 if successes == 0 else edge(inside, share, 0.0)
    high = 1.0 if failures == 0 else edge(inside, share, 1.0)
    return Interval(share, low, high)


def clustered_share(successes: Floats, trials: Floats, level: float = LEVEL) -> Interval:
    """Always-valid interval of a share whose trials come in clusters: successes, trials per learner, [n].

    The counts are scaled down by the design effect (Kish 1965; Korn and Graubard 1998), never up.
    """
    total = float(trials.sum())
    if total == 0:
        return UNKNOWN_SHARE
    share = float(successes.sum()) / total
    variance = float((((successes - share * trials) / total) ** 2).sum())
    alone = share * (1 - share) / total
    size = total * min(1.0, alone / variance) if variance else float(np.count_nonzero(trials))
    return share_always(share * size, size, level)


def log_beta(a: float, b: float) -> float:
    """log B(a, b)."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def edge(inside: Callable[[float], bool], within: float, outside: float) -> float:
    """Where a convex set ends between a point inside and the open end `outside`, by bisection."""
    for _ in range(60):
        middle = (within + outside) / 2
        if inside(middle):
            within = middle
        else:
            outside = middle
    return outside


def radius(learners: int, deviation: float, level: float = LEVEL, horizon: int = HORIZON) -> float:
    """Half-width of the always-valid interval of a mean over `learners` with standard deviation `deviation`.

    sd * sqrt(2 (n r + 1) / (n^2 r) * log(sqrt(n r + 1) / a)), with r chosen so that it is tightest at
    `horizon` learners (r = (-2 log a + log(1 - 2 log a)) / horizon, a = 1 - level).
    """
    alpha = 1 - level
    r = (-2 * math.log(alpha) + math.log1p(-2 * math.log(alpha))) / horizon
    nr = learners * r
    return deviation * math.sqrt(2 * (nr + 1) / (learners * nr) * math.log(math.sqrt(nr + 1) / alpha))


# Helpful to not helpful


def ratio(helpful: Floats, not_helpful: Floats, level: float = LEVEL) -> Interval:
    """Helpful votes for each not-helpful one, always-valid, each learner's votes taken together.

    helpful, not_helpful: votes per learner, float64[n].  Delta method on the logarithm; half a vote is added
    to both sides, so that a course without a single "not helpful" has an estimate too.
    """
    logarithm, deviation, voters = log_ratio(helpful, not_helpful)
    if voters < ENOUGH_LEARNERS:
        return Interval(math.exp(logarithm), 0.0, math.inf) if voters else UNKNOWN_RATIO
    return exponential(logarithm, radius(voters, deviation, level))


def ratio_change(
    helpful: Floats, not_helpful: Floats, base_helpful: Floats, base_not_helpful: Floats, level: float = LEVEL
) -> Interval | None:
    """How many times the ratio of the base the first ratio is (1.43: 43% above it); None while too few voted.

    All four are votes per learner over the same learners, float64[n], so that a learner who voted on both
    sides is counted as one.
    """
    first, base = voted(helpful, not_helpful), voted(base_helpful, base_not_helpful)
    if min(first.sum(), base.sum()) < ENOUGH_LEARNERS:
        return None
    anyone = first | base
    parts = log_influence(helpful, not_helpful) - log_influence(base_helpful, base_not_helpful)
    learners = int(anyone.sum())
    change = log_ratio(helpful, not_helpful)[0] - log_ratio(base_helpful, base_not_helpful)[0]
    return exponential(change, radius(learners, spread(parts[anyone]), level))


def voted(helpful: Floats, not_helpful: Floats) -> npt.NDArray[np.bool_]:
    """Which learners voted at all."""
    return np.asarray(helpful + not_helpful > 0)


def log_ratio(helpful: Floats, not_helpful: Floats) -> tuple[float, float, int]:
    """log(helpful / not helpful), its standard deviation per voter, and the number of voters."""
    who = voted(helpful, not_helpful)
    logarithm = math.log((float(helpful.sum()) + 0.5) / (float(not_helpful.sum()) + 0.5))
    return logarithm, spread(log_influence(helpful, not_helpful)[who]), int(who.sum())


def log_influence(helpful: Floats, not_helpful: Floats) -> Floats:
    """What each learner adds to log(helpful / not helpful); sums to nearly nothing over all."""
    parts: Floats = helpful / (helpful.sum() + 0.5) - not_helpful / (not_helpful.sum() + 0.5)
    return parts


def spread(parts: Floats) -> float:
    """Standard deviation per learner of an estimate that is the sum of `parts`, float64[n]."""
    return float(np.sqrt((parts**2).sum() * len(parts)))


def exponential(logarithm: float, reach: float) -> Interval:
    """An interval around a logarithm, taken back."""
    return Interval(math.exp(logarithm), math.exp(logarithm - reach), math.exp(min(logarithm + reach, 700.0)))
