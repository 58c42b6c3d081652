"""Files of events that appear whole or not at all."""

import fcntl
import hashlib
import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from predictor.columns import BrokenSegment, Columns, decode, encode, header

SUFFIX: Final = ".safetensors"
UNFINISHED: Final = ".unfinished"
FORMAT: Final = "1"
"""Stands in each segment. Another meaning of a segment needs the next number and a reader for this one."""


@dataclass(frozen=True)
class Segment:
    """One immutable file of events of one course run."""

    path: Path
    course_id: str
    start: float
    """Earliest event, unix seconds."""
    end: float
    """Latest event, unix seconds."""
    size: int
    """Number of events."""

    def columns(self) -> Columns:
        """The events, mapped from disk."""
        with open(self.path, "rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        columns: Columns = _explained(self.path, decode, data)
        return columns


def _explained(path: Path, read: Any, data: Any) -> Any:
    try:
        return read(data)
    except BrokenSegment as error:
        raise BrokenSegment(f"{path}: {error}. Delete this file and ingest its logs again.") from error


def folder_name(course_id: str) -> str:
    """A folder name that can be read and is unlike any other course run's."""
    readable = re.sub(r"[^\w.+-]+", "_", course_id, flags=re.ASCII)[:80]
    return f"{readable}-{hashlib.blake2b(course_id.encode(), digest_size=8).hexdigest()}"


def open_segment(path: Path) -> Segment:
    """What the header of a segment's file says."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        data = size.to_bytes(8, "little") + file.read(min(size, os.path.getsize(path)))
    found = _explained(path, header, data)[0].get("__metadata__", {})
    if isinstance(found, dict) and found.get("format", FORMAT) != FORMAT:
        raise BrokenSegment(
            f"{path} is of format {found['format']}, this version reads {FORMAT}: upgrade it."
        )
    try:
        return Segment(
            path, found["course_id"], float(found["start"]), float(found["end"]), int(found["size"])
        )
    except (KeyError, ValueError, TypeError) as error:
        raise BrokenSegment(f"{path}: no file of this store. Delete it and ingest its logs again.") from error


def segments(folder: Path) -> list[Segment]:
    """The segments in `folder`, oldest first; files being written do not count.

    A file that a compaction in another process takes away meanwhile is in its successor, so the folder is
    listed anew.
    """
    while True:
        try:
            return [open_segment(path) for path in sorted(folder.glob("*" + SUFFIX))]
        except FileNotFoundError:
            continue


def write_segment(folder: Path, course_id: str, columns: Columns) -> Path:
    """Put `columns` (sorted, not empty) on disk as the newest segment of `folder`. Needs the store's lock."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = [int(path.name.partition(".")[0]) for path in folder.glob("*" + SUFFIX)]
    path = folder / f"{max(numbers, default=0) + 1:08d}{SUFFIX}"
    metadata = {
        "format": FORMAT,
        "course_id": course_id,
        "start": repr(float(columns.time.min())),
        "end": repr(float(columns.time.max())),
        "size": str(len(columns)),
    }
    write_whole(path, encode(columns, metadata))
    return path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a kill or power cut leaves the old one, the new one, and nothing between."""
    unfinished = path.with_name(path.name + UNFINISHED)
    with open(unfinished, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    sync_folder(path.parent)


def remove(path: Path) -> None:
    """Take a file away, whether or not it is still there."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the writers' lock of a store; the system lets go of it when the process dies."""
    path.mkdir(parents=True, exist_ok=True)
    with open(path / "lock", "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
