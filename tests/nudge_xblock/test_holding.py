"""A chosen share is held back, whatever else is sent for certain, and at any scale of worth."""

from __future__ import annotations

import random
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock import gate, holding
from nudge_xblock.gate import Candidate, History, Policy


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
@pytest.mark.parametrize("cold", [0.0, 0.2])
@pytest.mark.parametrize("spared", [0.0, 0.05])
def test_the_share_is_reached_within_half_a_point_while_worths_drift(
    share: float, cold: float, spared: float
) -> None:
    chance = random.Random(1)
    policy = Policy(exploration=0.08, spared=spared)
    moments: deque[tuple[float | None, bool]] = deque(maxlen=3000)
    late = []
    for number in range(30_000):
        helpful = min(0.9, max(0.05, chance.gauss(0.3 + 0.1 * number / 30_000, 0.1)))
        told = None if chance.random() < cold else (helpful, 0.1, 0.9 - helpful)
        history = History(sent=9, answered=0 if told is None else 2)
        verdict = gate.decide([Candidate("a", prediction=told)], history, policy, chance.random())
        worth = None if told is None else gate.score(told, policy)
        moments.append((worth, verdict.variant is None))
        if number % 50 == 0:
            limit = holding.threshold(moments, share, policy.exploration, spared)
            policy = Policy(exploration=0.08, spared=spared, threshold=limit)
        if number >= 15_000:
            late.append(verdict.variant is None)
    assert abs(sum(late) / len(late) - share) < 0.005


def test_few_moments_set_no_threshold() -> None:
    judged = [(0.1, False)] * (holding.ENOUGH - 1)
    assert holding.threshold([*judged, *[(None, False)] * 500], 0.3, 0.1, 0.05) is None
    assert holding.threshold([], 0.3, 0.1, 0.05) is None


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_weight_stays_within_its_bounds(helpful: float, not_helpful: float) -> None:
    assert 1.0 <= holding.weight(helpful, not_helpful) <= 10.0


def test_the_weight_is_the_ratio_that_is_reached() -> None:
    assert holding.weight(3000, 1000) == pytest.approx(3.0, rel=0.01)


def test_what_follows_weighs_the_more_the_more_answers_differ() -> None:
    some = [place / 1000 for place in range(holding.ENOUGH)]
    assert holding.effect_weight(some[1:]) == 0.0
    assert holding.effect_weight([3 * worth for worth in some]) == pytest.approx(
        3 * holding.effect_weight(some)
    )
    assert holding.effect_weight([0.2] * holding.ENOUGH) == 0.0
