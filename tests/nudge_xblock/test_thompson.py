"""The chance of being best: against sampling, exact where it must be, and the same every time."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nudge_xblock.thompson import shares

beliefs = st.lists(st.tuples(st.floats(-1.0, 1.0), st.floats(0.0, 0.5)), min_size=1, max_size=8)


@settings(max_examples=500, deadline=None)
@given(beliefs)
def test_they_are_shares_of_one_and_the_same_every_time(rows: list[tuple[float, float]]) -> None:
    means, deviations = [row[0] for row in rows], [row[1] for row in rows]
    found = shares(means, deviations)
    assert math.fsum(found) == pytest.approx(1.0, abs=1e-12)
    assert all(share >= 0.0 for share in found)
    assert found == shares(tuple(means), tuple(deviations))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=8), st.floats(0.01, 0.5))
def test_of_beliefs_equally_sure_the_better_is_likelier_the_best(means: list[float], spread: float) -> None:
    found = shares(means, [spread] * len(means))
    order = sorted(range(len(means)), key=lambda place: means[place])
    assert all(found[low] <= found[high] + 1e-9 for low, high in pairwise(order))


@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_they_are_how_often_each_of_many_samples_is_the_largest(count: int) -> None:
    draws = np.random.default_rng(count)
    for _ in range(5):
        means, deviations = draws.normal(0.2, 0.05, count), draws.uniform(0.02, 0.08, count)
        winners = draws.normal(means, deviations, (200_000, count)).argmax(axis=1)
        seen = np.bincount(winners, minlength=count) / 200_000
        assert np.allclose(shares(means.tolist(), deviations.tolist()), seen, atol=0.012)


def test_certain_beliefs_leave_no_choice_and_the_first_of_equals_wins() -> None:
    assert shares([0.2, 0.5, 0.5], [0.0, 0.0, 0.0]) == [0.0, 1.0, 0.0]
    assert shares([0.2], [0.3]) == [1.0]


def test_equals_share_alike() -> None:
    assert shares([0.3] * 5, [0.1] * 5) == pytest.approx([0.2] * 5)
    assert shares([0.3] * 2, [0.1] * 2) == [0.5, 0.5]


def test_one_certain_belief_among_uncertain_ones_is_weighed() -> None:
    found = shares([0.3, 0.3, 0.3], [0.0, 0.1, 0.1])
    assert found[0] == pytest.approx(0.25, abs=0.06)
    assert shares([0.0, 9.0, -3.0], [0.0, 1.0, 1.0]) == pytest.approx([0.0, 1.0, 0.0], abs=1e-6)
