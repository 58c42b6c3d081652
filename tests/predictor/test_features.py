"""Feature vectors: complete, finite, in a stable order, whatever is known of a learner."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor import features
from predictor.features import DAY, Answers, Behaviour, Course, History, Message

HIDDEN = np.linspace(-1, 1, 4, dtype=np.float32)
READING = {"pass": 0.7, "leave": 0.2}


def vector(**changes: Any) -> dict[str, float]:
    """The features by name, of a learner of whom nothing is known but what is given."""
    given_ = {
        "hidden": HIDDEN,
        "reading": READING,
        "history": History(),
        "profile": {},
        "behaviour": Behaviour(),
        "course": Course(),
        "message": Message(),
    } | changes
    names, values = features.features(**given_)
    assert len(names) == len(values) == len(set(names))
    assert np.isfinite(values).all()
    return dict(zip(names, values.tolist(), strict=True))


ages = st.lists(st.floats(0, 30 * DAY), max_size=40).map(lambda found: sorted(found, reverse=True))
json_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)


@settings(max_examples=200, deadline=None)
@given(
    ages,
    st.dictionaries(
        st.sampled_from(["gender", "birth_year", "country", "education", "language"]), json_values
    ),
)
def test_every_value_is_finite_and_moderate(found: list[float], profile: dict[str, Any]) -> None:
    tokens = [
        ("problem_check_incorrect", "seq_next", "no such thing")[index % 3] for index in range(len(found))
    ]
    answers = Answers(5, 1, 2, 0, 3)
    values = vector(
        behaviour=Behaviour(tokens, found, "verified", 3),
        history=History(answers, {"review": answers}, found[:5]),
        profile=profile,
    )
    assert max(map(abs, values.values())) < 30.0


def test_the_newest_events_weigh_most_in_the_order() -> None:
    same = [300.0, 200.0, 100.0]
    first = vector(behaviour=Behaviour(["showanswer", "seq_next", "problem_check_incorrect"], same))
    last = vector(behaviour=Behaviour(["problem_check_incorrect", "seq_next", "showanswer"], same))
    assert first["recent.wrong_1200s"] == last["recent.wrong_1200s"]
    assert first["recent.wrong_last_0.6"] > last["recent.wrong_last_0.6"]
    assert first["recent.wrong_in_a_row"] == 1.0


def test_pace_and_visit_are_read_off_the_gaps() -> None:
    quick = vector(behaviour=Behaviour(["seq_next"] * 5, [8.0, 6.0, 4.0, 2.0, 0.0]))
    slow = vector(behaviour=Behaviour(["seq_next"] * 5, [800.0, 600.0, 400.0, 200.0, 0.0]))
    back = vector(behaviour=Behaviour(["seq_next"] * 3, [9 * DAY, 60.0, 0.0]))
    assert quick["recent.pace"] < slow["recent.pace"]
    assert back["recent.days_away"] > slow["recent.days_away"] == 0.0
    assert back["recent.visit_events"] == pytest.approx(np.log(2.0), rel=1e-6)


def test_nothing_known_is_told_apart_from_nothing_done() -> None:
    assert vector()["recent.known"] == 0.0
    assert vector(behaviour=Behaviour(["page_close"], [5.0]))["recent.known"] == 1.0
    assert vector()["profile.known"] == 0.0
    assert vector(profile={"gender": "f"})["profile.female"] == 1.0


def test_an_answer_to_a_kind_speaks_for_messages_of_that_kind() -> None:
    history = History(Answers(4, 2, 1), {"plan": Answers(2, 2, 0)}, [DAY])
    plan = vector(history=history, message=Message(kind="plan"))
    review = vector(history=history, message=Message(kind="review"))
    assert plan["message.kind_liking"] > review["message.kind_liking"]
    assert plan["history.liking"] == review["history.liking"]
    assert (plan["kind.plan"], review["kind.plan"]) == (1.0, 0.0)


def test_an_unknown_kind_is_other() -> None:
    assert vector(message=Message(kind="haiku"))["kind.other"] == 1.0


def test_targets_are_sorted_so_that_their_order_never_matters() -> None:
    one, two = vector(reading={"pass": 0.7, "leave": 0.2}), vector(reading={"leave": 0.2, "pass": 0.7})
    assert json.dumps(one) == json.dumps(two)


def test_another_lstms_state_replaces_the_old_one_and_nothing_else() -> None:
    names, row = features.features(HIDDEN, READING, History(), {}, Behaviour(), Course(), Message())
    hidden, readings = np.ones((1, 7), np.float32), np.asarray([[0.1, 0.9]], np.float32)
    new_names, rows = features.with_state(row[None], names, hidden, readings, ("pass", "leave"))
    expected = features.features(
        hidden[0], {"pass": 0.1, "leave": 0.9}, History(), {}, Behaviour(), Course(), Message()
    )
    assert new_names == expected[0]
    np.testing.assert_allclose(rows[0], expected[1], rtol=1e-6)
