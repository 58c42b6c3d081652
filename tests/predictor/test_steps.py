"""Steps of many learners at once, against a plain account of one learner after the other."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.events import Event
from predictor.inputs import (
    CONTEXT_SIZE,
    DAY,
    PAUSE,
    InputConfig,
    calendar,
    context,
    item_name,
    marker_days,
)
from predictor.sequences import EventTable
from predictor.steps import Steps, build, last_gaps
from predictor.streams import streams
from tests.predictor.random_models import KNOWN, KNOWN_ITEMS, START, room

CONFIGS = {
    clock: InputConfig(KNOWN, KNOWN_ITEMS, clock=clock)  # type: ignore[arg-type]
    for clock in ("course", "learner")
}


def built(source: EventTable, config: InputConfig, names: list[str], until: float) -> Steps:
    people = streams(source.sequences("course"), config, names)
    size = len(people)
    return build(config, people, np.full(size, START), np.full(size, until))


def plainly(events: list[Event], config: InputConfig, until: float) -> list[tuple[int, list[float]]]:
    """Token and inputs of every step of one learner, one after the other."""
    found: list[tuple[int, list[float]]] = []
    index = config.index()
    past: list[Event] = []
    origin = START if config.clock == "course" else (events[0].time if events else math.nan)

    def described(time: float) -> list[float]:
        first, last = (past[0].time, past[-1].time) if past else (time, time)
        days = {math.floor((event.time - origin) / DAY) for event in past}
        items = {event.item_id for event in past if event.item_id}
        numbers = len(past), len(items), len(days), *sittings([event.time for event in past])
        return list(context(math, time, START, first, last, *numbers, float(bool(past))))

    def markers(end: float) -> None:
        if past or config.clock == "course":
            for day in marker_days(config, origin, past[-1].time if past else origin, end):
                found.append((config.marker_token(day), [*described(origin + day * DAY), 0, 0, 0, 0, 0, 0]))

    for event in events:
        markers(event.time)
        new = bool(event.item_id) and event.item_id not in {old.item_id for old in past}
        flags = [float(new), float(bool(event.item_id))]
        numbers = [*described(event.time), *calendar(math, event.time), *flags]
        found.append((index.get(event.token, 0), numbers))
        past.append(event)
    markers(until)
    return found


def sittings(times: list[float]) -> tuple[int, float, float]:
    """Their number, the seconds spent in them, and those of the last one."""
    spans: list[list[float]] = []
    for time in times:
        if not spans or time - spans[-1][-1] > PAUSE:
            spans.append([])
        spans[-1].append(time)
    lasted = [span[-1] - span[0] for span in spans]
    return len(spans), sum(lasted), lasted[-1] if lasted else 0.0


@settings(max_examples=60, deadline=None)
@given(
    people=room(), clock=st.sampled_from(["course", "learner"]), ahead=st.sampled_from([0.0, 1.5, 40, 500])
)
def test_steps_are_those_of_a_plain_account(people: list[list[Event]], clock: str, ahead: float) -> None:
    config = CONFIGS[clock]
    source = EventTable.of([event for events in people for event in events])
    if not source.courses:
        return
    sequences = source.sequences("course")
    until = float(sequences.times.max()) + ahead * DAY
    names = [f"learner-{place}" for place in range(len(people))]
    steps = built(source, config, names, until)
    begin = 0
    for row, name in enumerate(names):
        events = stored(source, name)
        expected = plainly(events, config, until)
        end = begin + len(expected)
        assert steps.lengths[row] == len(expected)
        assert steps.tokens[begin:end].tolist() == [token for token, _ in expected]
        is_event = steps.tokens[begin:end] < config.event_tokens
        assert steps.items[begin:end][is_event].tolist() == [known(config, event) for event in events]
        assert not steps.items[begin:end][~is_event].any()
        if expected:
            np.testing.assert_allclose(
                steps.inputs[begin:end], [numbers for _, numbers in expected], atol=1e-5
            )
        assert (np.diff(steps.times[begin:end]) >= 0).all()
        begin = end
    assert begin == len(steps.tokens)


def known(config: InputConfig, event: Event) -> int:
    """The number of the event's item, 0 for one that is not known."""
    name = item_name(event.item_id)
    return config.known_items.index(name) + 1 if name in config.known_items else 0


def stored(source: EventTable, learner: str) -> list[Event]:
    """The learner's events in the order of the source."""
    found = source.sequences("course")
    if learner not in found.learners:
        return []
    row = found.learners.index(learner)
    return [
        Event(
            "course",
            learner,
            float(found.times[place]),
            found.names[found.tokens[place]],
            found.item_names[found.items[place]] if found.items[place] >= 0 else "",
        )
        for place in range(int(found.offsets[row]), int(found.offsets[row + 1]))
    ]


