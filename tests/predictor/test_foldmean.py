"""AUC inside each fold, averaged."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.foldmean import drawn_aucs, fold_interval, told_apart
from predictor.metrics import FloatArray, IntArray, auc, auc_interval


def people(sizes: tuple[int, ...], seed: int = 0) -> tuple[IntArray, FloatArray, IntArray]:
    """Labels, scores with ties that tell something, and folds of so many learners each, in no order."""
    rng = np.random.default_rng(seed)
    folds = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    labels = rng.integers(0, 2, len(folds))
    return labels, rng.normal(labels, 1.2).round(1), folds


def test_it_is_the_mean_of_each_folds_own_auc() -> None:
    labels, scores, folds = people((50, 70, 200))
    own = [auc(labels[folds == fold], scores[folds == fold]) for fold in range(3)]
    assert fold_interval(labels, scores, folds).value == pytest.approx(np.mean(own))


def test_models_that_rank_perfectly_at_different_levels_are_perfect() -> None:
    labels, _, folds = people((60, 60, 60))
    scores = 0.1 * labels + 0.3 * folds
    found = fold_interval(labels, scores, folds)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert auc(labels, scores) < 0.8


def test_a_folds_level_is_of_no_account() -> None:
    labels, scores, folds = people((50, 70))
    assert fold_interval(labels, scores + 5 * folds, folds) == fold_interval(labels, scores, folds)


def test_one_fold_alone_has_the_pooled_auc_and_its_interval() -> None:
    labels, scores, folds = people((150,))
    assert fold_interval(labels, scores, folds) == auc_interval(labels, scores)


def test_the_interval_covers_and_narrows_with_more_learners() -> None:
    few, many = (fold_interval(*people((n, 2 * n, n))) for n in (40, 4000))
    assert few.low < few.value < few.high
    assert many.high - many.low < 0.2 * (few.high - few.low)


def test_the_interval_is_as_wide_as_independent_folds_make_it() -> None:
    labels, scores, folds = people((3000, 3000, 3000, 3000))
    own = [auc_interval(labels[folds == fold], scores[folds == fold]) for fold in range(4)]
    width = np.sqrt(sum((each.high - each.low) ** 2 for each in own)) / 4
    found = fold_interval(labels, scores, folds)
    assert found.high - found.low == pytest.approx(width, rel=0.15)


def test_the_interval_repeats_with_its_seed() -> None:
    group = people((50, 70))
    assert fold_interval(*group, seed=3) == fold_interval(*group, seed=3)
    assert fold_interval(*group, seed=3) != fold_interval(*group, seed=4)


def test_a_fold_with_one_class_is_left_out() -> None:
    labels, scores, folds = people((50, 70))
    labels[folds == 0] = 1
    rest = folds == 1
    assert fold_interval(labels, scores, folds).value == auc(labels[rest], scores[rest])
    assert told_apart(labels, folds) == [1]


def test_a_draw_that_loses_a_small_folds_class_takes_the_others() -> None:
    labels = np.concatenate(([1, 0], np.tile([0, 1], 100)))
    scores = np.concatenate(([0.9, 0.1], np.tile([0.4, 0.6], 100)))
    found = fold_interval(labels, scores, np.repeat([0, 1], [2, 200]))
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_without_a_fold_of_both_classes_it_is_not_a_number() -> None:
    for labels in (np.ones(6, dtype=np.int64), np.zeros(0, dtype=np.int64)):
        found = fold_interval(labels, np.zeros(len(labels)), np.arange(len(labels)) % 2)
        assert np.isnan([found.value, found.low, found.high]).all()


def test_draws_are_the_aucs_of_learners_drawn_anew() -> None:
    labels, scores, _ = people((30,))
    draws = drawn_aucs(labels, scores, 20, np.random.default_rng(7))
    rng = np.random.default_rng(7)
    for draw in draws:
        picked = rng.integers(0, 30, 30)
        assert draw == pytest.approx(auc(labels[picked], scores[picked]))
