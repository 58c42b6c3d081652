"""What the model sees: markers, context, and where none of it may come from."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.inputs import (
    CALENDAR_SIZE,
    CONTEXT_SIZE,
    DAY,
    InputConfig,
    calendar,
    context,
    item_bit,
    item_name,
    marker_days,
)

CONFIG = InputConfig(("play_video", "seq_next"))
START = 1_600_000_000.0


def test_a_marker_ends_each_day_and_weeks_have_tokens_of_their_own() -> None:
    assert marker_days(CONFIG, START, START, START + 8.5 * DAY) == [1, 2, 3, 4, 5, 6, 7, 8]
    day_end = CONFIG.event_tokens
    assert CONFIG.marker_token(1) == CONFIG.marker_token(8) == day_end
    assert [CONFIG.marker_token(7 * week) for week in (1, 2, 10)] == [day_end + 1, day_end + 2, day_end + 10]
    assert CONFIG.marker_token(7 * 11) == CONFIG.marker_token(7 * 40) == day_end + 11 == CONFIG.tokens - 1


def test_a_marker_at_the_very_end_counts_and_one_at_the_very_start_does_not() -> None:
    assert marker_days(CONFIG, START, START, START + DAY) == [1]
    assert marker_days(CONFIG, START, START + DAY, START + 2 * DAY) == [2]
    assert marker_days(CONFIG, START, START - 5 * DAY, START + 0.5 * DAY) == []


@given(since=st.floats(0, 100), first=st.floats(0, 500), second=st.floats(0, 500), clock=st.floats(-30, 30))
def test_markers_up_to_a_moment_do_not_depend_on_when_one_looks(
    since: float, first: float, second: float, clock: float
) -> None:
    origin, seen = START + clock * DAY, START + since * DAY
    early, late = sorted([seen + first * DAY, seen + second * DAY])
    whole = marker_days(CONFIG, origin, seen, late)
    assert marker_days(CONFIG, origin, seen, early) == [day for day in whole if origin + day * DAY <= early]


def test_markers_thin_out_and_end_while_a_learner_stays_away() -> None:
    days = marker_days(CONFIG, START, START + 3.5 * DAY, START + 5000 * DAY)
    assert days[:28] == list(range(4, 32))
    assert all(day % 7 == 0 for day in days[28:])
    assert days[-1] <= 3.5 + 364
    assert len(days) < 80


@given(
    time=st.floats(-50, 900),
    stay=st.floats(0, 400),
    away=st.floats(0, 400),
    counts=st.tuples(st.integers(1, 9000), st.integers(0, 2000), st.integers(1, 300), st.integers(1, 900)),
    seconds=st.tuples(st.floats(0, 1e6), st.floats(0, 2e4)),
)
def test_single_numbers_and_arrays_give_the_same_context(
    time: float,
    stay: float,
    away: float,
    counts: tuple[int, int, int, int],
    seconds: tuple[float, float],
) -> None:
    moment = START + time * DAY
    last = moment - away * DAY
    first = last - stay * DAY
    one = [*context(math, moment, START, first, last, *counts, *seconds, 1.0), *calendar(math, moment)]
    arrays = [np.array([float(value)]) for value in (moment, START, first, last, *counts, *seconds, 1)]
    many = [*context(np, *arrays), *calendar(np, arrays[0])]
    assert len(one) == CONTEXT_SIZE + CALENDAR_SIZE
    np.testing.assert_allclose(np.concatenate(many), one, atol=1e-9)
    assert np.abs(one).max() < 5


def test_an_item_is_known_by_a_bit_and_nothing_else_of_it() -> None:
    assert item_bit("", CONFIG) == -1
    assert 0 <= item_bit("block-v1:a", CONFIG) < CONFIG.item_bits
    assert item_bit("block-v1:a", CONFIG) == item_bit("block-v1:a", CONFIG)


def test_an_item_has_one_name_in_all_runs_of_its_course() -> None:
    first = "block-v1:Org+Course+2025+type@problem+block@a1"
    again = "block-v1:Org+Course+2026_T1+type@problem+block@a1"
    assert item_name(first) == item_name(again) == "Org+Course+type@problem+block@a1"
    custom = "ccx-block-v1:Org+Course+2025+ccx@12+type@problem+block@a1"
    assert item_name(custom) == item_name(first)
    others = (
        "block-v1:Org+Other+2025+type@problem+block@a1",
        "block-v1:Org+Course+2025+type@video+block@a1",
        "block-v1:Org+Course+2025+type@problem+block@a2",
    )
    assert len({item_name(item) for item in (first, *others)}) == 4


@pytest.mark.parametrize(
    "item",
    [
        "",
        "3.11",
        "i4x://Org/Course/problem/a1",
        "block-v1:a",
        "block-v1:Org+Course+2025",
        "block-v1:Org+Course+2025+chapter",
        "ccx-block-v1:Org+Course+2025+ccx@12",
        "lib-block-v1:Org+Lib+type@problem+block@a1",
    ],
)
def test_other_ids_are_their_own_names(item: str) -> None:
    assert item_name(item) == item


KEYS = st.builds("block-v1:{}+{}+{}+type@{}+block@{}".format, *[st.text(max_size=6)] * 5)


@given(item=st.one_of(st.text(), st.from_regex(r"block-v1:[^ ]*"), KEYS))
def test_every_id_has_a_name(item: str) -> None:
    name = item_name(item)
    assert bool(name) == bool(item)
    assert len(name) <= len(item)


def test_known_items_are_numbered_from_one() -> None:
    config = InputConfig(("a",), ("3.1", "1.2"))
    assert config.item_index() == {"3.1": 1, "1.2": 2}
    assert CONFIG.item_index() == {}


def test_a_configuration_survives_json() -> None:
    config = InputConfig(("b", "a"), ("3.1", "1.2"), clock="learner", memory_days=(2.0,), item_bits=64)
    assert InputConfig.from_json(config.to_json()) == config


def test_a_model_of_other_inputs_is_refused_and_told_what_to_do() -> None:
    content = CONFIG.to_json()
    for older in (
        {**content, "layout": 1},
        {**content, "layout": 2, "known_items": ["1.1"]},
        {**content, "layout": 99},
        {name: content[name] for name in content if name != "layout"},
    ):
        with pytest.raises(ValueError, match="train it again"):
            InputConfig.from_json(older)


def test_a_model_from_before_known_items_knows_none() -> None:
    content = CONFIG.to_json() | {"layout": 2}
    del content["known_items"]
    assert InputConfig.from_json(content) == CONFIG
    assert InputConfig.from_json(content).known_items == ()


def test_an_absence_is_seen_beside_the_learners_own_pauses() -> None:
    def relative(sittings: int, away: float) -> float:
        last = START + 20 * DAY
        numbers = context(math, last + away * DAY, START, START, last, 90, 0, 9, sittings, 0.0, 0.0, 1.0)
        return float(numbers[-2])

    assert relative(20, 1.0) == pytest.approx(0.5)
    assert relative(20, 5.0) > relative(2, 5.0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"clock": "wall"}, "clock"),
        ({"item_bits": 12}, "multiple of eight"),
        ({"item_bits": 0}, "multiple of eight"),
        ({"vocabulary": ("a", "a")}, "repeats"),
        ({"vocabulary": ("<other>",)}, "repeats"),
        ({"known_items": ("1.1", "1.1")}, "known_items repeats an item"),
        ({"known_items": ("",)}, "without a name"),
    ],
)
def test_an_impossible_configuration_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        InputConfig(**({"vocabulary": ("a",)} | fields))  # type: ignore[arg-type]
