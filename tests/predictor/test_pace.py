"""Items are placed by the mates who came before, and learners by how far they are along them."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.events import Event
from predictor.moments import DAY, Enrolments, cut
from predictor.pace import Counts, ItemPace, progress
from predictor.sequences import EventTable, Sequences
from predictor.signals import Stream

BEGIN = 1_600_041_600.0
STEPS = ("one", "two", "three", "four")


def walked() -> list[Event]:
    """Ten mates walk through the steps, a day each; half of them stop at the second."""
    return [
        Event("c", f"mate-{mate}", BEGIN + (step + mate / 24) * DAY, "visit", name)
        for mate in range(10)
        for step, name in enumerate(STEPS[: 2 if mate % 2 else 4])
    ]


def course(*more: Event) -> Sequences:
    return EventTable.of([*walked(), *more]).sequences("c")


def told(sequences: Sequences, learner: str, day: float) -> dict[str, float]:
    people = Enrolments(np.array(["c"]), np.array([learner]), np.array([BEGIN]), np.array([BEGIN]))
    known = cut(sequences, np.arange(1), people.learners, people.starts + day * DAY)
    pace = ItemPace.of(sequences)
    assert pace is not None
    found = progress(Stream.of(known, ("visit", "complete")), pace)
    return {name: float(values[0]) for name, values in found.items()}


def test_a_course_without_items_has_no_pace() -> None:
    events = [event._replace(item_id="") for event in walked()]
    assert ItemPace.of(EventTable.of(events).sequences("c")) is None


def test_a_learner_is_placed_by_the_order_in_which_mates_came() -> None:
    mine = [
        Event("c", "me", BEGIN + 20 * DAY, "visit", "three"),
        Event("c", "me", BEGIN + 20.1 * DAY, "complete", "three"),
        Event("c", "me", BEGIN + 20.2 * DAY, "visit", "one"),
    ]
    found = told(course(*mine), "me", 21)
    assert found["items"] == 2
    assert found["furthest"] == pytest.approx(16 / 6, abs=0.4)
    assert found["last item behind"] == pytest.approx(found["furthest"] - found["last item's place"])
    assert found["last item behind"] > 0.5
    assert found["left"] > 0.9
    assert found["complete: items' share"] == 0.5
    assert found["events at last item"] == 1


def test_where_mates_stopped_for_a_week_is_seen_from_then_on() -> None:
    mine = Event("c", "me", BEGIN + 0.5 * DAY, "visit", "two")
    assert told(course(mine), "me", 6)["last item's stops"] == 0
    assert told(course(mine), "me", 12)["last item's stops"] == pytest.approx(6 / 11)


def test_a_mate_who_comes_back_no_longer_counts_as_stopped() -> None:
    back = [Event("c", f"mate-{mate}", BEGIN + 11 * DAY, "visit", "two") for mate in range(10) if mate % 2]
    mine = Event("c", "me", BEGIN + 0.5 * DAY, "visit", "two")
    assert told(course(mine, *back), "me", 10.9)["last item's stops"] > 0.4
    assert told(course(mine, *back), "me", 12.1)["last item's stops"] == pytest.approx(1 / 11)


def test_what_mates_do_later_changes_nothing() -> None:
    mine = Event("c", "me", BEGIN + 0.5 * DAY, "visit", "two")
    later = [Event("c", f"new-{n}", BEGIN + (3 + n) * DAY, "visit", STEPS[n % 4]) for n in range(9)]
    before, after = told(course(mine), "me", 3), told(course(mine, *later), "me", 3)
    assert before == pytest.approx(after, nan_ok=True)


def test_a_mates_event_dated_years_ahead_changes_nothing_and_takes_no_room() -> None:
    mine = Event("c", "me", BEGIN + 0.5 * DAY, "visit", "two")
    ahead = Event("c", "mate-0", BEGIN + 40_000 * DAY, "visit", "four")
    assert told(course(mine), "me", 12) == pytest.approx(told(course(mine, ahead), "me", 12), nan_ok=True)
    pace = ItemPace.of(course(ahead))
    assert pace is not None
    assert pace.visits.sums.size + pace.stops.sums.size < 200


def test_sums_of_items_are_those_of_the_days_before() -> None:
    rng = np.random.default_rng(2)
    items, days, amounts = rng.integers(0, 4, 60), rng.integers(0, 9, 60), rng.integers(0, 5, (60, 2)) * 1.0
    counts = Counts.of(items, days, amounts)
    for item in range(4):
        for day in range(12):
            expected = amounts[(items == item) & (days < day)].sum(axis=0)
            np.testing.assert_array_equal(counts.before(np.array([item]), np.array([day]))[0], expected)
