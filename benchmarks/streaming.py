"""Microseconds per event of the streaming cell, beside torch's own single step, and the refresh of a course.

    python -m benchmarks.streaming [--rounds N] [--enrolments N]

The rival in the same run is the network that was trained, advanced by one event as torch does it: the
embedding, the linear input and torch.nn.LSTM with the state carried along, without gradients, its numbers
given for free.  Both run on one thread and are the fastest of many short rounds.  The refresh is of a course
with several targets, and its memory that of a process of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.training import START, TOKENS
from predictor.inputs import DAY, EVENT_SIZE, InputConfig
from predictor.model import ModelConfig, Network
from predictor.sequences import Sequences
from predictor.streaming import Streamer

TARGETS = ("pass", "complete", "leave")
EVENTS_PER_ENROLMENT = 130
ROUND = 25
"""Events in one round."""


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.streaming", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--enrolments", type=int, default=10_000)
    parser.add_argument("--inside", choices=("steps", "refresh"), help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.inside == "steps":
        steps(options.rounds)
    elif options.inside == "refresh":
        refresh(model()[1], options.enrolments)
    else:
        for part in ("steps", "refresh"):
            again(part, "--rounds", str(options.rounds), "--enrolments", str(options.enrolments))
    return 0


def again(part: str, *options: str) -> None:
    """Measure one part in a process of its own, whose libraries start with one thread."""
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.streaming", "--inside", part, *options]
    subprocess.run(command, check=True, env=dict(os.environ) | one_thread)


def steps(rounds: int) -> None:
    """What an event and a reading cost."""
    torch.set_num_threads(1)
    network, streamer = model()
    ours, theirs = one_by_one(streamer, rounds), single_steps(network, rounds)
    print(f"{'one event at a time (advance)':<44} {ours:8.1f} µs   (at most 40)")
    print(f"{'torch, a single step':<44} {theirs:8.1f} µs   ratio {theirs / ours:.1f} (at least 8)")
    print(f"{'a tail of many events in one call, each':<44} {together(streamer, rounds):8.1f} µs")
    print(f"{'a reading (at)':<44} {reading(streamer, 0.01, rounds):8.1f} µs")
    print(f"{'a reading after a year of absence':<44} {reading(streamer, 365, rounds):8.1f} µs")


def model() -> tuple[Network, Streamer]:
    """A network of the default size and the streamer of its tensors."""
    torch.manual_seed(0)
    config = InputConfig(tuple(f"token {number}" for number in range(1, TOKENS)))
    network = Network(ModelConfig(), config, len(TARGETS)).eval()
    manifest = {
        "version": "benchmark",
        "targets": TARGETS,
        "inputs": config.to_json(),
        "hidden_size": network.config.hidden,
        "calibration": {target: {"scale": 1.0, "shift": 0.0} for target in TARGETS},
    }
    return network, Streamer(network.tensors(), manifest)


def best(measure: Callable[[], None], count: int, rounds: int) -> float:
    """Microseconds per item of the fastest round: what it costs while nothing else runs."""
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        measure()
        seconds.append(time.perf_counter() - began)
    return min(seconds) / count * 1e6


def one_by_one(streamer: Streamer, rounds: int) -> float:
    """µs per event, each folded in by a call of its own, a minute apart."""
    begun = streamer.advance(streamer.begin(START), ["token 3"], [START])

    def measure() -> None:
        state = begun
        for number in range(ROUND):
            state = streamer.advance(state, ("token 3",), (START + 60.0 * number,), (f"item {number % 9}",))

    return best(measure, ROUND, rounds)


def together(streamer: Streamer, rounds: int) -> float:
    """µs per event of one call."""
    times = [START + 60.0 * number for number in range(ROUND)]
    items = [f"item {number % 9}" for number in range(ROUND)]
    begun = streamer.begin(START)
    return best(lambda: void(streamer.advance(begun, ["token 3"] * ROUND, times, items)), ROUND, rounds)


def reading(streamer: Streamer, days: float, rounds: int) -> float:
    """µs of one reading, `days` after the newest event."""
    state = streamer.advance(streamer.begin(START), ["token 3"] * 50, [START + n for n in range(50)])
    return best(lambda: void(streamer.at(state, START + 50 + days * DAY)), 1, rounds)


def single_steps(network: Network, rounds: int) -> float:
    """µs per event of the same network in torch."""
    token, numbers = torch.tensor([3]), torch.rand(1, EVENT_SIZE)

    @torch.no_grad()
    def measure() -> None:
        h = torch.zeros(1, 1, network.config.hidden)
        c = torch.zeros(1, 1, network.config.hidden)
        for _ in range(ROUND):
            entered = network.embedding(token) + network.step_input(numbers)
            _, (h, c) = network.lstm(entered[None], (h, c))

    return best(measure, ROUND, rounds)


def refresh(streamer: Streamer, enrolments: int) -> None:
    """All enrolments of a course run of ten weeks: seconds, and the most memory that the process held."""
    rng = np.random.default_rng(0)
    sizes = np.minimum(rng.exponential(EVENTS_PER_ENROLMENT, enrolments), 7000).astype(np.int64)
    owners = np.repeat(np.arange(enrolments), sizes)
    times = START + rng.random(len(owners)) * 70 * DAY
    sequences = Sequences(
        course_id="course",
        learners=[f"learner {number:06d}" for number in range(enrolments)],
        offsets=np.concatenate([[0], np.cumsum(sizes)]),
        tokens=rng.integers(0, TOKENS - 1, len(owners)).astype(np.uint16),
        times=times[np.lexsort((times, owners))],
        items=rng.integers(-1, 400, len(owners)).astype(np.int32),
        scores=np.full(len(owners), np.nan, dtype=np.float32),
        names=[f"token {number}" for number in range(1, TOKENS)],
        item_names=[f"item {number}" for number in range(400)],
    )
    began = time.perf_counter()
    found = streamer.refresh(sequences, START, START + 70 * DAY)
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"refresh of {len(found):,} enrolments x {len(TARGETS)} targets, {len(owners):,} events: "
        f"{seconds:.1f} s (at most 60), {memory:.2f} GB (at most 2; {torch_memory():.2f} are torch itself)"
    )


def torch_memory() -> float:
    """GB that a process holds once it has imported torch and nothing else."""
    code = "import resource, torch; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)


def void(_: object) -> None:
    """Nothing is done with it."""


if __name__ == "__main__":
    sys.exit(main())
