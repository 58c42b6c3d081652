"""How much is used is what the answers bear out."""

from __future__ import annotations

import numpy as np
import pytest

from predictor import levels
from predictor.levels import LEVELS, PERSONAL

from .test_penalised import NAMES, SCALE, table


def chosen(count: int, seed: int, strength: float, spread: float, most: int = 8000) -> levels.Choice:
    data = table(count, seed, strength, spread)
    return levels.choose(data, NAMES, SCALE, np.arange(count) // 3, np.random.default_rng(seed), 4, most, 40)


@pytest.mark.parametrize(
    ("strength", "spread", "expected"),
    [(0.0, 0.0, {0, 1}), (0.0, 1.0, {1}), (1.0, 0.0, set(range(PERSONAL, len(LEVELS))))],
)
def test_the_level_is_what_the_answers_bear_out(strength: float, spread: float, expected: set[int]) -> None:
    assert {chosen(1500, seed, strength, spread).level for seed in range(5)} <= expected


def test_telling_learners_apart_is_seldom_claimed_where_they_are_alike() -> None:
    """Asked forty times over, as on so many nights."""
    claimed = [chosen(300, seed, 0.0, 0.5).level >= PERSONAL for seed in range(40)]
    assert sum(claimed) <= 2


def test_only_whole_learners_are_looked_at() -> None:
    data = table(3000, 5, 1.0)
    rng = np.random.default_rng(5)
    found = levels.choose(data, NAMES, SCALE, np.arange(3000) // 10, rng, 4, 505, 20)
    assert found.rows == 500
