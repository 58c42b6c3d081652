"""Comparisons hold the truth at every look, however chance was dealt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock import cells
from nudge_xblock.comparison import (
    CLICKED,
    HELPFUL,
    ITEMS,
    MEASURES,
    Measure,
    Trials,
    arrivals,
    compare,
    forecasts,
    mismatch,
    over_time,
)
from nudge_xblock.confidence import LEVEL
from nudge_xblock.experiments import wilson


def course(
    seed: int,
    change: float = 0.0,
    learners: int = 300,
    shares: tuple[float, ...] = (0.1, 0.5),
) -> Trials:
    """Moments of a course: learners differ and come back, and the keen are more often sent to."""
    rng = np.random.default_rng(seed)
    learner = np.repeat(np.arange(learners), rng.poisson(3.0, learners) + 1)
    rng.shuffle(learner)
    pace = rng.gamma(2.0, 2.0, learners)[learner]
    chance = np.where(pace > 4.0, shares[-1], shares[0])
    first = rng.random(len(learner)) < chance
    outcome = rng.poisson(np.maximum(pace + change * first, 0.0)).astype(np.float64)
    before = rng.poisson(pace).astype(np.float64)
    day = np.sort(rng.integers(0, 56, len(learner)))
    return Trials(day, learner, first, chance, outcome, before)


def votes(seed: int, change: float = 0.0, moments: int = 1200, chance: float = 0.5) -> Trials:
    """Votes on two wordings, of which the first is liked by so much more."""
    rng = np.random.default_rng(seed)
    learner = rng.integers(0, moments // 2, moments)
    first = rng.random(moments) < chance
    outcome = (rng.random(moments) < 0.3 + change * first).astype(np.float64)
    day = np.sort(rng.integers(0, 40, moments))
    return Trials(day, learner, first, np.full(moments, chance), outcome, np.full(moments, np.nan))


def thompson(seed: int, moments: int = 1500, change: float = 0.0) -> Trials:
    """Two wordings dealt by Thompson sampling: each chance depends on all votes before."""
    rng = np.random.default_rng(seed)
    liked, shown = np.ones(2), np.full(2, 2.0)
    first, chance, outcome = (np.zeros(moments) for _ in range(3))
    for moment in range(moments):
        if moment % 50 == 0:
            draws = rng.beta(liked[:, None], (shown - liked)[:, None], (2, 400))
            e = float(np.clip((draws[0] > draws[1]).mean(), 0.05, 0.95))
        side = int(rng.random() >= e)
        vote = rng.random() < 0.35 + (change if side == 0 else 0.0)
        liked[side], shown[side] = liked[side] + vote, shown[side] + 1
        first[moment], chance[moment], outcome[moment] = side == 0, e, vote
    learner = rng.integers(0, moments // 2, moments)
    day = np.arange(moments) * 50 // moments
    return Trials(day, learner, first == 1, chance, outcome, np.full(moments, np.nan))


def misses(looks: list, truth: float) -> bool:
    return any(truth not in look.change for look in looks)


# The truth is held


def test_weighting_undoes_that_the_keen_are_sent_more() -> None:
    trials = course(3, learners=4000)
    assert trials.outcome[trials.first].mean() - trials.outcome[~trials.first].mean() > 1.0
    found = compare(trials, ITEMS)
    assert found.change is not None
    assert abs(found.change.estimate) < 0.3
    assert 0.0 in found.change
    assert found.mean - found.base_mean == pytest.approx(found.change.estimate, abs=0.15)


@pytest.mark.parametrize("change", [0.0, 1.5])
def test_an_effect_looked_at_every_day_misses_the_truth_in_at_most_five_percent(change: float) -> None:
    assert sum(misses(over_time(course(seed, change), ITEMS), change) for seed in range(300)) <= 15


@pytest.mark.parametrize("change", [0.0, 0.15])
def test_votes_looked_at_every_day_miss_the_truth_in_at_most_five_percent(change: float) -> None:
    assert sum(misses(over_time(votes(seed, change), HELPFUL), change) for seed in range(150)) <= 7


@pytest.mark.parametrize("change", [0.0, 0.15])
def test_wordings_dealt_by_thompson_sampling_are_compared_without_bias(change: float) -> None:
    found = [compare(thompson(seed, change=change), HELPFUL) for seed in range(60)]
    estimates = [one.change.estimate for one in found if one.change]
    assert sum(change not in one.change for one in found if one.change) <= 3
    assert len(estimates) > 40
    assert np.mean(estimates) == pytest.approx(change, abs=3 * np.std(estimates) / np.sqrt(len(estimates)))


def test_a_fixed_test_looked_at_every_day_would_not_do() -> None:
    alarms = 0
    for seed in range(100):
        trials = votes(seed)
        for day in range(3, 40):
            known = trials.day <= day
            sides = [trials.outcome[known & side] for side in (trials.first, ~trials.first)]
            spread = np.sqrt(sum(side.var() / len(side) for side in sides))
            if abs(sides[0].mean() - sides[1].mean()) > 1.96 * spread:
                alarms += 1
                break
    assert alarms > 15


def test_what_came_before_makes_the_interval_narrower_and_leaves_it_true() -> None:
    trials = course(4, change=1.0, learners=2000)
    blind = trials._replace(before=np.full(len(trials.day), np.nan))
    with_it, without = compare(trials, ITEMS), compare(blind, ITEMS)
    assert with_it.change is not None
    assert without.change is not None
    widths = [one.change.high - one.change.low for one in (with_it, without) if one.change]
    assert with_it.narrowed == pytest.approx(1 - widths[0] / widths[1], abs=0.03)
    assert with_it.narrowed is not None
    assert with_it.narrowed > 0.15
    assert without.narrowed == 0.0
    assert 1.0 in with_it.change


def test_an_activity_that_says_nothing_does_no_harm() -> None:
    trials = course(5, learners=1000)
    noise = trials._replace(before=np.random.default_rng(1).normal(size=len(trials.day)))
    narrowed = compare(noise, ITEMS).narrowed
    assert narrowed is not None
    assert abs(narrowed) < 0.02


def test_forecasts_know_nothing_of_the_moment_they_are_for_or_of_later_ones() -> None:
    trials = course(6)
    for place in (0, 40, 200, len(trials.day) - 1):
        changed = trials.outcome.copy()
        changed[place:] += 100.0
        after = forecasts(trials._replace(outcome=changed))
        for one, other in zip(forecasts(trials), after, strict=True):
            assert np.allclose(one[: place + 1], other[: place + 1])


@pytest.mark.parametrize("measure", [HELPFUL, CLICKED])
@given(st.integers(0, 10_000), st.floats(0.02, 0.98))
def test_scores_of_votes_stay_within_what_the_exact_interval_needs(
    measure: Measure, seed: int, chance: float
) -> None:
    trials = votes(seed, moments=80, chance=chance)
    trials = trials._replace(before=np.random.default_rng(seed).normal(0.0, 50.0, 80))
    weight = np.minimum(trials.chance, 1 - trials.chance)
    forecast = np.clip(forecasts(trials)[1], 0.0, 1.0)
    scores = (trials.first - trials.chance) / (1.0 - weight) * (trials.outcome - forecast)
    assert np.abs(scores).max() <= 1.0


# Verdicts


def test_a_large_effect_is_found_and_a_harmful_one_too() -> None:
    for change, verdict in ((2.5, "helps"), (-2.5, "harms")):
        found = compare(course(5, change, learners=1500), ITEMS)
        assert found.verdict == verdict
        assert found.evidence > 1000.0
        assert found.needed is None


def test_no_effect_is_only_said_when_every_change_worth_having_is_ruled_out() -> None:
    for learners, verdict in ((300, "early"), (20_000, "none")):
        found = compare(course(6, 0.0, learners), ITEMS)
        assert found.verdict == verdict
        assert (found.needed is None) == (verdict == "none")


def test_the_number_of_learners_still_needed_is_about_right() -> None:
    first = compare(course(7, 0.0, 300), ITEMS)
    assert first.needed is not None
    more = int((300 + first.needed) * 1.3)
    assert compare(course(7, 0.0, more), ITEMS).verdict == "none"


def test_a_question_out_of_reach_has_no_number_needed() -> None:
    trials = course(8, 0.0, 60)
    wild = trials._replace(outcome=1e4 * np.random.default_rng(1).normal(size=len(trials.day)))
    found = compare(wild._replace(outcome=wild.outcome - compare(wild, ITEMS).base_mean), ITEMS)
    assert (found.verdict, found.needed) == ("early", None)


# Empty, tiny and extreme


def nothing() -> Trials:
    return Trials(*(column[:0] for column in course(1)))


@pytest.mark.parametrize("measure", MEASURES.values())
def test_nothing_at_all_is_no_comparison(measure: Measure) -> None:
    found = compare(nothing(), measure)
    assert (found.verdict, found.change, found.evidence) == ("no_comparison", None, 1.0)
    assert over_time(nothing(), measure) == []


@pytest.mark.parametrize("side", [True, False])
def test_a_side_that_never_happened_is_no_comparison(side: bool) -> None:
    trials = votes(1)
    found = compare(trials._replace(first=np.full(len(trials.day), side)), HELPFUL)
    assert (found.verdict, found.change) == ("no_comparison", None)


def test_a_handful_of_learners_is_too_early_and_says_how_many_are_missing() -> None:
    found = compare(course(8, learners=12), ITEMS)
    assert (found.verdict, found.change) == ("early", None)
    assert found.needed is not None
    assert found.needed > 18
    assert over_time(course(8, learners=12), ITEMS) == []


@pytest.mark.parametrize("vote", [0.0, 1.0])
@pytest.mark.parametrize("measure", [HELPFUL, ITEMS])
def test_outcomes_that_never_vary_prove_no_effect_only_as_far_as_they_go(
    vote: float, measure: Measure
) -> None:
    trials = votes(2, moments=400)
    found = compare(trials._replace(outcome=np.full(400, vote)), measure)
    assert found.verdict in ("early", "none")
    assert found.change is None or 0.0 in found.change
    assert found.mean == found.base_mean == vote


def test_a_learner_met_a_thousand_times_does_not_stand_for_a_thousand() -> None:
    trials = votes(3)
    alone = compare(trials._replace(learner=np.zeros(len(trials.day), np.int64)), HELPFUL)
    assert (alone.verdict, alone.change, alone.learners) == ("early", None, 1)


@pytest.mark.parametrize("certain", [0.0, 1.0, np.nan])
def test_moments_without_a_choice_are_refused(certain: float) -> None:
    trials = votes(4)
    for ask in (compare, over_time):
        with pytest.raises(ValueError, match="leave out moments without a choice"):
            ask(trials._replace(chance=np.full(len(trials.day), certain)), HELPFUL, LEVEL)


def test_one_interval_per_day_and_the_last_is_the_newest_comparison() -> None:
    trials = course(9, 1.0)
    looks, found = over_time(trials, ITEMS), compare(trials, ITEMS)
    assert [look.day for look in looks] == sorted({look.day for look in looks})
    assert looks[-1].change == found.change
    assert looks[-1].learners == found.learners
    assert len(looks) <= 56


def test_a_clock_set_back_costs_no_trial_and_no_order_of_days() -> None:
    """Days come in order of the log; a server's clock that jumps leaves days out or doubles one."""
    trials = course(10)
    jumped = trials._replace(day=np.where(trials.day > 20, trials.day + 5, trials.day))
    found, again = compare(trials, ITEMS), compare(jumped, ITEMS)
    assert found == again
    assert over_time(jumped, ITEMS)[-1].change == found.change


