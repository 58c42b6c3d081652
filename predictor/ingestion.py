"""Tracking logs and event tables into an event store."""

import os
import time as clock
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Final, NamedTuple

from predictor.columns import Coded, Columns, by_course, concatenate, unite
from predictor.events import BAD_COURSE, BAD_TIME, FUTURE, NO_RESULT, NO_TIME, NO_TYPE, TOO_OLD
from predictor.helpers import cores
from predictor.parsing import (
    COMMENT,
    CUT_LINE,
    EMPTY,
    NOT_JSON,
    NOT_OBJECT,
    NOT_UTF8,
    Batch,
    Reader,
    read_block,
)
from predictor.readers import CUT_SHORT, DAMAGED, STDIN, Interrupted, blocks, expand, whole_lines
from predictor.sequences import Appended, EventStore
from predictor.tables import BAD_ROW, SHORT_ROW, is_table, read_event_table
from predictor.tokens import UNUSABLE

MALFORMED: Final = frozenset(
    {
        BAD_COURSE,
        BAD_ROW,
        BAD_TIME,
        COMMENT,
        CUT_LINE,
        EMPTY,
        FUTURE,
        NOT_JSON,
        NOT_OBJECT,
        NOT_UTF8,
        NO_RESULT,
        NO_TIME,
        NO_TYPE,
        SHORT_ROW,
        TOO_OLD,
        UNUSABLE,
    }
)
"""Reasons that mean a line is broken; all others mean a sound line about no learner's action in a course."""

BLOCK: Final = 8 << 20
"""Bytes of lines read at a time."""
ALONE: Final = 2
"""Blocks read in this process before helpers are worth their start."""
HELD: Final = 3_000_000
"""Events held in memory before they go to disk."""


class Progress(NamedTuple):
    """How far an ingest has come."""

    done: int
    """Bytes read, as they lie on disk."""
    total: int
    """Bytes to read; 0 when unknown (standard input)."""
    lines: int
    events: int


@dataclass
class Report:
    """What became of every line; printed, it is a summary for people.

    `lines == events + set_aside.total() + malformed.total()`, `events == added + duplicates + forgotten`.
    """

    files: int = 0
    lines: int = 0
    """Lines of logs and rows of tables."""
    events: int = 0
    added: int = 0
    duplicates: int = 0
    forgotten: int = 0
    """Events of learners who were erased from the store, not stored again."""
    set_aside: Counter[str] = field(default_factory=Counter)
    """Sound lines that are no learner's action in a course, by reason."""
    malformed: Counter[str] = field(default_factory=Counter)
    """Broken lines by reason."""
    first: dict[str, str] = field(default_factory=dict)
    """Reason -> where the first line of a log stands that is malformed so."""
    recovered: int = 0
    """Lines whose record was found behind other text."""
    repeated: int = 0
    """Identical rows of a table without item ids and a fine clock, kept as actions of their own."""
    unread: list[tuple[str, str]] = field(default_factory=list)
    """Files that could not be read, or not to the end, and why."""
    seconds: float = 0.0

    def skip(self, reasons: Counter[str]) -> None:
        """Count skipped lines under their kind."""
        for reason, count in reasons.items():
            (self.malformed if reason in MALFORMED else self.set_aside)[reason] += count

    def store(self, appended: Appended) -> None:
        """Count what became of events."""
        self.added += appended.added
        self.duplicates += appended.duplicates
        self.forgotten += appended.forgotten

    def __str__(self) -> str:
        speed = self.lines / self.seconds if self.seconds else 0.0
        head = f"{self.files:,} files, {self.lines:,} lines in {self.seconds:.1f} s ({speed:,.0f} a second)"
        counts = {
            "events added": self.added,
            "events that were there already": self.duplicates,
            "events of forgotten learners, left out": self.forgotten,
            "rows alike, each kept as an action": self.repeated,
            "records found behind other text": self.recovered,
        }
        shown = [f"{count:>12,}  {text}" for text, count in counts.items() if count or text == "events added"]
        return "\n".join(
            [
                head,
                *shown,
                *self._listed("lines that are no learner's action in a course:", self.set_aside),
                *self._listed("malformed lines:", self.malformed),
                *(["files not read to the end:"] if self.unread else []),
                *(f"    {file}: {reason}" for file, reason in self.unread),
            ]
        )

    def _listed(self, title: str, reasons: Counter[str]) -> list[str]:
        if not reasons:
            return []
        rows = [
            f"{count:>12,}  {reason}" + (f" (first: {self.first[reason]})" if reason in self.first else "")
            for reason, count in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        ]
        return [f"{reasons.total():,} {title}", *rows]


