"""Events of one course run as arrays: the form in which they are stored, merged and read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
from safetensors.numpy import save

from predictor.events import Event

MICRO: Final = 1_000_000
MOST_NAMES: Final = 60_000
"""Distinct tokens that a course run may hold; what comes beyond is folded, so that forged names cannot flood
it.
"""
OTHER: Final = "<other>"

_ARRAYS: Final = ("learner", "time", "token", "item", "score", "repeat")
_TABLES: Final = ("learners", "names", "item_names")
_TYPES: Final = {"F64": "<f8", "F32": "<f4", "I32": "<i4", "U32": "<u4", "U16": "<u2", "U8": "|u1"}


Coded = tuple[list[str], npt.NDArray[np.int32]]
"""A column of text: its sorted distinct values, and each row's place among them."""


class BrokenSegment(Exception):
    """A stored file of events is cut short or no such file."""


@dataclass(frozen=True, eq=False)
class Columns:
    """N events of one course run; strings are interned in sorted tables.

    Two events are the same when learner, time, token, item and repeat agree; the score belongs to the event.
    """

    learners: list[str]
    names: list[str]
    item_names: list[str]
    learner: npt.NDArray[np.int32]
    time: npt.NDArray[np.float64]
    """Unix seconds UTC, on the grid of whole microseconds."""
    token: npt.NDArray[np.uint16]
    item: npt.NDArray[np.int32]
    """Index into `item_names`, -1 without an item."""
    score: npt.NDArray[np.float32]
    """Share of points, NaN where nothing was graded."""
    repeat: npt.NDArray[np.uint32]
    """0 for the first of several identical rows of a coarse event table, 1 for the second, and so on."""

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: npt.NDArray[Any]) -> "Columns":
        """The events at `rows` (indices or mask), tables unchanged."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _ARRAYS})


def on_grid(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Times rounded to the microsecond, so that equal instants are equal numbers."""
    grid: npt.NDArray[np.float64] = np.rint(seconds * MICRO) / MICRO
    return grid


def clean(text: str) -> str:
    """Text that can be stored as UTF-8: lone surrogates become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def from_events(events: Sequence[Event]) -> dict[str, Columns]:
    """Group events by course run, keeping their order."""
    if not events:
        return {}
    courses, columns = from_rows(events)
    return by_course(courses, columns)


def from_rows(events: Sequence[Event]) -> tuple["Coded", Columns]:
    """Events (at least one) of any course runs as columns, and the course run of each."""
    courses, learners, times, tokens, items, scores = zip(*events, strict=True)
    learner_table, learner = intern(learners)
    name_table, token = intern(tokens)
    item_table, item = intern(items)
    columns = Columns(
        learners=learner_table,
        names=name_table,
        item_names=item_table,
        learner=learner,
        time=on_grid(np.array(times, dtype=np.float64)),
        token=token,  # type: ignore[arg-type]  # limited() narrows it
        item=item,
        score=np.array([np.nan if score is None else score for score in scores], dtype=np.float32),
        repeat=np.zeros(len(events), dtype=np.uint32),
    )
    return intern(courses), without_empty_item(limited(columns))


def by_course(
    courses: "Coded", columns: Columns, rows: npt.NDArray[np.int64] | None = None
) -> dict[str, Columns]:
    """Events course run by course run, in their order; of `rows` only, where given."""
    table, course = courses
    chosen = np.arange(len(columns)) if rows is None else rows
    order = chosen[np.argsort(course[chosen], kind="stable")]
    places, starts = np.unique(course[order], return_index=True)
    groups = np.split(order, starts[1:])
    return {
        table[place]: compact_tables(columns.take(group))
        for place, group in zip(places, groups, strict=True)
        if len(group)
    }


def intern(values: Sequence[str]) -> "Coded":
    """The sorted distinct values, and each value's place among them."""
    cleaned = {value: clean(value) for value in set(values)}
    table = sorted(set(cleaned.values()))
    place = {text: index for index, text in enumerate(table)}
    index = {value: place[text] for value, text in cleaned.items()}
    return table, np.fromiter(map(index.__getitem__, values), dtype=np.int32, count=len(values))


