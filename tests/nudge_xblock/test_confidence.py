"""Evidence keeps its promises at every look."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock.confidence import (
    HORIZON,
    PRIOR,
    Bernstein,
    Normal,
    Sums,
    discoveries,
    level_after,
    sample_ratio,
)

BOUNDS = [Normal(), Bernstein()]


def sums(total: float, square: float, weight: float = 100.0, odds: float = 100.0) -> Sums:
    return Sums(*(np.array([value], np.float64) for value in (total, square, weight, odds)))


# Confidence sequences and e-values


def test_the_normal_mixture_is_the_published_formula() -> None:
    alpha, n, rho2 = 0.05, 800.0, 1.0 / PRIOR
    published = math.sqrt(2 * (n * rho2 + 1) / (n * n * rho2) * math.log(math.sqrt(n * rho2 + 1) / alpha))
    ours = Normal().reach(sums(0.0, n, n, n))[0] / n
    assert ours == pytest.approx(published, rel=1e-9)


def test_the_normal_mixture_is_tightest_at_its_horizon() -> None:
    at = Normal().reach(sums(0.0, HORIZON, HORIZON, HORIZON))[0]
    alpha = 0.05
    for prior in (PRIOR / 4, PRIOR * 4):
        clock = HORIZON + prior
        assert at < math.sqrt(clock * math.log(clock / (prior * alpha**2)))


@pytest.mark.parametrize("bound", BOUNDS)
@given(st.floats(1.0, 1e5), st.floats(0.5, 0.999))
def test_an_interval_leaves_zero_out_just_where_the_evidence_suffices(
    bound: Normal | Bernstein, square: float, level: float
) -> None:
    reach = float(bound.reach(sums(0.0, square), level)[0])
    within, beyond = (bound.evidence(sums(reach * share, square))[0] for share in (0.999, 1.001))
    assert within < 1.0 / (1.0 - level) < beyond


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_stream_without_noise_is_no_evidence(bound: Normal | Bernstein) -> None:
    assert bound.evidence(sums(0.0, 0.0))[0] <= 1.0


@pytest.mark.parametrize("bound", BOUNDS)
def test_reach_grows_with_the_noise_and_the_level(bound: Normal | Bernstein) -> None:
    levels = [float(bound.reach(sums(0.0, 50.0), level)[0]) for level in (0.8, 0.95, 0.999)]
    noises = [float(bound.reach(sums(0.0, square))[0]) for square in (5.0, 50.0, 500.0)]
    assert levels == sorted(levels)
    assert noises == sorted(noises)


def test_overwhelming_evidence_does_not_overflow() -> None:
    for bound in BOUNDS:
        assert np.isfinite(bound.evidence(sums(1e6, 1.0)))


def test_bets_on_rare_votes_are_lost_at_most_as_often_as_promised() -> None:
    """Votes so rare that a normal approximation would not do; looked at after every one."""
    rng = np.random.default_rng(5)
    first = rng.random((600, 300)) < 0.1
    vote = rng.random((600, 300)) < 0.03
    scores = np.where(first, 1.0, -1.0 / 9.0) * vote
    total, square = scores.cumsum(axis=1), (scores**2).cumsum(axis=1)
    reach = Bernstein().reach(Sums(total, square, square, square))
    assert (np.abs(total) >= reach).any(axis=1).mean() <= 0.05


# Several questions at once


@given(st.lists(st.floats(0.0, 1e6), max_size=30))
def test_what_is_found_has_the_largest_evidence_and_enough_of_it(evidence: list[float]) -> None:
    found = discoveries(evidence, 0.1)
    chosen = [value for value, one in zip(evidence, found, strict=True) if one]
    rest = [value for value, one in zip(evidence, found, strict=True) if not one]
    assert not chosen or not rest or min(chosen) > max(rest)
    assert all(value * 0.1 * len(chosen) >= len(evidence) for value in chosen)


def test_one_more_find_makes_the_next_easier() -> None:
    assert discoveries([150.0, 1.0, 1.0], 0.1) == [True, False, False]
    assert discoveries([16.0, 16.0, 1.0], 0.1) == [True, True, False]
    assert discoveries([16.0, 1.0, 1.0], 0.1) == [False, False, False]


def test_the_level_of_an_interval_rises_with_the_questions_and_falls_with_the_finds() -> None:
    assert level_after(0, 20, 0.1) == pytest.approx(0.995)
    assert level_after(5, 20, 0.1) == pytest.approx(0.975)
    assert level_after(1, 1, 0.1) == pytest.approx(0.9)


def test_at_most_the_promised_share_of_groups_is_found_by_mistake() -> None:
    """Twelve groups a course, three of them with an effect; the same learners are in several groups."""
    rng, wrong = np.random.default_rng(8), []
    for _ in range(200):
        shared = rng.normal(size=400)
        scores = 0.6 * shared + 0.8 * rng.normal(size=(12, 400))
        scores[:3] += 0.35
        total, square = scores.sum(axis=1), (scores**2).sum(axis=1)
        odds = np.full(12, 400.0)
        found = discoveries(Normal().evidence(Sums(total, square, odds, odds)).tolist(), 0.1)
        wrong.append(sum(found[3:]) / max(1, sum(found)))
        assert sum(found[:3]) >= 2
    assert np.mean(wrong) <= 0.1


# Is chance deciding as logged?


def test_chance_as_logged_raises_no_alarm_when_looked_at_after_every_moment() -> None:
    rng, alarms = np.random.default_rng(11), 0
    for _ in range(300):
        chance = rng.choice([0.02, 0.1, 0.5, 0.9], 1000)
        alarms += sample_ratio(rng.random(1000) < chance, chance).max() >= 20.0
    assert alarms / 300 <= 0.05


@pytest.mark.parametrize("lost", [0.2, 0.5])
def test_losing_one_side_is_noticed(lost: float) -> None:
    rng = np.random.default_rng(12)
    chance = rng.choice([0.1, 0.5], 6000)
    first = rng.random(6000) < chance
    kept = ~first | (rng.random(6000) > lost)
    assert sample_ratio(first[kept], chance[kept])[-1] > 1000.0
    kept = first | (rng.random(6000) > lost)
    assert sample_ratio(first[kept], chance[kept])[-1] > 1000.0


def test_no_moment_is_no_evidence() -> None:
    assert len(sample_ratio(np.zeros(0, np.bool_), np.zeros(0))) == 0
