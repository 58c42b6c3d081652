"""Tiers: where they begin, and that nobody hops in and out of them at a limit."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nudge_xblock.atrisk import tiers
from nudge_xblock.atrisk.models import Tier
from nudge_xblock.atrisk.tiers import CLEAR_POINTS, HIGH, MARGINAL, MODERATE, ORDER, Limits

LIMITS = Limits(50, 70, 85)
chances = st.floats(0.0, 1.0)


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    low, middle, top = sorted(draw(st.sets(st.integers(1, 100), min_size=3, max_size=3)))
    return Limits(low, middle, top)


def test_the_tiers_are_those_that_are_stored() -> None:
    assert tuple(Tier.values) == ORDER


@pytest.mark.parametrize(
    ("chance", "tier"),
    [
        (0.0, ""), (0.494, ""), (0.495, MARGINAL), (0.69, MARGINAL), (0.7, MODERATE), (0.845, HIGH),
        (1.0, HIGH),
    ],
)  # fmt: skip
def test_a_tier_begins_at_its_percent_as_staff_see_it(chance: float, tier: str) -> None:
    assert tiers.tier_of(chance, LIMITS) == tier


@pytest.mark.parametrize("wrong", [(0, 50, 60), (50, 50, 60), (60, 50, 70), (50, 60, 101)])
def test_limits_that_do_not_rise_are_refused(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="Limits rise"):
        Limits(*wrong)


@given(chances, chances, limits())
def test_more_risk_is_never_less_urgent(one: float, other: float, limits: Limits) -> None:
    low, high = sorted((one, other))
    assert tiers.rank(tiers.tier_of(low, limits)) <= tiers.rank(tiers.tier_of(high, limits))


@given(chances, limits(), st.sampled_from(ORDER))
def test_up_at_once_and_down_only_where_it_is_certain(chance: float, limits: Limits, before: str) -> None:
    now, after = tiers.tier_of(chance, limits), tiers.moved(chance, limits, before)
    assert after in ORDER
    if tiers.rank(now) >= tiers.rank(before):
        assert after == now
    if tiers.rank(after) < tiers.rank(before):
        assert tiers.percent(chance) < limits.of(before) - CLEAR_POINTS + 1
        assert tiers.rank(after) >= tiers.rank(now)


@given(chances, limits(), st.sampled_from(ORDER))
def test_the_same_chance_again_moves_nothing(chance: float, limits: Limits, before: str) -> None:
    after = tiers.moved(chance, limits, before)
    assert tiers.moved(chance, limits, after) == after


@given(chances, limits())
def test_who_is_clear_is_in_no_tier_and_who_is_in_one_is_not_clear(chance: float, limits: Limits) -> None:
    assume(limits.marginal > CLEAR_POINTS)
    if tiers.is_clear(chance, limits):
        assert tiers.tier_of(chance + (CLEAR_POINTS - 1) / 100, limits) == ""
    if tiers.tier_of(chance, limits):
        assert not tiers.is_clear(chance, limits)


@given(st.lists(st.integers(-2, 2), max_size=40))
def test_a_chance_that_wavers_about_a_limit_changes_the_tier_once_at_most(steps: list[int]) -> None:
    tier, changes = MODERATE, 0
    for step in steps:
        after = tiers.moved(0.85 + step / 100, LIMITS, tier)
        changes += after != tier
        tier = after
    assert changes <= 1