@settings(max_examples=40, deadline=None)
@given(people=room(), clock=st.sampled_from(["course", "learner"]), ahead=st.floats(0, 90))
def test_readings_hold_the_weighted_counts_of_the_past(
    people: list[list[Event]], clock: str, ahead: float
) -> None:
    config = CONFIGS[clock]
    source = EventTable.of([event for events in people for event in events])
    if not source.courses:
        return
    until = float(source.sequences("course").times.max()) + ahead * DAY
    names = [f"learner-{place}" for place in range(len(people))]
    learners = streams(source.sequences("course"), config, names)
    now = np.full(len(names), until)
    steps = build(config, learners, np.full(len(names), START), now, (last_gaps(learners), now))
    scales, tokens = config.counts_shape
    index = config.index()
    for place in range(0, len(steps.readings), 3):
        owner, time = names[int(steps.reading_owners[place])], float(steps.reading_times[place])
        past = [event for event in stored(source, owner) if event.time < time or not steps.markers[place]]
        expected = np.zeros((scales, tokens))
        for event in past:
            age = (time - event.time) / DAY
            weights = [math.exp(-age / days) for days in config.memory_days] + [1.0]
            expected[:, index.get(event.token, 0)] += weights
        found = np.expm1(4 * steps.readings[place, CONTEXT_SIZE + 1 + scales :].reshape(scales, tokens))
        np.testing.assert_allclose(found, expected, atol=1e-3, rtol=1e-4)


def test_an_event_at_the_very_instant_of_a_marker_comes_after_it() -> None:
    config = CONFIGS["course"]
    events = [
        Event("course", "ada", START + 5, "seq_next"),
        Event("course", "ada", START + DAY, "play_video"),
    ]
    steps = built(EventTable.of(events), config, ["ada"], START + 1.5 * DAY)
    assert steps.tokens.tolist() == [
        config.index()["seq_next"],
        config.event_tokens,
        config.index()["play_video"],
    ]


def test_settled_steps_end_with_the_newest_event() -> None:
    events = [Event("course", "ada", START + 2.5 * DAY, "seq_next")]
    source = EventTable.of(events)
    steps = built(source, CONFIGS["course"], ["ada", "nobody"], START + 5 * DAY)
    assert steps.lengths.tolist() == [6, 5]
    assert steps.settled.tolist() == [3, 0]


def test_readings_point_at_the_step_before_them() -> None:
    config = CONFIGS["learner"]
    events = [Event("course", "ada", START, "seq_next"), Event("course", "ada", START + 60, "play_video")]
    learners = streams(EventTable.of(events).sequences("course"), config, ["ada", "nobody"])
    gaps = np.array([0, 1, 2, 2, 3])
    times = np.array([START, START + 30, START + 60, START + 1.5 * DAY, START + 9.0])
    steps = build(config, learners, np.full(2, START), np.full(2, START + 2 * DAY), (gaps, times))
    asked = ~steps.markers
    assert steps.reading_steps[asked].tolist() == [-1, 0, 1, 2, -1]
    assert steps.reading_owners[asked].tolist() == [0, 0, 0, 0, 1]


def test_neither_names_nor_the_order_of_rows_enter() -> None:
    """But for the names of known items, of which there is none here."""
    rng = np.random.default_rng(0)
    events = [
        Event(
            "course",
            f"l{rng.integers(9)}",
            START + float(second),
            str(rng.choice(KNOWN)),
            f"i{rng.integers(5)}",
        )
        for second in rng.choice(40 * 86400, 300, replace=False)
    ]
    renamed = [
        replace_names(event, {f"l{n}": f"m{9 - n}" for n in range(9)}, {f"i{n}": f"x{n}y" for n in range(5)})
        for event in events
    ]
    config = CONFIGS["course"]
    one = built(EventTable.of(events), config, [f"l{n}" for n in range(9)], START + 41 * DAY)
    other = built(EventTable.of(renamed), config, [f"m{9 - n}" for n in range(9)], START + 41 * DAY)
    np.testing.assert_array_equal(one.inputs, other.inputs)
    np.testing.assert_array_equal(one.readings, other.readings)
    np.testing.assert_array_equal(one.tokens, other.tokens)
    assert not one.items.any()
    assert not other.items.any()


def replace_names(event: Event, learners: dict[str, str], items: dict[str, str]) -> Event:
    return event._replace(learner_id=learners[event.learner_id], item_id=items[event.item_id])


def test_streams_can_be_cut_and_taken_apart() -> None:
    events = [
        Event("course", name, START + n, "seq_next", ("", "block-a", "block-b", "")[n])
        for name in "abc"
        for n in range(4)
    ]
    whole = streams(EventTable.of(events).sequences("course"), CONFIGS["course"])
    cut = whole.before(np.array([START + 2, START, START + 99]))
    assert np.diff(cut.offsets).tolist() == [2, 0, 4]
    assert np.diff(cut.take(np.array([2, 0])).offsets).tolist() == [4, 2]
    assert cut.take(np.array([2])).times.tolist() == [START, START + 1, START + 2, START + 3]
    assert cut.items.tolist() == [0, 1, 0, 1, 0, 0]
    assert cut.take(np.array([2])).items.tolist() == [0, 1, 0, 0]
    assert Counter(whole.tokens.tolist()) == {CONFIGS["course"].index()["seq_next"]: 12}


def test_nobody_has_no_steps() -> None:
    whole = streams(
        EventTable.of([Event("course", "a", START, "seq_next")]).sequences("course"), CONFIGS["learner"]
    )
    nobody = whole.take(np.zeros(0, dtype=np.int64))
    assert len(build(CONFIGS["learner"], nobody, np.zeros(0), np.zeros(0)).tokens) == 0
