"""Sequences of unequal length through torch's LSTM without padding.

Steps lie *time-major*: first every sequence's step 0, then every one's step 1 and so on, the sequences sorted
by falling length. Wherever the number of running sequences stays the same for a while, the steps form a full
block [time, sequences, width], for which torch makes one fused oneDNN call; on a CPU that is far faster than
torch's own packed sequences (benchmarks/training.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Ints = NDArray[np.int64]
State = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Layout:
    """Where each step (sequence-major) lies in a batch (time-major).

    Args:
        order: [b] sequences by falling length, empty ones left out.
        running: [T] sequences still running at each time step.
        place: [S] row in the batch of each step.
    """

    order: Ints
    running: Ints
    place: Ints

    @property
    def source(self) -> Ints:
        """The step that lies in each row of the batch [S]."""
        source = np.empty(len(self.place), dtype=np.int64)
        source[self.place] = np.arange(len(self.place))
        return source


def layout(lengths: Ints) -> Layout:
    """The time-major layout of sequences with these numbers of steps."""
    order = np.argsort(-lengths, kind="stable")
    order = order[: np.count_nonzero(lengths)]
    longest = int(lengths[order[0]]) if len(order) else 0
    running = np.searchsorted(-lengths[order], -np.arange(longest), side="left").astype(np.int64)
    rank = np.empty(len(lengths), dtype=np.int64)
    rank[order] = np.arange(len(order))
    first = np.concatenate(([0], np.cumsum(running)))
    time = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return Layout(order, running, first[time] + np.repeat(rank, lengths))


def blocks(running: Sequence[int]) -> list[tuple[int, int]]:
    """(time steps, sequences) of the stretches over which the number of running sequences stays the same."""
    counts = np.asarray(running)
    bounds = np.flatnonzero(np.diff(counts)) + 1
    starts = np.concatenate([[0], bounds])
    sizes = np.diff(np.append(starts, len(counts)))
    return [(int(size), int(counts[start])) for start, size in zip(starts, sizes, strict=True)]


def run(
    lstm: nn.LSTM, entered: Tensor, running: Sequence[int], state: State | None = None
) -> tuple[Tensor, State]:
    """Hidden states [S, H] of steps [S, width], and the last h and c of each sequence [b, H]."""
    shape = running[0], lstm.hidden_size
    h, c = state if state is not None else (entered.new_zeros(shape), entered.new_zeros(shape))
    outputs, ended, begin = [], [], 0
    for steps, active in blocks(running):
        if active < len(h):
            ended.append((h[active:], c[active:]))
            h, c = h[:active], c[:active]
        block = entered[begin : begin + steps * active].view(steps, active, -1)
        out, (h3, c3) = lstm(block, (h[None].contiguous(), c[None].contiguous()))
        h, c = h3[0], c3[0]
        outputs.append(out.reshape(steps * active, lstm.hidden_size))
        begin += steps * active
    parts = [(h, c), *reversed(ended)]
    last = torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])
    return torch.cat(outputs), last
