"""Where events live: an append-only store on disk, and the view of one course run that models read."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import orjson

from predictor.columns import (
    Columns,
    compact_tables,
    fresh,
    from_events,
    merge,
    offsets,
    within,
    without_learners,
)
from predictor.events import Event
from predictor.segments import (
    UNFINISHED,
    Segment,
    folder_name,
    locked,
    remove,
    segments,
    write_segment,
    write_whole,
)
from predictor.tables import TABLE_SUFFIXES, read_event_table

BATCH: Final = 500_000
"""Events appended at once, which bounds the memory of `append`."""
MOST_SEGMENTS: Final = 8
"""A course run with more segments than these is compacted."""


@dataclass(frozen=True, eq=False)
class Sequences:
    """All events of one course run, sorted by learner and time; the events of learner `i` are
    `offsets[i]:offsets[i + 1]`."""

    course_id: str
    learners: list[str]
    """Sorted."""
    offsets: npt.NDArray[np.int64]
    """int64[n + 1]."""
    tokens: npt.NDArray[np.uint16]
    """uint16[N], index into `names`."""
    times: npt.NDArray[np.float64]
    """float64[N], unix seconds UTC."""
    items: npt.NDArray[np.int32]
    """int32[N], index into `item_names`, -1 without an item."""
    scores: npt.NDArray[np.float32]
    """float32[N], share of points, NaN where nothing was graded."""
    names: list[str]
    item_names: list[str]

    def __len__(self) -> int:
        return len(self.learners)

    def arrays(self) -> Iterator[npt.NDArray[Any]]:
        """All that there is to it, array by array: what a digest is made of."""
        yield np.asarray([self.course_id, *self.names, "", *self.item_names], dtype=np.str_)
        yield np.asarray(self.learners, dtype=np.str_)
        yield from (self.offsets, self.times, self.tokens, self.items, self.scores)


class EventSource(Protocol):
    """Anything that events can be read from, course run by course run."""

    @property
    def courses(self) -> tuple[str, ...]:
        """Ids of the course runs that have events, sorted."""

    def sequences(self, course_id: str) -> Sequences:
        """The events of one course run; `KeyError` when there are none."""


class UnknownCourse(KeyError):
    """No events of this course run."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Appended:
    """What became of events given to a store."""

    added: int = 0
    duplicates: int = 0
    """Already there, or given twice."""
    forgotten: int = 0
    """Of learners who were forgotten; such events are never stored again."""

    def __add__(self, other: "Appended") -> "Appended":
        return Appended(
            self.added + other.added, self.duplicates + other.duplicates, self.forgotten + other.forgotten
        )


def view(course_id: str, columns: Columns) -> Sequences:
    """Sorted columns as the sequences that models read."""
    return Sequences(
        course_id=course_id,
        learners=columns.learners,
        offsets=offsets(columns),
        tokens=columns.token,
        times=columns.time,
        items=columns.item,
        scores=columns.score,
        names=columns.names,
        item_names=columns.item_names,
    )


class EventTable:
    """Events held in memory."""

    def __init__(self, columns: Mapping[str, Columns]) -> None:
        self._columns = {
            course: compact_tables(merge([part])) for course, part in columns.items() if len(part)
        }

    @classmethod
    def of(cls, events: Iterable[Event]) -> "EventTable":
        """A source over events at hand."""
        return cls(from_events(list(events)))

    @property
    def courses(self) -> tuple[str, ...]:
        return tuple(sorted(self._columns))

    def sequences(self, course_id: str) -> Sequences:
        if course_id not in self._columns:
            raise UnknownCourse(f"no events of course {course_id}")
        return view(course_id, self._columns[course_id])


