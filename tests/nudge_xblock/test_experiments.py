"""Intervals that hold what they promise, also for whoever looks every day."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock import experiments
from nudge_xblock.experiments import (
    Sums,
    effect,
    learners_needed,
    radius,
    ratio,
    ratio_change,
    sample_ratio,
    share_always,
    sums,
    wilson,
)

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


@given(st.floats(0.1, 10), st.floats(0.05, 5))
def test_the_number_needed_is_the_first_that_suffices(deviation: float, width: float) -> None:
    needed = learners_needed(deviation, width)
    assert needed is not None
    assert radius(needed, deviation) <= width
    assert needed == 1 or radius(needed - 1, deviation) > width


def test_a_number_out_of_reach_is_said_to_be_so() -> None:
    assert learners_needed(10.0, 1e-4) is None


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


# Sent against held


def course(
    rng: np.random.Generator, change: float, learners: int = 300, shares: tuple[float, ...] = (0.1, 0.5)
) -> tuple[np.ndarray, ...]:
    """Moments of a course: day, learner, sent, probability of sending, items completed afterwards.

    Learners differ and come back, and those who complete more are also more often sent to.
    """
    learner = np.repeat(np.arange(learners), rng.poisson(3.0, learners) + 1)
    pace = rng.gamma(2.0, 2.0, learners)[learner]
    day = rng.integers(0, 40, learners)[learner] + rng.integers(0, 15, len(learner))
    p_sent = np.where(pace > 4.0, shares[-1], shares[0])
    sent = rng.random(len(learner)) < p_sent
    outcome = rng.poisson(np.maximum(pace + change * sent, 0.0)).astype(np.float64)
    return day, learner, sent, p_sent, outcome


def test_weighting_undoes_that_the_keen_are_sent_more() -> None:
    _, learner, sent, p_sent, outcome = course(np.random.default_rng(3), change=0.0, learners=4000)
    assert outcome[sent].mean() - outcome[~sent].mean() > 1.0
    found = effect(sums(learner, sent, p_sent, outcome))
    assert found.change is not None
    assert abs(found.change.estimate) < 0.3
    assert 0.0 in found.change


@pytest.mark.parametrize("change", [0.0, 1.5])
def test_an_effect_looked_at_every_day_misses_the_truth_in_at_most_five_percent(change: float) -> None:
    missed = 0
    for seed in range(200):
        day, learner, sent, p_sent, outcome = course(np.random.default_rng(seed), change)
        looks = []
        for today in range(1, 56, 2):
            known = day <= today
            looks.append(effect(sums(learner[known], sent[known], p_sent[known], outcome[known])))
        missed += any(look.change is not None and change not in look.change for look in looks)
    assert missed / 200 <= 0.05


def test_a_large_effect_is_found_and_a_harmful_one_too() -> None:
    for change, verdict in ((2.5, "helps"), (-2.5, "harms")):
        _, learner, sent, p_sent, outcome = course(np.random.default_rng(5), change, learners=1500)
        assert effect(sums(learner, sent, p_sent, outcome)).verdict == verdict


def test_no_effect_is_only_said_when_every_change_worth_having_is_ruled_out() -> None:
    rng = np.random.default_rng(6)
    for learners, verdict in ((300, "early"), (40_000, "none")):
        _, learner, sent, p_sent, outcome = course(rng, 0.0, learners)
        found = effect(sums(learner, sent, p_sent, outcome))
        assert found.verdict == verdict
        assert (found.needed is None) == (verdict == "none")


def test_the_number_of_learners_still_needed_is_about_right() -> None:
    rng = np.random.default_rng(7)
    _, learner, sent, p_sent, outcome = course(rng, 0.0, 300)
    first = effect(sums(learner, sent, p_sent, outcome))
    assert first.needed is not None
    _, learner, sent, p_sent, outcome = course(rng, 0.0, int((300 + first.needed) * 1.3))
    assert effect(sums(learner, sent, p_sent, outcome)).verdict == "none"


def test_a_handful_of_learners_is_too_early_and_says_how_many_are_missing() -> None:
    _, learner, sent, p_sent, outcome = course(np.random.default_rng(8), 0.0, 12)
    found = effect(sums(learner, sent, p_sent, outcome))
    assert (found.verdict, found.change) == ("early", None)
    assert found.needed is not None
    assert found.needed > 18


def test_outcomes_that_never_vary_prove_nothing() -> None:
    _, learner, sent, p_sent, _ = course(np.random.default_rng(9), 0.0, 200)
    assert effect(sums(learner, sent, p_sent, np.zeros(len(learner)))).verdict == "early"


def test_without_a_held_side_there_is_no_comparison() -> None:
    everyone = np.ones(50, dtype=bool)
    found = effect(sums(np.arange(50), everyone, np.full(50, 0.9), np.ones(50)))
    assert (found.verdict, found.change) == ("no_comparison", None)


def test_nothing_at_all_is_no_comparison() -> None:
    assert effect(Sums(*(np.zeros(0) for _ in Sums._fields))).verdict == "no_comparison"


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_moments_without_a_choice_are_refused(certain: float) -> None:
    with pytest.raises(ValueError, match="leave out moments without a choice"):
        sums(np.array([1]), np.array([True]), np.array([certain]), np.array([1.0]))


def test_summing_by_learner_keeps_every_weight() -> None:
    _, learner, sent, p_sent, outcome = course(np.random.default_rng(10), 0.0, 50)
    folded = sums(learner, sent, p_sent, outcome)
    assert len(folded.sent) == 50
    assert folded.sent.sum() + folded.held.sum() == len(learner)
    assert folded.sent_outcome.sum() == pytest.approx((outcome[sent] / p_sent[sent]).sum())
    assert folded.held_weight.sum() == pytest.approx((1 / (1 - p_sent[~sent])).sum())


# Sample ratio


def test_chance_as_logged_raises_no_alarm_when_looked_at_after_every_moment() -> None:
    rng = np.random.default_rng(11)
    p_sent = rng.choice([0.1, 0.5, 0.9], (200, 1500))
    sent = (rng.random(p_sent.shape) < p_sent).cumsum(axis=1)
    expected, variance = p_sent.cumsum(axis=1), (p_sent * (1 - p_sent)).cumsum(axis=1)
    alarms = sum(
        any(
            sample_ratio(int(sent[row, n]), expected[row, n], variance[row, n]).mismatch
            for n in range(0, 1500, 10)
        )
        for row in range(200)
    )
    assert alarms == 0


def test_chance_other_than_logged_is_noticed() -> None:
    assert sample_ratio(sent=260, expected=200.0, variance=180.0).mismatch
    assert sample_ratio(sent=140, expected=200.0, variance=180.0).mismatch
