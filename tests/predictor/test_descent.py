"""The least value of a function is found."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.descent import minimum


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_a_quadratic_is_least_where_algebra_says(seed: int, size: int) -> None:
    chance = np.random.default_rng(seed)
    root = chance.normal(size=(size, size))
    bend, target = root @ root.T + np.eye(size), chance.normal(size=size)
    found = minimum(
        lambda at: (0.5 * float(at @ bend @ at - 2 * target @ at), bend @ at - target), np.zeros(size), 400
    )
    least = np.linalg.solve(bend, target)
    lost = 0.5 * float((found - least) @ bend @ (found - least))
    assert lost < 1e-3


def test_where_nothing_can_be_gained_it_stays() -> None:
    start = np.array([1.0, 2.0])
    found = minimum(lambda at: (0.0, np.zeros(2)), start, 10)
    np.testing.assert_array_equal(found, start)
