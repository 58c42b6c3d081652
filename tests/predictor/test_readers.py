"""Bytes come out whole, however a file is compressed, and up to the cut where it is cut."""

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.readers import CUT_SHORT, DAMAGED, Interrupted, blocks, expand, lines, whole_lines

TEXT = b"".join(b'{"line": %d, "pad": "%d"}\n' % (number, number * 7919) for number in range(120_000))
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "zstd without size": lambda data: _streamed(data),
    "bzip2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
}


def _streamed(data: bytes) -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush()


def until(reason: str, pieces: Iterator[bytes]) -> bytes:
    """What comes before the interruption, which must come."""
    found = bytearray()
    stopped = ""
    try:
        for piece in pieces:
            found += piece
    except Interrupted as error:
        stopped = str(error)
    assert stopped == reason
    return bytes(found)


def read(path: Path) -> bytes:
    return b"".join(blocks(str(path)))


def test_a_plain_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "tracking.log"
    path.write_bytes(TEXT)
    assert read(path) == TEXT
    assert b"".join(lines(str(path))) == TEXT


@pytest.mark.parametrize("packer", PACKERS)
def test_a_compressed_file_is_known_by_its_first_bytes(packer: str, tmp_path: Path) -> None:
    path = tmp_path / "tracking.log"
    path.write_bytes(PACKERS[packer](TEXT))
    assert read(path) == TEXT


@pytest.mark.parametrize("packer", PACKERS)
def test_concatenated_members_are_read_to_the_last(packer: str, tmp_path: Path) -> None:
    path = tmp_path / "tracking.log"
    path.write_bytes(
        b"".join(PACKERS[packer](TEXT[start : start + 1_000_000]) for start in range(0, len(TEXT), 1_000_000))
    )
    assert read(path) == TEXT


@pytest.mark.parametrize("packer", ["gzip", "zstd", "bzip2", "xz"])
def test_what_comes_before_the_cut_is_kept(packer: str, tmp_path: Path) -> None:
    path = tmp_path / "tracking.log"
    whole = PACKERS[packer](TEXT)
    path.write_bytes(whole[: len(whole) // 2])
    found = until(CUT_SHORT, blocks(str(path)))
    assert TEXT.startswith(found)
    assert len(found) > len(TEXT) // 4


def test_a_second_member_cut_short_leaves_the_first(tmp_path: Path) -> None:
    path = tmp_path / "tracking.log.gz"
    path.write_bytes(gzip.compress(TEXT) + gzip.compress(TEXT)[:20])
    assert until(CUT_SHORT, blocks(str(path))) == TEXT
    assert until(CUT_SHORT, whole_lines(blocks(str(path)), 1 << 16)) == TEXT


def test_zeros_after_a_member_are_padding(tmp_path: Path) -> None:
    path = tmp_path / "tracking.log.gz"
    path.write_bytes(gzip.compress(TEXT) + bytes(512))
    assert read(path) == TEXT


def test_garbage_inside_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "tracking.log.gz"
    whole = bytearray(gzip.compress(TEXT))
    whole[len(whole) // 2 : len(whole) // 2 + 64] = bytes(64)
    path.write_bytes(bytes(whole))
    found = until(DAMAGED, blocks(str(path)))
    assert found[: len(TEXT) // 4] == TEXT[: len(TEXT) // 4]


def test_standard_input_may_be_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(TEXT))))
    assert b"".join(blocks("-")) == TEXT


def test_bytes_read_are_told(tmp_path: Path) -> None:
    path = tmp_path / "tracking.log.gz"
    path.write_bytes(gzip.compress(TEXT))
    told: list[int] = []
    assert b"".join(blocks(str(path), told.append)) == TEXT
    assert sum(told) == path.stat().st_size


@given(st.lists(st.binary(max_size=30), max_size=20), st.integers(1, 40))
@settings(max_examples=200)
def test_blocks_end_at_line_ends_and_lose_nothing(pieces: list[bytes], size: int) -> None:
    found = list(whole_lines(pieces, size))
    assert b"".join(found) == b"".join(pieces)
    assert all(block.endswith(b"\n") for block in found[:-1])


def test_folders_globs_and_files_are_expanded_once(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    for name in ("b.log", "a.log", "old/c.log", ".hidden"):
        (tmp_path / name).write_text("")
    every = [str(tmp_path / name) for name in ("a.log", "b.log", "old/c.log")]
    assert expand([tmp_path]) == every
    assert expand([tmp_path / "*.log"]) == every[:2]
    assert expand([tmp_path / "b.log", "-", tmp_path]) == [every[1], "-", every[0], every[2]]


def test_a_path_that_matches_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\*\.log"):
        expand([tmp_path / "nothing*.log"])
