"""Drift is seen when it is there, and hardly ever when it is not."""

from __future__ import annotations

import numpy as np
import pytest

from predictor import drift


def people(n: int, shares: list[float], seed: int, each: int = 20) -> np.ndarray:
    """Counts of n learners, each with a taste of its own."""
    rng = np.random.default_rng(seed)
    tastes = rng.dirichlet(np.array(shares) * 8, n)
    return np.stack([rng.multinomial(each, taste) for taste in tastes]).astype(float)


def test_the_index_is_that_of_the_formula() -> None:
    found = drift.stability(np.array([99.5, 99.5]), np.array([49.5, 149.5]))
    assert found == pytest.approx((0.25 - 0.5) * np.log(0.5) + (0.75 - 0.5) * np.log(1.5))


def test_a_change_is_beyond_chance_and_no_change_within() -> None:
    like = drift.shift(people(300, [0.5, 0.3, 0.2], 1), people(200, [0.5, 0.3, 0.2], 2), 0.001)
    assert like.value < like.by_chance
    changed = drift.shift(people(300, [0.5, 0.3, 0.2], 1), people(200, [0.2, 0.3, 0.5], 2), 0.001)
    assert changed.value > changed.by_chance
    assert changed.value > 0.25


def test_chance_alarms_as_often_as_the_level_says() -> None:
    alarms = 0
    for seed in range(200):
        found = drift.shift(
            people(60, [0.5, 0.3, 0.2], seed), people(40, [0.5, 0.3, 0.2], 1000 + seed), 0.05, seed
        )
        alarms += found.value > found.by_chance
    assert 1 <= alarms <= 22


def test_levels_over_all_nights_and_checks_sum_to_less_than_one_in_twenty() -> None:
    spent = sum(4 * drift.level(look, 4) for look in range(1, 10_000))
    assert 0.049 < spent <= drift.ALARMS


def test_looking_every_night_for_a_year_seldom_alarms_falsely() -> None:
    rng, alarmed = np.random.default_rng(4), 0
    for _ in range(150):
        for look in range(1, 60):
            learners = np.repeat(np.arange(30), 2).astype(str)
            chances = np.repeat(rng.random(30), 2)
            found = drift.misfit(
                (rng.random(60) < chances).astype(float), chances, learners, drift.level(look, 3)
            )
            if not found.low <= 0.0 <= found.high:
                alarmed += 1
                break
    assert alarmed / 150 <= 0.06


def test_a_model_that_foresees_too_much_is_found_out() -> None:
    rng = np.random.default_rng(5)
    learners = np.arange(400).astype(str)
    found = drift.misfit((rng.random(400) < 0.3).astype(float), np.full(400, 0.5), learners, 0.001)
    assert found.high < 0.0
    assert found.value == pytest.approx(-0.2, abs=0.07)


def test_counts_are_a_row_per_learner() -> None:
    bins = [np.array([0, 0, 2]), np.array([1])]
    assert drift.counted(bins, 3).tolist() == [[2, 0, 1], [0, 1, 0]]
    assert drift.counted([], 3).shape == (0, 3)
