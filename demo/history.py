"""What happened before the demo opens: logs on disk, three weeks of live moments, and three nights."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import OutputWrapper
from opaque_keys.edx.keys import UsageKey

from nudge_xblock import api
from nudge_xblock.tracking import InboxBackend

from . import campus, outline, runtime, simulator
from .lines import Record

LIVE_DAYS = 20
NIGHTS = (20, 10, 1)  # days ago

Story = Generator[Record, None, list[simulator.Result]]


class Logs:
    """Tracking logs as the platform leaves them: rotated by day and compressed, today's still plain."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.day = ""
        self.file: TextIO | None = None

    def write(self, time: datetime, line: dict[str, Any]) -> None:
        day = f"{time:%Y%m%d}"
        if self.file is None or day != self.day:
            self.close()
            path = self.folder / f"tracking.log-{day}.gz"
            self.file = gzip.open(path, "at", encoding="utf-8", compresslevel=3)  # noqa: SIM115 - open for a day
            self.day = day
        self.file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
        self.file, self.day = None, ""


def simulated(now: datetime, learners: int, out: OutputWrapper) -> None:
    """Simulate five runs of two courses; the last weeks of the current one happen live."""
    place_nudges()
    *finished, current = simulator.runs(outline.COURSE_KEY, outline.start(now), outline.WEEKS, learners)
    logs = Logs(Path(settings.VAR) / "logs")
    stories = []
    for run in finished:
        out.write(f"Simulating {learners} learners of {run.key} …")
        stories.append((run, _drain(simulator.play(run, now.timestamp(), _no_nudge), logs.write)))
    enrolled = [simulator.Result(simulator.learner(current, number)) for number in range(current.learners)]
    campus.write([*stories, (current, enrolled)])
    out.write(
        f"Simulating {current.learners} learners of {current.key}, with nudges in the last {LIVE_DAYS} days …"
    )
    live = Live(now, logs, out)
    results = _drain(simulator.play(current, now.timestamp(), live.answer), live.record)
    live.reach(now)
    logs.close()
    campus.write([*stories, (current, results)])


def own(data: str, out: OutputWrapper) -> None:
    """Learn from the operator's own tracking logs: one night over them."""
    place_nudges()
    out.write(f"Learning from {data} …")
    call_command("nudge_nightly", stdout=out)


def place_nudges() -> None:
    """Make the course's nudges known, as publishing the course does."""
    course = runtime.DemoRuntime()
    for unit in outline.units():
        for kind, name in unit.blocks:
            if kind == "nudge":
                api.register(course.get_block(outline.COURSE_KEY.make_usage_key(kind, name)).placement())


class Live:
    """The last weeks as they happen: each event reaches the inbox, each moment the gate, and nights pass."""

    def __init__(self, now: datetime, logs: Logs, out: OutputWrapper) -> None:
        self.since = now - timedelta(days=LIVE_DAYS)
        self.nights = [now - timedelta(days=days) for days in NIGHTS]
        self.logs, self.out = logs, out
        self.inbox = InboxBackend()

    def record(self, time: datetime, line: dict[str, Any]) -> None:
        self.reach(time)
        self.logs.write(time, line)
        if time >= self.since:
            self.inbox.send(line)

    def answer(self, at: simulator.Moment) -> simulator.Reply:
        """Ask the gate for this moment, and answer what it shows as the learner would."""
        time = _time(at.time)
        self.reach(time)
        if time < self.since:
            return simulator.Reply()
        keys = outline.nudges_beside(UsageKey.from_string(at.item))
        occasion = {"when": at.when, "item": at.item, "attempts": 2}
        answer = api.ask(at.user_id, outline.COURSE_KEY, keys, occasion, time)
        if answer.nudge is None:
            return simulator.Reply()
        felt = simulator.helps(at)
        later = time + timedelta(seconds=12)
        for what in ("shown", *(() if felt == "none" else (felt,))):
            api.respond(at.user_id, answer.nudge.decision, what, later)
        if felt == "helpful" and at.luck < 0.2:
            api.respond(at.user_id, answer.nudge.decision, "clicked", later)
        return simulator.Reply(shown=True, helped=felt == "helpful")

    def reach(self, time: datetime) -> None:
        """Let the nights pass that lie before ``time``."""
        while self.nights and self.nights[0] <= time:
            self.logs.close()
            night = self.nights.pop(0)
            self.out.write(f"Night of {night:%d %B}: reading the logs, training, judging …")
            call_command("nudge_nightly", now=night, stdout=self.out)


def _drain(story: Story, write: Callable[[datetime, dict[str, Any]], None]) -> list[simulator.Result]:
    """Write every record of a run and return how it ended."""
    while True:
        try:
            record = next(story)
        except StopIteration as end:
            return end.value
        write(_time(record.time), record.line)


def _no_nudge(at: simulator.Moment) -> simulator.Reply:
    return simulator.Reply()


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
