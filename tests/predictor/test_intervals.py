"""Intervals of means of skewed and of dependent values."""

from __future__ import annotations

import numpy as np
import pytest

from predictor import intervals


def test_without_skewness_it_is_students_interval() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    found = intervals.mean(values)
    assert found.value == 3.5
    assert found.error == pytest.approx(values.std(ddof=1) / np.sqrt(6))
    assert found.high - 3.5 == pytest.approx(2.5706 * found.error, rel=1e-3)  # t with 5 degrees of freedom
    assert 3.5 - found.low == pytest.approx(found.high - 3.5)


@pytest.mark.parametrize(("free", "quantile"), [(2, 4.3027), (5, 2.5706), (30, 2.0423), (1e9, 1.95996)])
def test_students_quantile_is_that_of_the_tables(free: float, quantile: float) -> None:
    assert intervals.student(intervals.Z_95, free) == pytest.approx(quantile, rel=0.01)


def test_long_tailed_values_are_held_more_often_than_by_a_normal_interval() -> None:
    rng = np.random.default_rng(3)
    held, plain = 0, 0
    for _ in range(600):
        values = rng.exponential(1.0, 40) * (rng.random(40) < 0.3)
        found = intervals.mean(values)
        held += found.low <= 0.3 <= found.high
        plain += abs(found.value - 0.3) <= intervals.Z_95 * found.error
    assert held > plain
    assert held / 600 > 0.92


def test_the_longer_side_of_the_interval_is_that_of_the_tail() -> None:
    values = np.append(np.zeros(50), [1.0, 1.0, 5.0])
    found = intervals.mean(values)
    assert found.high - found.value > 1.5 * (found.value - found.low)
    mirrored = intervals.mean(-values)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_values_of_one_learner_count_once() -> None:
    values = np.random.default_rng(0).normal(size=50)
    tenfold, whose = np.repeat(values, 10), np.repeat(np.arange(50), 10).astype(str)
    once, clustered = intervals.mean(values), intervals.mean(tenfold, whose)
    assert (clustered.error, clustered.low, clustered.high) == pytest.approx(
        (once.error, once.low, once.high)
    )


def test_one_value_has_no_interval_and_equal_ones_a_point() -> None:
    assert intervals.mean(np.ones(1)).high == np.inf
    assert intervals.mean(np.ones(5), np.array(["one"] * 5)).low == -np.inf
    assert intervals.mean(np.ones(5)) == intervals.Estimate(1.0, 0.0, 1.0, 1.0)
