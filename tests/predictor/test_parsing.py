"""Every line is an event or is counted under a reason."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.columns import BrokenSegment
from predictor.events import NO_LEARNER, NO_TYPE
from predictor.parsing import (
    COMMENT,
    CUT_LINE,
    EMPTY,
    NOT_JSON,
    NOT_OBJECT,
    NOT_UTF8,
    Batch,
    Reader,
    from_bytes,
    read_block,
    to_bytes,
)

NOW = 1_800_000_000.0
RECORD = {
    "event_type": "play_video",
    "event_source": "browser",
    "time": "2025-03-04T08:15:30.250000+00:00",
    "event": '{"id": "moon"}',
    "context": {"user_id": 41, "course_id": "course-v1:a+b+c"},
}
LINE = json.dumps(RECORD).encode()
BROKEN = {
    b"": EMPTY,
    b"   \r": EMPTY,
    b"# rotated at noon": COMMENT,
    b"no JSON": NOT_JSON,
    b"{no JSON}": NOT_JSON,
    LINE[:-20]: CUT_LINE,
    b'"text"': NOT_OBJECT,
    b"[1, 2]": NOT_OBJECT,
    b"12": NOT_OBJECT,
    b"null": NOT_OBJECT,
    LINE[:30] + b"\xff" + LINE[30:]: NOT_UTF8,
    b"{" * 100_000: CUT_LINE,
    b"{}": NO_TYPE,
    json.dumps(RECORD | {"context": {"course_id": "course-v1:a+b+c"}}).encode(): NO_LEARNER,
}


@pytest.mark.parametrize("line", BROKEN, ids=[str(number) for number in range(len(BROKEN))])
def test_a_line_without_an_event_has_a_reason(line: bytes) -> None:
    batch = read_block(LINE + b"\n" + line + b"\n" + LINE + b"\n", NOW)
    assert batch.skipped == {BROKEN[line]: 1}
    assert batch.first == {BROKEN[line]: 1}
    assert batch.lines == 3
    assert batch.columns is not None
    assert len(batch.columns) == 2


def test_a_record_behind_a_syslog_prefix_is_recovered() -> None:
    batch = read_block(b"Mar  4 08:15:30 host tracking: " + LINE + b"\n" + LINE, NOW)
    assert (batch.lines, batch.recovered, batch.skipped.total()) == (2, 1, 0)


def test_what_only_python_writes_as_json_is_read() -> None:
    odd = json.dumps(RECORD | {"agent": "\ud83d", "event": {"currentTime": float("nan")}}).encode()
    batch = read_block(odd, NOW)
    assert (batch.lines, batch.recovered, batch.skipped.total()) == (1, 0, 0)


@pytest.mark.parametrize(
    ("block", "lines"), [(b"", 0), (b"\n", 1), (b"\n\n", 2), (LINE, 1), (LINE + b"\n", 1)]
)
def test_what_follows_the_last_line_end_is_no_line(block: bytes, lines: int) -> None:
    batch = read_block(block, NOW)
    assert batch.lines == lines
    assert batch.lines == batch.skipped.total() + (len(batch.columns) if batch.columns is not None else 0)


@given(st.lists(st.binary(max_size=40) | st.just(LINE) | st.sampled_from(sorted(BROKEN)), max_size=12))
def test_every_line_is_an_event_or_counted(lines: list[bytes]) -> None:
    block = b"".join(line.replace(b"\n", b"") + b"\n" for line in lines)
    batch = read_block(block, NOW)
    events = len(batch.columns) if batch.columns is not None else 0
    assert batch.lines == len(lines) == events + batch.skipped.total()
    assert events >= lines.count(LINE)
    same(from_bytes(to_bytes(batch)), batch)


def same(one: Batch, other: Batch) -> None:
    for name in ("lines", "skipped", "first", "recovered"):
        assert getattr(one, name) == getattr(other, name)
    assert (one.columns is None) == (other.columns is None)
    if one.columns is None or other.columns is None:
        return
    assert one.courses is not None
    assert other.courses is not None
    assert one.courses[0] == other.courses[0]
    np.testing.assert_array_equal(one.courses[1], other.courses[1])
    for name in ("learners", "names", "item_names", "learner", "time", "token", "item", "score", "repeat"):
        np.testing.assert_array_equal(getattr(one.columns, name), getattr(other.columns, name))


def test_a_helper_reads_as_this_process_does() -> None:
    block = b"\n".join([LINE, *BROKEN, LINE])
    helper = Reader(NOW)
    try:
        same(helper(block), read_block(block, NOW))
        same(helper(b""), read_block(b"", NOW))
    finally:
        helper.close()


def test_a_helper_that_died_is_an_error() -> None:
    helper = Reader(NOW)
    helper.kill()
    with pytest.raises(RuntimeError, match="a helper process ended with -9"):
        helper(LINE)
    helper.close()


def test_a_message_cut_short_is_no_batch() -> None:
    with pytest.raises(BrokenSegment):
        from_bytes(to_bytes(read_block(LINE, NOW))[:-5])


def children(parent: int) -> Iterator[int]:
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            yield int(status.parent.name)


def test_a_helper_ends_when_its_parent_is_killed() -> None:
    script = """
import time
from predictor.parsing import Reader
helper = Reader(0.0)
helper(b"")
print("up", flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        helpers = list(children(parent.pid))
        assert len(helpers) == 1
        parent.kill()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and alive(helpers[0]):
        time.sleep(0.05)
    assert not alive(helpers[0])


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
