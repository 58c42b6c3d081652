"""Files of events keep their form."""

from pathlib import Path

import numpy as np
import pytest

from predictor.columns import BrokenSegment, Columns, encode, from_events, header, merge
from predictor.events import Event
from predictor.segments import (
    UNFINISHED,
    folder_name,
    locked,
    open_segment,
    remove,
    segments,
    write_segment,
    write_whole,
)

GOLDEN = Path(__file__).parent / "fixtures" / "segments" / "format-1.safetensors"
COURSE = "course-v1:Fjord+TIDES101+2025_T1"
EVENTS = [
    Event(COURSE, "41", 1741076130.25, "problem_check_incorrect", "ebb1", 0.25),
    Event(COURSE, "41", 1741076131.000001, "info page"),
    Event(COURSE, "åse", 1741076129.0, "play_video", "moon"),
]


def same(one: Columns, other: Columns) -> None:
    for name in vars(one):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(getattr(one, name), "dtype", None) == getattr(getattr(other, name), "dtype", None)


def test_a_segment_of_format_1_is_read_for_ever() -> None:
    segment = open_segment(GOLDEN)
    assert (segment.course_id, segment.start, segment.end, segment.size) == (
        COURSE,
        1741076129.0,
        1741076131.000001,
        3,
    )
    same(segment.columns(), merge([from_events(EVENTS)[COURSE]]))


def test_a_segment_is_written_as_it_always_was(tmp_path: Path) -> None:
    path = write_segment(tmp_path, COURSE, merge([from_events(EVENTS)[COURSE]]))
    assert path.name == "00000001.safetensors"
    written, golden = path.read_bytes(), GOLDEN.read_bytes()
    assert header(written) == header(golden)
    assert written[header(written)[1] :] == golden[header(golden)[1] :]


def test_a_segment_of_another_format_says_so(tmp_path: Path) -> None:
    path = tmp_path / "00000001.safetensors"
    path.write_bytes(encode(from_events(EVENTS)[COURSE], {"format": "2"}))
    with pytest.raises(BrokenSegment, match="is of format 2, this version reads 1"):
        open_segment(path)


def test_another_safetensors_file_is_no_segment(tmp_path: Path) -> None:
    path = tmp_path / "00000001.safetensors"
    path.write_bytes(encode(from_events(EVENTS)[COURSE], {}))
    with pytest.raises(BrokenSegment, match="no file of this store"):
        open_segment(path)


def test_segments_are_numbered_on(tmp_path: Path) -> None:
    columns = from_events(EVENTS)[COURSE]
    paths = [write_segment(tmp_path, COURSE, columns) for _ in range(3)]
    remove(paths[0])
    paths.append(write_segment(tmp_path, COURSE, columns))
    assert [segment.path for segment in segments(tmp_path)] == paths[1:]
    assert paths[-1].name == "00000004.safetensors"


def test_an_unfinished_file_is_no_segment(tmp_path: Path) -> None:
    (tmp_path / ("00000001.safetensors" + UNFINISHED)).write_bytes(b"half")
    assert segments(tmp_path) == []


def test_writing_replaces_a_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_lock_is_let_go_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "store"):
        raise ZeroDivisionError
    with locked(tmp_path / "store"):
        assert (tmp_path / "store" / "lock").exists()


def test_folder_names_are_plain_short_and_unlike() -> None:
    names = [folder_name(course) for course in ("a/b/c", "a:b:c", "../../etc", "å" * 300, "")]
    assert len(set(names)) == len(names)
    for name in names:
        assert "/" not in name
        assert name.isascii()
        assert len(name) < 120
        assert not name.startswith("..-") or name != ".."
