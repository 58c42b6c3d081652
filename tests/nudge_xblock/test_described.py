"""What the model is told of a learner's past: their own rate beside the one foreseen."""

from __future__ import annotations

import numpy as np
import pytest

from nudge_xblock import described
from nudge_xblock.gate import Tally
from predictor import features
from predictor.features import Answers, Behaviour, Course, History, Message
from predictor.helpfulness import HelpfulnessModel

NAMES = features.names(0, ())


def vector(history: History, kind: str = "review") -> np.ndarray:
    return features.features((), {}, history, {}, Behaviour(), Course(), Message(kind))[1]


def liking(helpful: float, foreseen: float) -> float:
    total = Answers(sent=9.0, helpful=helpful, foreseen_helpful=foreseen)
    return float(vector(History(total=total, kinds={"review": total}))[NAMES.index("history.liking")])


def test_who_answers_as_foreseen_is_nothing_special() -> None:
    assert liking(3.0, 3.0) == liking(0.0, 0.0) == 0.0
    assert liking(4.0, 2.0) > 0.0 > liking(0.0, 2.0)


def test_the_same_surprise_says_more_the_more_was_foreseen() -> None:
    assert abs(liking(0.0, 0.3)) < abs(liking(0.0, 3.0))


def test_a_taste_for_one_kind_is_what_goes_beyond_the_whole() -> None:
    mine = Answers(sent=5.0, helpful=4.0, foreseen_helpful=2.0)
    others = Answers(sent=5.0, foreseen_helpful=2.0)
    alone = vector(History(total=mine, kinds={"review": mine}))
    both = Answers(sent=10.0, helpful=4.0, foreseen_helpful=4.0)
    among = vector(History(total=both, kinds={"review": mine, "plan": others}))
    place = NAMES.index("message.kind_liking")
    assert 0.0 < alone[place] < among[place]


def test_without_a_model_the_messages_own_shares_are_foreseen() -> None:
    message = described.message("review", "unit_seen", [Tally(100.0, 30.0, 10.0)], 20.0)
    rows = features.features((), {}, History(), {}, Behaviour(), Course(), message)[1][None]
    found = described.foreseen(None, NAMES, rows)
    expected = [message.helpful, message.not_helpful, described.DISMISSALS]
    assert found[0] == pytest.approx(expected, abs=1e-6)


def test_what_is_foreseen_does_not_know_the_learners_past() -> None:
    chance = np.random.default_rng(1)
    rows = chance.normal(size=(2000, len(NAMES))).astype(np.float32)
    place = NAMES.index("history.liking")
    outcomes = np.where(rows[:, place] + chance.normal(size=2000) > 0, 0, 1)
    model = HelpfulnessModel.fit(rows, outcomes, np.ones(2000), NAMES, seed=1)
    other = rows.copy()
    other[:, place] = 3.0
    assert np.abs(model.predict(rows) - model.predict(other)).mean() > 0.1
    np.testing.assert_array_equal(model.foresee(rows), model.foresee(other))
