"""Calibration: probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.calibration import Calibration, fit_calibration, sigmoid
from predictor.metrics import ece


def drawn(scale: float, shift: float, size: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, size)
    return logits, (rng.random(size) < sigmoid(scale * logits + shift)).astype(float)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.4, -1.5), (2.5, 0.7)])
def test_it_finds_the_scale_and_shift_that_made_the_labels(scale: float, shift: float) -> None:
    logits, labels = drawn(scale, shift)
    found = fit_calibration(logits, labels)
    assert found == pytest.approx((scale, shift), abs=0.1)
    assert ece(labels, sigmoid(found.scale * logits + found.shift)) < 0.02


def test_the_temperature_alone_leaves_even_chances_even() -> None:
    logits, labels = drawn(0.4, 0.0)
    assert fit_calibration(logits, labels, shifted=False) == pytest.approx((0.4, 0.0), abs=0.05)


def test_unknown_labels_are_left_out() -> None:
    logits, labels = drawn(0.5, 0.2)
    with_unknown = np.append(labels, [np.nan] * 500)
    assert fit_calibration(np.append(logits, [99.0] * 500), with_unknown) == fit_calibration(logits, labels)


@pytest.mark.parametrize("labels", [[], [1.0, 1.0], [0.0], [np.nan, np.nan]])
def test_nothing_is_changed_where_a_class_is_missing(labels: list[float]) -> None:
    assert fit_calibration(np.zeros(len(labels)), np.array(labels)) == Calibration(1.0, 0.0)


def test_a_ranking_is_never_turned_round() -> None:
    logits, labels = drawn(1.0, 0.0)
    assert fit_calibration(-logits, labels) == Calibration(1.0, 0.0)


def test_separable_labels_do_not_run_away() -> None:
    found = fit_calibration(np.array([-1.0, -2.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert 0 < found.scale < 10


def test_the_sigmoid_survives_extremes() -> None:
    assert sigmoid(np.array([-1e6, 0.0, 1e6])).tolist() == [0.0, 0.5, 1.0]
