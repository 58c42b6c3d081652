"""Training events per second, beside the same LSTM padded to the longest sequence in its batch.

    python -m benchmarks.training [--learners N] [--threads N]

Both train one epoch on the same made-up classes, with the same starting weights, batches, loss and optimizer;
they differ in nothing but how an LSTM is run over sequences of unequal length.  The lengths follow a
lognormal law with a tail of some thousand events, as streams of events in courses do.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from predictor.batches import to_batch
from predictor.blocks import State
from predictor.inputs import DAY, InputConfig
from predictor.losses import masked_loss
from predictor.model import ModelConfig, Network
from predictor.prefetch import ahead
from predictor.steps import Streams, ends
from predictor.trainset import Pool, labelled_steps

START = 1_600_000_000.0
WEEKS = 8
TOKENS = 78
BATCH = 128
MEDIAN_LENGTH = 40
LONGEST = 6_909
"""Le & Pardos' longest stream."""


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
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    pool = classes(options.learners)
    events, longest = len(pool.streams.times), int(np.diff(pool.streams.offsets).max())
    print(f"{events:,} events of {len(pool)} learners, the longest {longest:,}, threads {options.threads}")
    ours, padded = epoch(Network, pool), epoch(Padded, pool)
    for name, outcome in (("ours, nothing padded", ours), ("padded to the longest in its batch", padded)):
        print(f"{name:<40} {events / outcome.seconds:10,.0f} events/s   loss {outcome.loss:.5f}")
    ratio = padded.seconds / ours.seconds
    print(f"ratio {ratio:.1f} (at least 2.5), losses apart by {abs(ours.loss - padded.loss):.1e}")
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
    )
    labels = (stay > np.median(stay)).astype(np.float32)[:, None]
    full = np.full(learners, START)
    return Pool(streams, full, full + WEEKS * 7 * DAY, labels, np.full((learners, 1), np.inf))


def epoch(kind: type[Network], pool: Pool) -> Outcome:
    """Train one epoch and measure it, the preparation of the batches included."""
    torch.manual_seed(0)
    config = InputConfig(tuple(f"token {number}" for number in range(1, TOKENS)))
    network = kind(ModelConfig(input_dropout=0.0, head_dropout=0.0), config, 2)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    order = np.random.default_rng(2).permutation(len(pool))
    drawn = [pool.take(order[begin : begin + BATCH]) for begin in range(0, len(pool), BATCH)]
    began, losses = time.perf_counter(), []
    for steps, labels in ahead(labelled_steps(config, part, 2.0) for part in drawn):
        batch, known = to_batch(steps, config.event_tokens), torch.from_numpy(labels)
        optimizer.zero_grad()
        hidden, _ = network.hidden(batch)
        loss = masked_loss(network.readings(hidden, batch), known, torch.isfinite(known).sum(dim=0))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    return Outcome(time.perf_counter() - began, float(np.mean(losses)))


if __name__ == "__main__":
    sys.exit(main())
