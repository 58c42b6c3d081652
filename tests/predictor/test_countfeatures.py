"""Counts of one learner, by hand."""

from __future__ import annotations

import numpy as np

from predictor.countfeatures import counts, names, vocabulary
from predictor.events import Event
from predictor.moments import DAY, HOUR, Enrolments
from predictor.sequences import EventTable

PEOPLE = Enrolments(np.array(["c", "c"]), np.array(["a", "silent"]), np.zeros(2), np.zeros(2))
EVENTS = [
    Event("c", "a", 1 * DAY + 10 * HOUR, "video", "v1"),
    Event("c", "a", 1 * DAY + 10 * HOUR + 60, "video", "v1"),
    Event("c", "a", 1 * DAY + 12 * HOUR, "problem", "p1"),
    Event("c", "a", 8 * DAY + 23 * HOUR, "wiki"),
]


def of(learner: int, at: float = 10 * DAY) -> dict[str, float]:
    tokens = ("video", "problem")
    table = counts(EventTable.of(EVENTS), PEOPLE, at, tokens)
    return dict(zip(names(tokens), table[learner].tolist(), strict=True))


def test_counts_windows_and_times_of_one_learner() -> None:
    found = of(0)
    assert [found[f"{kind}, ever"] for kind in ("video", "problem", "other")] == [2, 1, 1]
    assert [found[f"{kind}, last 7 days"] for kind in ("video", "problem", "other")] == [0, 0, 1]
    assert (found["events, last 1 days"], found["events, last 2 days"], found["events, last 14 days"]) == (
        0,
        1,
        4,
    )
    assert (found["active days, last 2"], found["active days, last 14"]) == (1, 2)
    assert (found["events, day -1"], found["events, day -2"], found["events, day -9"]) == (0, 1, 3)
    assert (found["events"], found["active days"], found["sessions"]) == (4, 2, 3)
    assert (found["kinds of events"], found["items"], found["busiest day"]) == (3, 2, 3)
    assert found["events per active day"] == 2
    np.testing.assert_allclose(found["days since last"], 1 + 1 / 24)
    np.testing.assert_allclose(found["days since first"], 8 + 14 / 24)
    np.testing.assert_allclose(found["delay of first"], 1 + 10 / 24)
    np.testing.assert_allclose(found["gap before last"], 7 + 11 / 24)
    np.testing.assert_allclose(found["night share"], 0.25)
    assert found["days gone"] == 10


def test_a_silent_learner_has_no_times_and_counts_of_nought() -> None:
    found = of(1)
    assert np.isnan(found["days since last"])
    assert np.isnan(found["mean hour"])
    assert found["events"] == 0


def test_later_events_change_nothing() -> None:
    assert of(0, at=2 * DAY)["events"] == 3
    assert of(0, at=2 * DAY)["other, ever"] == 0


def test_the_vocabulary_is_the_commonest_first() -> None:
    assert vocabulary(EventTable.of(EVENTS), PEOPLE, most=2) == ("video", "problem")
    assert vocabulary(EventTable.of([]), PEOPLE) == ()


def test_weekdays_are_those_of_the_calendar() -> None:
    saturday = 1_600_473_600.0  # 2020-09-19 00:00 UTC
    people = Enrolments(np.array(["c"]), np.array(["a"]), np.array([saturday]), np.array([saturday]))
    for days, share in ((0, 1.0), (1, 1.0), (2, 0.0)):
        source = EventTable.of([Event("c", "a", saturday + days * DAY + HOUR, "video")])
        table = counts(source, people, 7 * DAY, ("video",))
        assert table[0, names(("video",)).index("weekend share")] == share
