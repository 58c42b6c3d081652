"""Tables in CSV or Parquet, and the event table among them."""

import csv
import time as clock
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from predictor.columns import (
    Coded,
    Columns,
    by_course,
    concatenate,
    intern,
    limited,
    on_grid,
    sorted_order,
    without_empty_item,
)
from predictor.events import BAD_TIME, FUTURE, NO_LEARNER, NO_TIME, NO_TYPE, TOLERANCE, read_time
from predictor.readers import Interrupted, lines
from predictor.tokens import OUTSIDE, UNUSABLE, fold

PARQUET: Final = ".parquet"
TABLE_SUFFIXES: Final = (".csv", ".csv.gz", ".csv.zst", PARQUET)
REQUIRED: Final = ("course_id", "learner_id", "time", "event_type")
ITEM: Final = "item_id"
SHORT_ROW: Final = "row cut short"
BAD_ROW: Final = "unreadable row"
NOT_UTF8: Final = "not UTF-8"
_ROWS: Final = 500_000


@dataclass
class EventRows:
    """What an event table holds."""

    columns: dict[str, Columns] = field(default_factory=dict)
    """By course run; not sorted, no duplicates dropped."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Rows that are no event, by reason."""
    rows: int = 0
    repeated: int = 0
    """Identical rows kept as actions of their own."""
    path: str = ""

    def whole(self) -> dict[str, Columns]:
        """The events; `ValueError` when a row could not be read."""
        if self.skipped:
            reasons = ", ".join(f"{reason}: {count:,}" for reason, count in self.skipped.most_common())
            raise ValueError(
                f"{self.path}: {self.skipped.total():,} of {self.rows:,} rows are no events ({reasons}). "
                "Mend the table, or `python -m predictor ingest` it: which counts and leaves out such rows."
            )
        return self.columns


def is_parquet(path: str | Path) -> bool:
    return str(path).endswith(PARQUET)


def is_table(path: str | Path) -> bool:
    """Whether a file's name is that of a table."""
    return str(path).endswith(TABLE_SUFFIXES)


def parquet() -> Any:
    """The Parquet reader, which only the `train` extra brings."""
    try:
        return import_module("pyarrow.parquet")
    except ImportError as error:
        message = 'Parquet files need pyarrow: pip install "nudge-xblock[train]", or give the table as CSV'
        raise ImportError(message) from error


def csv_rows(path: str) -> tuple[list[str], Iterator[list[str] | None]]:
    """The names and the rows of a CSV file, None for an unreadable row; bad UTF-8 comes as U+FFFD."""
    text = (line.decode("utf-8-sig" if first else "utf-8", "replace") for first, line in _numbered(path))
    reader = csv.reader(text)
    names = next(reader, None)
    if not names:
        raise ValueError(f"{path} is empty: the first line must name the columns")
    return [name.strip() for name in names], _readable(reader)


def _numbered(path: str) -> Iterator[tuple[bool, bytes]]:
    first = True
    for line in lines(path):
        yield first, line
        first = False


def _readable(reader: Iterator[list[str]]) -> Iterator[list[str] | None]:
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield None


def require(path: str, names: Sequence[str], wanted: Sequence[str]) -> None:
    """`ValueError` that names the columns a table lacks."""
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ValueError(
            f"{path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            f"it has {', '.join(names) or 'none'}"
        )


def read_event_table(path: str | Path, now: float | None = None) -> EventRows:
    """Read an event table: `course_id, learner_id, time, event_type` and optionally `item_id`.

    Times are ISO text (UTC without an offset), epoch numbers or Parquet timestamps. A table that tells
    neither the item nor fractions of a second cannot tell two actions of one kind in one second apart from
    one action written twice; there identical rows are taken as that many actions (a table of daily counts
    stays what it is), numbered so that reading the same table again adds nothing. In any other table
    identical rows are one event. `ValueError` names missing columns.
    """
    name = str(path)
    limit = (clock.time() if now is None else now) + TOLERANCE
    result = EventRows(path=name)
    parts: dict[str, list[Columns]] = {}
    with_items = False
    for chunk in _parquet_chunks(name) if is_parquet(name) else _csv_chunks(name, result):
        with_items = with_items or ITEM in chunk
        for course, columns in _split(chunk, limit, result).items():
            parts.setdefault(course, []).append(columns)
    result.columns = {course: concatenate(group) for course, group in parts.items()}
    if not with_items and all(_coarse(columns) for columns in result.columns.values()):
        result.columns = {course: number_repeats(columns) for course, columns in result.columns.items()}
        result.repeated = sum(int((columns.repeat > 0).sum()) for columns in result.columns.values())
    return result


def _coarse(columns: Columns) -> bool:
    return bool((columns.time == np.floor(columns.time)).all())


def number_repeats(columns: Columns) -> Columns:
    """Sorted events, the identical ones numbered 0, 1, 2, …"""
    order, first = sorted_order(columns)
    place = np.arange(len(order))
    start = np.maximum.accumulate(np.where(first, place, 0))
    return replace(columns.take(order), repeat=(place - start).astype(np.uint32))


