"""Engagement models with random weights and streams at random, for tests that need no training."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from predictor.cell import expected_shapes
from predictor.events import Event
from predictor.inputs import DAY, InputConfig
from predictor.streaming import State, Streamer

START = 1_600_000_000.0
KNOWN = ("play_video", "seq_next", "problem_check_correct")
RERUN = "block-v1:Org+Course+{run}+type@problem+block@quiz"
"""An item that every run of a course has."""
KNOWN_ITEMS = ("block-a", "Org+Course+type@problem+block@quiz", "block-c")
TARGETS = ("pass", "complete", "leave")
GAPS = (0.0, 0.25, 5.0, 900.0, 3 * 3600.0, DAY, 2 * DAY, 9 * DAY, 33 * DAY, 90 * DAY)


def random_streamer(
    clock: str = "course",
    version: str = "v1",
    hidden: int = 12,
    seed: int = 0,
    known_items: tuple[str, ...] = (),
) -> Streamer:
    """A model of weights large enough for every input to matter."""
    rng = np.random.default_rng(seed)
    inputs = InputConfig(KNOWN, known_items, clock=clock)  # type: ignore[arg-type]
    shapes = expected_shapes(inputs, hidden, len(TARGETS), width=6)
    tensors = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    return Streamer(tensors, manifest(inputs, hidden, version))


def manifest(inputs: InputConfig, hidden: int, version: str = "v1") -> dict[str, object]:
    """What a streamer needs of a manifest."""
    return {
        "version": version,
        "targets": list(TARGETS),
        "inputs": inputs.to_json(),
        "hidden_size": hidden,
        "calibration": {name: {"scale": 1.2, "shift": -0.1} for name in TARGETS},
    }


def tokens() -> st.SearchStrategy[str]:
    """Known ones, and some that no model has seen."""
    return st.sampled_from([*KNOWN, "brand_new", "edx.something.else"])


def items() -> st.SearchStrategy[str]:
    """A few, so that they come again, some in two runs of a course; or none."""
    reruns = [RERUN.format(run=run) for run in ("2025", "2026")]
    return st.sampled_from(["", "block-a", "block-b", "block-c", "block-d", *reruns])


@st.composite
def stream(draw: st.DrawFn, most: int = 30, learner: str = "ada") -> list[Event]:
    """One learner's events in order, with every kind of gap, some before the course began."""
    size = draw(st.integers(0, most))
    time = START + draw(st.sampled_from([-3 * DAY, -1.0, 0.0, DAY, 3600.5, 12.3 * DAY]))
    found = []
    for _ in range(size):
        found.append(Event("course", learner, time, draw(tokens()), draw(items())))
        time += draw(st.sampled_from(GAPS))
    return found


@st.composite
def room(draw: st.DrawFn, learners: int = 6) -> list[list[Event]]:
    """The streams of a few learners, some of them empty."""
    count = draw(st.integers(1, learners))
    return [draw(stream(learner=f"learner-{place}")) for place in range(count)]


def follow(streamer: Streamer, events: list[Event], state: State | None = None) -> State:
    """The state after these events, folded in at once."""
    state = streamer.begin(START) if state is None else state
    return streamer.advance(
        state, [e.token for e in events], [e.time for e in events], [e.item_id for e in events]
    )
