"""Trees kept as arrays score as the library that grew them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from predictor.trees import Trees

lightgbm = pytest.importorskip("lightgbm")


def grown(table: np.ndarray, labels: np.ndarray, rounds: int = 20) -> Any:
    parameters = {
        "objective": "binary",
        "num_leaves": 9,
        "min_data_in_leaf": 5,
        "verbose": -1,
        "num_threads": 1,
    }
    return lightgbm.train(parameters, lightgbm.Dataset(table, labels), rounds)


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    rng = np.random.default_rng(0)
    found = rng.normal(size=(900, 6))
    found[rng.random(found.shape) < 0.2] = np.nan
    found[:, 4] = np.where(rng.random(900) < 0.5, 0.0, found[:, 4])
    found[:, 5] = rng.integers(0, 5, 900)
    return found


@pytest.fixture(scope="module")
def labels(table: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (np.nan_to_num(table[:, 0]) + np.isnan(table[:, 1]) + table[:, 5] + rng.normal(size=900) > 2.5) * 1


def test_scores_are_those_of_the_library(table: np.ndarray, labels: np.ndarray) -> None:
    booster = grown(table, labels)
    np.testing.assert_allclose(
        Trees.from_lightgbm(booster).score(table), booster.predict(table, raw_score=True), atol=1e-9
    )


def test_a_missing_value_where_none_was_in_training_counts_as_the_library_counts_it(
    table: np.ndarray, labels: np.ndarray
) -> None:
    booster = grown(np.nan_to_num(table), labels)
    np.testing.assert_allclose(
        Trees.from_lightgbm(booster).score(table), booster.predict(table, raw_score=True), atol=1e-9
    )


def test_more_rows_than_are_scored_at_once(table: np.ndarray, labels: np.ndarray) -> None:
    trees = Trees.from_lightgbm(grown(table, labels, 3))
    many = np.tile(table, (20, 1))
    np.testing.assert_array_equal(trees.score(many), np.tile(trees.score(table), 20))


def test_tensors_give_the_same_trees(table: np.ndarray, labels: np.ndarray) -> None:
    trees = Trees.from_lightgbm(grown(table, labels))
    again = Trees.from_tensors(trees.tensors("x."), "x.")
    np.testing.assert_array_equal(again.score(table), trees.score(table))


def test_labels_that_teach_nothing_give_a_constant() -> None:
    trees = Trees.from_lightgbm(grown(np.zeros((50, 2)), np.arange(50) % 2))
    scores = trees.score(np.array([[0.0, 1.0], [np.nan, 3.0]]))
    assert scores[0] == scores[1]


@pytest.mark.parametrize("broken", ["children", "roots", "thresholds"])
def test_tensors_that_are_no_trees_are_refused(table: np.ndarray, labels: np.ndarray, broken: str) -> None:
    tensors = Trees.from_lightgbm(grown(table, labels, 2)).tensors("")
    without = {name: values for name, values in tensors.items() if name != broken}
    with pytest.raises(ValueError, match=broken):
        Trees.from_tensors(without, "")
    with pytest.raises(ValueError, match="do not describe trees"):
        Trees.from_tensors(tensors | {"children": tensors["children"] + 10_000}, "")


@pytest.mark.parametrize(
    "broken",
    [
        {"children": np.array([[0, 2], [1, 1], [2, 2]])},  # the root is its own child: a walk without end
        {"children": np.array([[1, 2], [2, 2], [2, 2]])},  # a leaf that leads on
        {"missing_left": np.array([1])},
        {"features": np.array([[0, -1, -1]])},
        {"roots": np.array([[0]])},
        {"depth": np.array([0])},  # the walk would stop on the way
        {"depth": np.zeros(0)},
    ],
)
def test_a_walk_that_never_ends_in_a_leaf_is_refused(broken: dict[str, np.ndarray]) -> None:
    whole = {
        "roots": np.array([0]),
        "features": np.array([0, -1, -1]),
        "thresholds": np.array([0.5, -1.0, 1.0]),
        "children": np.array([[1, 2], [1, 1], [2, 2]]),
        "missing_left": np.array([1, -1, -1]),
        "depth": np.array([1]),
    }
    assert Trees.from_tensors(whole, "").score(np.array([[0.0], [1.0]])).tolist() == [-1.0, 1.0]
    with pytest.raises(ValueError, match="do not describe trees"):
        Trees.from_tensors(whole | broken, "")
