"""How often experiments raise a false alarm when looked at daily, and how often they hold the truth.

`python -m benchmarks.experiments [--streams 10000] [--seed 1]`

Every stream is one comparison of one course over 60 days; somebody looks every day and stops at the first
alarm.  The rivals see the same streams: a z-test of fixed size, looked at as often, and the sequential test
of GrowthBook's statistics engine (gbstats 0.8, `SequentialTwoSidedTTest`, tuned to 5,000 as by default).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from nudge_xblock.comparison import (
    ALARM,
    ENOUGH_LEARNERS,
    HELPFUL,
    ITEMS,
    Measure,
    Trials,
    accumulate,
    arrivals,
    at,
    compare,
    mismatch,
    over_time,
)
from nudge_xblock.confidence import FALSE_DISCOVERIES, Floats, discoveries, sample_ratio

DAYS, LEARNERS, MOMENTS = 60, 400, 1200
ALPHA = 0.05
GROWTHBOOK = 5000.0
GROUPS, AFFECTED = 16, 4


class World(NamedTuple):
    """A way to make streams: name, measure, the effect to plant, and a stream of a given effect."""

    name: str
    measure: Measure
    effect: float
    stream: Callable[[np.random.Generator, float], Trials]


def items(rng: np.random.Generator, effect: float, keen: float = 0.5, others: float = 0.5) -> Trials:
    """Items completed in the days after: skewed; learners differ, come back, and did as much before."""
    pace = rng.gamma(2.0, 2.0, LEARNERS)
    learner = rng.integers(0, LEARNERS, MOMENTS)
    chance = np.where(pace[learner] > 4.0, keen, others)
    first = rng.random(MOMENTS) < chance
    after = rng.poisson(pace[learner] + effect * first).astype(np.float64)
    before = rng.poisson(pace[learner]).astype(np.float64)
    return Trials(_days(rng), learner, first, chance, after, before)


def confounded(rng: np.random.Generator, effect: float) -> Trials:
    """The keen are sent to at 50 percent of moments, the others at 10."""
    return items(rng, effect, 0.5, 0.1)


def votes(rng: np.random.Generator, effect: float) -> Trials:
    """Two wordings at even odds; a quarter of those who get one vote helpful."""
    learner = rng.integers(0, LEARNERS, MOMENTS)
    taste = np.clip(rng.beta(2.0, 6.0, LEARNERS), 0.0, 1.0 - effect)[learner]
    first = rng.random(MOMENTS) < 0.5
    vote = (rng.random(MOMENTS) < taste + effect * first).astype(np.float64)
    return Trials(_days(rng), learner, first, np.full(MOMENTS, 0.5), vote, np.full(MOMENTS, np.nan))


def thompson(rng: np.random.Generator, effect: float) -> Trials:
    """Two wordings by Thompson sampling, which looks at all votes so far every twenty moments."""
    wins, shown = np.ones(2), np.full(2, 4.0)
    first, chance, vote = np.zeros(MOMENTS, np.bool_), np.zeros(MOMENTS), np.zeros(MOMENTS)
    for start in range(0, MOMENTS, 20):
        part = slice(start, start + 20)
        mean = wins / shown
        spread = math.sqrt(float((mean * (1.0 - mean) / shown).sum()))
        chance[part] = min(0.95, max(0.05, NormalDist().cdf(float(mean[0] - mean[1]) / spread)))
        first[part] = rng.random(20) < chance[part]
        vote[part] = rng.random(20) < 0.25 + effect * first[part]
        for side, here in enumerate((first[part], ~first[part])):
            wins[side] += vote[part][here].sum()
            shown[side] += here.sum()
    learner = rng.integers(0, LEARNERS, MOMENTS)
    return Trials(_days(rng), learner, first, chance, vote, np.full(MOMENTS, np.nan))


def _days(rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.integers(0, DAYS, MOMENTS))


WORLDS = (
    World("items, even odds", ITEMS, 0.8, items),
    World("items, the keen sent more", ITEMS, 1.0, confounded),
    World("votes, even odds", HELPFUL, 0.12, votes),
    World("votes, Thompson sampling", HELPFUL, 0.12, thompson),
)


# Alarms


def ours(trials: Trials, measure: Measure) -> bool:
    """Whether zero was outside our interval on any day.

    The e-value reaches 1 / ALPHA just where the interval leaves zero out (a test holds that); it is cheaper.
    """
    running, _ = accumulate(trials, measure)
    ends = _ends(trials)
    sides = [arrivals(trials.learner, side)[ends] for side in (trials.first, ~trials.first)]
    shown = ends[np.minimum(*sides) >= ENOUGH_LEARNERS]
    return bool((measure.bound.evidence(at(running, shown)) >= 1.0 / ALPHA).any())


def z_test(trials: Trials, _: Measure) -> bool:
    """A two-sample z-test of fixed size, looked at daily."""
    difference, variance, _ = _moments(trials)
    return bool((np.abs(difference) > NormalDist().inv_cdf(1 - ALPHA / 2) * np.sqrt(variance)).any())


def growthbook(trials: Trials, _: Measure) -> bool:
    """GrowthBook's sequential interval of the absolute difference."""
    difference, variance, n = _moments(trials)
    rho2 = (-2 * math.log(ALPHA) + math.log(-2 * math.log(ALPHA) + 1)) / GROWTHBOOK
    reach = np.sqrt(variance * n) * np.sqrt(
        2 * (n * rho2 + 1) * np.log(np.sqrt(n * rho2 + 1) / ALPHA) / (n * n * rho2)
    )
    return bool((np.abs(difference) > reach).any())


