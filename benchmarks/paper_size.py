"""The Communicator study's 13.6 million events: ingested, trained on for five epochs, and a refresh.

    python -m benchmarks.paper_size [--events N] [--epochs N] [--processes N] [--cache DIR] [--stage STAGE …]

The logs are made up (`benchmarks.paper_logs`): 15 GB in plain and compressed files.  What is measured runs as
an operator would run it: `python -m predictor ingest`, beside `json.loads` alone on lines of the same files;
`python -m predictor train --no-stack`, the LSTM alone; then the refresh of 10,000 learners and three targets.
Memory is the highest sum of what the process and its helpers hold at one time, mapped files included.
`--cache` keeps what a stage leaves for the next, so that each can be run apart: make, ingest, train, refresh.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import paper_logs
from predictor.helpers import cores
from predictor.readers import lines
from predictor.sequences import EventStore, Sequences
from predictor.store import ModelStore
from predictor.streaming import KIND, Streamer

STAGES = ("make", "ingest", "train", "refresh")
EVENTS = 13_600_000
RIVAL_LINES = 20_000
"""Lines of each file that the rival decodes."""
ENROLMENTS = 10_000
DAY = 86_400.0


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    options = _parser().parse_args(argv)
    if options.inside:
        refresh(options.cache)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        cache = options.cache or Path(folder)
        for stage in STAGES:
            if stage not in options.stage:
                continue
            if stage == "make":
                make(cache, options.events, options.processes)
            elif stage == "ingest":
                ingest(cache, options.processes)
            elif stage == "train":
                train(cache, options.epochs, options.processes)
            else:
                run("benchmarks.paper_size", "--inside", "--cache", str(cache))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.paper_size", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument(
        "--processes", type=int, default=cores(), help="that write, read and train (all cores)"
    )
    parser.add_argument("--cache", type=Path, help="folder for the logs, the store and the model")
    parser.add_argument("--stage", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser


class Cost(NamedTuple):
    """What a command took."""

    seconds: float
    memory: float
    """GB held at the highest, helpers included."""
    output: str


def run(module: str, *arguments: str) -> Cost:
    """Run `python -m module`; what it prints is shown as it comes. `SystemExit` when it fails."""
    began = time.perf_counter()
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watch = Watch(process.pid)
        assert process.stdout is not None
        output = []
        for line in process.stdout:
            print("   " + line, end="", flush=True)
            output.append(line)
    if process.returncode:
        raise SystemExit(f"{module} ended with {process.returncode}")
    return Cost(time.perf_counter() - began, watch.stop(), "".join(output))


class Watch(threading.Thread):
    """Looks five times a second at what a process and all that it started hold in memory."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self._process, self._highest, self._over = process, 0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.wait(0.2):
            self._highest = max(self._highest, sum(map(resident, family(self._process))))

    def stop(self) -> float:
        """GB at the highest."""
        self._over.set()
        self.join()
        return self._highest / 1e9


def family(process: int) -> set[int]:
    """A process and all below it."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # ended meanwhile
    found, new = {process}, {process}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def resident(process: int) -> int:
    """Bytes of memory that a process holds."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def make(cache: Path, events: int, processes: int) -> None:
    """The logs, and what became of everyone."""
    began = time.perf_counter()
    for name in ("logs", "store", "models"):
        shutil.rmtree(cache / name, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    plan = paper_logs.plan(events)
    logs = paper_logs.write(plan, cache / "logs", processes)
    paper_logs.write_outcomes(plan, cache / "outcomes.csv")
    size = sum(log.stat().st_size for log in logs)
    longest = int(np.bincount(plan.owner).max())
    print(
        f"   made {plan.events:,} events of {len(plan.course):,} learners in {len(logs)} files, "
        f"{size / 1e9:.1f} GB, the longest stream {longest:,} lines: {time.perf_counter() - began:.0f} s",
        flush=True,
    )


def ingest(cache: Path, processes: int) -> None:
    """The logs into a store, beside the rival."""
    shutil.rmtree(cache / "store", ignore_errors=True)
    logs, plan = sorted((cache / "logs").iterdir()), paper_logs.Plan.load(cache)
    rival = loads(logs)
    cost = run(
        "predictor", "ingest", *map(str, logs), "--out", str(cache / "store"), "--workers", str(processes)
    )
    store = EventStore(cache / "store")
    stored = sum(len(store.sequences(course).times) for course in store.courses)
    if stored != plan.events:
        raise SystemExit(f"{stored:,} events are stored, and {plan.events:,} were written")
    count = len(plan.time) + paper_logs.OVERLAP * (len(logs) - 1)
    print(f"   ingest                {cost.seconds:8.0f} s    {count / cost.seconds:10,.0f} lines/s (300 s)")
    print(f"   json.loads alone      {count / rival:8.0f} s    {rival:10,.0f} lines/s")
    print(f"   memory                {cost.memory:8.2f} GB   (4 GB)", flush=True)


def loads(logs: Iterable[Path]) -> float:
    """Lines a second that the standard library's JSON reader decodes, of every file's first."""
    sample = list(chain.from_iterable(islice(lines(str(log)), RIVAL_LINES) for log in logs))
    began = time.perf_counter()
    for line in sample:
        json.loads(line)
    return len(sample) / (time.perf_counter() - began)


def train(cache: Path, epochs: int, processes: int) -> None:
    """A model from the store."""
    shutil.rmtree(cache / "models", ignore_errors=True)
    targets = [part for target in ("certified", "completed") for part in ("--target", target)]
    fields = {"epochs": epochs, "patience": epochs, "processes": processes}
    settings = [part for name, value in fields.items() for part in ("--set", f"{name}={value}")]
    places = {"--events": "store", "--outcomes": "outcomes.csv", "--store": "models"}
    where = [part for option, name in places.items() for part in (option, str(cache / name))]
    cost = run("predictor", "train", *where, *targets, *settings, "--no-stack", "--promote", "always")
    facts = ModelStore(cache / "models").manifest(KIND, cost.output.split()[-1])["training"]
    rate = facts["events"] / facts["seconds"]
    print(f"   {len(facts['epochs'])} epochs, start to published   {cost.seconds:8.0f} s   (1,200 s)")
    print(f"   events trained on, a second     {rate:10,.0f}   ({facts['events']:,} events)")
    print(f"   memory                {cost.memory:8.2f} GB", flush=True)


def refresh(cache: Path) -> None:
    """States and readings of 10,000 learners or some more, course by course."""
    store, streamer = EventStore(cache / "store"), Streamer.load(ModelStore(cache / "models"))
    learners = events = 0
    began = time.perf_counter()
    for course in store.courses:
        sequences = store.sequences(course)
        learners += len(streamer.refresh(sequences, *_span(sequences)))
        events += len(sequences.times)
        if learners >= ENROLMENTS:
            break
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"refresh of {learners:,} enrolments x {len(streamer.targets)} targets, {events:,} events: "
        f"{seconds:.1f} s (60 s for 10,000), {memory:.2f} GB (2 GB)"
    )


def _span(sequences: Sequences) -> tuple[float, float]:
    times = np.asarray(sequences.times)
    return float(np.floor(times.min() / DAY) * DAY), float(times.max()) + 1


if __name__ == "__main__":
    sys.exit(main())
