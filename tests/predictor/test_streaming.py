"""The streaming cell: however a stream is cut, packed and read, the state is that of the whole stream."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.cell import expected_shapes
from predictor.events import Event
from predictor.inputs import DAY, Floats32, InputConfig, marker_days
from predictor.sequences import EventTable
from predictor.store import BrokenModel, ModelStore
from predictor.streaming import State, Streamer
from tests.predictor.random_models import (
    KNOWN_ITEMS,
    RERUN,
    START,
    TARGETS,
    follow,
    manifest,
    random_streamer,
    room,
    stream,
)

MODELS = {clock: random_streamer(clock) for clock in ("course", "learner")}
MODELS["items"] = random_streamer("learner", known_items=KNOWN_ITEMS)
KINDS = st.sampled_from(list(MODELS))
NEAR = 1e-5


GOLDEN = Path(__file__).parent / "fixtures" / "states"
GOLDEN_EVENTS = [
    Event("course", "ada", START + 3600.0, "play_video", "block-a"),
    Event("course", "ada", START + 3725.5, "problem_check_correct", "block-b"),
    Event("course", "ada", START + 9.25 * DAY, "brand_new"),
    Event("course", "ada", START + 9.5 * DAY, "seq_next", "block-a"),
]


def same(one: State, other: State) -> bool:
    facts = ("course_start", "time", "first", "events", "days", "items", "sittings", "seen")
    return bool(
        all(repr(getattr(one, name)) == repr(getattr(other, name)) for name in facts)
        and np.allclose(one.cell, other.cell, atol=NEAR)
        and np.allclose((one.busy, one.since), (other.busy, other.since), rtol=0, atol=1e-3, equal_nan=True)
    )


@settings(max_examples=60, deadline=None)
@given(events=stream(), kind=KINDS, cuts=st.lists(st.integers(0, 30)), half_packed=st.booleans())
def test_a_stream_cut_anywhere_gives_the_same_state(
    events: list[Event], kind: str, cuts: list[int], half_packed: bool
) -> None:
    streamer = MODELS[kind]
    whole = follow(streamer, events)
    state, bounds = streamer.begin(START), sorted({0, len(events), *(min(cut, len(events)) for cut in cuts)})
    for low, high in pairwise(bounds):
        state = follow(streamer, events[low:high], state)
        if half_packed:
            state = streamer.unpack(streamer.pack(state))
    assert same(state, whole)
    now = (events[-1].time if events else START) + 40.3 * DAY
    ours, theirs = streamer.at(state, now), streamer.at(whole, now)
    assert ours.probabilities == pytest.approx(theirs.probabilities, abs=NEAR)


@settings(max_examples=60, deadline=None)
@given(streams=room(), kind=KINDS, ahead=st.sampled_from([0.0, 10.0, DAY, 13 * DAY, 400 * DAY]))
def test_a_refresh_of_the_course_equals_the_stream_of_each_learner(
    streams: list[list[Event]], kind: str, ahead: float
) -> None:
    streamer = MODELS[kind]
    source = EventTable.of([event for events in streams for event in events])
    newest = max((events[-1].time for events in streams if events), default=START)
    now = newest + ahead + 1e-3
    names = [f"learner-{place}" for place in range(len(streams))]
    if not source.courses:
        return
    refreshed = streamer.refresh(source.sequences("course"), START, now, names)
    assert list(refreshed) == names
    for name, (state, reading) in refreshed.items():
        alone = in_store_order(streamer, source, name)
        assert same(state, alone)
        expected = streamer.at(alone, now)
        np.testing.assert_allclose(reading.hidden, expected.hidden, atol=NEAR)
        assert reading.probabilities == pytest.approx(expected.probabilities, abs=NEAR)


def in_store_order(streamer: Streamer, source: EventTable, learner: str) -> State:
    """The state after the learner's events in the order in which the store keeps them."""
    sequences = source.sequences("course")
    if learner not in sequences.learners:
        return streamer.begin(START)
    row = sequences.learners.index(learner)
    part = slice(int(sequences.offsets[row]), int(sequences.offsets[row + 1]))
    items = [sequences.item_names[item] if item >= 0 else "" for item in sequences.items[part]]
    return streamer.advance(
        streamer.begin(START),
        [sequences.names[token] for token in sequences.tokens[part]],
        sequences.times[part].tolist(),
        items,
    )


