"""The paper's two recurrent baselines: an LSTM over weekly hand-made features, and one over raw events.

Both have 100 hidden units, 20% dropout on the input, a sigmoid after every step and five epochs, as
published. Not published, hence chosen here: batches of 128 random learners, and Adam at the rate of 0.001 or
0.003 that suited each better. The paper pads streams with zeros and masks them; here they lie in full blocks
(`blocks`), which comes to the same. Needs torch (in the `train` extra).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from .blocks import Layout, layout, run
from .folds import prior_shift, shift_odds, undersample
from .handfeatures import Scale, course_length, twelve
from .moments import (
    WEEK,
    Enrolments,
    FloatArray,
    IntArray,
    Past,
    TrainingData,
    commonest_tokens,
    past,
    steps_until,
)
from .sequences import EventSource

UNITS = 100
INPUT_DROPOUT = 0.2
EPOCHS = 5
BATCH = 128
WEEK_ENDS = 10
MOST_TOKENS = 500
OUTLIER_RANGE = 1.5


@dataclass(frozen=True)
class Streams:
    """Inputs of n learners: `lengths` [n], and the steps of all, learner by learner, in `values`.

    A step is a row of float32 [S, width], or an integer [S] that is to become one-hot.
    """

    lengths: IntArray
    values: NDArray[Any]

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, rows: IntArray) -> Streams:
        """Some of the learners."""
        sizes = self.lengths[rows]
        shift = np.cumsum(self.lengths)[rows] - np.cumsum(sizes)
        return Streams(sizes, self.values[np.repeat(shift, sizes) + np.arange(sizes.sum())])


class Network(nn.Module):
    """Input [steps, width] with dropout -> LSTM of 100 units -> a logit per step."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(INPUT_DROPOUT)
        self.lstm = nn.LSTM(width, UNITS)
        self.head = nn.Linear(UNITS, 1)

    def forward(self, entered: Tensor, running: Sequence[int]) -> Tensor:
        """Logits [S] of steps [S, width] in full blocks."""
        logits: Tensor = self.head(run(self.lstm, self.dropout(entered), running)[0])[:, 0]
        return logits


