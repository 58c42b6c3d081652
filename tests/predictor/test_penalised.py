"""Penalised regression: it finds the optimum, and keeps to its level."""

from __future__ import annotations

import numpy as np

from predictor import penalised
from predictor.levels import LEVELS
from predictor.penalised import DISMISSED, LIKING, LOADINGS, Level, Table, Weights

NAMES = ("trigger.unit_seen", "history.liking", "recent.gap", "hidden.0")
SCALE = np.ones(4, np.float32)
NAMED = {level.name: level for level in LEVELS}


def table(count: int, seed: int, strength: float, spread: float = 0.0) -> Table:
    """Only the learner's own liking matters, and which of 20 messages it is."""
    chance = np.random.default_rng(seed)
    z = chance.normal(size=(count, 4)).astype(np.float32)
    message = np.arange(count) % 20
    liking = strength * z[:, 1] + spread * np.random.default_rng(99).normal(size=20)[message]
    logits = liking[:, None] * np.asarray(LOADINGS)[LIKING] + np.array([-0.5, -1.0, 0.0, -1.5])
    chances = penalised.softmax(logits).cumsum(axis=1)
    y = (chances > chance.random((count, 1))).argmax(axis=1)
    kind = chance.integers(-1, 2, count)
    return Table(z, kind, y, np.ones(count, np.float32), np.array([2, 3]), 2, (message,), (20,))


def loss(data: Table, weights: Weights, level: Level) -> float:
    """What is to be least, written out plainly."""
    costs = np.array([level.of(name) for name in NAMES])[:, None] * np.array([1.0, penalised.CALMER])
    middle = np.zeros((4, 2))
    middle[1, LIKING] = 1.0
    prior = (costs * (weights.w - middle) ** 2).sum() + level.kinds * (weights.v**2).sum()
    prior += penalised.LOADING_PRECISION * ((weights.loadings - np.asarray(LOADINGS)) ** 2).sum()
    prior += level.effects[0] * (weights.effects[0] ** 2).sum()
    return float(penalised.losses(weights.of(data), data.y).mean() + 0.5 * prior / len(data))


def test_no_other_weights_nearby_lose_less() -> None:
    data, level = table(2000, 1, 1.0, 0.5), NAMED["everything"]
    best = penalised.fit(data, NAMES, SCALE, level, None, 200)
    chance = np.random.default_rng(2)

    def moved(part: np.ndarray) -> np.ndarray:
        return part + chance.normal(scale=0.02, size=part.shape)

    for _ in range(50):
        loadings = best.loadings.copy()
        loadings[:, DISMISSED] = moved(loadings[:, DISMISSED])
        other = Weights(moved(best.w), moved(best.b), moved(best.v), loadings, (moved(best.effects[0]),))
        assert loss(data, best, level) <= loss(data, other, level) + 1e-5


def test_a_group_that_is_left_out_has_no_weight() -> None:
    data = table(500, 3, 1.0)
    found = penalised.fit(data, NAMES, SCALE, Level("history", message=20.0, history=20.0), None, 80)
    assert found.w[:2].any()
    assert not found.w[2:].any()
    assert not found.v.any()
    assert not found.effects[0].any()


def test_a_messages_effect_is_found_and_shrunken() -> None:
    truth = np.random.default_rng(99).normal(size=20)
    many, few = (
        penalised.fit(table(count, 4, 0.0, 1.0), NAMES, SCALE, NAMED["message"], None, 120).effects[0]
        for count in (20_000, 400)
    )
    assert np.corrcoef(many, truth)[0, 1] > 0.95
    assert np.abs(few).mean() < np.abs(many).mean() < np.abs(truth).mean()


def test_an_estimate_of_liking_is_believed_until_answers_say_otherwise() -> None:
    right = penalised.fit(table(4000, 5, 1.0), NAMES, SCALE, NAMED["history"], None, 120)
    wrong = penalised.fit(table(4000, 6, 0.0), NAMES, SCALE, NAMED["history"], None, 120)
    assert abs(right.w[1, LIKING] - 1.0) < 0.15
    assert abs(wrong.w[1, LIKING]) < 0.15
