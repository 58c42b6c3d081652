"""The event store holds each event once, whatever happens while it is written."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor import segments as segments_module
from predictor import sequences as sequences_module
from predictor.columns import BrokenSegment, from_events
from predictor.events import Event
from predictor.segments import SUFFIX, UNFINISHED
from predictor.sequences import (
    Appended,
    EventSource,
    EventStore,
    EventTable,
    Sequences,
    UnknownCourse,
    open_events,
)

events = st.builds(
    Event,
    course_id=st.sampled_from(["course-v1:a+b+c", "Org/Course/Run", "1038"]),
    learner_id=st.sampled_from(["1", "2", "10", "åse", "\ud800"]),
    time=st.integers(1_500_000_000_000_000, 1_500_000_000_000_009).map(lambda micros: micros / 1e6),
    token=st.sampled_from(["play_video", "info page", "problem_check_correct"]),
    item_id=st.sampled_from(["", "p1", "v2"]),
    score=st.none() | st.floats(0, 1),
)
HISTORY = [
    Event(
        f"course {number % 2}",
        str(number % 3),
        1.5e9 + number // 2,
        "play_video",
        f"v{number % 5}",
        number / 40,
    )
    for number in range(40)
]
Content = set[tuple[str, str, float, str, str]]


def key(event: Event) -> tuple[str, str, float, str, str]:
    return event.course_id, event.learner_id.replace("\ud800", "?"), event.time, event.token, event.item_id


def content(source: EventSource) -> Content:
    """Every event of a source, each of which must be there once."""
    found = [row for course in source.courses for row in rows(source.sequences(course))]
    assert len(found) == len(set(found))
    return set(found)


def rows(sequences: Sequences) -> Iterator[tuple[str, str, float, str, str]]:
    assert sequences.learners == sorted(set(sequences.learners))
    assert len(sequences.offsets) == len(sequences) + 1
    assert sequences.offsets[-1] == len(sequences.times) == len(sequences.tokens) == len(sequences.items)
    for place, learner in enumerate(sequences.learners):
        start, end = sequences.offsets[place : place + 2]
        assert end > start
        assert (np.diff(sequences.times[start:end]) >= 0).all()
        for row in range(start, end):
            item = sequences.item_names[sequences.items[row]] if sequences.items[row] >= 0 else ""
            time, token = float(sequences.times[row]), sequences.names[sequences.tokens[row]]
            yield sequences.course_id, learner, time, token, item


@given(st.lists(st.lists(events, max_size=8), max_size=14), st.data())
@settings(max_examples=60, deadline=None)
def test_store_holds_the_set_of_what_was_appended(batches: list[list[Event]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, expected = EventStore(folder), set[tuple[str, str, float, str, str]]()
        for batch in batches:
            new = {key(event) for event in batch} - expected
            expected |= new
            assert store.append(batch) == Appended(len(new), len(batch) - len(new), 0)
            if data.draw(st.booleans()):
                store.compact()
        assert content(store) == expected
        assert content(EventStore(folder)) == expected
        for batch in data.draw(st.permutations(batches)):
            assert store.append(batch).added == 0
        assert content(store) == expected
        assert content(EventTable.of(event for batch in batches for event in batch)) == expected


@given(st.lists(events, min_size=1, max_size=30), st.sampled_from(["1", "2", "10", "åse"]))
@settings(max_examples=40, deadline=None)
def test_a_forgotten_learner_is_gone_and_stays_gone(given_events: list[Event], learner: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = EventStore(folder)
        store.append(given_events)
        theirs = {key(event) for event in given_events if event.learner_id == learner}
        assert store.forget(learner) == len(theirs)
        left = {key(event) for event in given_events} - theirs
        assert content(store) == left
        report = store.append(given_events)
        assert report.added == 0
        assert report.forgotten == sum(event.learner_id == learner for event in given_events)
        assert content(store) == left
        assert store.forget(learner) == 0


def test_nothing_of_a_forgotten_learner_is_left_on_disk(tmp_path: Path) -> None:
    store = EventStore(tmp_path)
    store.append([*HISTORY, Event("course 0", "secret-learner", 1.5e9, "play_video")])
    assert b"secret-learner" in every_byte(tmp_path)
    assert store.forget("secret-learner") == 1
    assert b"secret-learner" not in every_byte(tmp_path)
    assert content(store) == {key(event) for event in HISTORY}


def test_forgetting_the_only_learner_takes_the_course_away(tmp_path: Path) -> None:
    store = EventStore(tmp_path)
    store.append([Event("course 0", "1", 1.5e9, "play_video")])
    assert store.forget("1") == 1
    assert store.courses == ()
    with pytest.raises(UnknownCourse, match="course 0"):
        store.sequences("course 0")


def every_byte(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(step: int) -> Iterator[list[int]]:
    """Let the process die at the `step`th time that it touches the disk."""
    taken = [0]

    def dying(work: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object, **named: object) -> object:
            taken[0] += 1
            if taken[0] == step:
                raise Killed
            return work(*arguments, **named)

        return counted

    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((os, "fsync"), (os, "replace"), (Path, "unlink"), (Path, "mkdir")):
            patch.setattr(module, name, dying(getattr(module, name)))
        try:
            yield taken
        except Killed:
            taken.append(-1)


def killed_everywhere(
    prepare: Callable[[EventStore], object], work: Callable[[EventStore], object]
) -> Iterator[EventStore]:
    """The store after `work` was killed at its first, second, … touch of the disk, until it runs through."""
    for step in range(1, 500):
        with tempfile.TemporaryDirectory() as folder:
            prepare(EventStore(folder))
            with killed_at(step) as taken:
                work(EventStore(folder))
            yield EventStore(folder)
            if taken[-1] != -1:
                assert step > 4
                return
    pytest.fail("the work never ended")


def test_a_kill_while_appending_loses_nothing_old_and_invents_nothing() -> None:
    half, whole = {key(event) for event in HISTORY[:20]}, {key(event) for event in HISTORY}
    for store in killed_everywhere(
        lambda store: store.append(HISTORY[:20]), lambda store: store.append(HISTORY)
    ):
        assert half <= content(store) <= whole
        store.append(HISTORY)
        assert content(store) == whole
        assert not list(store.path.rglob("*" + UNFINISHED))


def test_a_kill_while_compacting_changes_nothing() -> None:
    def prepare(store: EventStore) -> None:
        for start in range(0, 40, 10):
            store.append(HISTORY[start : start + 10])

    for store in killed_everywhere(prepare, EventStore.compact):
        assert content(store) == {key(event) for event in HISTORY}
        store.compact()
        assert content(store) == {key(event) for event in HISTORY}
        assert len(list(store.path.rglob("*" + SUFFIX))) == 2


def test_a_kill_while_forgetting_is_made_good_by_the_next_write() -> None:
    left = {key(event) for event in HISTORY if event.learner_id != "1"}
    whole = {key(event) for event in HISTORY}
    for store in killed_everywhere(lambda store: store.append(HISTORY), lambda store: store.forget("1")):
        now = content(store)
        assert now in (left, whole)
        store.append([Event("another", "7", 1.5e9, "info page")])
        if now == left:
            assert not any("1" in columns(path) for path in store.path.rglob("*" + SUFFIX))
        store.forget("1")
        assert content(store) - {("another", "7", 1.5e9, "info page", "")} == left


def columns(path: Path) -> list[str]:
    return segments_module.open_segment(path).columns().learners


def test_many_small_appends_are_compacted(tmp_path: Path) -> None:
    store = EventStore(tmp_path)
    for event in HISTORY:
        store.append([event])
    assert content(store) == {key(event) for event in HISTORY}
    assert len(list(tmp_path.rglob("*" + SUFFIX))) <= 2 * (sequences_module.MOST_SEGMENTS + 1)


def test_columns_have_the_types_that_models_rely_on(tmp_path: Path) -> None:
    store = EventStore(tmp_path)
    store.append(HISTORY)
    found = store.sequences("course 0")
    assert (found.offsets.dtype, found.tokens.dtype, found.times.dtype) == (np.int64, np.uint16, np.float64)
    assert (found.items.dtype, found.scores.dtype) == (np.int32, np.float32)
    expected = {
        (event.learner_id, event.time): event.score for event in HISTORY if event.course_id == "course 0"
    }
    for place, learner in enumerate(found.learners):
        for row in range(found.offsets[place], found.offsets[place + 1]):
            assert found.scores[row] == np.float32(expected[learner, found.times[row]])


def test_a_compacted_course_is_read_straight_from_disk(tmp_path: Path) -> None:
    store = EventStore(tmp_path)
    store.append(HISTORY[:20])
    store.append(HISTORY[20:])
    store.compact()
    found = store.sequences("course 0")
    assert not found.times.flags.owndata
    assert not found.times.flags.writeable


def test_a_score_wins_over_none() -> None:
    first = Event("c", "1", 1.5e9, "problem_check_correct", "p")
    for pair in ([first, first._replace(score=0.5)], [first._replace(score=0.5), first]):
        assert EventTable.of(pair).sequences("c").scores.tolist() == [0.5]


def test_two_processes_append_at_once(tmp_path: Path) -> None:
    script = """