def _moments(trials: Trials) -> tuple[Floats, Floats, Floats]:
    """Difference of the sides' means at the end of each day, its variance, and the number of moments."""
    ends = _ends(trials)
    means, variances, shown = [], [], []
    for side in (trials.first, ~trials.first):
        n, total, square = (
            np.cumsum(side * column)[ends] for column in (np.ones(MOMENTS), trials.outcome, trials.outcome**2)
        )
        n = np.maximum(n, 2.0)
        means.append(total / n)
        variances.append((square - total**2 / n) / (n - 1) / n)
        shown.append(arrivals(trials.learner, side)[ends] >= ENOUGH_LEARNERS)
    kept = shown[0] & shown[1]
    variance = np.maximum(variances[0] + variances[1], 1e-12)
    return (means[0] - means[1])[kept], variance[kept], (ends + 1.0)[kept]


def _ends(trials: Trials) -> np.ndarray:
    return np.append(np.flatnonzero(np.diff(trials.day)), len(trials.day) - 1)


# The tables


def false_alarms(streams: int, seed: int) -> None:
    """Streams without any effect."""
    print(f"\nfalse alarms in {streams:,} A/A streams, looked at daily for {DAYS} days (nominal: 5% at most)")
    print(f"{'':<28}{'ours':>9}{'z-test':>9}{'GrowthBook':>12}")
    for world in WORLDS:
        counts = np.zeros(3)
        for trials in _streams(world, 0.0, streams, seed):
            counts += [rule(trials, world.measure) for rule in (ours, z_test, growthbook)]
        print(f"{world.name:<28}" + _columns(counts / streams, 2))


def planted(streams: int, seed: int) -> None:
    """Streams with an effect: how often every interval of the stream held it, and how often it was found."""
    print(
        f"\na planted effect, {streams:,} streams: held at every look (nominal: 95% or more); found at last"
    )
    print(f"{'':<28}{'effect':>7}{'held':>9}{'found':>9}{'z-test':>9}{'GrowthBook':>12}{'narrower':>10}")
    for world in WORLDS:
        held, found, narrower = 0, np.zeros(3), []
        for trials in _streams(world, world.effect, streams, seed + 1):
            looks = over_time(trials, world.measure)
            held += all(world.effect in look.change for look in looks)
            found += [rule(trials, world.measure) for rule in (ours, z_test, growthbook)]
            narrower.append(compare(trials, world.measure).narrowed or 0.0)
        shares = _columns(found / streams, 1)
        gain = f"{np.mean(narrower):>10.0%}" if world.measure is ITEMS else f"{'–':>10}"
        print(f"{world.name:<28}{world.effect:>7}{held / streams:>9.2%}{shares}{gain}")


