"""Penalised regression: it finds the optimum, and chooses by what it foresees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor import penalised
from predictor.penalised import LEVELS, Level, Table, Weights

NAMES = ("message.helpful", "history.sent", "recent.gap", "hidden.0")


def table(count: int, seed: int, strength: float) -> Table:
    """Only the learner's history matters."""
    chance = np.random.default_rng(seed)
    z = chance.normal(size=(count, 4)).astype(np.float32)
    logits = np.stack([strength * z[:, 1] - 0.5, -strength * z[:, 1] - 1.0, np.zeros(count)], axis=1)
    chances = penalised.softmax(logits).cumsum(axis=1)
    y = (chances > chance.random((count, 1))).argmax(axis=1)
    kind = chance.integers(-1, 2, count)
    return Table(z, kind, y, np.ones(count, np.float32), np.array([2, 3]), 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_a_quadratic_is_least_where_algebra_says(seed: int, size: int) -> None:
    chance = np.random.default_rng(seed)
    root = chance.normal(size=(size, size))
    bend, target = root @ root.T + np.eye(size), chance.normal(size=size)
    found = penalised.minimum(
        lambda at: (0.5 * float(at @ bend @ at - 2 * target @ at), bend @ at - target), np.zeros(size), 400
    )
    least = np.linalg.solve(bend, target)
    lost = 0.5 * float((found - least) @ bend @ (found - least))
    assert lost < 1e-3


def test_no_other_weights_nearby_lose_less() -> None:
    data, level = table(2000, 1, 1.0), LEVELS[5]
    best = penalised.fit(data, NAMES, level, None, 200)
    costs = np.array([level.of(name) for name in NAMES])[:, None]

    def loss(weights: Weights) -> float:
        logits = weights.logits(data.z, data.kind, data.states)
        prior = (costs * weights.w**2).sum() + level.kinds * (weights.v**2).sum()
        return float(penalised.losses(logits, data.y).mean() + 0.5 * prior / len(data))

    chance = np.random.default_rng(2)
    for _ in range(50):
        moved = Weights(
            *(part + chance.normal(scale=0.02, size=part.shape) for part in (best.w, best.b, best.v))
        )
        assert loss(best) <= loss(moved) + 1e-5


def test_a_group_that_is_left_out_has_no_weight() -> None:
    found = penalised.fit(table(500, 3, 1.0), NAMES, Level("history", message=20.0, history=20.0), None, 80)
    assert found.w[:2].any()
    assert not found.w[2:].any()
    assert not found.v.any()


@pytest.mark.parametrize(("strength", "levels"), [(0.0, {0}), (1.0, set(range(penalised.PERSONAL, 7)))])
def test_the_level_is_what_the_answers_bear_out(strength: float, levels: set[int]) -> None:
    found = [
        penalised.choose(
            table(1500, seed, strength), NAMES, np.arange(1500) // 3, np.random.default_rng(seed), 4, 8000, 80
        ).level
        for seed in range(5)
    ]
    assert set(found) <= levels


def test_only_whole_learners_are_looked_at() -> None:
    found = penalised.choose(
        table(3000, 5, 1.0), NAMES, np.arange(3000) // 10, np.random.default_rng(5), 4, 505, 20
    )
    assert found.rows == 500