class EventStore:
    """Events on disk: a folder per course run with immutable segments.

    A segment appears whole or not at all, so that a kill at any moment leaves a readable store; what a
    course run holds is the union of its segments, so that a compaction cut short changes nothing. Several
    processes may read and write at once.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._courses = self.path / "courses"
        self._gone = self.path / "forgotten.json"
        self._erasing = self.path / "erasing"

    @property
    def courses(self) -> tuple[str, ...]:
        """Ids of the course runs that have events, sorted."""
        return tuple(sorted(found[0].course_id for folder in self._folders() if (found := segments(folder))))

    def sequences(self, course_id: str) -> Sequences:
        """The events of one course run; `UnknownCourse` (a `KeyError`) when there are none."""
        while True:
            try:
                parts = [segment.columns() for segment in segments(self._folder(course_id))]
                break
            except FileNotFoundError:
                continue  # compacted meanwhile
        gone = self._forgotten()
        parts = [part for part in (without_learners(part, gone) for part in parts) if len(part)]
        if not parts:
            raise UnknownCourse(f"{self.path} holds no events of course {course_id}")
        return view(course_id, parts[0] if len(parts) == 1 else merge(parts))

    def append(self, events: Iterable[Event]) -> Appended:
        """Store events that are not there yet."""
        report, rest = Appended(), iter(events)
        while batch := list(islice(rest, BATCH)):
            report += self.append_columns(from_events(batch))
        return report

    def append_columns(self, columns: Mapping[str, Columns]) -> Appended:
        """Store events by course run that are not there yet."""
        report = Appended()
        with locked(self.path):
            self._tidy()
            gone = self._forgotten()
            for course_id, given in columns.items():
                kept = without_learners(given, gone)
                added = self._append(course_id, kept) if len(kept) else 0
                report += Appended(added, len(kept) - added, len(given) - len(kept))
        return report

    def compact(self) -> None:
        """Leave each course run with one segment, which is then read without merging."""
        with locked(self.path):
            self._tidy()
            for folder in self._folders():
                self._compact(folder)

    def forget(self, learner_id: str) -> int:
        """Erase a learner from every file, now and in whatever is appended later; the number of events
        erased.

        The store keeps a keyed digest of the id, so that logs read again do not bring the learner back. A
        kill in between leaves a store that no longer shows the learner and ends the erasure with its next
        write.
        """
        with locked(self.path):
            self._tidy()
            self._remember_to_forget(learner_id)
            erased = self._erase()
            remove(self._erasing)
            return erased

    def forgotten(self) -> "Forgotten":
        """Whom the store must never know again: a predicate over learner ids, as of now."""
        return self._forgotten()

    def _folders(self) -> list[Path]:
        return sorted(path for path in self._courses.glob("*") if path.is_dir())

    def _folder(self, course_id: str) -> Path:
        return self._courses / folder_name(course_id)

    def _append(self, course_id: str, columns: Columns) -> int:
        folder = self._folder(course_id)
        new = fresh(columns, self._overlapping(folder, float(columns.time.min()), float(columns.time.max())))
        if len(new):
            write_segment(folder, course_id, new)
            if len(segments(folder)) > MOST_SEGMENTS:
                self._compact(folder)
        return len(new)

    def _overlapping(self, folder: Path, start: float, end: float) -> list[Columns]:
        return [
            within(segment.columns(), start, end)
            for segment in segments(folder)
            if segment.start <= end and segment.end >= start
        ]

    def _compact(self, folder: Path) -> None:
        found = segments(folder)
        if len(found) > 1:
            self._replace(found, merge([segment.columns() for segment in found]))

    def _replace(self, old: list[Segment], columns: Columns) -> None:
        """Put one segment in the place of others: first the new one, then away with the old."""
        if len(columns):
            write_segment(old[0].path.parent, old[0].course_id, columns)
        for segment in old:
            remove(segment.path)

    def _tidy(self) -> None:
        """End what a killed writer left undone."""
        for path in self.path.glob(f"**/*{UNFINISHED}"):
            remove(path)
        if self._erasing.exists():
            self._erase()
            remove(self._erasing)

    def _forgotten(self) -> "Forgotten":
        if not self._gone.exists():
            return Forgotten("", frozenset())
        found = orjson.loads(self._gone.read_bytes())
        return Forgotten(found["salt"], frozenset(found["digests"]))

    def _remember_to_forget(self, learner_id: str) -> None:
        known = self._forgotten()
        salt = known.salt or secrets.token_hex(16)
        digests = sorted(known.digests | {Forgotten(salt, frozenset()).digest(learner_id)})
        write_whole(self._erasing, b"")
        write_whole(self._gone, orjson.dumps({"salt": salt, "digests": digests}))

    def _erase(self) -> int:
        gone, erased = self._forgotten(), 0
        for folder in self._folders():
            for segment in segments(folder):
                columns = segment.columns()
                left = without_learners(columns, gone)
                if len(left) < len(columns):
                    erased += len(columns) - len(left)
                    self._replace([segment], left)
        return erased


@dataclass(frozen=True)
class Forgotten:
    """Learners who must not come back, known by keyed digest only."""

    salt: str
    digests: frozenset[str]

    def digest(self, learner_id: str) -> str:
        return hashlib.blake2b(learner_id.encode(), key=self.salt.encode(), digest_size=16).hexdigest()

    def __call__(self, learner_id: str) -> bool:
        return bool(self.digests) and self.digest(learner_id) in self.digests


def open_events(path: str | Path) -> EventSource:
    """The events at `path`: a store's folder, or an event table (CSV or Parquet) read into memory.

    `FileNotFoundError` when nothing is there, `ValueError` for anything else and for a table with unreadable
    rows.
    """
    found = Path(path)
    if found.is_dir():
        if not (found / "courses").is_dir():
            raise ValueError(
                f"{found} is no event store: make one with `python -m predictor ingest LOG… --out {found}`"
            )
        return EventStore(found)
    if not found.exists():
        raise FileNotFoundError(
            f"{found} does not exist: give an event store or an event table (CSV or Parquet)"
        )
    if not found.name.endswith(TABLE_SUFFIXES):
        raise ValueError(f"{found} is neither an event store nor a table ({', '.join(TABLE_SUFFIXES)})")
    return EventTable(read_event_table(found).whole())
