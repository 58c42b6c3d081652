"""Measures of answers, with whole learners drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nudge_xblock import measures


def answers(n: int, each: int = 1, seed: int = 0) -> tuple[Any, Any, Any]:
    """Truth, chances that know it somewhat, and whose they are: `each` answers about a learner are alike."""
    rng = np.random.default_rng(seed)
    chance = np.repeat(rng.uniform(0.1, 0.9, n), each)
    truth = np.repeat((rng.random(n) < chance[::each]).astype(float), each)
    return truth, chance, np.repeat(np.arange(n), each).astype(str)


def test_what_is_not_defined_is_none() -> None:
    assert measures.measured(np.zeros(5), np.full(5, 0.2))["auc"] is None
    assert measures.measured(np.array([0.0, 1.0]), np.array([np.nan, 0.5])) == {
        **measures.BLANK,
        "finite": False,
    }


def test_a_models_figures_are_its_auc_calibration_and_loss() -> None:
    truth, chance, _ = answers(2000)
    found = measures.measured(truth, chance)
    assert 0.65 < found["auc_low"] < found["auc"] < found["auc_high"] < 0.85
    assert found["ece"] < 0.05
    assert found["loss"] == pytest.approx(measures.losses(truth, chance).mean(), abs=1e-4)


def test_a_rise_of_the_loss_is_surer_than_either_loss_and_counts_learners() -> None:
    truth, chance, learners = answers(500)
    worse = np.clip(chance + 0.15, 0.0, 1.0)
    lost = measures.losses(truth, worse), measures.losses(truth, chance)
    found = measures.rise(*lost, learners)
    assert found["rise"] > 3 * found["error"] > 0.0
    tenfold = measures.rise(*(np.repeat(each, 10) for each in lost), np.repeat(learners, 10))
    assert tenfold == pytest.approx(found, rel=0.01)


def test_the_error_of_an_auc_s_drop_is_that_of_fresh_samples() -> None:
    drops, told = [], []
    for seed in range(40):
        truth, chance, learners = answers(150, each=3, seed=seed)
        noisy = chance + np.random.default_rng(100 + seed).normal(0, 0.2, len(chance))
        figures = [measures.measured(truth, np.clip(said, 0.01, 0.99))["auc"] for said in (chance, noisy)]
        drops.append(figures[0] - figures[1])
        told.append(measures.drop_error(truth, noisy, chance, learners))
    assert np.mean(told) == pytest.approx(np.std(drops), rel=0.4)


def grouped(unfair: bool) -> list[dict[str, Any]]:
    """Gaps of a model that answers a quarter of the learners by chance, or none."""
    truth, chance, learners = answers(600, seed=3)
    group = np.where(np.arange(600) % 4 == 0, "f", "m")
    mixed = np.random.default_rng(1).permutation(chance)
    new = np.where((group == "f") & unfair, mixed, chance)
    return measures.gaps(truth, new, chance, learners, {"gender": group}, 0.05)


def test_a_gap_that_grew_is_measured_with_its_error() -> None:
    found = {each["group"]: each for each in grouped(unfair=True)}
    assert found["f"]["new"] - found["f"]["old"] > 2.5 * found["f"]["error"] > 0.0
    assert found["f"]["n"] == 150
    same = {each["group"]: each for each in grouped(unfair=False)}
    assert same["f"]["new"] == same["f"]["old"]


def test_small_groups_and_nobodys_are_left_out() -> None:
    truth, chance, learners = answers(200)
    group = np.where(np.arange(200) < 8, "few", "")
    assert measures.gaps(truth, chance, chance, learners, {"gender": group}, 0.05) == []