def test_learners_are_counted_once_on_each_side() -> None:
    learner = np.array([4, 4, 2, 4, 2])
    side = np.array([True, True, False, False, True])
    assert arrivals(learner, side).tolist() == [1, 1, 1, 1, 2]
    assert arrivals(learner, ~side).tolist() == [0, 0, 1, 2, 2]


# Chance as logged


def test_lost_decisions_raise_the_alarm_and_it_stays() -> None:
    trials = course(11, learners=1200)
    assert not mismatch(trials.first, trials.chance)
    early = np.arange(len(trials.day)) < len(trials.day) // 3
    kept = ~(early & ~trials.first & (np.random.default_rng(1).random(len(trials.day)) < 0.5))
    assert mismatch(trials.first[kept], trials.chance[kept])
    assert not mismatch(trials.first[:0], trials.chance[:0])


def test_two_shares_agree_with_a_single_look_apart_from_being_wider() -> None:
    trials = votes(12, 0.2, moments=3000)
    found = compare(trials, HELPFUL)
    sides = [trials.outcome[side] for side in (trials.first, ~trials.first)]
    once = [wilson(side.sum(), len(side)) for side in sides]
    assert found.change is not None
    assert found.change.estimate == pytest.approx(once[0].estimate - once[1].estimate, abs=0.01)
    fixed = once[0].high - once[0].low
    assert fixed < found.change.high - found.change.low < 3.5 * fixed


@pytest.mark.parametrize(("learners", "told"), [(cells.FEWEST - 1, False), (cells.FEWEST, True)])
def test_the_mean_of_a_side_is_not_told_while_it_would_tell_of_single_learners(
    learners: int, told: bool
) -> None:
    count = 60 + learners
    first = np.arange(count) < 60
    trials = Trials(
        np.arange(count),
        np.arange(count),
        first,
        np.full(count, 0.8),
        4.0 + np.arange(count) % 3,
        np.zeros(count),
    )
    found = compare(trials, ITEMS)
    assert (found.count, found.base_count) == (60, learners)
    assert all(np.isfinite(value) == told for value in (found.mean, found.base_mean, found.worthwhile))