def _csv_chunks(path: str, result: EventRows) -> Iterator[dict[str, Any]]:
    names, rows = csv_rows(path)
    require(path, names, REQUIRED)
    wanted = [*REQUIRED, *([ITEM] if ITEM in names else [])]
    places = [names.index(name) for name in wanted]
    held: list[list[str]] = []
    try:
        for row in rows:
            if row is None or len(row) <= max(places):
                if row != []:
                    result.rows += 1
                    result.skipped[BAD_ROW if row is None else SHORT_ROW] += 1
                continue
            held.append([row[place] for place in places])
            if len(held) == _ROWS:
                yield _coded(wanted, held)
                held = []
    except Interrupted as error:
        result.skipped[str(error)] += 1
    if held:
        yield _coded(wanted, held)


def _coded(names: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    chunk: dict[str, Any] = {name: _stripped(intern(columns[name])) for name in names if name != "time"}
    chunk["time"] = np.array([_time(text) for text in columns["time"]], dtype=np.float64)
    chunk["no_time"] = np.array([not text.strip() for text in columns["time"]], dtype=np.bool_)
    return chunk


def _time(text: str) -> float:
    seconds = read_time(text)
    return np.nan if seconds is None else seconds


def _stripped(coded: Coded) -> Coded:
    table, places = intern([text.strip() for text in coded[0]])
    return table, places[coded[1]]


def _parquet_chunks(path: str) -> Iterator[dict[str, Any]]:
    with parquet().ParquetFile(path) as file:
        names = file.schema_arrow.names
        require(path, names, REQUIRED)
        wanted = [*REQUIRED, *([ITEM] if ITEM in names else [])]
        for batch in file.iter_batches(batch_size=_ROWS, columns=wanted):
            chunk: dict[str, Any] = {
                name: _stripped(coded_column(batch.column(name))) for name in wanted if name != "time"
            }
            chunk["time"] = time_column(batch.column("time"))
            chunk["no_time"] = batch.column("time").is_null().to_numpy(zero_copy_only=False)
            yield chunk


def coded_column(column: Any) -> Coded:
    """An Arrow column of text, numbers or categories as text, null as nothing."""
    arrow = import_module("pyarrow")
    if not arrow.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    values = ["" if value is None else _text(value) for value in column.dictionary.to_pylist()]
    table, places = intern([*values, ""])
    indices = column.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    return table, places[indices]


def _text(value: object) -> str:
    """A key's text; 12.0, which a column of ids becomes when one is missing, is 12."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def time_column(column: Any) -> npt.NDArray[np.float64]:
    """An Arrow column of timestamps, dates, epoch numbers or text as unix seconds, NaN where unreadable."""
    arrow = import_module("pyarrow")
    if arrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if arrow.types.is_timestamp(column.type) or arrow.types.is_date(column.type):
        micros = column.cast(arrow.timestamp("us", getattr(column.type, "tz", None)), safe=False).cast(
            arrow.int64()
        )
        seconds: npt.NDArray[np.float64] = micros.cast(arrow.float64(), safe=False).to_numpy(
            zero_copy_only=False
        )
        return seconds / 1e6
    return np.array([_seconds(value) for value in column.to_pylist()], dtype=np.float64)


def _seconds(value: object) -> float:
    seconds = read_time(value)
    return np.nan if seconds is None else seconds


def _split(chunk: Mapping[str, Any], limit: float, result: EventRows) -> dict[str, Columns]:
    """The events of a chunk by course run; rows that are none are counted in `result`."""
    time = chunk["time"]
    result.rows += len(time)
    tokens, token = chunk["event_type"]
    folded = [fold(name) for name in tokens]
    reasons: tuple[tuple[str, npt.NDArray[np.bool_]], ...] = (
        (NO_TIME, chunk["no_time"]),
        (BAD_TIME, ~np.isfinite(time)),
        (FUTURE, time > limit),
        (OUTSIDE, _blank(chunk["course_id"])),
        (NO_LEARNER, _blank(chunk["learner_id"])),
        (NO_TYPE, _blank(chunk["event_type"])),
        (UNUSABLE, np.array([not kind.token for kind in folded], dtype=np.bool_)[token]),
        (
            NOT_UTF8,
            _damaged(chunk["course_id"]) | _damaged(chunk["learner_id"]) | _damaged(chunk["event_type"]),
        ),
    )
    bad = np.zeros(len(time), dtype=np.bool_)
    for reason, rows in reasons:
        if count := int((rows & ~bad).sum()):
            result.skipped[reason] += count
        bad |= rows
    table, places = intern([kind.token for kind in folded])
    items, item = chunk.get(ITEM, ([""], np.zeros(len(time), dtype=np.int32)))
    whole = Columns(
        learners=chunk["learner_id"][0],
        names=table,
        item_names=items,
        learner=chunk["learner_id"][1],
        time=on_grid(time),
        token=places[token],
        item=item,
        score=np.full(len(time), np.nan, dtype=np.float32),
        repeat=np.zeros(len(time), dtype=np.uint32),
    )
    return by_course(chunk["course_id"], without_empty_item(limited(whole)), np.flatnonzero(~bad))


def _blank(coded: Coded) -> npt.NDArray[np.bool_]:
    return np.array([not text for text in coded[0]], dtype=np.bool_)[coded[1]]


def _damaged(coded: Coded) -> npt.NDArray[np.bool_]:
    return np.array(["\ufffd" in text for text in coded[0]], dtype=np.bool_)[coded[1]]
