"""The paper's two recurrent baselines: an LSTM over weekly hand-made features, and one over raw events.

Both have 100 hidden units, 20% dropout on the input, a sigmoid after every step and five epochs, as
published. Not published, hence chosen here: Adam at 0.003 and batches of 128 random learners. Needs torch (in
the `train` extra).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot
from torch.nn.utils.rnn import pad_sequence

from .countfeatures import vocabulary
from .folds import prior_shift, shift_odds, undersample
from .handfeatures import Scale, course_length, twelve
from .moments import WEEK, Enrolments, FloatArray, IntArray, Past, TrainingData, past, steps_until
from .sequences import EventSource

UNITS = 100
INPUT_DROPOUT = 0.2
EPOCHS = 5
BATCH = 128
ALIKE = 8
"""Parts into which a random batch is cut by length; its gradient is the same, the run much shorter."""
RATE = 3e-3
WEEK_ENDS = 10
MOST_TOKENS = 500
OUTLIER_RANGE = 1.5


class Network(nn.Module):
    """Input [steps, width] with dropout -> LSTM of 100 units -> a logit per step."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(INPUT_DROPOUT)
        self.lstm = nn.LSTM(width, UNITS)
        self.head = nn.Linear(UNITS, 1)

    def forward(self, padded: Tensor) -> Tensor:
        """Logits [steps, learners] of padded streams [steps, learners, width]; padding's mean nothing."""
        logits: Tensor = self.head(self.lstm(self.dropout(padded))[0])[:, :, 0]
        return logits


class RecurrentModel(ABC):
    """What the two have in common: undersampling, five epochs over random batches, a logit per step."""

    name = ""

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio

    @abstractmethod
    def _prepare(self, data: TrainingData, kept: IntArray) -> int:
        """Learn vocabularies and limits; the width of an input step."""

    @abstractmethod
    def _streams(self, source: EventSource, enrolments: Enrolments, at: float) -> list[Tensor]:
        """One input per enrolment until `at`: [steps, width], or [steps] of integers to be made one-hot."""

    def fit(self, data: TrainingData) -> None:
        """Learn from every step of every kept learner's stream up to the last horizon."""
        kept = undersample(data.labels, data.enrolments.courses, self._ratio, data.seed)
        self._shift = prior_shift(data.labels, data.labels[kept])
        self._width = self._prepare(data, kept)
        streams, labels = self._training_streams(data, kept)
        with torch.random.fork_rng():
            torch.manual_seed(data.seed)
            self._network = Network(self._width)
            optimizer = torch.optim.Adam(self._network.parameters(), lr=RATE)
            rng = np.random.default_rng(data.seed)
            for epoch in range(EPOCHS):
                loss = self._epoch(optimizer, streams, labels, rng.permutation(len(streams)))
                data.progress(f"epoch {epoch + 1} of {EPOCHS}, loss {loss:.4f}")

    def _training_streams(self, data: TrainingData, kept: IntArray) -> tuple[list[Tensor], FloatArray]:
        streams = self._streams(data.source, data.enrolments.take(kept), data.horizons[-1])
        sizes = np.array([len(stream) for stream in streams])
        rows = np.flatnonzero(
            ~_too_long(sizes, data.labels[kept], data.enrolments.courses[kept]) & (sizes > 0)
        )
        return [streams[row] for row in rows], data.labels[kept][rows].astype(np.float64)

    def _epoch(
        self, optimizer: torch.optim.Optimizer, streams: list[Tensor], labels: FloatArray, order: IntArray
    ) -> float:
        """One pass over random batches; mean loss per step."""
        self._network.train()
        total, steps = 0.0, 0
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            rows = rows[np.argsort([len(streams[row]) for row in rows], kind="stable")]
            size = sum(len(streams[row]) for row in rows)
            optimizer.zero_grad()
            for alike in np.array_split(rows, min(ALIKE, len(rows))):
                loss = self._loss([streams[row] for row in alike], labels[alike]) / size
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.item() * size
            nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
            optimizer.step()
            steps += size
        return total / max(1, steps)

    def _loss(self, streams: list[Tensor], labels: FloatArray) -> Tensor:
        """Sum of the cross entropy over every real step."""
        padded, sizes = self._pad(streams)
        logits = self._network(padded)
        real = torch.arange(len(padded))[:, None] < sizes
        truth = torch.from_numpy(labels).float().expand_as(logits)
        return binary_cross_entropy_with_logits(logits[real], truth[real], reduction="sum")

    def _pad(self, streams: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Streams as [steps, learners, width], and how many steps of each are real [learners]."""
        padded = pad_sequence(streams)
        if padded.dtype == torch.int64:
            padded = one_hot(padded, self._width).float()
        return padded, torch.tensor([len(stream) for stream in streams])

    @torch.no_grad()
    def predict(self, source: EventSource, enrolments: Enrolments, at: float) -> FloatArray:
        """Probabilities [n] after each stream's last step before `at`; an empty one has the empty state's."""
        self._network.eval()
        streams = self._streams(source, enrolments, at)
        sizes = np.array([len(stream) for stream in streams], dtype=np.int64)
        logits = np.full(len(streams), float(self._network.head(torch.zeros(UNITS))))
        order = np.argsort(sizes, kind="stable")
        order = order[sizes[order] > 0]
        for start in range(0, len(order), 2 * BATCH):
            rows = order[start : start + 2 * BATCH]
            padded, ends = self._pad([streams[row] for row in rows])
            logits[rows] = self._network(padded)[ends - 1, torch.arange(len(rows))].numpy()
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

    def _streams(self, source: EventSource, enrolments: Enrolments, at: float) -> list[Tensor]:
        table = self._scale(self._steps(source, enrolments, at)).astype(np.float32)
        return list(torch.from_numpy(table))


class LstmRaw(RecurrentModel):
    """LSTM over one-hot events and the ends of the first ten weeks; no time, no item."""

    name = "lstm_raw"

    def _prepare(self, data: TrainingData, kept: IntArray) -> int:
        del kept
        self._tokens = vocabulary(data.source, data.enrolments, MOST_TOKENS)
        return len(self._tokens) + WEEK_ENDS

    def _streams(self, source: EventSource, enrolments: Enrolments, at: float) -> list[Tensor]:
        streams: list[Tensor] = [torch.zeros(0, dtype=torch.int64)] * len(enrolments)
        for known in past(source, enrolments, at):
            for row, stream in zip(known.rows, self._streams_of(known, at), strict=True):
                streams[row] = stream
        return streams

    def _streams_of(self, known: Past, at: float) -> list[Tensor]:
        """Events in the vocabulary of one course, the week ends up to `at` put between them."""
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
        ends = np.cumsum(np.bincount(owners[seen], minlength=m))[:-1]
        return list(torch.from_numpy(kinds[seen][order]).tensor_split(torch.from_numpy(ends)))
