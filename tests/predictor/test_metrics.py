"""Metrics against hand-computed cases, scikit-learn and their own definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor import metrics


def test_auc_of_four_rows_is_the_share_of_ordered_pairs() -> None:
    # pairs (one, zero): .9>.1, .9>.8, .3>.1 right; .3<.8 wrong
    assert metrics.auc(np.array([1, 0, 1, 0]), np.array([0.9, 0.1, 0.3, 0.8])) == 0.75


def test_auc_counts_a_tie_as_half() -> None:
    assert metrics.auc(np.array([1, 0]), np.array([0.5, 0.5])) == 0.5
    assert metrics.auc(np.array([1, 0, 0]), np.array([0.5, 0.5, 0.1])) == 0.75


@pytest.mark.parametrize("labels", [[], [1, 1], [0, 0, 0]])
def test_auc_of_one_class_is_not_a_number(labels: list[int]) -> None:
    scores = np.linspace(0, 1, len(labels))
    assert np.isnan(metrics.auc(np.array(labels), scores))
    interval = metrics.auc_interval(np.array(labels), scores, rounds=5)
    assert np.isnan([interval.low, interval.high]).all()


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), min_size=2, max_size=40).filter(
        lambda rows: len({label for label, _ in rows}) == 2
    )
)
@settings(max_examples=60, deadline=None)
def test_auc_agrees_with_scikit_learn(rows: list[tuple[int, int]]) -> None:
    sklearn_metrics = pytest.importorskip("sklearn.metrics")
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    assert metrics.auc(labels, scores) == pytest.approx(sklearn_metrics.roc_auc_score(labels, scores))


def test_auc_interval_covers_and_narrows_with_more_rows() -> None:
    rng = np.random.default_rng(4)

    def width(n: int) -> float:
        labels = rng.integers(0, 2, n)
        interval = metrics.auc_interval(labels, labels + rng.normal(size=n), rounds=200)
        assert interval.low < interval.value < interval.high
        # N(1,1) against N(0,1): the true AUC is Phi(1 / sqrt 2) = .7602
        assert interval.low - 0.02 < 0.7602 < interval.high + 0.02
        return interval.high - interval.low

    assert width(4000) < width(250) / 2


def test_auc_interval_repeats_with_its_seed() -> None:
    labels = np.array([0, 1] * 30)
    scores = np.random.default_rng(0).random(60)
    assert metrics.auc_interval(labels, scores, seed=3) == metrics.auc_interval(labels, scores, seed=3)
    assert metrics.auc_interval(labels, scores, seed=3) != metrics.auc_interval(labels, scores, seed=4)


def test_ece_of_two_bins_by_hand() -> None:
    # bin .1: predicted .1, observed .5, n 2; bin .9: predicted .9, observed 1, n 2 -> (2*.4 + 2*.1) / 4
    labels = np.array([1, 0, 1, 1])
    assert metrics.ece(labels, np.array([0.1, 0.1, 0.9, 0.9])) == pytest.approx(0.25)


def test_ece_is_nought_when_probabilities_keep_their_word() -> None:
    labels = np.array([1] + [0] * 3 + [1] * 3 + [0])
    assert metrics.ece(labels, np.array([0.25] * 4 + [0.75] * 4)) == pytest.approx(0)


def test_ece_of_no_rows_is_not_a_number() -> None:
    assert np.isnan(metrics.ece(np.zeros(0), np.zeros(0)))


def test_reliability_keeps_every_row_and_the_ends() -> None:
    bars = metrics.reliability(np.array([0, 1, 1]), np.array([0.0, 1.0, 0.55]))
    assert [(bar.predicted, bar.observed, bar.n) for bar in bars] == [(0, 0, 1), (0.55, 1, 1), (1, 1, 1)]


def test_log_loss_by_hand() -> None:
    value = metrics.log_loss(np.array([1, 0]), np.array([0.8, 0.4]))
    assert value == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)


def test_roc_agrees_with_scikit_learn() -> None:
    sklearn_metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    labels, scores = rng.integers(0, 2, 50), rng.integers(0, 9, 50) / 9
    false_rate, true_rate = metrics.roc(labels, scores)
    expected = sklearn_metrics.roc_curve(labels, scores, drop_intermediate=False)
    np.testing.assert_allclose(false_rate, expected[0])
    np.testing.assert_allclose(true_rate, expected[1])


def test_abroca_by_hand() -> None:
    # inside: perfect ranking (area 1 under a step to the top); outside: perfectly wrong -> the whole square
    labels = np.array([1, 0, 1, 0])
    scores = np.array([0.9, 0.1, 0.1, 0.9])
    group = np.array([True, True, False, False])
    assert metrics.abroca(labels, scores, group) == pytest.approx(1.0)
    # outside all tied: the diagonal; between it and the perfect curve lies half the square
    assert metrics.abroca(labels, np.array([0.9, 0.1, 0.5, 0.5]), group) == pytest.approx(0.5)


def test_abroca_counts_both_sides_of_a_crossing() -> None:
    # inside steps (0,0) (0,.5) (1,.5) (1,1); outside is the diagonal: two triangles of 1/8
    labels = np.array([1, 0, 1, 1, 0])
    scores = np.array([0.9, 0.5, 0.1, 0.5, 0.5])
    group = np.array([True, True, True, False, False])
    assert metrics.abroca(labels, scores, group) == pytest.approx(0.25)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_abroca_agrees_with_a_fine_grid_and_is_symmetric(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.concatenate(([0, 1, 0, 1], rng.integers(0, 2, 40)))
    group = np.concatenate(([True, True, False, False], rng.integers(0, 2, 40) == 1))
    scores = rng.integers(0, 12, 44) / 12
    value = metrics.abroca(labels, scores, group)
    assert value == pytest.approx(metrics.abroca(labels, scores, ~group))
    grid = (np.arange(20_000) + 0.5) / 20_000
    curves = [np.interp(grid, *metrics.roc(labels[side], scores[side])) for side in (group, ~group)]
    assert value == pytest.approx(np.abs(curves[0] - curves[1]).mean(), abs=2e-3)


def test_abroca_without_both_classes_in_the_group_is_not_a_number() -> None:
    group = np.array([True, True, False, False])
    assert np.isnan(metrics.abroca(np.array([1, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4]), group))


def test_mean_interval_of_nothing_is_not_a_number() -> None:
    assert np.isnan(metrics.mean_interval(np.array([np.nan])).value)
