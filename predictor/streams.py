"""Events of many learners side by side, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.inputs import Floats, InputConfig, Ints, item_bit, item_name
from predictor.sequences import Sequences

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Streams:
    """Events of n learners of one course run, ready for `build`.

    `offsets` [n + 1]; `tokens` [N] numbered as the model does; `times` [N] ascending per learner; `bits` [N]
    places in the sketch of items, -1 for none; `items` [N] numbers of known items, 0 for any other or none.
    """

    offsets: Ints
    tokens: Ints
    times: Floats
    bits: Ints
    items: Ints

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Ints) -> Streams:
        """Some of the learners."""
        sizes = self.offsets[rows + 1] - self.offsets[rows]
        picks = spread(self.offsets[rows], sizes)
        return self._picked(sizes, picks)

    def before(self, moments: Floats) -> Streams:
        """Only events before each learner's moment [n]."""
        owners = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        kept = self.times < moments[owners]
        sizes = np.bincount(owners[kept], minlength=len(self))
        return self._picked(sizes, kept)

    def _picked(self, sizes: Ints, events: Ints | Bools) -> Streams:
        tokens, times = self.tokens[events], self.times[events]
        return Streams(ends(sizes), tokens, times, self.bits[events], self.items[events])


def streams(sequences: Sequences, config: InputConfig, learners: Iterable[str] | None = None) -> Streams:
    """The streams of a course run's learners; of `learners` when given, empty for those without an event."""
    index = config.index()
    number = np.array([index.get(name, 0) for name in sequences.names] or [0], dtype=np.int64)
    bit = np.array([*(item_bit(name, config) for name in sequences.item_names), -1], dtype=np.int64)
    known = config.item_index()
    met = np.array([*(known.get(item_name(name), 0) for name in sequences.item_names), 0], dtype=np.int64)
    items = np.asarray(sequences.items, dtype=np.int64)
    items = np.where(items >= 0, items, len(bit) - 1)
    whole = Streams(
        np.asarray(sequences.offsets, dtype=np.int64),
        number[np.asarray(sequences.tokens, dtype=np.int64)],
        np.asarray(sequences.times, dtype=np.float64),
        bit[items],
        met[items],
    )
    return whole if learners is None else _among(whole, sequences.learners, learners)


def _among(whole: Streams, known: Sequence[str], learners: Iterable[str]) -> Streams:
    place = {learner: row for row, learner in enumerate(known)}
    rows = np.array([place.get(learner, -1) for learner in learners], dtype=np.int64)
    padded = replace(whole, offsets=np.append(whole.offsets, whole.offsets[-1]))
    return padded.take(np.where(rows >= 0, rows, len(whole)))


def ends(sizes: NDArray[Any]) -> Ints:
    """Running sums with a zero in front: offsets of pieces of these sizes."""
    offsets = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def spread(starts: Ints, sizes: Ints) -> Ints:
    """starts[0], starts[0] + 1, ... (sizes[0] of them), starts[1], ..."""
    shifted: Ints = starts - ends(sizes)[:-1]
    places: Ints = np.repeat(shifted, sizes) + np.arange(sizes.sum())
    return places
