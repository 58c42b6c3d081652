"""Bumps and the curves that they make."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.basis import DEGREE, bumps, roughness

sizes = st.integers(4, 12)
shares = st.lists(st.floats(0, 1), min_size=1, max_size=20).map(np.array)


@given(shares, sizes)
def test_bumps_are_never_negative_and_sum_to_one(share: np.ndarray, size: int) -> None:
    values = bumps(share, size)
    assert values.shape == (len(share), size)
    assert (values >= 0).all()
    np.testing.assert_allclose(values.sum(axis=1), 1.0, atol=1e-12)


@given(shares, sizes)
def test_they_are_the_splines_of_scipy(share: np.ndarray, size: int) -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    pieces = size - DEGREE
    knots = np.arange(-DEGREE, pieces + DEGREE + 1) / pieces
    expected = interpolate.BSpline.design_matrix(share, knots, DEGREE).toarray()
    np.testing.assert_allclose(bumps(share, size), expected, atol=1e-9)


@given(st.floats(-5, 5), st.floats(-5, 5), shares, sizes)
def test_weights_on_a_line_make_a_line(level: float, slope: float, share: np.ndarray, size: int) -> None:
    middles = (np.arange(size) - 1) / (size - DEGREE)
    np.testing.assert_allclose(
        bumps(share, size) @ (level + slope * middles), level + slope * share, atol=1e-9
    )


def test_before_the_start_and_after_the_end_a_curve_stays_what_it_is() -> None:
    np.testing.assert_array_equal(bumps(np.array([-3.0, 7.0]), 6), bumps(np.array([0.0, 1.0]), 6))


def test_flat_curves_alone_are_not_rough() -> None:
    penalty = roughness(7)
    flat, bent = np.ones(7), np.arange(7.0)
    assert flat @ penalty @ flat == pytest.approx(0)
    assert bent @ penalty @ bent == pytest.approx(6)
