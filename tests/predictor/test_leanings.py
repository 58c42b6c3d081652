"""A learner's own leanings, from what is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor import leanings
from predictor.leanings import Answers, Own, of_learner

SHARES = np.array([0.25, 0.08, 0.45, 0.22])
"""Helpful, not helpful, none, dismissed: of an average learner."""
LIKING = np.array([0.5, -0.5, 0.0, -0.3])


def answered(count: int, liking: float, seed: int) -> Answers:
    """What somebody who likes messages so much does with `count` of them."""
    chances = SHARES * np.exp(LIKING * liking)
    drawn = np.random.default_rng(seed).multinomial(count, chances / chances.sum())
    helpful, not_helpful, _, dismissed = map(float, drawn)
    foreseen = (count * SHARES).tolist()
    return Answers(float(count), helpful, not_helpful, 0.0, dismissed, foreseen[0], foreseen[1], foreseen[3])


def test_of_whom_nothing_is_known_is_average() -> None:
    assert of_learner(Answers(), {}) == Own()


@pytest.mark.parametrize("liking", [-1.0, 0.0, 1.0])
def test_liking_is_found_with_enough_answers(liking: float) -> None:
    found = [
        of_learner(each, {"review": each}).liking for each in (answered(400, liking, s) for s in range(9))
    ]
    assert abs(float(np.mean(found)) - liking) < 0.25


def test_over_learners_the_estimate_is_nearer_than_none_and_leans_neither_way() -> None:
    chance = np.random.default_rng(1)
    truth = chance.normal(size=2000)
    rows = [answered(10, each, seed) for seed, each in enumerate(truth)]
    found = np.array([of_learner(each, {"plan": each}).liking for each in rows])
    assert np.mean((found - truth) ** 2) < 0.85 * np.mean(truth**2)
    assert abs(found.mean()) < 0.1


def test_a_taste_is_what_goes_beyond_other_kinds() -> None:
    likes, others = answered(30, 1.2, 3), answered(30, 0.0, 4)
    total = Answers(*(getattr(likes, f) + getattr(others, f) for f in Answers.__slots__))
    own = of_learner(total, {"review": likes, "plan": others})
    assert own.tastes["review"] > 0.0 > own.tastes["plan"]


counts = st.floats(0.0, 50.0)


@given(counts, counts, counts, counts)
def test_every_leaning_is_finite_and_grows_with_helpful_votes(
    a: float, b: float, c: float, sent: float
) -> None:
    answers = Answers(a + b + c + sent, a, b, 0.0, c, sent * 0.2, sent * 0.1, sent * 0.2)
    more = replace(answers, helpful=a + 1.0)
    less, own = of_learner(answers, {"plan": answers}), of_learner(more, {"plan": more})
    assert np.isfinite([own.liking, own.readiness, own.tastes.get("plan", 0.0)]).all()
    assert own.liking >= less.liking


def test_the_loadings_are_those_of_the_model() -> None:
    from predictor.penalised import DISMISSED, HELPFUL, LOADINGS, NOT_HELPFUL

    own = leanings.HELPFUL, leanings.NOT_HELPFUL, leanings.DISMISSED
    assert own == tuple(LOADINGS[0][place] for place in (HELPFUL, NOT_HELPFUL, DISMISSED))
