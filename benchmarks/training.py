"""Training events per second, beside the same LSTM padded to the longest sequence in its batch.

    python -m benchmarks.training [--learners N] [--threads N] [--processes N] [--rounds N]

All train one epoch on the same made-up classes, with the same starting weights, batches, loss and optimizer;
they differ in nothing but how an LSTM is run over sequences of unequal length: a batch at once and padded, as
is usual; or in parts and in full blocks, by this process alone and with helpers.  The lengths follow a
lognormal law with a tail of some thousand events, as streams of events in courses do.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import torch
from torch import Tensor

from predictor.batches import to_batch
from predictor.blocks import State
from predictor.crew import Crew, Part, Totals
from predictor.helpers import cores
from predictor.inputs import DAY, InputConfig
from predictor.model import ModelConfig, Network
from predictor.plan import TrainConfig
from predictor.prefetch import ahead
from predictor.streams import Streams, ends
from predictor.trainset import Pool, labelled_steps, parts

START = 1_600_000_000.0
WEEKS = 8
TOKENS = 78
BATCH = 128
MEDIAN_LENGTH = 40
LONGEST = 6_909
"""Le & Pardos' longest stream."""
WHOLE = 1_000_000_000
"""Steps that no batch has."""


class Padded(Network):
    """The same network, its LSTM run over sequences padded with zeros to the longest in the batch."""

    def _run(self, entered: Tensor, running: Sequence[int], state: State | None) -> tuple[Tensor, State]:
        active = torch.arange(running[0])[None] < torch.tensor(running)[:, None]
        padded = entered.new_zeros(len(running), running[0], entered.shape[1])
        padded = padded.masked_scatter(active[:, :, None], entered)
        outputs, (h, c) = self.lstm(padded)
        return outputs[active], (h[0], c[0])


@dataclass(frozen=True)
class Outcome:
    """What one epoch came to."""

    seconds: float
    loss: float


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__.split("\n")[0])
    parser.add_argument("--learners", type=int, default=768)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the padded one")
    parser.add_argument("--processes", type=int, default=cores())
    parser.add_argument("--rounds", type=int, default=3, help="epochs of each, of which the fastest counts")
    options = parser.parse_args(argv)
    pool = classes(options.learners)
    events, longest = len(pool.streams.times), int(np.diff(pool.streams.offsets).max())
    print(f"{events:,} events of {len(pool)} learners, the longest {longest:,}")
    steps = TrainConfig.batch_steps
    runs = {
        f"padded to the longest in its batch, {options.threads} threads": (Padded, WHOLE, options.threads, 0),
        "ours, nothing padded, 1 process": (Network, steps, 1, 0),
        f"ours, nothing padded, {options.processes} processes": (Network, steps, 1, options.processes - 1),
    }
    padded: Outcome | None = None
    for name, (kind, most, threads, helpers) in runs.items():
        torch.set_num_threads(threads)
        found = trained(kind, pool, most, helpers, options.rounds)
        padded = padded or found
        print(f"{name:<48} {events / found.seconds:10,.0f} events/s   loss {found.loss:.5f}", end="   ")
        print(f"ratio {padded.seconds / found.seconds:.1f} (at least 2.5), losses apart by", end=" ")
        print(f"{abs(found.loss - padded.loss):.1e}", flush=True)
    return 0


def classes(learners: int, seed: int = 1) -> Pool:
    """Learners of one made-up course run."""
    rng = np.random.default_rng(seed)
    sizes = np.minimum(MEDIAN_LENGTH * rng.lognormal(0, 1.5, learners), LONGEST).astype(np.int64)
    sizes[0] = LONGEST
    owners = np.repeat(np.arange(learners), sizes)
    stay = rng.uniform(1, WEEKS * 7, learners) * DAY
    times = START + rng.random(len(owners)) * stay[owners]
    order = np.lexsort((times, owners))
    streams = Streams(
        offsets=ends(sizes),
        tokens=rng.integers(1, TOKENS, len(owners)),
        times=times[order],
        bits=rng.integers(-1, 300, len(owners)),
        items=np.zeros(len(owners), dtype=np.int64),
    )
    labels = (stay > np.median(stay)).astype(np.float32)[:, None]
    full = np.full(learners, START)
    return Pool(streams, full, full + WEEKS * 7 * DAY, labels, np.full((learners, 1), np.inf))


def trained(kind: type[Network], pool: Pool, most: int, helpers: int, rounds: int) -> Outcome:
    """The fastest of some first epochs, each from the same weights, in parts of about `most` steps."""
    torch.manual_seed(0)
    config = InputConfig(tuple(f"token {number}" for number in range(1, TOKENS)))
    network = kind(ModelConfig(input_dropout=0.0, head_dropout=0.0), config, 2)
    begin = {name: weights.clone() for name, weights in network.state_dict().items()}
    outcomes = []
    with Crew(network, helpers) as crew:
        for _ in range(rounds):
            network.load_state_dict(begin)
            outcomes.append(epoch(network, crew, pool, most))
    return min(outcomes, key=attrgetter("seconds"))


def epoch(network: Network, crew: Crew, pool: Pool, most: int) -> Outcome:
    """Train one epoch and measure it, the preparation of the batches included."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    order = np.random.default_rng(2).permutation(len(pool))
    drawn = [pool.take(order[begin : begin + BATCH]) for begin in range(0, len(pool), BATCH)]
    began, losses = time.perf_counter(), []
    for given in ahead(prepared(network.input_config, part, most) for part in drawn):
        losses.append(crew.work(given, Totals.of(given, next_event=0.0)))
        optimizer.step()
    return Outcome(time.perf_counter() - began, float(np.mean(losses)))


def prepared(config: InputConfig, pool: Pool, most: int) -> list[Part]:
    """A batch in parts of about `most` steps."""
    given = []
    for part in parts(pool, most):
        steps, labels = labelled_steps(config, part, 2.0)
        batch, alike = to_batch(steps, config.event_tokens), torch.ones(len(labels))
        given.append(Part(batch, torch.from_numpy(labels), alike, seed=0))
    return given


if __name__ == "__main__":
    sys.exit(main())