def without_empty_item(columns: Columns) -> Columns:
    """The same events with "no item" as -1 instead of an empty name."""
    if not columns.item_names or columns.item_names[0] != "":
        return columns
    return replace(columns, item_names=columns.item_names[1:], item=(columns.item - 1).astype(np.int32))


def limited(columns: Columns) -> Columns:
    """The same events with at most `MOST_NAMES` token names; the rarest become `<other>`."""
    if len(columns.names) <= MOST_NAMES:
        return replace(columns, token=columns.token.astype(np.uint16))
    counts = np.bincount(columns.token, minlength=len(columns.names))
    kept = set(np.argsort(-counts, kind="stable")[: MOST_NAMES - 1].tolist())
    renamed = [name if index in kept else OTHER for index, name in enumerate(columns.names)]
    table, places = intern(renamed)
    return replace(columns, names=table, token=places[columns.token].astype(np.uint16))


def concatenate(parts: Sequence[Columns]) -> Columns:
    """All events of `parts`, one after the other, over common tables."""
    learners, learner = unite([part.learners for part in parts], [part.learner for part in parts])
    names, token = unite([part.names for part in parts], [part.token for part in parts])
    items, item = unite([part.item_names for part in parts], [part.item for part in parts])
    return limited(
        Columns(
            learners,
            names,
            items,
            learner,
            np.concatenate([part.time for part in parts]),
            token,  # type: ignore[arg-type]  # narrowed by limited()
            item,
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.repeat for part in parts]),
        )
    )


def unite(tables: Sequence[list[str]], indices: Sequence[npt.NDArray[Any]]) -> Coded:
    """Columns of text one after the other over a common table; -1 stays -1."""
    table = sorted(set().union(*tables))
    place = {text: index for index, text in enumerate(table)}
    mapped = []
    for names, index in zip(tables, indices, strict=True):
        places = np.array([*(place[name] for name in names), -1], dtype=np.int32)
        mapped.append(places[index.astype(np.int32)])
    return table, np.concatenate(mapped)


