"""The blend finds which part to trust, and means what it says."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.blend import Blend, log_odds
from predictor.calibration import sigmoid
from predictor.metrics import auc, ece
from predictor.moments import DAY


def made(seed: int, n: int = 20_000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Boosting that says the truth early and noise late, the sequence model the other way round."""
    rng = np.random.default_rng(seed)
    truth, noise = rng.normal(size=n), rng.normal(size=n)
    at = rng.choice([DAY, 30 * DAY], n)
    early = at == DAY
    labels = (rng.random(n) < sigmoid(2 * truth - 1)) * 1.0
    return np.where(early, truth, noise), sigmoid(np.where(early, noise, truth)), at, labels


def test_it_trusts_each_part_when_it_is_right() -> None:
    blend = Blend.fit(*made(0))
    boosted, sequence, at, labels = made(1)
    chances = blend(boosted, sequence, at)
    assert auc(labels, chances) > max(auc(labels, boosted), auc(labels, sequence)) + 0.1
    assert ece(labels, chances) < 0.03


def test_beyond_the_times_it_was_fitted_for_it_keeps_the_nearest_weights() -> None:
    blend = Blend.fit(*made(0))
    boosted, sequence = np.linspace(-2, 2, 5), np.linspace(0.1, 0.9, 5)
    np.testing.assert_allclose(blend(boosted, sequence, 400 * DAY), blend(boosted, sequence, 30 * DAY))
    np.testing.assert_allclose(blend(boosted, sequence, 0.0), blend(boosted, sequence, DAY))


def test_a_handful_of_learners_leaves_both_parts_a_say() -> None:
    rng = np.random.default_rng(2)
    blend = Blend.fit(rng.normal(size=8), rng.random(8), np.full(8, DAY), rng.integers(0, 2, 8) * 1.0)
    assert np.all(blend.weights[:2] > 0.1)


def test_nobody_to_fit_on_gives_the_mean_of_both_log_odds() -> None:
    nothing = np.zeros(0)
    blend = Blend.fit(nothing, nothing, nothing, nothing)
    found = blend(np.array([1.0]), np.array([0.5]), 7 * DAY)
    assert found[0] == pytest.approx(float(sigmoid(np.array([0.5]))[0]))


def test_certainty_has_finite_log_odds() -> None:
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()