def ratios(streams: int, seed: int) -> None:
    """The alarm that chance did not decide as logged."""
    print(f"\nsample ratio, {streams:,} streams of {MOMENTS} moments at odds of 10 and 50%, at every look")
    rng = np.random.default_rng(seed + 2)
    for lost in (0.0, 0.05, 0.1, 0.2, 0.4):
        alarms, strict = 0, 0
        for _ in range(streams if lost == 0.0 else streams // 10):
            chance = rng.choice([0.1, 0.5], 5 * MOMENTS)
            first = rng.random(len(chance)) < chance
            kept = np.flatnonzero(first | (rng.random(len(chance)) >= lost))[:MOMENTS]
            alarms += bool(sample_ratio(first[kept], chance[kept]).max() >= 1.0 / ALPHA)
            strict += mismatch(first[kept], chance[kept])
        count = streams if lost == 0.0 else streams // 10
        what = "nothing lost" if lost == 0.0 else f"{lost:.0%} of what was held back lost"
        print(f"{what:<40}{alarms / count:>9.2%} at 5%{strict / count:>9.2%} at {1 / ALARM:.1%}")


def groups(streams: int, seed: int) -> None:
    """False discoveries among overlapping groups of learners, on the day with the most of them."""
    nominal = f"nominal: {FALSE_DISCOVERIES:.0%} at most"
    print(f"\n{GROUPS} overlapping groups, {streams:,} courses: share of false finds ({nominal})")
    for affected in (0, AFFECTED):
        last, worst, hits = [], [], 0.0
        rng = np.random.default_rng(seed + 3 + affected)
        for _ in range(streams):
            shares = list(_found(rng, affected))
            last.append(shares[-1][0])
            worst.append(max(share for share, _ in shares))
            hits += shares[-1][1] / max(affected, 1)
        tail = f", {hits / streams:.0%} of the true ones found" if affected else ""
        rates = f"{np.mean(last):.2%} on the last day, {np.mean(worst):.2%} on the worst"
        print(f"{affected} with an effect:  {rates}{tail}")


def _found(rng: np.random.Generator, affected: int) -> Iterator[tuple[float, int]]:
    """Share of false finds and number of true ones, every tenth day; the same learners are in many groups."""
    member = rng.random((GROUPS, LEARNERS)) < 0.5
    member[:affected] = np.arange(LEARNERS) < LEARNERS // 2
    member[affected:, :] &= np.arange(LEARNERS) >= LEARNERS // 2
    trials = items(rng, 0.0)
    lift = 1.5 * trials.first * (trials.learner < LEARNERS // 2) * (affected > 0)
    trials = trials._replace(outcome=trials.outcome + lift)
    for day in range(9, DAYS, 10):
        known = trials.where(trials.day <= day)
        evidence = [compare(known.where(group[known.learner]), ITEMS).evidence for group in member]
        found = discoveries(evidence)
        yield sum(found[affected:]) / max(1, sum(found)), sum(found[:affected])


def _columns(shares: Floats, digits: int) -> str:
    return "".join(f"{share:>{width}.{digits}%}" for share, width in zip(shares, (9, 9, 12), strict=True))


def _streams(world: World, effect: float, count: int, seed: int) -> Iterator[Trials]:
    rng = np.random.default_rng([seed, WORLDS.index(world)])
    for _ in range(count):
        yield world.stream(rng, effect)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.experiments", description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    false_alarms(options.streams, options.seed)
    planted(max(1, options.streams // 10), options.seed)
    ratios(options.streams, options.seed)
    groups(max(1, options.streams // 20), options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
