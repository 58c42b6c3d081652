"""Vectors as decisions keep them: exact, compact, and never mixed with those of another layout."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nudge_xblock import vectors
from nudge_xblock.vectors import Seen
from predictor import features
from predictor.features import Behaviour, Course, History, Message
from predictor.helpfulness import HelpfulnessModel

READING = {"leave": 0.2, "pass": 0.6}


def seen(hidden: int = 3) -> Seen:
    state = np.linspace(-1, 1, hidden, dtype=np.float32)
    shared = features.shared(state, READING, History(), {}, Behaviour(), Course())
    parts = {
        name: features.of_message(History(), Message(kind)) for name, kind in (("5", "plan"), ("9", "review"))
    }
    return Seen(hidden, ("leave", "pass"), shared, parts)


floats = st.floats(width=32, allow_nan=False)


@settings(max_examples=100, deadline=None)
@given(arrays(np.float32, st.integers(0, 80), elements=floats))
def test_vectors_survive_json_bit_for_bit(values: np.ndarray) -> None:
    there = json.loads(json.dumps(vectors.kept(Seen(0, (), values, {"1": values[:3]}), ["1"])))
    back = vectors.unkept(there)
    assert back is not None
    assert back.shared.tobytes() == values.astype("<f4").tobytes()
    assert back.messages["1"].tobytes() == values[:3].astype("<f4").tobytes()


def test_only_the_decisions_own_candidates_are_kept() -> None:
    back = vectors.unkept(vectors.kept(seen(), ["9"]))
    assert back is not None
    assert list(back.messages) == ["9"]
    assert back.names == seen().names


def test_vectors_of_another_layout_are_left_alone() -> None:
    kept = vectors.kept(seen(), ["5"])
    assert vectors.unkept({**kept, "layout": "0123456789abcdef"}) is None
    assert vectors.unkept({}) is None
    assert vectors.unkept([]) is None


def model(names: tuple[str, ...]) -> HelpfulnessModel:
    chance = np.random.default_rng(1)
    rows = chance.normal(size=(60, len(names)))
    return HelpfulnessModel.fit(rows, np.arange(60) % 3, np.ones(60), names, seed=1)


def test_a_model_without_the_lstm_reads_vectors_that_have_it() -> None:
    found = vectors.predict(model(features.names(0, ())), seen())
    assert found is not None
    assert list(found) == ["5", "9"]
    assert sum(found["5"]) == pytest.approx(1.0)


def test_a_model_that_needs_the_lstm_is_not_asked_without_it() -> None:
    needs = model(features.names(3, ("leave", "pass")))
    assert vectors.predict(needs, seen()) is not None
    assert vectors.predict(needs, seen(2)) is None
