"""What the commands of `python -m predictor` do; options come parsed, errors are raised.

`evaluate` has a module of its own, `study`.
"""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import ingestion, logged, progress, promotion, service, stack
from . import offpolicy as off_policy
from .cohort import require_common
from .events import read_time
from .foresight import Foreseer
from .moments import FloatArray, empty
from .outcomes import Outcomes, begins, read_outcomes
from .segments import write_whole
from .sequences import EventSource, Sequences, open_events
from .spreadsheet import read_columns
from .store import ModelStore
from .streaming import KIND
from .tables import is_parquet, parquet


def say(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr, flush=True)


def ingest(options: Namespace) -> int:
    """Logs into the store; prints what became of every line."""
    last = [0.0]

    def tell(now: ingestion.Progress) -> None:
        if time.monotonic() - last[0] > 2:
            last[0] = time.monotonic()
            share = f" of {now.total / 1e6:,.0f}" if now.total else ""
            say(f"{now.done / 1e6:,.0f}{share} MB read, {now.lines:,} lines, {now.events:,} events")

    print(ingestion.ingest(options.logs, options.out, tell, workers=options.workers))
    return 0


def train(options: Namespace) -> int:
    """Fit the engagement model, publish it and, if it has earned it, let it serve; prints its version."""
    limit_threads(options.threads)
    training = import_module("predictor.training")
    source, outcomes = open_events(options.events), read_outcomes(options.outcomes, options.target)
    require_common(source, outcomes)
    learners = sum(map(len, outcomes.by_course.values()))
    few = import_module("predictor.plan").suited(learners)
    given = {**few, "clock": options.clock, "seed": options.seed, "threads": options.threads or 1}
    if options.leave_days is not None:
        given["leave_days"] = options.leave_days
    config = training.TrainConfig.from_json({**given, **_settings(options.set)})
    config = import_module("predictor.ours").scaled(config, source)
    store = ModelStore(options.store)
    targets = tuple(dict.fromkeys(options.target))
    version = training.fit(source, outcomes, targets, config, store, progress.bar(say))
    if options.stack:
        stacked = import_module("predictor.stacking").fit(source, outcomes, config, store, version, say)
        if why := promotion.worthless(store.manifest(stack.KIND, stacked)):
            stack.drop(store, version)
            say(f"stack {stacked} deleted, so the LSTM alone foresees: {why}")
    _promote(store, version, options.promote, options.stack)
    print(version)
    return 0


def _settings(texts: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE pairs; a value is JSON, or else plain text."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set {text}: write NAME=VALUE, such as epochs=8")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _promote(store: ModelStore, version: str, when: str, stacked: bool) -> None:
    current = store.current(KIND)
    if when == "never":
        say(f"published {version}; {current or 'no model'} serves")
        return
    lost = _lost(store, current, version, stacked) if current else ""
    if lost and when == "earned":
        say(f"published {version}, but {current} goes on serving: {lost}; --promote always overrules that")
        return
    store.promote(KIND, version)
    say(f"{version} serves" + (f" instead of {current}" if current else ""))


def _lost(store: ModelStore, current: str, version: str, stacked: bool) -> str:
    """Why the new version has not earned its place; its stack is compared where one is `stacked` at all."""
    lost = promotion.lost(store.manifest(KIND, current), store.manifest(KIND, version))
    if lost or not stacked:
        return lost
    found = (stack.beside(store, each)[-1:] for each in (current, version))
    before, now = ([store.manifest(stack.KIND, name) for name in names] for names in found)
    return promotion.stack_lost(before, now)


def limit_threads(threads: int | None) -> None:
    """Called before the train extra is loaded: its libraries read the variable when they load."""
    if threads is None:
        return
    if threads < 1:
        raise ValueError("--threads must be at least 1")
    os.environ["OMP_NUM_THREADS"] = str(threads)


def writable(path: str) -> Path:
    """The path of a result, its folder made; an error now rather than after hours."""
    out = Path(path)
    if out.is_dir():
        raise ValueError(f"{out} is a folder; give the name of a file in it")
    out.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(out.parent, os.W_OK):
        raise ValueError(f"{out.parent} cannot be written to; choose another place")
    return out


def asked_time(text: str) -> float:
    """Unix seconds of --at; ValueError says how to write it."""
    moment = read_time(text)
    if moment is None:
        raise ValueError(f"--at is '{text}', no time; write ISO, such as 2026-03-01T00:00:00+00:00")
    return moment


