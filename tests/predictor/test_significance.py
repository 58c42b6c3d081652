"""Paired tests: exact where they can be counted, and no more false alarms than promised."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.significance import holm, paired, sign_flip, wilcoxon


def test_eight_courses_all_better_have_the_exact_p() -> None:
    result = paired(np.full(8, 0.8), np.linspace(0.7, 0.77, 8))
    assert result.pairs == 8
    assert result.p == result.p_wilcoxon == pytest.approx(2 / 256)
    assert result.low < result.difference < result.high


def test_equal_models_are_not_significant() -> None:
    result = paired(np.full(6, 0.8), np.full(6, 0.8))
    assert result.p == result.p_wilcoxon == 1.0


def test_signs_are_drawn_beyond_sixteen_courses() -> None:
    rng = np.random.default_rng(0)
    base = rng.uniform(0.6, 0.9, 21)
    assert paired(base + 0.01 + rng.normal(0, 0.005, 21), base).p < 0.001
    assert paired(base + rng.normal(0, 0.05, 21), base).p > 0.05


def test_courses_where_a_model_has_no_figure_are_left_out() -> None:
    result = paired(np.array([0.8, np.nan, 0.9]), np.array([0.7, 0.6, 0.8]))
    assert result.pairs == 2
    lonely = paired(np.array([0.8]), np.array([0.7]))
    assert np.isnan(lonely.p)
    assert np.isnan(lonely.p_wilcoxon)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=9))
def test_wilcoxon_counts_every_pattern_of_signs_ties_included(values: list[int]) -> None:
    moved = np.array([value for value in values if value], dtype=np.float64)
    order = np.sort(np.abs(moved))
    ranks = np.array([np.flatnonzero(order == size).mean() + 1 for size in np.abs(moved)])
    sums = np.array([(ranks * np.array(signs)).sum() for signs in product([0, 1], repeat=len(ranks))])
    seen = ranks[moved > 0].sum()
    expected = min(1.0, 2 * min(np.mean(sums <= seen + 1e-9), np.mean(sums >= seen - 1e-9)))
    assert wilcoxon(np.array(values, dtype=np.float64)) == pytest.approx(expected)


@pytest.mark.train
def test_wilcoxon_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    difference = np.random.default_rng(3).normal(0.01, 0.03, 21)
    assert wilcoxon(difference) == pytest.approx(stats.wilcoxon(difference, method="exact").pvalue)


@pytest.mark.parametrize("test", [sign_flip, wilcoxon])
def test_luck_is_called_significant_one_time_in_twenty_at_most(test: object) -> None:
    rng = np.random.default_rng(5)
    alarms = sum(test(rng.normal(0, 0.02, 10)) < 0.05 for _ in range(400))  # type: ignore[operator]
    assert 5 <= alarms <= 32


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])


def test_what_is_not_defined_does_not_count_in_the_correction() -> None:
    corrected = holm([0.02, float("nan"), 0.03])
    assert corrected[0] == pytest.approx(0.04)
    assert np.isnan(corrected[1])
