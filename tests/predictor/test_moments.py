"""What is known at a moment, and that nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.events import Event
from predictor.moments import DAY, Enrolments, Part, past, steps_until
from predictor.sequences import EventTable


def enrolled(*rows: tuple[str, str, float]) -> Enrolments:
    courses, learners, starts = (np.array(column) for column in zip(*rows, strict=True))
    return Enrolments(courses, learners, starts.astype(float), starts.astype(float))


def test_each_stream_is_cut_at_its_own_moment() -> None:
    source = EventTable.of([Event("c", who, float(time), "x") for who in "ab" for time in range(6)])
    (known,) = past(source, enrolled(("c", "b", 0.0), ("c", "a", 2.0)), 3.0)
    assert known.rows.tolist() == [0, 1]
    assert known.offsets.tolist() == [0, 3, 8]
    assert known.times.tolist() == [0, 1, 2, 0, 1, 2, 3, 4]
    assert known.owners.tolist() == [0] * 3 + [1] * 5
    assert known.moments.tolist() == [3, 5]


def test_an_event_at_the_very_moment_is_not_yet_known() -> None:
    source = EventTable.of([Event("c", "a", 3.0, "x")])
    (known,) = past(source, enrolled(("c", "a", 0.0)), 3.0)
    assert len(known.times) == 0


def test_learners_and_courses_without_events_are_there_with_nothing() -> None:
    source = EventTable.of([Event("c", "a", 1.0, "x")])
    found = {
        known.course_id: known for known in past(source, enrolled(("c", "z", 0.0), ("d", "a", 0.0)), 9.0)
    }
    assert set(found) == {"c", "d"}
    assert [len(known.times) for known in found.values()] == [0, 0]


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 20)), max_size=30),
    st.lists(st.sampled_from("abcde"), min_size=1, max_size=5, unique=True),
    st.integers(0, 22),
)
@settings(max_examples=60, deadline=None)
def test_the_past_is_what_a_filter_says(events: list[tuple[str, int]], people: list[str], at: int) -> None:
    source = EventTable.of([Event("c", who, float(time), "x") for who, time in sorted(set(events))])
    (known,) = past(source, enrolled(*(("c", who, 0.0) for who in people)), float(at))
    for place, who in enumerate(people):
        expected = sorted(time for name, time in set(events) if name == who and time < at)
        low, high = known.offsets[place : place + 2]
        assert known.times[low:high].tolist() == expected


def test_a_part_of_a_source_hides_the_other_courses() -> None:
    source = EventTable.of([Event("c", "a", 1.0, "x"), Event("d", "a", 1.0, "x")])
    part = Part(source, ["d", "unknown"])
    assert part.courses == ("d",)
    with pytest.raises(KeyError):
        part.sequences("c")


def test_steps_are_week_ends_and_horizons_up_to_the_moment() -> None:
    horizons = (3 * DAY, 7 * DAY, 30 * DAY)
    assert steps_until(2 * DAY, horizons) == (2 * DAY,)
    assert steps_until(15 * DAY, horizons) == (3 * DAY, 7 * DAY, 14 * DAY, 15 * DAY)
