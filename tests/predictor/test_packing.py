"""States in half precision: smaller, nearly the same, and not worse for having been packed often."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.cell import expected_shapes
from predictor.events import Event
from predictor.inputs import DAY, InputConfig
from predictor.packing import unpack_state
from predictor.streaming import State, Streamer
from tests.predictor.random_models import START, TARGETS, follow, manifest, random_streamer, stream

MODELS = {clock: random_streamer(clock, hidden=64) for clock in ("course", "learner")}
OFF = 5e-3
"""What a probability may be off by, whatever the stream."""


def packed_often(streamer: Streamer, events: list[Event], half: bool) -> State:
    """The state after events that each came in a request of its own."""
    state = streamer.begin(START)
    for event in events:
        state = streamer.unpack(streamer.pack(follow(streamer, [event], state), half))
    return state


@settings(max_examples=60, deadline=None)
@given(
    events=stream(),
    clock=st.sampled_from(["course", "learner"]),
    ahead=st.sampled_from([0.0, 60.0, DAY, 13 * DAY, 400 * DAY]),
)
def test_a_state_halved_after_every_event_says_nearly_the_same(
    events: list[Event], clock: str, ahead: float
) -> None:
    streamer = MODELS[clock]
    whole, half = (packed_often(streamer, events, each) for each in (False, True))
    now = (events[-1].time if events else START) + ahead
    expected = streamer.at(whole, now).probabilities
    assert streamer.at(half, now).probabilities == pytest.approx(expected, abs=OFF)
    np.testing.assert_array_equal(half.counts, whole.counts)
    for name in ("course_start", "time", "first", "events", "days", "items", "seen", "counted"):
        assert repr(getattr(half, name)) == repr(getattr(whole, name))


def test_errors_do_not_gather_over_a_long_stream() -> None:
    streamer = MODELS["course"]
    draw = np.random.default_rng(4)
    times = START + np.cumsum(draw.exponential(600, 1500))
    tokens = draw.choice(["play_video", "seq_next", "brand_new"], len(times))
    events = [Event("course", "ada", *pair) for pair in zip(times.tolist(), tokens.tolist(), strict=True)]
    whole, half = (packed_often(streamer, events, each) for each in (False, True))
    assert half.events == 1500
    np.testing.assert_array_equal(half.counts, whole.counts)
    for days in (0, 1, 30):
        expected = streamer.at(whole, times[-1] + days * DAY).probabilities
        assert streamer.at(half, times[-1] + days * DAY).probabilities == pytest.approx(expected, abs=OFF)


def of_common_size() -> Streamer:
    """A model of the default size, with as many event types as the Communicator study knew."""
    inputs = InputConfig(tuple(f"token {number}" for number in range(78)))
    draw = np.random.default_rng(0)
    shapes = expected_shapes(inputs, 64, len(TARGETS), width=32)
    tensors = {name: draw.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    return Streamer(tensors, manifest(inputs, 64, "20261122T044143Z-aa53bc8c"))


@pytest.mark.parametrize(("size", "share"), [(20, 0.35), (130, 0.45), (300, 0.5)])
def test_half_takes_at_most_half_the_room(size: int, share: float) -> None:
    streamer, draw = of_common_size(), np.random.default_rng(1)
    kinds = np.minimum(draw.zipf(1.5, size), 40)
    times = START + np.cumsum(draw.exponential(60 * DAY / size, size))
    events = [
        Event("course", "ada", time, f"token {kind}", f"block-{kind * number % 211}")
        for number, (kind, time) in enumerate(zip(kinds.tolist(), times.tolist(), strict=True))
    ]
    state = follow(streamer, events)
    assert len(streamer.pack(state, half=True)) < share * len(streamer.pack(state))


def test_a_damaged_state_in_half_precision_is_refused() -> None:
    streamer = MODELS["course"]
    packed = streamer.pack(follow(streamer, [Event("course", "ada", START, "play_video", "b")]), half=True)
    for place in range(0, len(packed), 7):
        edited = bytearray(packed)
        edited[place] ^= 4
        with pytest.raises(ValueError, match="rebuild"):
            unpack_state(bytes(edited), streamer.version, 128, streamer.inputs.counts_shape)
