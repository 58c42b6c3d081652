"""Intervals that hold what they promise, also for whoever looks every day."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock import experiments
from nudge_xblock.experiments import radius, ratio, ratio_change, share_always, wilson

counts = st.integers(0, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


# Shares


def test_wilson_gives_the_published_figures() -> None:
    # Newcombe 1998, table I: 81 of 263, and 0 of 20
    interval = wilson(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)
    assert round(wilson(0, 20).high, 4) == 0.1611


@given(counts)
def test_both_shares_hold_their_estimate_and_the_always_valid_one_is_wider(pair: tuple[int, int]) -> None:
    once, always = wilson(*pair), share_always(*pair)
    for interval in (once, always):
        assert 0.0 <= interval.low <= interval.high <= 1.0
        assert pair[1] == 0 or interval.estimate in interval
    assert always.high - always.low >= once.high - once.low - 1e-9


@given(counts)
def test_shares_are_symmetric(pair: tuple[int, int]) -> None:
    one, other = share_always(*pair), share_always(pair[1] - pair[0], pair[1])
    assert one.low == pytest.approx(1 - other.high, abs=1e-9)


@pytest.mark.parametrize("pair", [(3, 2), (-1, 5)])
def test_impossible_counts_are_refused(pair: tuple[int, int]) -> None:
    for share in (wilson, share_always):
        with pytest.raises(ValueError, match="0 <= successes <= trials"):
            share(*pair)


@pytest.mark.parametrize("truth", [0.1, 0.5, 0.8])
def test_a_share_looked_at_after_every_vote_misses_the_truth_in_at_most_five_percent(truth: float) -> None:
    votes = np.random.default_rng(4).random((300, 120)) < truth
    missed = 0
    for stream in votes.cumsum(axis=1):
        missed += any(truth not in share_always(int(s), n) for n, s in enumerate(stream, start=1))
    assert missed / len(votes) <= 0.05


def test_wilson_looked_at_after_every_vote_would_not_do() -> None:
    votes = np.random.default_rng(4).random((300, 120)) < 0.5
    missed = sum(
        any(0.5 not in wilson(int(s), n) for n, s in enumerate(stream, start=1))
        for stream in votes.cumsum(axis=1)
    )
    assert missed / len(votes) > 0.1


def test_a_clustered_share_is_as_wide_as_its_learners_make_it() -> None:
    rng = np.random.default_rng(12)
    alone = (rng.random(400) < 0.4).astype(np.float64)
    single = experiments.clustered_share(alone, np.ones(400))
    repeated = experiments.clustered_share(5 * alone, np.full(400, 5.0))
    plain = share_always(alone.sum(), 400)
    assert (single.low, single.high) == pytest.approx((plain.low, plain.high), abs=0.002)
    assert (repeated.low, repeated.high) == pytest.approx((single.low, single.high), abs=0.002)
    assert math.isnan(experiments.clustered_share(np.zeros(3), np.zeros(3)).estimate)


# Always-valid means


def test_the_radius_is_tightest_relative_to_its_rivals_at_the_horizon() -> None:
    at_horizon = radius(500, 1.0, horizon=500)
    assert at_horizon < min(radius(500, 1.0, horizon=other) for other in (50, 200, 1500, 5000))


def test_the_radius_is_wider_than_a_single_look_and_shrinks() -> None:
    widths = [radius(n, 2.0) for n in (30, 100, 1000, 100_000)]
    assert widths == sorted(widths, reverse=True)
    assert all(
        width > experiments.quantile(0.95) * 2.0 / math.sqrt(n)
        for width, n in zip(widths, (30, 100, 1000), strict=False)
    )


# Helpful to not helpful


def per_learner(
    rng: np.random.Generator, learners: int, share: float, each: int
) -> tuple[np.ndarray, np.ndarray]:
    taste = rng.beta(4 * share, 4 * (1 - share), learners)
    helpful = rng.binomial(each, taste).astype(np.float64)
    return helpful, each - helpful


def test_the_ratio_agrees_with_a_bootstrap_over_learners() -> None:
    helpful, not_helpful = per_learner(np.random.default_rng(1), 400, 0.7, 3)
    rng = np.random.default_rng(2)
    draws = []
    for _ in range(2000):
        who = rng.integers(0, 400, 400)
        draws.append(math.log(helpful[who].sum() / not_helpful[who].sum()))
    interval = ratio(helpful, not_helpful)
    reach = (math.log(interval.high) - math.log(interval.low)) / 2
    assert interval.estimate == pytest.approx(helpful.sum() / not_helpful.sum(), rel=0.01)
    assert reach == pytest.approx(np.std(draws) * math.sqrt(400) * radius(400, 1.0), rel=0.06)


def test_the_ratio_counts_learners_and_not_votes() -> None:
    helpful, not_helpful = np.tile([1.0, 0.0], 50), np.tile([0.0, 1.0], 50)
    once, tenfold = ratio(helpful, not_helpful), ratio(10 * helpful, 10 * not_helpful)
    assert tenfold.high == pytest.approx(once.high, rel=0.05)


def test_the_ratio_of_a_handful_of_votes_is_open() -> None:
    interval = ratio(np.array([1.0, 1.0]), np.array([0.0, 1.0]))
    assert (interval.low, interval.high) == (0.0, math.inf)
    assert math.isnan(ratio(np.zeros(3), np.zeros(3)).estimate)


def test_the_change_of_a_ratio_covers_the_truth_at_every_look() -> None:
    missed = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        gate = (rng.poisson(1.4, 600) * 1.0, rng.poisson(0.5, 600) * 1.0)
        chance = (rng.poisson(1.0, 600) * 1.0, rng.poisson(0.5, 600) * 1.0)
        looks = [ratio_change(*(side[:n] for side in (*gate, *chance))) for n in range(60, 601, 60)]
        missed += any(look is not None and 1.4 not in look for look in looks)
    assert missed / 200 <= 0.05


def test_the_change_of_a_ratio_waits_for_enough_voters() -> None:
    few = np.ones(20)
    assert ratio_change(few, few, few, few) is None
