"""Events as arrays: interning, merging, the written form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor import columns as columns_module
from predictor.columns import (
    OTHER,
    BrokenSegment,
    Columns,
    compact_tables,
    concatenate,
    decode,
    encode,
    fresh,
    from_events,
    intern,
    merge,
    on_grid,
    without_learners,
)
from predictor.events import Event

events = st.builds(
    Event,
    course_id=st.just("c"),
    learner_id=st.sampled_from(["1", "2", "10"]),
    time=st.integers(0, 5).map(lambda n: 1.5e9 + n / 1e6),
    token=st.sampled_from(["play_video", "info page", "seq_next"]),
    item_id=st.sampled_from(["", "p1", "v2"]),
    score=st.none() | st.sampled_from([0.25, 1.0]),
)
some = st.lists(events, min_size=1, max_size=25)


def of(made: list[Event]) -> Columns:
    return from_events(made)["c"]


def rows(columns: Columns) -> list[tuple[str, float, str, str]]:
    return [
        (
            columns.learners[learner],
            float(time),
            columns.names[token],
            columns.item_names[item] if item >= 0 else "",
        )
        for learner, time, token, item in zip(
            columns.learner, columns.time, columns.token, columns.item, strict=True
        )
    ]


def keys(made: list[Event]) -> list[tuple[str, float, str, str]]:
    return [(event.learner_id, event.time, event.token, event.item_id) for event in made]


@given(some)
def test_columns_keep_every_event_in_order(made: list[Event]) -> None:
    columns = of(made)
    assert rows(columns) == keys(made)
    scores = [None if np.isnan(score) else float(score) for score in columns.score]
    assert scores == [event.score for event in made]


@given(st.lists(some, min_size=1, max_size=4))
def test_merged_columns_are_the_sorted_set(parts: list[list[Event]]) -> None:
    every = [key for part in parts for key in keys(part)]
    merged = merge([of(part) for part in parts])
    assert rows(merged) == sorted(set(every))
    assert rows(concatenate([of(part) for part in parts])) == every


@given(some, st.lists(some, max_size=3))
def test_fresh_are_the_events_not_yet_known(batch: list[Event], known: list[list[Event]]) -> None:
    seen = {key for part in known for key in keys(part)}
    found = fresh(of(batch), [of(part) for part in known])
    assert rows(found) == sorted(set(keys(batch)) - seen)
    assert found.learners == sorted({learner for learner, *_ in rows(found)})


@given(some)
def test_the_written_form_reads_the_same(made: list[Event]) -> None:
    columns = of(made)
    data = encode(columns, {"any": "thing"})
    found = decode(data)
    assert rows(found) == rows(columns)
    for size in (0, 7, len(data) // 2, len(data) - 1):
        with pytest.raises(BrokenSegment):
            decode(data[:size])


@given(some, st.sampled_from(["1", "2", "10"]))
def test_learners_leave_with_all_that_names_them(made: list[Event], gone: str) -> None:
    left = without_learners(of(made), lambda learner: learner == gone)
    assert rows(left) == [key for key in keys(made) if key[0] != gone]
    assert gone not in left.learners


def test_tables_hold_only_what_is_used() -> None:
    columns = of(
        [Event("c", "1", 1.5e9, "a", "x"), Event("c", "2", 1.5e9, "b", "y"), Event("c", "2", 1.5e9, "b")]
    )
    kept = compact_tables(columns.take(np.array([0, 2])))
    assert (kept.learners, kept.names, kept.item_names) == (["1", "2"], ["a", "b"], ["x"])
    assert kept.item.tolist() == [0, -1]


def test_the_rarest_of_too_many_names_become_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_module, "MOST_NAMES", 4)
    tokens = ["a"] * 3 + ["b"] * 3 + ["c"] * 2 + ["d", "e", "f"]
    columns = of([Event("c", "1", 1.5e9 + n, token) for n, token in enumerate(tokens)])
    assert columns.names == [OTHER, "a", "b", "c"]
    assert [columns.names[token] for token in columns.token] == ["a"] * 3 + ["b"] * 3 + ["c"] * 2 + [
        OTHER
    ] * 3
    more = concatenate([columns, of([Event("c", "1", 1.5e9, "z")])])
    assert {"a", "b"} < set(more.names)
    assert len(more.names) <= 4
    assert len(more) == len(tokens) + 1


def test_times_that_are_one_microsecond_are_one_number() -> None:
    exact = 1_741_076_130.123456
    assert (
        on_grid(np.array([exact, np.nextafter(exact, 0), np.nextafter(exact, 2e9)])).tolist() == [exact] * 3
    )


def test_lone_surrogates_are_stored_as_question_marks() -> None:
    table, places = intern(["\ud800", "å", "?"])
    assert (table, places.tolist()) == (["?", "å"], [0, 1, 0])
