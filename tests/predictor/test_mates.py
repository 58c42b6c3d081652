"""What mates do is told from their events before the learner's own moment, and compared fairly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.events import Event
from predictor.mates import FEW_CLOCKS, Activity, ranks
from predictor.moments import DAY
from predictor.sequences import EventTable, Sequences

VALUES = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 4).map(float), st.just(np.nan)), st.integers(0, 3).map(float), st.booleans()
    ),
    max_size=40,
)


@given(VALUES)
def test_a_rank_is_the_share_of_the_counted_who_started_no_later_and_have_less(
    rows: list[tuple[float, float, bool]],
) -> None:
    values, starts = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    counted = np.array([row[2] for row in rows], dtype=np.bool_)
    expected = [_rank(values, starts, counted, place) for place in range(len(rows))]
    np.testing.assert_allclose(ranks(values, starts, counted), expected)


def _rank(values: np.ndarray, starts: np.ndarray, counted: np.ndarray, place: int) -> float:
    mates = values[counted & (starts <= starts[place]) & np.isfinite(values)]
    if not len(mates) or np.isnan(values[place]):
        return float("nan")
    return float(((mates < values[place]).sum() + (mates <= values[place]).sum()) / 2 / len(mates))


@pytest.mark.parametrize("clocks", [1, FEW_CLOCKS, 500])
def test_ranks_are_the_same_however_many_clocks_there_are(clocks: int) -> None:
    rng = np.random.default_rng(0)
    values, starts = rng.integers(0, 50, 777) * 1.0, rng.integers(0, clocks, 777) * 1.0
    counted = rng.random(len(values)) < 0.7
    expected = [_rank(values, starts, counted, place) for place in range(len(values))]
    np.testing.assert_allclose(ranks(values, starts, counted), expected)


@pytest.fixture
def course() -> Sequences:
    rng = np.random.default_rng(3)
    events = [
        Event("c", f"learner-{learner}", float(np.round(rng.random() * 40 * DAY)), "play_video", "")
        for learner in range(30)
        for _ in range(rng.integers(1, 40))
    ]
    return EventTable.of(events).sequences("c")


@pytest.mark.parametrize("moment", [0.0, 3.5 * DAY, 20 * DAY, 90 * DAY])
def test_the_course_is_told_as_counting_by_hand_tells_it(course: Sequences, moment: float) -> None:
    found = {
        name: float(values[0])
        for name, values in Activity.of(course, 0.0).columns(np.array([moment])).items()
    }
    streams = [
        [time for time in course.times[low:high] if time < moment]
        for low, high in zip(course.offsets[:-1], course.offsets[1:], strict=True)
    ]
    seen = max(1, sum(bool(stream) for stream in streams))
    events = sum(map(len, streams))
    week = sum(time >= moment - 7 * DAY for stream in streams for time in stream)
    active = sum(any(time >= moment - 7 * DAY for time in stream) for stream in streams)
    days = [{int(time // DAY) for time in stream} for stream in streams]
    assert found["course: events per learner"] == pytest.approx(np.log1p(events / seen))
    assert found["course: active days per learner"] == pytest.approx(sum(map(len, days)) / seen)
    assert found["course: active 7"] == pytest.approx(active / seen)
    assert found["course: events 7 per active"] == pytest.approx(np.log1p(week / max(1, active)))
    assert found["course: second day"] == pytest.approx(sum(len(day) > 1 for day in days) / seen)
    assert found["course: keen"] == pytest.approx(sum(len(stream) >= 20 for stream in streams) / seen)
    assert found["course: new 7"] == pytest.approx(
        1 - sum(any(time < moment - 7 * DAY for time in stream) for stream in streams) / seen
    )
