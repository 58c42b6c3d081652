"""Intervals cover a known effect: where chance decided, and where the more endangered got help."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nudge_xblock.atrisk.comparing import Compared, compare, propensity
from predictor.calibration import sigmoid
from predictor.effects import Unanswerable

ROUNDS = 150
N = 300


def world(rng: np.random.Generator, effect: float, confounded: bool) -> dict[str, Any]:
    """Learners whose risk drives what follows and, if `confounded`, who is helped; help adds `effect`."""
    context = rng.normal(size=(N, 4))
    risk = context[:, 0] + 0.5 * context[:, 1]
    chance = sigmoid(1.2 * risk) if confounded else np.full(N, 0.9)
    helped = rng.random(N) < chance
    outcome = 10.0 - 4.0 * risk + effect * helped + rng.normal(scale=3.0, size=N)
    return {"outcome": outcome, "helped": helped, "learner": np.arange(N), "context": context}


def covers(found: Compared, effect: float) -> bool:
    return found.low <= effect <= found.high


@pytest.mark.parametrize("effect", [0.0, 2.0])
def test_where_chance_decided_the_interval_covers(effect: float) -> None:
    rng = np.random.default_rng(int(10 * effect) + 1)
    found = [compare(**world(rng, effect, False), share=0.9) for _round in range(ROUNDS)]
    assert np.mean([covers(each, effect) for each in found]) >= 0.91
    assert abs(np.mean([each.difference for each in found]) - effect) < 0.25


@pytest.mark.parametrize("effect", [0.0, 2.0])
def test_where_the_endangered_are_helped_the_interval_covers_although_they_fare_worse(effect: float) -> None:
    rng = np.random.default_rng(int(10 * effect) + 3)
    hits, plain = [], []
    for _round in range(ROUNDS):
        made = world(rng, effect, True)
        hits.append(covers(compare(**made), effect))
        helped = made["helped"]
        plain.append(made["outcome"][helped].mean() - made["outcome"][~helped].mean())
    assert np.mean(plain) < effect - 3, "a plain difference would call help harmful"
    assert np.mean(hits) >= 0.9


def test_with_and_without_are_told_of_the_same_people_where_help_does_more_for_some() -> None:
    """Help adds .4 for those who are likelier to get it and nothing for the others."""
    rng = np.random.default_rng(9)
    found = []
    for _round in range(40):
        context = rng.normal(size=(N, 4))
        more = context[:, 0] > 0.0
        helped = rng.random(N) < np.where(more, 0.8, 0.3)
        outcome = (rng.random(N) < 0.3 + 0.4 * (helped & more)).astype(np.float64)
        found.append(compare(outcome, helped, np.arange(N), np.column_stack((context, more))))
    assert np.mean([each.with_it for each in found]) == pytest.approx(0.5, abs=0.02)
    assert np.mean([each.without for each in found]) == pytest.approx(0.3, abs=0.02)
    for each in found:
        assert each.low < each.with_it - each.without == each.difference < each.high
        assert 0.95 * N < each.n_with + each.n_without <= N


def test_too_few_on_a_side_are_not_compared() -> None:
    rng = np.random.default_rng(2)
    made = world(rng, 0.0, False)
    made["helped"] = np.arange(N) >= 9
    with pytest.raises(Unanswerable):
        compare(**made, share=0.9)
    with pytest.raises(Unanswerable):
        compare(**{**made, "helped": np.ones(N, np.bool_)})


def test_the_estimated_chance_follows_what_decided() -> None:
    rng = np.random.default_rng(4)
    made = world(rng, 0.0, True)
    chance = propensity(made["helped"], made["context"])
    true = sigmoid(1.2 * (made["context"][:, 0] + 0.5 * made["context"][:, 1]))
    assert np.corrcoef(chance, true)[0, 1] > 0.95
    assert abs(chance.mean() - made["helped"].mean()) < 1e-6
