"""One enrolment's state, and how it is kept as bytes."""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np

from predictor.inputs import Floats, Floats32

MAGIC = b"NX2"

_HEADER = struct.Struct("<3sBH6dIII")
_CHECKSUM = struct.Struct("<I")


class State:
    """One enrolment between two events.  Treat it as a value: `Streamer` never changes one it was given.

    Args:
        course_start: when the course run began.
        time: the newest event, -inf before the first.
        first: the first event, NaN before it.
        since: the first event of the newest sitting, NaN before the first event.
        events, days, sittings: events, active days and sittings so far.
        busy: seconds spent in sittings.
    """

    __slots__ = (
        "busy",
        "cell",
        "counted",
        "counts",
        "course_start",
        "days",
        "events",
        "first",
        "items",
        "seen",
        "since",
        "sittings",
        "time",
    )

    def __init__(self, course_start: float, cell: Floats32, counts: Floats, seen: bytearray) -> None:
        self.course_start = course_start
        self.time = -math.inf
        self.first = math.nan
        self.events = 0
        self.days = 0
        self.items = 0
        self.sittings = 0
        self.busy = 0.0
        self.since = math.nan
        self.counted = 0.0
        """The time that `counts` [scales, tokens] are weighted towards."""
        self.cell = cell
        """[2 * hidden]: h, then c; never changed in place."""
        self.counts = counts
        self.seen = seen
        """Sketch of the items met so far, one bit each."""

    def copy(self) -> State:
        """An independent state with the same content."""
        twin = State(self.course_start, self.cell, self.counts.copy(), self.seen.copy())
        twin.time, twin.first, twin.counted = self.time, self.first, self.counted
        twin.events, twin.days, twin.items = self.events, self.days, self.items
        twin.sittings, twin.busy, twin.since = self.sittings, self.busy, self.since
        return twin


def pack_state(state: State, version: str, half: bool) -> bytes:
    """Header, version, the network's part, counts, items seen, checksum; see `unpack_state`.

    With `half` the network's part is rounded to float16 and the rest compressed without loss: counts that
    were rounded at every checkpoint would stand still, while the network forgets what was rounded.
    """
    name = version.encode()
    header = _HEADER.pack(
        MAGIC,
        int(half),
        len(name),
        state.course_start,
        state.time,
        state.first,
        state.counted,
        state.since,
        state.busy,
        state.events,
        state.days,
        state.sittings,
    )
    cell = state.cell.astype(np.float16 if half else np.float32)
    rest = state.counts.astype(np.float32).tobytes() + bytes(state.seen)
    body = header + name + cell.tobytes() + (zlib.compress(rest) if half else rest)
    return body + _CHECKSUM.pack(zlib.crc32(body))


def unpack_state(packed: bytes, version: str, size: int, counts_shape: tuple[int, int]) -> State:
    """The state in `packed`, of a model with `size` numbers in its cell.

    Raises ValueError for bytes that are damaged, and for a state of another model, naming both versions.
    """
    body = packed[: -_CHECKSUM.size]
    if len(packed) < _HEADER.size + _CHECKSUM.size or not packed.startswith(MAGIC):
        raise ValueError("not a packed state: rebuild it from the enrolment's events")
    if _CHECKSUM.unpack(packed[-_CHECKSUM.size :])[0] != zlib.crc32(body):
        raise ValueError("the packed state is damaged: rebuild it from the enrolment's events")
    _, half, name, start, time, first, counted, since, busy, *numbers = _HEADER.unpack_from(body)
    place = _HEADER.size + name
    own = body[_HEADER.size : place].decode()
    if own != version:
        raise ValueError(f"the state belongs to model {own}, not to {version}: rebuild it")
    kind = np.dtype(np.float16 if half else np.float32)
    cell = np.frombuffer(body, kind, size, place).astype(np.float32)
    place += size * kind.itemsize
    rest = zlib.decompress(body[place:]) if half else body[place:]
    counts = np.frombuffer(rest, np.float32, math.prod(counts_shape)).astype(np.float64)
    seen = bytearray(rest[4 * counts.size :])
    state = State(start, cell, counts.reshape(counts_shape), seen)
    state.time, state.first, state.counted = time, first, counted
    state.since, state.busy = since, busy
    state.events, state.days, state.sittings = numbers
    state.items = int.from_bytes(seen, "little").bit_count()
    return state
