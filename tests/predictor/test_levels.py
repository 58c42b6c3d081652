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
    [(0.0, 0.0, {0, 1, 2}), (0.0, 1.0, {2}), (1.0, 0.0, set(range(PERSONAL, len(LEVELS))))],
)
def test_the_level_is_what_the_answers_bear_out(strength: float, spread: float, expected: set[int]) -> None:
    assert {chosen(1500, seed, strength, spread).level for seed in range(5)} <= expected


def test_telling_learners_apart_is_seldom_claimed_where_they_are_alike() -> None:
    """Asked forty times over, as on so many nights."""
    claimed = [chosen(300, seed, 0.0, 0.5).level >= PERSONAL for seed in range(40)]
    assert sum(claimed) <= 2


def test_messages_are_told_apart_less_before_they_are_not_told_apart_at_all() -> None:
    """The losses of 3,000 rows: telling messages apart is surely worse, telling them apart hardly is not."""
    rng = np.random.default_rng(1)
    same = rng.exponential(1.2, 3000)
    lost = np.tile(same, (len(LEVELS), 1))
    lost[PERSONAL - 1 :] += 0.01 + rng.normal(0.0, 0.05, 3000)
    lost[1] += 0.0005 + rng.normal(0.0, 0.05, 3000)
    assert LEVELS[levels._level(lost, np.arange(3000) // 3)].name == "message, hardly"
    lost[1] += 0.005
    assert LEVELS[levels._level(lost, np.arange(3000) // 3)].name == "shares"


def test_only_whole_learners_are_looked_at() -> None:
    data = table(3000, 5, 1.0)
    rng = np.random.default_rng(5)
    found = levels.choose(data, NAMES, SCALE, np.arange(3000) // 10, rng, 4, 505, 20)
    assert found.rows == 500
