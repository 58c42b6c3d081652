"""What moved a risk: points by group that add up to the change exactly."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock.atrisk.moves import BASELINE, logit, moved

chances = st.floats(0.001, 0.999)
parts = st.dictionaries(st.sampled_from(["absence", "grades", "pace"]), st.floats(-4, 4), max_size=3)


@given(chances, chances, parts, parts)
def test_points_add_up_to_the_change(
    before: float, after: float, one: dict[str, float], other: dict[str, float]
) -> None:
    points = moved(before, after, one, other)
    assert sum(points.values()) == pytest.approx(100 * (after - before), abs=1e-6)
    assert set(points) == {*one, *other, BASELINE}


@given(chances, chances, parts, parts)
def test_what_raises_the_log_odds_raises_the_risk(
    before: float, after: float, one: dict[str, float], other: dict[str, float]
) -> None:
    for group, change in moved(before, after, one, other).items():
        if group != BASELINE:
            rise = other.get(group, 0.0) - one.get(group, 0.0)
            assert math.copysign(1, change) == math.copysign(1, rise) or abs(change) < 1e-9


@given(chances, parts)
def test_nothing_that_stays_has_moved(chance: float, same: dict[str, float]) -> None:
    assert all(abs(change) < 1e-9 for change in moved(chance, chance, same, same).values())


@given(chances, parts, parts)
def test_groups_that_weigh_each_other_out_are_told_all_the_same(
    chance: float, one: dict[str, float], other: dict[str, float]
) -> None:
    points = moved(chance, chance, one, other)
    assert sum(points.values()) == pytest.approx(0, abs=1e-6)
    for group, change in points.items():
        if group != BASELINE:
            rise = other.get(group, 0.0) - one.get(group, 0.0)
            assert change == pytest.approx(100 * chance * (1 - chance) * rise, abs=1e-6)


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_certainty_has_log_odds_too(chance: float) -> None:
    assert math.isfinite(logit(chance))
    assert math.isfinite(sum(moved(0.5, chance, {}, {"absence": 1.0}).values()))
