"""One of two things against the other, where chance decided: a nudge or none, one wording or another.

Pure numpy.  A *trial* is a moment at which either could have happened; the first of the two happened (A = 1)
with the logged probability e.  With m a forecast of the outcome Y from earlier trials alone, its score

    X = (A - e) / max(e, 1 - e) (Y - m)

has, given all that came before, the mean min(e, 1 - e) times the effect at that moment, whatever m is.  So
the scores less their means are a martingale, although e may depend on earlier outcomes (as under Thompson
sampling) and learners come back.  The estimate is the sum of X over the sum of min(e, 1 - e): the mean
effect, each moment counting by the smaller of its two chances.  A better m makes the interval narrower, a bad
one never makes it wrong; here it is a running mean, adjusted by what the learner did before (as in CUPED).

Sources: Ham, Bojinov, Lindon and Tingley (2022, arXiv:2210.08639) for confidence sequences that rest on
assignment by chance alone; Li and Greene (2013, International Journal of Biostatistics 9(2)) for the weights;
Robins and Rotnitzky (1995) for taking a forecast away; Deng, Xu, Kohavi and Walker (2013, WSDM) for CUPED.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from . import cells
from .confidence import LEVEL, Bernstein, Bound, Floats, Normal, Sums, sample_ratio
from .experiments import ENOUGH_LEARNERS, Interval

Verdict = Literal["helps", "harms", "none", "early", "no_comparison"]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

WORTHWHILE = 0.1  # a change under a tenth of what happens anyway does not pay for an interruption
ROOM = (
    0.75  # of what is worthwhile: how narrow an interval must be to lie within it wherever its middle falls
)
WARM = 20  # trials before what came before a moment is used to forecast what comes after
ALARM = 1000.0  # evidence that chance did not decide as logged: one false alarm in a thousand comparisons
MOST_LEARNERS = 10_000_000  # beyond this many learners, "how many more" is no answer
GUESSES = 300  # numbers of learners tried, each some percent above the one before


@dataclass(frozen=True)
class Measure:
    """What is compared.  `least`: the smallest change that can matter, in the unit of the outcome."""

    name: str
    bound: Bound
    least: float


ITEMS = Measure("items", Normal(), 0.05)
HELPFUL = Measure("helpful", Bernstein(), 0.02)
CLICKED = Measure("clicked", Bernstein(), 0.02)
MEASURES = {measure.name: measure for measure in (HELPFUL, CLICKED, ITEMS)}


class Trials(NamedTuple):
    """Moments at which either of two could have happened, in order of time; arrays of one length.

    `chance` is the probability of the first, given that it was one of the two; `before` is what the learner
    did before the moment, NaN where nobody knows.
    """

    day: Ints
    learner: Ints
    first: Bools
    chance: Floats
    outcome: Floats
    before: Floats

    def where(self, kept: Bools) -> Trials:
        """Only some of them."""
        columns = (self.day, self.learner, self.first, self.chance, self.outcome, self.before)
        return Trials(*(column[kept] for column in columns))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Comparison:
    """What the first of the two changed.

    `mean`, `base_mean` and `worthwhile`, which tells of the latter, are NaN while a side has so few learners
    that its mean would tell of single ones.  `change` is in units of the outcome; `needed` is about how many
    more learners make the interval so narrow that it fits within `worthwhile`, the smallest change that
    matters, and None when that is out of reach or not needed.  `narrowed` is the share by which the interval
    is narrower for knowing what came before, `evidence` the e-value against no effect.
    """

    verdict: Verdict
    change: Interval | None
    mean: float
    base_mean: float
    count: int
    base_count: int
    learners: int
    worthwhile: float
    needed: int | None
    narrowed: float | None
    evidence: float


@dataclass(frozen=True)
class Look:
    """The interval as of the end of one day (a date's ordinal), and how many learners it rested on."""

    day: int
    learners: int
    change: Interval


def check(trials: Trials) -> None:
    """Raise ValueError for moments that chance could not have decided otherwise: they say nothing."""
    if not np.all((trials.chance > 0) & (trials.chance < 1)):
        raise ValueError("chances must lie strictly between 0 and 1: leave out moments without a choice")


def compare(trials: Trials, measure: Measure, level: float = LEVEL) -> Comparison:
    """The first against the second as of the last trial."""
    check(trials)
    count, base_count = int(trials.first.sum()), int((~trials.first).sum())
    learners = len(np.unique(trials.learner))
    if not count or not base_count:
        nothing = ("no_comparison", None, math.nan, math.nan, count, base_count, learners, math.nan)
        return Comparison(*nothing, needed=None, narrowed=None, evidence=1.0)  # type: ignore[arg-type]
    running, plain = accumulate(trials, measure)
    sums = at(running, -1)
    mean, base_mean = side_mean(trials, trials.first), side_mean(trials, ~trials.first)
    worthwhile = max(WORTHWHILE * abs(base_mean), measure.least)
    fewest = int(min(sides(trials)))
    missing = ENOUGH_LEARNERS - fewest
    more = learners_needed(sums, learners, ROOM * worthwhile, measure.bound, level)
    change, verdict = None, "early"
    if missing <= 0 and sums.square[0] > 0:
        change = intervals(sums, measure.bound, level)[0]
        verdict = judge(change, worthwhile)
    elif missing > 0:
        more = max(missing, more or 1)
    if fewest < cells.FEWEST:
        mean = base_mean = worthwhile = math.nan
    return Comparison(
        verdict,  # type: ignore[arg-type]
        change,
        mean,
        base_mean,
        count,
        base_count,
        learners,
        worthwhile,
        more if verdict == "early" else None,
        narrowed(running.square, plain),
        float(measure.bound.evidence(sums)[0]),
    )


def evidence(trials: Trials, measure: Measure) -> float:
    """The e-value against the first and the second being alike."""
    check(trials)
    if not len(trials.day):
        return 1.0
    running, _ = accumulate(trials, measure)
    return float(measure.bound.evidence(at(running, -1))[0])


def newest(trials: Trials, measure: Measure, level: float = LEVEL) -> Interval | None:
    """The interval as of the last trial; None while one side has too few learners, or nothing varies."""
    check(trials)
    if min(sides(trials)) < ENOUGH_LEARNERS:
        return None
    sums = at(accumulate(trials, measure)[0], -1)
    return intervals(sums, measure.bound, level)[0] if sums.square[0] > 0 else None


def intervals(sums: Sums, bound: Bound, level: float = LEVEL) -> list[Interval]:
    """The estimate and its confidence sequence at each look."""
    estimate, reach = sums.total / sums.weight, bound.reach(sums, level) / sums.weight
    ends = zip(estimate.tolist(), reach.tolist(), strict=True)
    return [Interval(middle, middle - half, middle + half) for middle, half in ends]


def judge(change: Interval, worthwhile: float) -> Verdict:
    """`none` is a finding of its own: it is said only when every change worth having is ruled out."""
    if change.low > 0:
        return "helps"
    if change.high < 0:
        return "harms"
    return "none" if max(-change.low, change.high) < worthwhile else "early"


def over_time(trials: Trials, measure: Measure, level: float = LEVEL) -> list[Look]:
    """The interval at the end of every day that added to it, once both sides have enough learners."""
    check(trials)
    if not len(trials.day):
        return []
    running, _ = accumulate(trials, measure)
    ends = np.append(np.flatnonzero(np.diff(trials.day)), len(trials.day) - 1)
    enough = np.minimum(*(arrivals(trials.learner, side) for side in (trials.first, ~trials.first)))
    ends = ends[(enough[ends] >= ENOUGH_LEARNERS) & (running.square[ends] > 0)]
    everyone = arrivals(trials.learner, np.ones(len(trials.day), np.bool_))
    changes = intervals(at(running, ends), measure.bound, level)
    days = zip(trials.day[ends].tolist(), everyone[ends].tolist(), changes, strict=True)
    return [Look(*look) for look in days]


def mismatch(first: Bools, chance: Floats) -> bool:
    """Whether the first happened otherwise than with its logged chance, at whatever moment that showed."""
    return bool(len(first)) and float(sample_ratio(first, chance).max()) >= ALARM


# Scores


def accumulate(trials: Trials, measure: Measure) -> tuple[Sums, Floats]:
    """Running sums of the scores after each trial, and of the squares that they had without `before`."""
    chance, first = trials.chance, trials.first.astype(np.float64)
    weight = np.minimum(chance, 1.0 - chance)
    lean = (first - chance) / (1.0 - weight)
    plain, adjusted = forecasts(trials)
    if isinstance(measure.bound, Bernstein):  # scores must stay within [-1, 1]
        adjusted = np.clip(adjusted, 0.0, 1.0)
    scores, unadjusted = lean * (trials.outcome - adjusted), lean * (trials.outcome - plain)
    columns = (scores, scores**2, weight, weight / (1.0 - weight))
    return Sums(*(np.cumsum(column) for column in columns)), np.cumsum(unadjusted**2)


def at(running: Sums, places: int | Ints) -> Sums:
    """Running sums as they stood after the trials at these places."""
    return Sums(*(np.atleast_1d(column[places]) for column in running))


def forecasts(trials: Trials) -> tuple[Floats, Floats]:
    """Each outcome foreseen from earlier trials: by their mean, and by a line over what came before."""
    weight = np.minimum(trials.chance, 1.0 - trials.chance)
    known = np.isfinite(trials.before)
    centre = float(trials.before[known].mean()) if known.any() else 0.0  # leaves the line as it is
    x, y = np.where(known, trials.before - centre, 0.0), trials.outcome
    mass = weight * known
    n, sy = earlier(weight), earlier(weight * y)
    mean = np.divide(sy, n, out=np.zeros_like(sy), where=n > 0)
    k, kx, ky = earlier(mass), earlier(mass * x), earlier(mass * y)
    safe = np.where(k > 0, k, 1.0)
    across = earlier(mass * x * y) - kx * ky / safe
    along = earlier(mass * x * x) - kx * kx / safe
    steady = (earlier(known.astype(np.float64)) >= WARM) & (along > 1e-9 * safe)
    slope = np.divide(across, along, out=np.zeros_like(across), where=steady)
    return mean, mean + np.where(known, slope * (x - kx / safe), 0.0)


def earlier(values: Floats) -> Floats:
    """Sums over all that came before each place."""
    sums: Floats = np.concatenate(([0.0], np.cumsum(values)[:-1]))
    return sums


def narrowed(square: Floats, plain: Floats) -> float | None:
    """1 - width with what came before / width without it; None where nothing varies.

    The width is that of the newer half: the first forecasts are made from next to nothing.
    """
    half = len(square) // 2
    with_it, without = float(square[-1] - square[half]), float(plain[-1] - plain[half])
    return 1.0 - math.sqrt(with_it / without) if without > 0 else None


# Sides


def side_mean(trials: Trials, side: Bools) -> float:
    """The mean outcome of one side, over the same moments as the other's by weighting."""
    weight = np.minimum(trials.chance, 1.0 - trials.chance)
    weight = weight / np.where(trials.first, trials.chance, 1.0 - trials.chance)
    return float((weight * trials.outcome)[side].sum() / weight[side].sum())


def sides(trials: Trials) -> tuple[int, int]:
    """How many learners met the first, and how many the second; some met both."""
    one, other = (len(np.unique(trials.learner[side])) for side in (trials.first, ~trials.first))
    return one, other


def arrivals(learner: Ints, side: Bools) -> Ints:
    """How many different learners were on this side up to each trial."""
    new = np.zeros(len(learner), np.int64)
    places = np.flatnonzero(side)
    new[places[np.unique(learner[places], return_index=True)[1]]] = 1
    return np.cumsum(new)


def learners_needed(sums: Sums, learners: int, width: float, bound: Bound, level: float) -> int | None:
    """About how many more learners like these bring half the interval down to `width`; at least 1."""
    if not sums.square[0] or learners >= MOST_LEARNERS:
        return None
    totals = np.geomspace(learners, MOST_LEARNERS, GUESSES)
    grown = Sums(*(column * totals / learners for column in sums))
    enough = totals[bound.reach(grown, level) <= width * grown.weight]
    return max(1, math.ceil(enough[0]) - learners) if len(enough) else None