def sorted_order(columns: Columns) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The order by learner, time, token, item, repeat, and which events in it are not the same as the one
    before.

    Among the same events the one with a score comes first.
    """
    order = np.lexsort((columns.time, columns.learner))
    learner, time = columns.learner[order], columns.time[order]
    tied = (learner[1:] == learner[:-1]) & (time[1:] == time[:-1])
    first = np.ones(len(order), dtype=np.bool_)
    if not tied.any():
        return order, first
    places = np.flatnonzero(np.append(tied, False) | np.insert(tied, 0, False))
    rows = order[places]
    keys = (columns.score, columns.repeat, columns.item, columns.token, columns.time, columns.learner)
    rows = rows[np.lexsort(tuple(key[rows] for key in keys))]
    order[places] = rows
    same = np.ones(len(rows) - 1, dtype=np.bool_)
    for key in keys[1:]:
        values = key[rows]
        same &= values[1:] == values[:-1]
    first[places[1:]] = ~same
    return order, first


def merge(parts: Sequence[Columns]) -> Columns:
    """The distinct events of `parts`, sorted by learner, time, token, item."""
    columns = parts[0] if len(parts) == 1 else concatenate(parts)
    order, first = sorted_order(columns)
    return columns.take(order[first])


def fresh(batch: Columns, known: Sequence[Columns]) -> Columns:
    """The distinct events of `batch` that are in none of `known`, sorted."""
    if not known:
        return compact_tables(merge([batch]))
    columns = concatenate([*known, batch])
    old = sum(map(len, known))
    order, first = sorted_order(columns)
    group = np.cumsum(first) - 1
    seen = np.zeros(int(group[-1]) + 1 if len(group) else 0, dtype=np.bool_)
    seen[group[order < old]] = True
    return compact_tables(columns.take(order[first & ~seen[group]]))


def compact_tables(columns: Columns) -> Columns:
    """The same events over tables that hold only names in use; order is kept."""
    learners, learner = _in_use(columns.learners, columns.learner)
    names, token = _in_use(columns.names, columns.token)
    items, item = _in_use(columns.item_names, columns.item)
    return replace(
        columns,
        learners=learners,
        names=names,
        item_names=items,
        learner=learner,
        token=token.astype(np.uint16),
        item=item,
    )


def _in_use(table: list[str], index: npt.NDArray[Any]) -> tuple[list[str], npt.NDArray[np.int32]]:
    used = np.zeros(len(table) + 1, dtype=np.bool_)
    used[index.astype(np.int32)] = True
    used[-1] = False
    places = np.append(np.cumsum(used[:-1]) - 1, -1).astype(np.int32)
    return [table[place] for place in np.flatnonzero(used)], places[index.astype(np.int32)]


def without_learners(columns: Columns, gone: Callable[[str], bool]) -> Columns:
    """The events of the learners who are not `gone`."""
    left = np.array([not gone(learner) for learner in columns.learners], dtype=np.bool_)
    return columns if left.all() else compact_tables(columns.take(left[columns.learner]))


def within(columns: Columns, start: float, end: float) -> Columns:
    """The events from `start` to `end`, both included."""
    rows = (columns.time >= start) & (columns.time <= end)
    return columns if rows.all() else columns.take(rows)


def encode(columns: Columns, metadata: Mapping[str, str], **more: npt.NDArray[Any]) -> bytes:
    """One safetensors file: the arrays (and `more` of them), and the tables as JSON lists in UTF-8."""
    tensors = {name: np.ascontiguousarray(getattr(columns, name)) for name in _ARRAYS}
    tensors.update(more)
    for name in _TABLES:
        tensors[name] = np.frombuffer(orjson.dumps(getattr(columns, name)), dtype=np.uint8)
    return save(tensors, metadata=dict(metadata))


def header(data: Any) -> tuple[dict[str, Any], int]:
    """The header of a safetensors file and where its data begin."""
    size = int.from_bytes(bytes(data[:8]), "little")
    start = 8 + size
    if len(data) < 8 or start > len(data):
        raise BrokenSegment("the file is cut short")
    try:
        found = orjson.loads(bytes(data[8:start]))
    except orjson.JSONDecodeError as error:
        raise BrokenSegment("the file has no readable header") from error
    if not isinstance(found, dict):
        raise BrokenSegment("the file has no readable header")
    return found, start


def decode(data: Any) -> Columns:
    """Columns over a buffer (bytes or mmap) without copying the arrays."""
    found, start = header(data)
    values: dict[str, Any] = {}
    for name in (field.name for field in fields(Columns)):
        values[name] = tensor(found, name, data, start)
    for name in _TABLES:
        values[name] = orjson.loads(values[name].tobytes())
    return Columns(**values)


def tensor(found: Mapping[str, Any], name: str, data: Any, start: int) -> npt.NDArray[Any]:
    """One array of a safetensors file by its header, not copied."""
    try:
        begin, end = found[name]["data_offsets"]
        dtype = np.dtype(_TYPES[found[name]["dtype"]])
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenSegment(f"the file lacks the column {name}") from error
    if start + end > len(data):
        raise BrokenSegment("the file is cut short")
    return np.frombuffer(data, dtype=dtype, count=(end - begin) // dtype.itemsize, offset=start + begin)


def offsets(columns: Columns) -> npt.NDArray[np.int64]:
    """Where each learner's events begin in sorted columns: int64[learners + 1]."""
    return np.searchsorted(columns.learner, np.arange(len(columns.learners) + 1)).astype(np.int64)
