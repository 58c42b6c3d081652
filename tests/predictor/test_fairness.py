"""Planted gaps are found and told apart; where there is none, the alarm keeps to its rate."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from predictor.fairness import Scores, Served
from predictor.metrics import abroca, auc, ece

Draw = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]


def drawn(rng: np.random.Generator, n: int = 1200, share: float = 0.25) -> Draw:
    """Outcomes that keep to their probabilities, and a group that means nothing."""
    chances = rng.beta(1.5, 3.0, n)
    return (rng.random(n) < chances).astype(np.int64), chances, rng.random(n) < share


def served(draw: Draw, seed: int = 0) -> Served:
    labels, chances, group = draw
    return Scores(labels, chances, seed).of(group)


def test_figures_are_the_exact_ones_and_lie_in_their_intervals() -> None:
    labels, chances, group = drawn(np.random.default_rng(0))
    found = served((labels, chances, group))
    assert found.n == group.sum()
    assert found.auc.value == auc(labels[group], chances[group])
    assert found.ece.value == ece(labels[group], chances[group])
    assert found.area.value == found.ranking.value == abroca(labels, chances, group)
    assert found.auc.low < found.auc.value < found.auc.high
    assert found.predicted == pytest.approx(found.observed, abs=0.06)


def test_a_planted_calibration_gap_is_found_and_is_no_ranking_gap() -> None:
    labels, chances, group = drawn(np.random.default_rng(1), n=3000)
    odds = np.where(group, chances / (1 - chances) * 2.5, chances / (1 - chances))
    labels = (np.random.default_rng(2).random(3000) < odds / (1 + odds)).astype(np.int64)
    found = served((labels, chances, group))
    assert found.calibration.p < 0.001
    assert found.calibration.value > 3 * found.calibration.chance
    assert found.observed > found.predicted + 0.1
    assert found.ranking.p > 0.05


def test_a_planted_ranking_gap_is_found_and_is_no_calibration_gap() -> None:
    rng = np.random.default_rng(3)
    labels, chances, group = drawn(rng, n=3000)
    chances = np.where(group, rng.beta(30, 60, 3000), chances)
    labels = (rng.random(3000) < chances).astype(np.int64)
    found = served((labels, chances, group))
    assert found.ranking.p < 0.001
    assert found.area.low > found.ranking.chance
    assert found.calibration.p > 0.05


def test_noise_raises_the_alarm_no_more_often_than_promised() -> None:
    rng = np.random.default_rng(4)
    found = [served(drawn(rng, n=400), seed) for seed in range(60)]
    for kind in ("ranking", "calibration"):
        alarms = sum(getattr(each, kind).p < 0.05 for each in found)
        assert alarms <= 8, kind


def test_small_bins_of_the_same_score_do_not_raise_it_either() -> None:
    rng = np.random.default_rng(5)
    alarms = 0
    for seed in range(30):
        labels, chances, group = drawn(rng, n=300, share=0.08)
        alarms += served((labels, np.round(chances, 1), group), seed).calibration.p < 0.05
    assert alarms <= 5


@pytest.mark.parametrize("labels", [[1, 1, 0, 1], [1, 0, 1, 1]])
def test_without_both_outcomes_on_a_side_there_is_no_area(labels: list[int]) -> None:
    group = np.array([True, True, False, False])
    found = served((np.array(labels), np.array([0.1, 0.2, 0.3, 0.4]), group))
    assert np.isnan([found.area.value, found.area.low, found.ranking.p]).all()


def test_a_group_of_everyone_has_no_gap_to_speak_of() -> None:
    labels, chances, _ = drawn(np.random.default_rng(6), n=100)
    found = served((labels, chances, np.ones(100, dtype=np.bool_)))
    assert np.isnan([found.calibration.p, found.ranking.p]).all()
    assert found.auc.value == auc(labels, chances)


def test_the_same_seed_gives_the_same_intervals() -> None:
    draw = drawn(np.random.default_rng(7), n=200)
    assert served(draw) == served(draw)
