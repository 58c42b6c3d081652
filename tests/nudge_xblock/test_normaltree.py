"""Shrinkage over a tree: exact where it can be checked, and sensible where nothing is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nudge_xblock.normaltree import Belief, shrink


def test_it_is_the_posterior_of_the_whole_normal_model() -> None:
    """Against one dense system of root, groups and things, with the variances it estimated itself."""
    draws = np.random.default_rng(3)
    kinds = np.repeat(np.arange(6), 8)
    truth = draws.normal(0.0, 1.5, 6)[kinds] + draws.normal(0.0, 0.7, 48)
    variances = draws.uniform(0.05, 0.4, 48)
    estimates = truth + draws.normal(size=48) * np.sqrt(variances)
    found = shrink(
        list(zip(estimates, variances, strict=True)), [(str(kind),) for kind in kinds], prior=100.0
    )
    between, within = _variances(estimates, variances, kinds)
    assert between > 0.0
    assert within > 0.0
    covariance = within * np.eye(48) + between * (kinds[:, None] == kinds[None, :]) + 100.0
    gain = covariance @ np.linalg.inv(covariance + np.diag(variances))
    mean = gain @ estimates
    posterior = covariance - gain @ covariance
    assert np.allclose([belief.mean for belief in found], mean, atol=1e-9)
    assert np.allclose([belief.deviation**2 for belief in found], np.diag(posterior), atol=1e-9)


def _variances(estimates: np.ndarray, variances: np.ndarray, kinds: np.ndarray) -> tuple[float, float]:
    """DerSimonian and Laird's moments, level by level."""

    def excess(values: np.ndarray, noise: np.ndarray, families: np.ndarray) -> float:
        top, bottom = 0.0, 0.0
        for family in np.unique(families):
            weights, mine = 1.0 / noise[families == family], values[families == family]
            centre = (weights * mine).sum() / weights.sum()
            top += (weights * (mine - centre) ** 2).sum() - (len(mine) - 1)
            bottom += weights.sum() - (weights**2).sum() / weights.sum()
        return max(0.0, top / bottom)

    within = excess(estimates, variances, kinds)
    weights = 1.0 / (variances + within)
    totals = np.array([weights[kinds == kind].sum() for kind in range(6)])
    means = np.array([(weights * estimates)[kinds == kind].sum() for kind in range(6)]) / totals
    return excess(means, 1.0 / totals, np.zeros(6)), within


def test_what_nothing_is_known_of_takes_its_groups_effect() -> None:
    rows = [(0.6, 0.01), (1.5, 0.01), (math.nan, math.inf), (-3.0, 0.01), (-2.9, 0.01)]
    found = shrink(rows, [("a",), ("a",), ("a",), ("b",), ("b",)])
    assert found[2].mean == pytest.approx(1.05, abs=0.05)
    assert found[2].deviation > found[0].deviation


def test_noise_alone_is_shrunk_to_one_effect() -> None:
    draws = np.random.default_rng(5)
    rows = [(float(value), 1.0) for value in draws.normal(size=400)]
    found = shrink(rows, [()] * 400)
    assert np.std([belief.mean for belief in found]) < 0.35


def test_nothing_known_at_all_is_said_by_an_infinite_deviation() -> None:
    assert shrink([(math.nan, math.inf)], [("a",)]) == [Belief(0.0, math.inf)]
    assert shrink([], []) == []


def test_a_prior_pulls_the_root_to_zero() -> None:
    assert shrink([(2.0, 1.0)], [()], prior=1.0)[0] == pytest.approx((1.0, math.sqrt(0.5)))


def test_chains_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="same length"):
        shrink([(0.0, 1.0), (0.0, 1.0)], [("a",), ("a", "b")])


def test_a_belief_tells_its_interval_and_its_chance_of_being_below() -> None:
    belief = Belief(1.0, 0.5)
    assert belief.interval() == pytest.approx((0.02, 1.98), abs=1e-3)
    assert belief.below(1.0) == 0.5
    assert Belief(1.0, 0.0).below(2.0) == 1.0
