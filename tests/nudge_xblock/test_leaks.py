"""Events that tell the outcome before it is known."""

from __future__ import annotations

import numpy as np

from nudge_xblock.leaks import Presence
from predictor.events import Event
from predictor.sequences import EventTable


def tally(told: float, when: float = 5.0, learners: int = 60) -> Presence:
    """Half of the learners pass; a share of them, and nobody else, has a certificate at a time."""
    events = []
    for number in range(learners):
        events.append(Event("c", str(number), 1.0, "play_video", "v", None))
        if number % 2 and number < told * learners:
            events.append(Event("c", str(number), when, "certificate", "", None))
    sequences = EventTable.of(events).sequences("c")
    truth = np.array([float(int(learner) % 2) for learner in sequences.learners])
    found = Presence()
    found.add(sequences, sequences.learners, 10.0, truth)
    return found


def test_an_event_that_only_those_have_who_pass_tells() -> None:
    assert tally(1.0).telling() == {"event": "certificate", "accuracy": 1.0}


def test_an_event_of_some_tells_less() -> None:
    assert tally(0.5).telling() == {"event": "certificate", "accuracy": 0.75}


def test_what_comes_after_the_moment_does_not_count() -> None:
    assert tally(1.0, when=11.0).telling() == {"event": "play_video", "accuracy": 0.5}


def test_few_learners_tell_nothing() -> None:
    assert tally(1.0, learners=10).telling() is None
    assert Presence().telling() is None


def test_learners_whose_outcome_is_not_known_or_who_have_no_event_are_no_evidence() -> None:
    found, whole = tally(1.0), EventTable.of([Event("c", "1", 1.0, "certificate", "", None)]).sequences("c")
    found.add(whole, ["1", "2"], 10.0, np.array([np.nan, np.nan]))
    assert found.telling() == {"event": "certificate", "accuracy": 1.0}
    found.add(whole, ["3"], 10.0, np.array([1.0]))
    told = found.telling()
    assert told is not None
    assert told["accuracy"] < 1.0