def predict(options: Namespace) -> int:
    """Probabilities of every enrolment at a time, by the model that serves, into a table."""
    moment, out = asked_time(options.at), writable(options.out)
    foreseer = Foreseer.load(ModelStore(options.store))
    targets, version = foreseer.streamer.targets, foreseer.streamer.version
    source = open_events(options.events)
    outcomes = read_outcomes(options.outcomes) if options.outcomes else None
    rows = [row for run in running(source, outcomes, moment) for row in _rows(foreseer, run, moment)]
    names = ["course_id", "learner_id", "at", *targets, "model"]
    write_table(out, names, rows)
    say(f"{len(rows):,} enrolments at {options.at} by model {version} ({foreseer.by}), in {out}")
    return 0


class Running(NamedTuple):
    """A course run that has begun, and n learners for whom it has: `begins` [n] unix seconds."""

    sequences: Sequences
    learners: list[str]
    begins: FloatArray


def running(source: EventSource, outcomes: Outcomes | None, moment: float) -> Iterator[Running]:
    """Course by course everyone with an event before the moment, and everyone in the outcome table.

    A learner for whom the course has not begun by then is left out.
    """
    for course_id in sorted({*source.courses, *(outcomes.courses if outcomes else ())}):
        listed = outcomes.of(course_id) if outcomes and course_id in outcomes.courses else None
        sequences = source.sequences(course_id) if course_id in source.courses else empty(course_id)
        first = float(sequences.times.min()) if len(sequences.times) else None
        learners = sorted({*_active(sequences, moment), *(listed.learners if listed else ())})
        begin = begins(listed, learners, first)
        begun = begin <= moment
        if begun.any():
            asked = [learners[place] for place in np.flatnonzero(begun)]
            yield Running(sequences, asked, begin[begun])
            continue
        unknown = first is None and np.isnan(begin).all()
        reason = "its start is not known" if unknown else "it has not begun by then"
        say(f"course {course_id} left out: {reason}")


def _rows(foreseer: Foreseer, run: Running, moment: float) -> Iterator[list[Any]]:
    at = iso(moment)
    for learner, found in foreseer.foresee(run.sequences, run.begins, moment, run.learners).items():
        chances = (found.probabilities[target] for target in foreseer.streamer.targets)
        yield [run.sequences.course_id, learner, at, *chances, foreseer.streamer.version]


def iso(moment: float) -> str:
    """Unix seconds as ISO text in UTC."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


def _active(sequences: Sequences, moment: float) -> list[str]:
    """Learners with an event before the moment; their first one lies at their offset."""
    if not len(sequences.times):
        return []
    begun = sequences.times[sequences.offsets[:-1]] < moment
    return [sequences.learners[place] for place in np.flatnonzero(begun)]


def write_table(out: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """CSV, or Parquet where the name ends so; whole or not at all."""
    if is_parquet(out):
        columns = zip(*rows, strict=True) if rows else [()] * len(names)
        table = import_module("pyarrow").table(dict(zip(names, map(list, columns), strict=True)))
        unfinished = out.with_name(out.name + ".part")
        parquet().write_table(table, unfinished)
        unfinished.replace(out)
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    write_whole(out, text.getvalue().encode())


def serve(options: Namespace) -> int:
    """The predictor behind HTTP until it is interrupted or told to end."""
    token = service.read_token(Path(options.token_file)) if options.token_file else ""
    with service.Server((options.host, options.port), ModelStore(options.store), token) as server:
        host, port = server.server_address[:2]
        foreseer = server.model.get()[0]
        say(f"serving model {foreseer.streamer.version} at http://{host!s}:{port}; stop with Ctrl-C")
        say("course runs are foreseen by " + ("its stack" if foreseer.stack else "the LSTM alone: no stack"))
        for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background ignores the first
            signal.signal(number, signal.default_int_handler)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("stopped")
    return 0


def offpolicy(options: Namespace) -> int:
    """Values of the logged, the target and every constant policy; 2 where the target's is refused."""
    out = writable(options.json)
    decisions, left_out = logged.from_columns(read_columns(options.decisions))
    values = off_policy.evaluate(decisions, options.seed)
    content = {"policies": off_policy.as_json(values), "decisions": len(decisions.ids), "left_out": left_out}
    write_whole(out, json.dumps(content, indent=1, allow_nan=False).encode())
    for value in values:
        _print_policy(value)
    refused = next((value.refused for value in values if value.policy == "target" and value.refused), "")
    if refused:
        raise ValueError(
            f"the target policy cannot be evaluated: {refused} (the other policies are in {out})"
        )
    return 0


def _print_policy(value: off_policy.PolicyValue) -> None:
    if value.refused:
        print(f"{value.policy:<24} refused: {value.refused}")
        return
    estimates = (("IPS", value.ips), ("SNIPS", value.snips), ("DR", value.dr))
    shown = (
        f"{name} {each.value:.4f} ({each.low:.4f} to {each.high:.4f})" for name, each in estimates if each
    )
    print(f"{value.policy:<24} {'; '.join(shown)}; effective decisions {value.effective_n:,.0f}")
    for warning in value.warnings:
        say(f"{value.policy}: {warning}")