def ingest(
    logs: Iterable[str | Path],
    out: str | Path,
    progress: Callable[[Progress], object] | None = None,
    now: float | None = None,
    workers: int | None = None,
) -> Report:
    """Read tracking logs and event tables into the event store at `out`, and tell what became of every line.

    `logs` are files (plain, gzip, zstd, bzip2, xz), folders, globs or "-" for standard input; a file whose
    name ends like a table's is read as an event table. Nothing in a line is fatal. `now` is the clock (unix
    seconds) against which times in the future are refused. Large logs are read by `workers` helper
    processes, one per core by default; with 1, in this process. `FileNotFoundError` when a path matches
    nothing, `ValueError` when no file could be read at all. Killed, it leaves a readable
    store, and another run brings it to the same end.
    """
    started = clock.monotonic()
    sources = expand(logs)
    intake = _Intake(EventStore(out), sources, clock.time() if now is None else now, progress)
    intake.logs([source for source in sources if not is_table(source)], workers or cores())
    for source in sources:
        if is_table(source):
            intake.table(source)
    intake.finish()
    report = intake.report
    report.seconds = clock.monotonic() - started
    if report.unread and not report.lines and len(report.unread) == report.files:
        raise ValueError("; ".join(f"{file}: {reason}" for file, reason in report.unread))
    return report


class _Block(NamedTuple):
    source: str
    data: bytes


class _Intake:
    """One run of `ingest`."""

    def __init__(
        self, store: EventStore, sources: list[str], now: float, progress: Callable[[Progress], object] | None
    ) -> None:
        self.report = Report(files=len(sources))
        self._store = store
        self._now = now
        self._progress = progress
        self._done = 0
        self._total = 0 if STDIN in sources else sum(map(_size, sources))
        self._held: list[tuple[Coded, Columns]] = []
        self._line = Counter[str]()

    def logs(self, sources: list[str], workers: int) -> None:
        """Read tracking logs."""
        for block, batch in _read_all(self._blocks(sources), self._now, workers):
            self._take(block.source, batch)
            if sum(len(columns) for _, columns in self._held) >= HELD:
                self._flush()
        self._flush()

    def table(self, source: str) -> None:
        """Read an event table."""
        try:
            table = read_event_table(source, self._now)
        except (OSError, ValueError, ImportError) as error:
            self.report.unread.append((source, str(error)))
            return
        interrupted = {
            reason: table.skipped.pop(reason) for reason in (CUT_SHORT, DAMAGED) if table.skipped[reason]
        }
        self.report.unread += [(source, reason) for reason in interrupted]
        self.report.lines += table.rows
        self.report.events += sum(map(len, table.columns.values()))
        self.report.repeated += table.repeated
        self.report.skip(table.skipped)
        self.report.store(self._store.append_columns(table.columns))
        self._seen(_size(source))
        self._tell()

    def finish(self) -> None:
        """Leave the store in the form that is fastest to read."""
        self._store.compact()

    def _blocks(self, sources: list[str]) -> Iterator[_Block]:
        for source in sources:
            try:
                for data in whole_lines(blocks(source, self._seen), BLOCK):
                    yield _Block(source, data)
            except (OSError, Interrupted) as error:
                self.report.unread.append((source, str(error)))

    def _take(self, source: str, batch: Batch) -> None:
        for reason, line in batch.first.items():
            if reason not in MALFORMED:
                continue
            place = (
                f"{'standard input' if source == STDIN else source}, line {self._line[source] + line + 1:,}"
            )
            self.report.first.setdefault(reason, place)
        self._line[source] += batch.lines
        self.report.lines += batch.lines
        self.report.recovered += batch.recovered
        self.report.skip(batch.skipped)
        if batch.columns is not None and batch.courses is not None:
            self.report.events += len(batch.columns)
            self._held.append((batch.courses, batch.columns))
        self._tell()

    def _flush(self) -> None:
        if not self._held:
            return
        courses = unite([coded[0] for coded, _ in self._held], [coded[1] for coded, _ in self._held])
        columns = concatenate([part for _, part in self._held])
        self._held = []
        self.report.store(self._store.append_columns(by_course(courses, columns)))

    def _seen(self, size: int) -> None:
        self._done += size

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(Progress(self._done, self._total, self.report.lines, self.report.events))


def _size(source: str) -> int:
    return os.path.getsize(source) if os.path.isfile(source) else 0


def _read_all(items: Iterator[_Block], now: float, workers: int) -> Iterator[tuple[_Block, Batch]]:
    """Every block with what it holds, in order; read here, or by helpers when there is much."""
    for block in items if workers < 2 else islice(items, ALONE):
        yield block, read_block(block.data, now)
    first = next(items, None)
    if first is None:
        return
    with ExitStack() as stack:
        helpers: SimpleQueue[Reader] = SimpleQueue()
        for _ in range(workers):
            helper = Reader(now)
            stack.callback(helper.close)
            helpers.put(helper)
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        waiting: deque[tuple[_Block, Future[Batch]]] = deque()
        waiting.append((first, pool.submit(_lend, helpers, first.data)))
        for block in items:
            waiting.append((block, pool.submit(_lend, helpers, block.data)))
            if len(waiting) > 2 * workers:
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()


def _lend(helpers: "SimpleQueue[Reader]", data: bytes) -> Batch:
    helper = helpers.get()
    try:
        return helper(data)
    finally:
        helpers.put(helper)