class RecurrentModel(ABC):
    """What the two have in common: undersampling, five epochs over random batches, a logit per step."""

    name = ""
    rate = 1e-3
    """Learning rate."""

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio

    @abstractmethod
    def _prepare(self, data: TrainingData, kept: IntArray) -> int:
        """Learn vocabularies and limits; the width of an input step."""

    @abstractmethod
    def _streams(self, source: EventSource, enrolments: Enrolments, at: float) -> Streams:
        """What every enrolment's learner did until `at`."""

    def fit(self, data: TrainingData) -> None:
        """Learn from every step of every kept learner's stream up to the last horizon."""
        kept = undersample(data.labels, data.enrolments.courses, self._ratio, data.seed)
        self._shift = prior_shift(data.labels, data.labels[kept])
        self._width = self._prepare(data, kept)
        streams, labels = self._training_streams(data, kept)
        with torch.random.fork_rng():
            torch.manual_seed(data.seed)
            self._network = Network(self._width)
            optimizer = torch.optim.Adam(self._network.parameters(), lr=self.rate)
            rng = np.random.default_rng(data.seed)
            for epoch in range(EPOCHS):
                loss = self._epoch(optimizer, streams, labels, rng.permutation(len(streams)))
                data.progress(f"epoch {epoch + 1} of {EPOCHS}, loss {loss:.4f}")

    def _training_streams(self, data: TrainingData, kept: IntArray) -> tuple[Streams, FloatArray]:
        streams = self._streams(data.source, data.enrolments.take(kept), data.horizons[-1])
        labels, courses = data.labels[kept], data.enrolments.courses[kept]
        rows = np.flatnonzero(~_too_long(streams.lengths, labels, courses) & (streams.lengths > 0))
        return streams.take(rows), labels[rows].astype(np.float64)

    def _epoch(
        self, optimizer: torch.optim.Optimizer, streams: Streams, labels: FloatArray, order: IntArray
    ) -> float:
        """One pass over random batches; mean loss per step."""
        self._network.train()
        total, steps = 0.0, 0
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            batch = streams.take(rows)
            optimizer.zero_grad()
            loss = self._loss(batch, labels[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(batch.values)
            steps += len(batch.values)
        return total / max(1, steps)

    def _loss(self, streams: Streams, labels: FloatArray) -> Tensor:
        """Mean cross entropy over every step."""
        plan = layout(streams.lengths)
        truth = np.repeat(labels, streams.lengths)[plan.source]
        return binary_cross_entropy_with_logits(
            self._logits(streams, plan), torch.from_numpy(truth.astype(np.float32))
        )

    def _logits(self, streams: Streams, plan: Layout) -> Tensor:
        """Logits [S] of every step, as the plan lays them."""
        entered = torch.from_numpy(streams.values[plan.source])
        if entered.dtype == torch.int64:
            entered = one_hot(entered, self._width).float()
        logits: Tensor = self._network(entered, plan.running.tolist())
        return logits

    @torch.no_grad()
    def predict(self, source: EventSource, enrolments: Enrolments, at: float) -> FloatArray:
        """Probabilities [n] after each stream's last step before `at`; an empty one has the empty state's."""
        self._network.eval()
        streams = self._streams(source, enrolments, at)
        logits = np.full(len(streams), float(self._network.head(torch.zeros(UNITS))))
        order = np.argsort(streams.lengths, kind="stable")
        order = order[streams.lengths[order] > 0]
        for start in range(0, len(order), 2 * BATCH):
            rows = order[start : start + 2 * BATCH]
            part = streams.take(rows)
            plan = layout(part.lengths)
            logits[rows] = self._logits(part, plan).numpy()[plan.place[np.cumsum(part.lengths) - 1]]
        return shift_odds(1 / (1 + np.exp(-logits)), self._shift)


def _too_long(sizes: IntArray, labels: IntArray, courses: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Streams longer than 1.5 interquartile ranges above those of the course's stayers (Tukey's fence).

    The paper measures the range on learners who certified. For any outcome: on the class whose median stream
    is the longer one.
    """
    out = np.zeros(len(sizes), dtype=np.bool_)
    for course in np.unique(courses):
        rows = np.flatnonzero(courses == course)
        sides = [sizes[rows[labels[rows] == label]] for label in (0, 1)]
        stayers = max((side for side in sides if len(side)), key=lambda side: float(np.median(side)))
        low, high = np.quantile(stayers, [0.25, 0.75])
        out[rows] = sizes[rows] > high + OUTLIER_RANGE * (high - low)
    return out


class LstmFeatures(RecurrentModel):
    """LSTM over the twelve features, one step per week's end (and per horizon between two of them)."""

    name = "lstm_features"
    rate = 3e-3

    def _prepare(self, data: TrainingData, kept: IntArray) -> int:
        self._horizons = data.horizons
        self._length = course_length(data.source, data.enrolments)
        steps = self._steps(data.source, data.enrolments.take(kept), data.horizons[-1])
        self._scale = Scale(steps.reshape(-1, steps.shape[2]))
        return int(steps.shape[2])

    def _steps(self, source: EventSource, enrolments: Enrolments, at: float) -> FloatArray:
        """Unscaled features [n, steps, 12]."""
        moments = steps_until(at, self._horizons)
        return np.stack([twelve(source, enrolments, moment, self._length) for moment in moments], axis=1)

    def _streams(self, source: EventSource, enrolments: Enrolments, at: float) -> Streams:
        table = self._scale(self._steps(source, enrolments, at)).astype(np.float32)
        n, steps, width = table.shape
        return Streams(np.full(n, steps), table.reshape(n * steps, width))


class LstmRaw(RecurrentModel):
    """LSTM over one-hot events and the ends of the first ten weeks; no time, no item."""

    name = "lstm_raw"

    def _prepare(self, data: TrainingData, kept: IntArray) -> int:
        del kept
        self._tokens = commonest_tokens(data.source, data.enrolments, MOST_TOKENS)
        return len(self._tokens) + WEEK_ENDS

    def _streams(self, source: EventSource, enrolments: Enrolments, at: float) -> Streams:
        lengths = np.zeros(len(enrolments), dtype=np.int64)
        rows, kinds = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for known in past(source, enrolments, at):
            sizes, inside = self._streams_of(known, at)
            lengths[known.rows] = sizes
            rows.append(np.repeat(known.rows, sizes))
            kinds.append(inside)
        order = np.argsort(np.concatenate(rows), kind="stable")
        return Streams(lengths, np.concatenate(kinds)[order])

    def _streams_of(self, known: Past, at: float) -> tuple[IntArray, IntArray]:
        """Number of steps of each [m], and the steps: known events of one course, week ends between them."""
        place = {name: index for index, name in enumerate(self._tokens)}
        lookup = np.array([place.get(name, -1) for name in known.names], dtype=np.int64)
        kinds = lookup[known.tokens] if len(lookup) else np.zeros(0, dtype=np.int64)
        m, weeks = len(known.rows), np.arange(min(WEEK_ENDS, int(at // WEEK)))
        owners = np.concatenate((known.owners, np.repeat(np.arange(m), len(weeks))))
        starts = np.repeat(known.moments - at, len(weeks))
        times = np.concatenate((known.times, starts + np.tile((weeks + 1) * WEEK, m)))
        kinds = np.concatenate((kinds, np.tile(len(self._tokens) + weeks, m)))
        seen = kinds >= 0
        order = np.lexsort((times[seen], owners[seen]))
        return np.bincount(owners[seen], minlength=m), kinds[seen][order]
