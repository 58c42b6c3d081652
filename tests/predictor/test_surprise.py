"""Course runs whose learners stay away more than expected are told from the others, without any outcome."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.events import Event
from predictor.moments import DAY, FloatArray, IntArray, empty
from predictor.sequences import EventTable, Sequences
from predictor.surprise import SMOOTHED, WINDOW, Expectation, Lift

BEGIN = 1_700_000_000.0


def run(
    course_id: str, comes: float, days: int, seed: int, learners: int = 200, falls: float = 0.0
) -> Sequences:
    """Everyone comes with that chance a day, for as long as a chance of staying for good lets them."""
    rng = np.random.default_rng(seed)
    events = []
    for number in range(learners):
        stay = rng.geometric(falls) if falls else days
        there = np.flatnonzero(rng.random(days) < comes)
        times = BEGIN + there[there < stay] * DAY + rng.random(int((there < stay).sum())) * DAY
        events += [Event(course_id, f"l{number:03d}", float(time), "view", "") for time in times]
    return EventTable.of(events).sequences(course_id)


def again(sequences: Sequences, until: float = np.inf, rename: bool = False) -> Sequences:
    """The same course run up to a moment, its learners perhaps in the opposite order."""
    events = []
    for place, learner in enumerate(sequences.learners):
        times = sequences.times[sequences.offsets[place] : sequences.offsets[place + 1]]
        name = f"z{1000 - place}" if rename else learner
        events += [Event("a", name, time, "view", "") for time in times[times < until].tolist()]
    return EventTable.of(events).sequences("a")


@pytest.fixture(scope="module")
def expectation() -> Expectation:
    runs = [run(f"c{number}", 0.4, 30, number, falls=0.08) for number in range(4)]
    found = Expectation.fit((sequences, BEGIN) for sequences in runs)
    assert found is not None
    return found


def test_a_course_that_is_left_more_often_surprises_upwards(expectation: Expectation) -> None:
    now = np.array([BEGIN + 21 * DAY])
    usual = expectation.of(run("a", 0.4, 30, 10, falls=0.08), BEGIN)(now)[0]
    left = expectation.of(run("b", 0.4, 30, 11, falls=0.2), BEGIN)(now)[0]
    kept = expectation.of(run("c", 0.4, 30, 12, falls=0.02), BEGIN)(now)[0]
    assert left > usual + 0.3
    assert kept < usual - 0.3
    assert abs(usual) < 0.3


def test_nothing_later_than_the_moment_is_used(expectation: Expectation) -> None:
    whole = run("a", 0.3, 40, 3, falls=0.05)
    for at in (5.5, 9.0, 16.25, 30.0, 39.9):
        moment = BEGIN + at * DAY
        told = expectation.of(again(whole, moment), BEGIN)(np.array([moment]))
        np.testing.assert_allclose(told, expectation.of(whole, BEGIN)(np.array([moment])), atol=1e-12)


def test_a_course_that_falls_silent_is_no_surprise_for_ever(expectation: Expectation) -> None:
    silent = expectation.of(run("a", 0.4, 15, 4), BEGIN)
    days = np.arange(15, 60)
    told = silent(BEGIN + days * DAY)
    assert told.max() > 1
    assert (told[days > 15 + 2 * WINDOW + SMOOTHED] == 0).all()


def test_days_before_the_run_began_count_as_any_others(expectation: Expectation) -> None:
    sequences = run("a", 0.4, 30, 5, falls=0.1)
    now = np.array([BEGIN + 20 * DAY])
    np.testing.assert_allclose(
        expectation.of(sequences, BEGIN + 10 * DAY)(now), expectation.of(sequences, BEGIN)(now), atol=1e-12
    )


def test_where_nobody_came_or_nothing_lasts_there_is_nothing_to_say(expectation: Expectation) -> None:
    moments = BEGIN + np.array([-3.0, 0.0, 10.0]) * DAY
    assert (expectation.of(empty("a"), BEGIN)(moments) == 0).all()
    assert Expectation.fit([(empty("a"), BEGIN), (run("b", 0.5, 5, 1), BEGIN)]) is None


def test_the_order_of_learners_changes_nothing(expectation: Expectation) -> None:
    sequences = run("a", 0.4, 30, 6, falls=0.1)
    now = BEGIN + np.arange(30) * DAY
    turned = expectation.of(again(sequences, rename=True), BEGIN)(now)
    np.testing.assert_allclose(expectation.of(sequences, BEGIN)(now), turned, atol=1e-9)


def answered(share: float, seed: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, IntArray]:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(40), 200)
    surprise = rng.normal(0, 0.5, 40)[groups]
    scores = rng.normal(0, 1, len(groups))
    level = rng.normal(0, 0.1, 40)[groups]
    at = np.full(len(groups), 7 * DAY)
    labels = rng.random(len(groups)) < 1 / (1 + np.exp(-(scores + level + share * surprise)))
    return scores, surprise, at, labels.astype(float), groups


def test_what_a_surprise_is_worth_is_learned_from_courses() -> None:
    surprise, at = np.ones(1), np.full(1, 7 * DAY)
    assert Lift.fit(*answered(0.8, 0))(surprise, at)[0] == pytest.approx(0.8, abs=0.2)
    assert Lift.fit(*answered(0.0, 0))(surprise, at)[0] < 0.2


def test_surprises_of_no_use_lift_nothing_and_are_never_turned_round() -> None:
    lift = Lift.fit(*answered(-0.7, 2))
    assert lift(np.ones(3), np.array([1.0, 7.0, 90.0]) * DAY).tolist() == [0.0, 0.0, 0.0]
    nobody = np.zeros(0)
    assert Lift.fit(nobody, nobody, nobody, nobody, nobody.astype(int))(np.ones(1), np.ones(1))[0] == 0
