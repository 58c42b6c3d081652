"""Signals of single streams, told by hand."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.events import Event
from predictor.moments import DAY, HOUR, Enrolments, cut
from predictor.sequences import EventTable
from predictor.signals import Stream, calendar, signals, stacked

BEGIN = 1_600_041_600.0  # a Monday's first second


def stream(*times: float) -> Stream:
    """Of a learner with events at these days, the last token unseen in training, and of one without any."""
    tokens = ["play_video"] * (len(times) - 1) + ["edx.brand.new"]
    events = [Event("c", "a", BEGIN + day * DAY, token, "") for day, token in zip(times, tokens, strict=True)]
    people = Enrolments(np.full(2, "c"), np.array(["a", "b"]), np.full(2, BEGIN), np.full(2, BEGIN))
    sequences = EventTable.of(events).sequences("c")
    return Stream.of(cut(sequences, np.arange(2), people.learners, people.starts + 10 * DAY), ("play_video",))


@pytest.fixture
def columns() -> dict[str, np.ndarray]:
    found = stream(0.25, 0.26, 1.5, 2.5, 6.5, 8.5)
    return signals(found, np.full(2, 10 * DAY), np.full(2, BEGIN))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("events", 6), ("events 2", 1), ("events 7", 2), ("away", 1.5), ("since first", 9.75),
        ("delay", 0.25), ("span", 8.25), ("active days", 5), ("active days 7", 2), ("longest gap", 4),
        ("last gap", 2), ("mean gap", 2), ("longest streak", 3), ("last streak", 1),
        ("events of first day", 2), ("events of last day", 1), ("sessions", 5), ("hours", 0.24), ("kinds", 2),
        ("kinds of last day", 1),
        ("play_video: events", 5), ("other: events", 1), ("other: away", 1.5), ("play_video: away", 3.5),
        ("busiest day", 2), ("day -2", 1), ("day -1", 0), ("days gone", 10),
    ],
)  # fmt: skip
def test_a_signal_says_what_it_is_called(columns: dict[str, np.ndarray], name: str, expected: float) -> None:
    assert columns[name][0] == pytest.approx(expected)


def test_who_has_no_event_has_counts_of_0_and_no_times(columns: dict[str, np.ndarray]) -> None:
    assert columns["events"][1] == columns["active days"][1] == columns["sessions"][1] == 0
    for name in ("away", "since first", "delay", "mean gap", "events of last day", "play_video: share"):
        assert np.isnan(columns[name][1])


def test_the_calendar_tells_weekday_hour_and_the_run(columns: dict[str, np.ndarray]) -> None:
    found = calendar(stream(0.25, 7.25, 14.0), np.full(2, BEGIN - 3 * DAY))
    assert found["hour of first"][0] == pytest.approx(6.0)
    assert found["run's day of first"][0] == pytest.approx(3.25)
    assert found["weekday of first"][0] == (BEGIN // DAY) % 7
    assert found["sameness of hours"][0] == pytest.approx(1.0)
    assert found["weekend share"][0] == 0.0


def test_a_table_has_the_columns_asked_for_and_nan_for_what_is_missing(
    columns: dict[str, np.ndarray],
) -> None:
    table = stacked(columns, ("away", "nowhere", "events"), 2)
    assert table.dtype == np.float32
    np.testing.assert_array_equal(table[0], np.array([1.5, np.nan, 6], dtype=np.float32))


def test_sessions_end_with_a_pause_of_half_an_hour() -> None:
    found = signals(
        stream(1.0, 1.0 + 0.4 * HOUR / DAY, 1.0 + HOUR / DAY), np.full(2, 10 * DAY), np.full(2, BEGIN)
    )
    assert found["sessions"][0] == 2
    assert found["hours"][0] == pytest.approx(0.4)


def test_an_event_type_that_is_called_other_is_told_apart_from_all_others() -> None:
    events = [Event("c", "a", 1000.0 + n, kind) for n, kind in enumerate(("other", "rare", "=other", "rare"))]
    people = Enrolments(*(np.array([each]) for each in ("c", "a", 0.0, 0.0)))
    known = cut(EventTable.of(events).sequences("c"), np.arange(1), people.learners, np.array([DAY]))
    stream = Stream.of(known, ("other", "=other"))
    assert stream.tokens == ("=other", "==other", "other")
    assert np.bincount(stream.kinds).tolist() == [1, 1, 2]