import sys
from predictor.events import Event
from predictor.sequences import EventStore
store = EventStore(sys.argv[1])
for n in range(40):
    store.append([Event("c", name, 1.5e9 + n, "play_video") for name in (sys.argv[2], "both")])
"""
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), name], cwd=Path(__file__).parents[2])
        for name in ("a", "b")
    ]
    store = EventStore(tmp_path)
    while any(writer.poll() is None for writer in writers):
        content(store)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(content(store)) == 120


def test_a_segment_cut_short_says_which_and_what_to_do(tmp_path: Path) -> None:
    store = EventStore(tmp_path)
    store.append(HISTORY)
    path = next(tmp_path.rglob("*" + SUFFIX))
    for size in (0, 4, 200, path.stat().st_size - 1):
        data = path.read_bytes()
        path.write_bytes(data[:size])
        with pytest.raises(BrokenSegment, match=f"{path.name}.*ingest its logs again"):
            content(store)
        path.write_bytes(data)
    path.write_bytes(b"\x10\0\0\0\0\0\0\0" + b"no JSON at all !")
    with pytest.raises(BrokenSegment, match=path.name):
        content(store)


def test_courses_with_like_names_are_kept_apart(tmp_path: Path) -> None:
    store = EventStore(tmp_path)
    courses = ["a/b/c", "a_b_c", "a:b:c", "A/b/c", "å" * 200]
    store.append([Event(course, "1", 1.5e9, "play_video") for course in courses])
    assert store.courses == tuple(sorted(courses))


def test_open_events_knows_stores_and_tables(tmp_path: Path) -> None:
    EventStore(tmp_path / "store").append(HISTORY)
    table = tmp_path / "events.csv"
    lines = [f"{e.course_id},{e.learner_id},{e.time},{e.token},{e.item_id}" for e in HISTORY]
    table.write_text("\n".join(["course_id,learner_id,time,event_type,item_id", *lines]))
    assert (
        content(open_events(tmp_path / "store")) == content(open_events(table)) == {key(e) for e in HISTORY}
    )


def test_open_events_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        open_events(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="no event store"):
        open_events(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match="neither an event store nor a table"):
        open_events(tmp_path / "notes.txt")


def test_no_events_make_no_courses(tmp_path: Path) -> None:
    assert EventStore(tmp_path).append([]) == Appended()
    assert EventStore(tmp_path).courses == ()
    assert from_events([]) == {}