@settings(max_examples=30, deadline=None)
@given(events=stream(), kind=KINDS, now=st.floats(0, 60 * DAY))
def test_events_from_the_moment_on_are_not_used(events: list[Event], kind: str, now: float) -> None:
    streamer, moment = MODELS[kind], START + now
    before = [event for event in events if event.time < moment]
    source = EventTable.of([*events, Event("course", "someone", START, "play_video")])
    state, reading = streamer.refresh(source.sequences("course"), START, moment, ["ada"])["ada"]
    cut = EventTable.of([*before, Event("course", "someone", START, "play_video")])
    other, expected = streamer.refresh(cut.sequences("course"), START, moment, ["ada"])["ada"]
    assert same(state, other)
    assert reading.probabilities == expected.probabilities


def test_of_an_item_that_is_not_known_its_name_says_nothing() -> None:
    streamer, plain = MODELS["items"], random_streamer("learner")

    def read(model: Streamer, item: str) -> dict[str, float]:
        state = follow(model, [Event("course", "ada", START + 5, "play_video", item)])
        return model.at(state, START + 60).probabilities

    assert read(streamer, "block-b") == read(streamer, "block-v1:a+b+c+type@html+block@d")
    assert read(streamer, "block-b") != read(streamer, "block-a")
    assert read(plain, "block-b") == read(plain, "block-a")


def test_a_known_item_is_recognised_in_every_run_of_its_course() -> None:
    streamer = MODELS["items"]
    states = [
        follow(streamer, [Event("course", "ada", START + 5, "play_video", item)])
        for item in (RERUN.format(run="2025"), RERUN.format(run="2026"), "block-d")
    ]
    cells = [state.cell.tolist() for state in states]
    assert cells[0] == cells[1] != cells[2]


def test_reading_does_not_change_the_state() -> None:
    streamer = MODELS["course"]
    state = follow(streamer, [Event("course", "ada", START + 5, "play_video", "block-a")])
    before = streamer.pack(state)
    later = streamer.at(state, START + 30 * DAY)
    streamer.advance(state, ["seq_next"], [START + 9])
    assert streamer.pack(state) == before
    assert streamer.at(state, START + 30 * DAY).probabilities == later.probabilities


def test_absence_changes_the_reading_but_a_year_of_it_costs_few_steps() -> None:
    streamer = MODELS["course"]
    state = follow(streamer, [Event("course", "ada", START + 5, "play_video")])
    assert streamer.at(state, START + 60).probabilities != streamer.at(state, START + 20 * DAY).probabilities
    assert len(marker_days(streamer.inputs, START, state.time, START + 3650 * DAY)) < 80


@pytest.mark.parametrize(
    ("tokens", "times", "items", "words"),
    [
        (["a"], [], [], "do not match"),
        (["a", "b"], [START, START], ["x"], "do not match"),
        (["a", "b"], [START + 5, START + 4], [], "does not follow"),
        (["a"], [math.nan], [], "does not follow"),
        (["a"], [math.inf], [], "does not follow"),
    ],
)
def test_events_out_of_order_are_refused_and_change_nothing(
    tokens: list[str], times: list[float], items: list[str], words: str
) -> None:
    streamer = MODELS["course"]
    state = streamer.begin(START)
    before = streamer.pack(state)
    with pytest.raises(ValueError, match=words):
        streamer.advance(state, tokens, times, items)
    assert streamer.pack(state) == before


