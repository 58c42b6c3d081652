"""Lines of a tracking log become columns, in this process or in a helper beside it."""

import gc
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import orjson

from predictor.columns import Coded, Columns, decode, encode, from_rows, header, tensor
from predictor.events import Event, parse
from predictor.helpers import Helper, serve

EMPTY: Final = "empty line"
COMMENT: Final = "comment"
NOT_UTF8: Final = "not UTF-8"
CUT_LINE: Final = "JSON cut short"
NOT_JSON: Final = "not JSON"
NOT_OBJECT: Final = "not a JSON object"
_LENGTH: Final = 8


@dataclass
class Batch:
    """What a block of lines holds."""

    lines: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """Lines that are no event, by reason."""
    first: dict[str, int] = field(default_factory=dict)
    """Reason -> the first such line, 0 being the block's first."""
    recovered: int = 0
    """Lines whose record stands behind other text, as syslog writes it."""
    courses: Coded | None = None
    columns: Columns | None = None
    """The events, in the order of their lines; None when there are none."""


def read_block(block: bytes, now: float) -> Batch:
    """Read whole lines; each is an event or is counted under a reason."""
    batch = Batch()
    events: list[Event] = []
    number = 0
    for number, line in enumerate(block.split(b"\n")):
        found = _read(line, now, batch)
        if isinstance(found, Event):
            events.append(found)
        else:
            batch.skipped[found] += 1
            batch.first.setdefault(found, number)
    batch.lines = number + 1
    _drop_last(batch, block, number)
    if events:
        batch.courses, batch.columns = from_rows(events)
    return batch


def _read(line: bytes, now: float, batch: Batch) -> Event | str:
    """The event of one line, or the reason why it is none."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        reason, record = _second_try(line)
        if reason:
            return reason
        batch.recovered += not line.lstrip().startswith(b"{")
    if not isinstance(record, dict):
        return NOT_OBJECT
    found = parse(record, now)
    return found if isinstance(found, Event) else found.reason


def _drop_last(batch: Batch, block: bytes, number: int) -> None:
    """What follows the last line's end is no line."""
    if block.endswith(b"\n") or not block:
        batch.lines -= 1
        batch.skipped[EMPTY] -= 1
        batch.skipped += Counter()
        if batch.first.get(EMPTY) == number:
            del batch.first[EMPTY]


def _second_try(line: bytes) -> tuple[str, Any]:
    """The record in a line that the fast reader refuses, or the reason why there is none."""
    try:
        text = line.decode().strip()
    except UnicodeDecodeError:
        return NOT_UTF8, None
    if not text:
        return EMPTY, None
    if text.startswith("#"):
        return COMMENT, None
    start = text.find("{")
    if start < 0:
        return NOT_JSON, None
    try:
        return "", json.loads(text[start:])  # knows NaN and lone surrogates, which Python's loggers write
    except (ValueError, RecursionError):
        return NOT_JSON if text.endswith("}") else CUT_LINE, None


def to_bytes(batch: Batch) -> bytes:
    """A batch as it travels between processes."""
    told = {
        "lines": batch.lines,
        "skipped": batch.skipped,
        "first": batch.first,
        "recovered": batch.recovered,
    }
    head = orjson.dumps(told | {"courses": batch.courses[0] if batch.courses else None})
    body = b""
    if batch.columns is not None and batch.courses is not None:
        body = encode(batch.columns, {}, course=batch.courses[1])
    return len(head).to_bytes(_LENGTH, "little") + head + body


def from_bytes(data: bytes) -> Batch:
    """The batch of `to_bytes`."""
    end = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
    told, body = orjson.loads(data[_LENGTH:end]), data[end:]
    batch = Batch(told["lines"], Counter(told["skipped"]), told["first"], told["recovered"])
    if told["courses"] is not None:
        found, start = header(body)
        batch.courses = told["courses"], tensor(found, "course", body, start).astype(np.int32)
        batch.columns = decode(body)
    return batch


class Reader(Helper):
    """Another Python that reads blocks."""

    def __init__(self, now: float) -> None:
        super().__init__("predictor.parsing", repr(now), advice="ingest again with one worker")

    def __call__(self, block: bytes) -> Batch:
        """Read one block there; `RuntimeError` when the helper died."""
        return from_bytes(self.ask(block))


def main() -> None:
    """Answer blocks from standard input until it ends."""
    gc.disable()  # records hold no cycles, and looking for some took a fifth of the time
    now = float(sys.argv[1])
    serve(lambda block: to_bytes(read_block(block, now)))


if __name__ == "__main__":
    main()
