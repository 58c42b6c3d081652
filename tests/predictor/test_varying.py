"""The fit of coefficients that vary over the course."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from predictor.basis import bumps, roughness, scores
from predictor.calibration import sigmoid
from predictor.factors import EITHER, LOWERS, PLAIN, RAISES, Factor
from predictor.varying import LEVEL_SMOOTH, Penalty, Rows, fitted

SIZE = 6


def factors(*directions: int) -> tuple[Factor, ...]:
    return tuple(
        Factor(f"x{place}", "pace", f"x{place}", PLAIN, direction, "number")
        for place, direction in enumerate(directions)
    )


def planted(n: int = 30_000, seed: int = 0) -> Rows:
    """A coefficient that fades from 2 to 0, one that grows from 0 to -1.5, and one that is nothing."""
    rng = np.random.default_rng(seed)
    share = rng.random(n)
    table = rng.normal(size=(n, 3)).astype(np.float32)
    logits = -0.5 + share + 2 * (1 - share) * table[:, 0] - 1.5 * share * table[:, 1]
    return Rows(table, share, (rng.random(n) < sigmoid(logits)).astype(np.float64))


def curves(weights: np.ndarray, share: list[float]) -> np.ndarray:
    return bumps(np.array(share), SIZE) @ weights.T


def test_curves_that_were_planted_are_found() -> None:
    weights = fitted(planted(), factors(EITHER, EITHER, EITHER), SIZE, Penalty(1e-4, 1e-5, 1.0))
    level, fading, growing, nothing = curves(weights, [0.1, 0.5, 0.9]).T
    np.testing.assert_allclose(level, [-0.4, 0.0, 0.4], atol=0.12)
    np.testing.assert_allclose(fading, [1.8, 1.0, 0.2], atol=0.15)
    np.testing.assert_allclose(growing, [-0.15, -0.75, -1.35], atol=0.15)
    np.testing.assert_allclose(nothing, 0, atol=0.1)


def test_a_direction_is_kept_everywhere() -> None:
    weights = fitted(planted(), factors(LOWERS, RAISES, RAISES), SIZE, Penalty(1e-4, 1e-5, 1.0))
    over = curves(weights, np.linspace(0, 1, 101).tolist())
    assert (over[:, 1] <= 0).all()
    assert (over[:, 2:] >= 0).all()


def test_without_directions_the_gradient_of_the_written_out_regression_is_nothing() -> None:
    """The same penalised likelihood, its rows times bumps written out, has its minimum where the fit ends."""
    rows, penalty = planted(4000), Penalty(1e-3, 1e-3, 1.0)
    weights = fitted(rows, factors(EITHER, EITHER, EITHER), SIZE, penalty)
    one = np.column_stack((np.ones(len(rows.labels)), rows.table))
    design = (one[:, :, None] * bumps(rows.share, SIZE)[:, None, :]).reshape(len(one), -1)
    smooth = np.array([LEVEL_SMOOTH, *[penalty.smooth] * 3])
    ridge = np.array([0.0, *[penalty.ridge] * 3])
    pull = smooth[:, None] * (weights @ roughness(SIZE)) + ridge[:, None] * weights
    gradient = design.T @ (sigmoid(design @ weights.ravel()) - rows.labels) / len(one) + pull.ravel()
    np.testing.assert_allclose(gradient, 0, atol=2e-5)


def test_it_ends_where_scikit_learn_ends() -> None:
    """Constant curves and a ridge alone are a plain penalised logistic regression."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    rows = planted(4000)
    weights = fitted(rows, factors(EITHER, EITHER, EITHER), SIZE, Penalty(1e4, 1e-2, 1.0))
    ours = curves(weights, [0.5])[0, 1:]
    share = np.column_stack((rows.table, bumps(rows.share, SIZE) * 1e3))
    plain = linear_model.LogisticRegression(
        C=1 / (1e-2 * SIZE * len(share)), fit_intercept=False, tol=1e-8, max_iter=5000
    )
    np.testing.assert_allclose(ours, plain.fit(share, rows.labels).coef_[0, :3], atol=0.01)


def test_a_larger_penalty_makes_curves_smoother_and_smaller() -> None:
    rows, free = planted(4000), factors(EITHER, EITHER, EITHER)
    plain = fitted(rows, free, SIZE, Penalty(1e-5, 1e-5, 1.0))
    flat = fitted(rows, free, SIZE, Penalty(10.0, 1e-5, 1.0))
    small = fitted(rows, free, SIZE, Penalty(1e-5, 1.0, 1.0))
    assert np.ptp(flat[1:], axis=1).max() < 0.05 < np.ptp(plain[1], axis=0)
    assert np.abs(small[1:]).max() < 0.3 * np.abs(plain[1:]).max()


def test_factors_of_a_course_are_kept_smaller() -> None:
    rows = planted(4000)
    free = list(factors(EITHER, EITHER, EITHER))
    free[0] = Factor("x0", "difficulty", "x0", PLAIN, EITHER, "share", of_course=True)
    loose = fitted(rows, free, SIZE, Penalty(1e-4, 1e-3, 1.0))
    tight = fitted(rows, free, SIZE, Penalty(1e-4, 1e-3, 1000.0))
    assert np.abs(tight[1]).max() < 0.3 * np.abs(loose[1]).max()
    assert np.abs(tight[2]).max() > 0.8 * np.abs(loose[2]).max()


def test_where_it_begins_does_not_matter() -> None:
    rows, free = planted(4000), factors(RAISES, LOWERS, EITHER)
    penalty = Penalty(1e-3, 1e-3, 1.0)
    far = np.random.default_rng(1).normal(size=(4, SIZE))
    here, there = (fitted(rows, free, SIZE, penalty, start) for start in (None, far))
    np.testing.assert_allclose(here, there, atol=2e-2)


def test_scores_are_what_was_fitted() -> None:
    rows = planted(100)
    weights = np.random.default_rng(0).normal(size=(4, SIZE))
    over = curves(weights, rows.share.tolist())
    expected = over[:, 0] + (over[:, 1:] * rows.table).sum(axis=1)
    np.testing.assert_allclose(scores(weights, rows.table, rows.share), expected, atol=1e-9)
