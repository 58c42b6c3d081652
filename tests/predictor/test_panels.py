"""Effects without a random group: what each method stands on is checked, and bent data is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.panels import Panel, Unanswerable, difference_in_differences, onto_simplex, synthetic_control


def drawn(
    seed: int, treated: int = 8, others: int = 12, periods: int = 16, effect: float = 1.0, drift: float = 0.0
) -> Panel:
    """Units with levels of their own, a common season, noise that lasts; `drift` bends the treated ones."""
    draws = np.random.default_rng(seed)
    count = treated + others
    noise = draws.normal(size=(count, periods))
    for period in range(1, periods):
        noise[:, period] += 0.6 * noise[:, period - 1]
    values = draws.normal(5.0, 2.0, (count, 1)) + draws.normal(size=periods) + noise
    starts = np.full(count, -1)
    starts[:treated] = draws.integers(6, 11, treated)
    for unit in range(treated):
        values[unit, starts[unit] :] += effect
        values[unit] += drift * np.arange(periods)
    return Panel(values, starts)


def factors(seed: int, others: int = 24, periods: int = 24, start: int = 16, effect: float = 0.0) -> Panel:
    """Units that follow three hidden trends in shares of their own; the first one is treated."""
    draws = np.random.default_rng(seed)
    trends = np.cumsum(draws.normal(size=(3, periods)), axis=1)
    values = draws.dirichlet(np.ones(3), others + 1) @ trends + 0.3 * draws.normal(size=(others + 1, periods))
    values[0, start:] += effect
    starts = np.full(others + 1, -1)
    starts[0] = start
    return Panel(values + draws.normal(0.0, 3.0, (others + 1, 1)), starts)


def test_differences_in_differences_cover_the_truth_though_noise_lasts() -> None:
    found = [difference_in_differences(drawn(seed)) for seed in range(200)]
    covered = sum(each.effect.low <= 1.0 <= each.effect.high for each in found)
    assert 181 <= covered <= 199
    assert np.mean([each.effect.value for each in found]) == pytest.approx(1.0, abs=0.15)


def test_parallel_trends_are_seldom_doubted_and_bent_ones_often() -> None:
    straight = [difference_in_differences(drawn(seed)).parallel for seed in range(100)]
    bent = [difference_in_differences(drawn(seed, drift=0.4)).parallel for seed in range(100)]
    assert sum(straight) >= 88
    assert sum(bent) <= 40


def test_units_treated_early_are_no_controls_for_later_ones() -> None:
    """An effect that grows would be turned around if they were."""
    panel = drawn(1, treated=10, others=30, effect=0.0)
    values = panel.values.copy()
    for unit, start in enumerate(panel.starts[:10].tolist()):
        values[unit, start:] += np.arange(16 - start)
    truth = np.mean([np.arange(16 - start).mean() for start in panel.starts[:10].tolist()])
    found = difference_in_differences(Panel(values, panel.starts)).effect
    assert abs(found.value - truth) < 4.0 * found.error


def test_a_synthetic_control_finds_the_effect_and_how_rare_it_is() -> None:
    found = synthetic_control(factors(1, effect=3.0))
    assert found.effect == pytest.approx(3.0, abs=0.6)
    assert found.p_value == pytest.approx(1 / 25)
    assert found.low > 0.0
    assert found.level == 0.95
    assert found.weights.sum() == pytest.approx(1.0)
    assert found.weights.min() >= 0.0
    assert found.gaps.shape == (24,)


def test_pretended_effects_are_found_no_more_often_than_chance() -> None:
    found = [synthetic_control(factors(seed, others=19, periods=18, start=12)) for seed in range(30)]
    assert sum(each.p_value <= 0.2 for each in found) <= 13
    assert sum(each.low <= 0.0 <= each.high for each in found) >= 24


def test_few_other_units_allow_no_95_percent() -> None:
    assert synthetic_control(factors(2, others=5)).level == pytest.approx(5 / 6)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12))
def test_the_projection_gives_the_nearest_shares(values: list[float]) -> None:
    [found] = onto_simplex(np.array([values]))
    assert found.sum() == pytest.approx(1.0)
    assert found.min() >= 0.0
    gap = np.array(values) - found
    assert np.all(gap[found > 1e-9] >= gap.max() - 1e-9)


def test_what_cannot_be_answered_says_why() -> None:
    panel = drawn(1)
    with pytest.raises(Unanswerable, match="2 of each"):
        difference_in_differences(Panel(panel.values, np.full(20, -1)))
    with pytest.raises(Unanswerable, match="periods before"):
        difference_in_differences(Panel(panel.values, np.where(panel.starts >= 0, 2, -1)))
    with pytest.raises(Unanswerable, match="one treated unit, not 8"):
        synthetic_control(panel)
    with pytest.raises(Unanswerable, match="3 units were never treated"):
        synthetic_control(factors(1, others=3))
    with pytest.raises(Unanswerable, match="periods before"):
        synthetic_control(factors(1, start=3))


@pytest.mark.parametrize(
    ("values", "starts", "words"),
    [
        (np.full((2, 3), np.nan), [0, -1], "every unit"),
        (np.zeros((2, 3)), [3, -1], "a start is"),
        (np.zeros((2, 3)), [1], "one start"),
    ],
)
def test_a_panel_that_is_none_is_refused(values: np.ndarray, starts: list[int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Panel(values, np.array(starts))
