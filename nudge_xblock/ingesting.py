"""Events into the event store: live ones from the inbox, all others from the tracking logs.

Both ways are idempotent, as the store holds an event once; what was read last time is only remembered to save
time.  The memory lies in the store's own folder, so that a new store is filled from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.utils import timezone

from nudge_xblock.models import InboxEvent
from nudge_xblock.night import Reporter, Run
from predictor.events import Event
from predictor.ingestion import Progress, Report
from predictor.ingestion import ingest as ingest_into
from predictor.readers import expand
from predictor.segments import write_whole
from predictor.sequences import Appended, EventStore

BATCH = 20_000
OVERLAP = timedelta(
    hours=1
)  # rows that were written by a transaction still open when the inbox was last read
INBOX_SHARE = 0.2  # of the step


class Unread(RuntimeError):
    """Log files that could not be read to their end; all that was read is stored."""


class Memory:
    """What was read before: through when the inbox, and which log files as they then were."""

    def __init__(self) -> None:
        self._path = Path(settings.NUDGE_EVENTS_DIR) / "read.json"
        found = orjson.loads(self._path.read_bytes()) if self._path.exists() else {}
        self.inbox: datetime | None = datetime.fromisoformat(found["inbox"]) if found.get("inbox") else None
        self.logs: dict[str, list[int]] = found.get("logs", {})

    def knows(self, path: str) -> bool:
        """Whether the file was read to its end and has not changed; a file that was only renamed has not."""
        name, mark = _identity(path)
        return self.logs.get(name) == mark

    def save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        inbox = self.inbox.isoformat() if self.inbox else None
        write_whole(self._path, orjson.dumps({"inbox": inbox, "logs": self.logs}))


def ingest(job: Run) -> str:
    """The night's step: the inbox, then every tracking log that is new or has changed."""
    live = read_inbox(job)
    memory = Memory()
    found = _logs()
    logs = dict(map(_identity, found))  # as they were before they were read: what is added meanwhile is new
    report = _read([path for path in found if not memory.knows(path)], job)
    memory.logs = logs
    memory.save()
    job.figures.update({"live_events": live.added, "logs": report.files, **figures(report)})
    words = f"{live.added:,} live events and {report.added:,} events from {report.files} log files are new."
    broken = [f"{name} ({why})" for name, why in report.unread]
    if broken:
        raise Unread(f"{words} Not read to the end: {'; '.join(broken)}. Put whole files in their place.")
    return words


def read_logs(logs: Iterable[Path | str], reporter: Reporter | None = None) -> dict[str, Any]:
    """Read these logs, outside the night.  Raises FileNotFoundError for what is not there."""

    def tell(progress: Progress) -> None:
        if reporter:
            reporter("ingest", progress.done / max(1, progress.total), f"{progress.lines:,} lines")

    try:
        report = ingest_into(logs, settings.NUDGE_EVENTS_DIR, tell)
    except ValueError as error:
        return {"words": str(error), "broken_files": [str(error)]}
    broken = [f"{name} ({why})" for name, why in report.unread]
    return {"words": str(report), "broken_files": broken, **figures(report)}


def figures(report: Report) -> dict[str, Any]:
    """What the night keeps of a report."""
    return {
        "lines": report.lines,
        "added": report.added,
        "duplicates": report.duplicates,
        "set_aside": dict(report.set_aside),
        "malformed": dict(report.malformed),
    }


def read_inbox(job: Run) -> Appended:
    """Append the inbox's rows to the store, from a little before where the last night stopped."""
    memory, begun = Memory(), timezone.now()
    rows = InboxEvent.objects.all()
    if memory.inbox:
        rows = rows.filter(arrived__gte=memory.inbox - OVERLAP)
    store, total, done = EventStore(settings.NUDGE_EVENTS_DIR), max(1, rows.count()), 0
    appended = Appended()
    for batch in _batches(rows):
        appended += store.append(batch)
        done += len(batch)
        job.report(INBOX_SHARE * done / total, f"{done:,} live events")
    memory.inbox = begun
    memory.save()
    return appended


def _batches(rows: Any) -> Iterator[list[Event]]:
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        last = found[-1].pk
        yield [_event(row) for row in found]


def _event(row: InboxEvent) -> Event:
    time = row.time.astimezone(UTC).timestamp()
    return Event(str(row.course_key), str(row.user_id), time, row.token, row.item_id, row.score)


def _logs() -> list[str]:
    """The files that NUDGE_TRACKING_LOGS means; a pattern that matches nothing is no error."""
    found: dict[str, None] = {}
    for pattern in settings.NUDGE_TRACKING_LOGS:
        try:
            found.update(dict.fromkeys(expand([pattern])))
        except FileNotFoundError:
            continue
    return list(found)


def _identity(path: str) -> tuple[str, list[int]]:
    stat = Path(path).stat()
    return f"{stat.st_dev}:{stat.st_ino}", [stat.st_size, stat.st_mtime_ns]


def _read(paths: list[str], job: Run) -> Report:
    def tell(progress: Progress) -> None:
        share = INBOX_SHARE + (1 - INBOX_SHARE) * progress.done / max(1, progress.total)
        job.report(share, f"{progress.lines:,} lines, {progress.events:,} events")

    if not paths:
        return Report()
    try:
        return ingest_into(paths, settings.NUDGE_EVENTS_DIR, tell)
    except ValueError as error:  # not one of them could be read
        return Report(files=len(paths), unread=[("all of them", str(error))])