def test_an_event_before_the_state_and_a_reading_of_the_past_are_refused() -> None:
    streamer = MODELS["course"]
    state = streamer.advance(streamer.begin(START), ["seq_next"], [START + 100])
    with pytest.raises(ValueError, match="does not follow"):
        streamer.advance(state, ["seq_next"], [START + 99])
    with pytest.raises(ValueError, match="cannot read"):
        streamer.at(state, START + 99)
    with pytest.raises(ValueError, match="unix seconds"):
        streamer.begin(math.nan)


def test_a_state_of_another_model_is_refused_naming_both() -> None:
    old, new = random_streamer(version="2026-a"), random_streamer(version="2026-b")
    packed = old.pack(follow(old, [Event("course", "ada", START, "play_video")]))
    with pytest.raises(ValueError, match=r"2026-a.*2026-b"):
        new.unpack(packed)


def test_a_damaged_state_is_refused() -> None:
    streamer = MODELS["course"]
    packed = streamer.pack(follow(streamer, [Event("course", "ada", START, "play_video", "block-a")]))
    for place in range(0, len(packed), 13):
        edited = bytearray(packed)
        edited[place] ^= 4
        with pytest.raises(ValueError, match="rebuild"):
            streamer.unpack(bytes(edited))
    for size in (0, 3, len(packed) // 2, len(packed) - 1):
        with pytest.raises(ValueError, match="rebuild"):
            streamer.unpack(packed[:size])


@pytest.mark.parametrize("clock", ["course", "learner"])
def test_states_packed_long_ago_are_still_understood(clock: str) -> None:
    streamer = random_streamer(clock, version="golden")
    kept = streamer.unpack((GOLDEN / f"{clock}.bin").read_bytes())
    assert same(kept, follow(streamer, GOLDEN_EVENTS))
    assert len(streamer.pack(kept)) == len((GOLDEN / f"{clock}.bin").read_bytes())


def test_thousands_of_events_are_all_remembered() -> None:
    streamer = MODELS["course"]
    rng = np.random.default_rng(0)
    times = START + np.cumsum(rng.exponential(300, 8000))
    tokens = rng.choice(["play_video", "seq_next", "brand_new"], 8000).tolist()
    state = streamer.advance(streamer.begin(START), tokens, times.tolist())
    assert state.events == 8000
    events = [Event("course", "ada", time, token) for time, token in zip(times.tolist(), tokens, strict=True)]
    sequences = EventTable.of(events).sequences("course")
    refreshed, _ = streamer.refresh(sequences, START, times[-1] + 1.0)["ada"]
    assert same(state, refreshed)
    assert streamer.advance(state, ["seq_next"], [times[-1] + 2.0]).events == 8001


def test_moments_and_course_starts_may_differ_by_learner() -> None:
    streamer = MODELS["course"]
    events = [Event("course", name, START + 50, "play_video") for name in ("ada", "bob")]
    sequences = EventTable.of(events).sequences("course")
    starts, moments = np.array([START, START - 9 * DAY]), np.array([START + 60, START + 8 * DAY])
    found = streamer.refresh(sequences, starts, moments)
    for name, start, moment in zip(("ada", "bob"), starts.tolist(), moments.tolist(), strict=True):
        state = streamer.advance(streamer.begin(start), ["play_video"], [START + 50])
        expected = streamer.at(state, moment).probabilities
        assert found[name][1].probabilities == pytest.approx(expected, abs=NEAR)


@pytest.mark.parametrize("known_items", [(), KNOWN_ITEMS])
def test_it_loads_from_a_store_without_torch(known_items: tuple[str, ...], tmp_path: Path) -> None:
    streamer = random_streamer()
    store = ModelStore(tmp_path)
    rng = np.random.default_rng(3)
    inputs = InputConfig(("play_video",), known_items)
    shapes = expected_shapes(inputs, 8, len(TARGETS), 4)
    tensors = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    version = store.publish("engagement", tensors, manifest(inputs, 8))
    store.promote("engagement", version)
    loaded = Streamer.load(store)
    assert (loaded.version, loaded.targets, loaded.hidden_size) == (version, TARGETS, 8)
    assert loaded.version != streamer.version
    assert loaded.inputs.known_items == known_items
    state = follow(loaded, GOLDEN_EVENTS)
    expected = follow(Streamer(tensors, manifest(inputs, 8)), GOLDEN_EVENTS)
    assert state.cell.tolist() == expected.cell.tolist()
    code = (
        "import sys; from predictor.store import ModelStore; from predictor.streaming import Streamer; "
        f"Streamer.load(ModelStore({str(tmp_path)!r})); "
        "assert not {'torch', 'pyarrow', 'sklearn', 'tqdm'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "change",
    [
        {"targets": None},
        {"inputs": {"vocabulary": ["a"], "surprise": 1}},
        {"inputs": {"vocabulary": ["a", "a"]}},
        {"calibration": {}},
        {"hidden_size": "many"},
    ],
)
def test_a_manifest_of_something_else_is_refused(change: dict[str, object]) -> None:
    inputs = InputConfig(("play_video",))
    with pytest.raises(ValueError, match="not the manifest of an engagement model"):
        Streamer({}, manifest(inputs, 8) | change)


def stored_before_items(store: ModelStore, tensors: dict[str, Floats32], inputs: InputConfig) -> str:
    """The version of a model as it was stored before there were known items."""
    content = inputs.to_json() | {"layout": 2}
    del content["known_items"]
    kept = {name: tensor for name, tensor in tensors.items() if name != "item_gates"}
    return store.publish("engagement", kept, manifest(inputs, 8) | {"inputs": content})


def test_a_model_from_before_known_items_serves_as_it_did(tmp_path: Path) -> None:
    inputs, rng = InputConfig(("play_video",)), np.random.default_rng(3)
    shapes = expected_shapes(inputs, 8, len(TARGETS), 4)
    tensors = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    store = ModelStore(tmp_path)
    old = Streamer.load(store, stored_before_items(store, tensors, inputs))
    new = Streamer(tensors, manifest(inputs, 8))
    now = GOLDEN_EVENTS[-1].time + 5 * DAY
    found = [streamer.at(follow(streamer, GOLDEN_EVENTS), now) for streamer in (old, new)]
    assert found[0].probabilities == found[1].probabilities


def test_a_model_with_known_items_needs_their_weights() -> None:
    inputs = InputConfig(("play_video",), KNOWN_ITEMS)
    shapes = expected_shapes(inputs, 8, len(TARGETS), 4)
    tensors = {name: np.zeros(shape, np.float32) for name, shape in shapes.items() if name != "item_gates"}
    with pytest.raises(ValueError, match=r"item_gates should be \(3, 32\) and is missing"):
        Streamer(tensors, manifest(inputs, 8))


def test_a_model_of_an_older_layout_is_refused_and_told_what_to_do() -> None:
    content = InputConfig(("play_video",)).to_json() | {"layout": 1}
    with pytest.raises(ValueError, match=r"layout 1, not 3: train it again"):
        Streamer({}, manifest(InputConfig(("play_video",)), 8) | {"inputs": content})


def test_a_missing_or_misshapen_tensor_is_named() -> None:
    inputs = InputConfig(("play_video",))
    with pytest.raises(ValueError, match="token_gates should be"):
        Streamer({}, manifest(inputs, 8))
    with pytest.raises(ValueError, match="token_gates should be"):
        Streamer({"token_gates": np.zeros((2, 2))}, manifest(inputs, 8))


def test_a_broken_store_is_reported_as_such(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    version = store.publish("engagement", {"weight": np.zeros(3, np.float32)}, {})
    (tmp_path / "engagement" / version / "model.safetensors").write_bytes(b"")
    with pytest.raises(BrokenModel):
        Streamer.load(store, version)
