"""The blend finds which part to trust, and means what it says."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.blend import Blend, log_odds
from predictor.calibration import sigmoid
from predictor.metrics import auc
from predictor.moments import DAY


def made(seed: int, n: int = 20_000) -> tuple[np.ndarray, ...]:
    """Boosting that says the truth early and noise late, the sequence model the other way round.

    Ten courses: the sequence model is wrong about the level of each, boosting is right.
    """
    rng = np.random.default_rng(seed)
    truth, noise, course = rng.normal(size=n), rng.normal(size=n), rng.integers(0, 10, n)
    level = rng.normal(size=10)[course]
    at = rng.choice([DAY, 30 * DAY], n)
    early = at == DAY
    labels = (rng.random(n) < sigmoid(2 * truth + level)) * 1.0
    wrong = rng.normal(size=10)[course]
    boosted = np.where(early, 2 * truth, noise) + level
    return boosted, sigmoid(np.where(early, noise, 2 * truth) + wrong), at, labels, course


def test_it_trusts_each_part_when_it_is_right() -> None:
    blend = Blend.fit(*made(0))
    boosted, sequence, at, labels, course = made(1)
    chances = blend(boosted, sequence, at)
    for day, part in ((DAY, boosted), (30 * DAY, sequence)):
        for number in range(10):
            rows = (at == day) & (course == number)
            assert auc(labels[rows], chances[rows]) > auc(labels[rows], part[rows]) - 0.01


def test_a_sequence_model_that_tells_only_courses_apart_has_no_say() -> None:
    rng = np.random.default_rng(4)
    course = rng.integers(0, 10, 20_000)
    boosted, level = rng.normal(size=20_000), rng.normal(size=10)[course]
    labels = (rng.random(20_000) < sigmoid(boosted + level)) * 1.0
    blend = Blend.fit(boosted, sigmoid(level), np.full(20_000, 7 * DAY), labels, course)
    assert abs(blend.weights[0]) < 0.05


def test_beyond_the_times_it_was_fitted_for_it_keeps_the_nearest_weights() -> None:
    blend = Blend.fit(*made(0))
    boosted, sequence = np.linspace(-2, 2, 5), np.linspace(0.1, 0.9, 5)
    np.testing.assert_allclose(blend(boosted, sequence, 400 * DAY), blend(boosted, sequence, 30 * DAY))
    np.testing.assert_allclose(blend(boosted, sequence, 0.0), blend(boosted, sequence, DAY))


def test_a_handful_of_learners_leaves_the_share_near_a_quarter() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 8) * 1.0
    blend = Blend.fit(rng.normal(size=8), rng.random(8), np.full(8, DAY), labels, np.zeros(8, dtype=np.int64))
    assert abs(blend.weights[0] - 0.25) < 0.2


def test_nobody_to_fit_on_gives_the_sequence_model_a_quarter() -> None:
    nothing = np.zeros(0)
    blend = Blend.fit(nothing, nothing, nothing, nothing, nothing.astype(np.int64))
    found = blend(np.array([1.0]), np.array([0.5]), 7 * DAY)
    assert found[0] == pytest.approx(float(sigmoid(np.array([0.75]))[0]))


def test_the_share_is_never_more_than_all_nor_less_than_nothing() -> None:
    for weight, share in ((7.0, 1.0), (-7.0, 0.0)):
        found = Blend(np.array([weight, 0.0]), DAY, DAY)(np.array([1.0]), np.array([0.5]), DAY)
        assert found[0] == pytest.approx(float(sigmoid(np.array([1.0 - share]))[0]))


def test_certainty_has_finite_log_odds() -> None:
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()
