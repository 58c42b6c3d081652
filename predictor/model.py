"""The engagement network in torch: one LSTM over a learner's steps, one head for every target and moment.

Used in training only; what is published is `Network.tensors()`, which the numpy cell runs.

    token [S] ─── embedding ─┐
    item [S] ──── embedding ─┤
    inputs [S, 20] ─ linear ─┼─ + ─ dropout ─ LSTM [S, H] ─┬─ readings [R, H]
    marker readings ─ linear ┘                             │
    readings [R, F] ───────────────────────────────────────┴─ head ─ logits [R, targets]

Known items alone (inputs.InputConfig) add something; where there are none, neither does the embedding exist.

Steps come *time-major*: first every learner's step 0, then every learner's step 1 and so on, learners sorted
by falling length, without padding.  Wherever the number of running learners stays the same for a while, the
steps form a full block [time, learners, E], for which torch makes one fused oneDNN call; on a CPU that is far
faster than torch's own packed sequences (benchmarks/training.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import linear

from predictor.blocks import State, run
from predictor.dropout import Dropout
from predictor.inputs import EVENT_SIZE, InputConfig
from predictor.streams import spread

LEAST_DEVIATION = 0.1
ITEMS_FORGOTTEN = 0.2
"""Share of learners whose items all pass for unknown in a training step, as all of a new course's are."""


@dataclass(frozen=True)
class ModelConfig:
    """The network's size.

    Args:
        hidden: units of the LSTM (Le & Pardos: 100).
        embedding: size of what enters the LSTM.
        width: units of the head's hidden layer.
        input_dropout: share of the LSTM's inputs dropped in training (Le & Pardos: .2).
        head_dropout: share of the head's inputs dropped in training.
    """

    hidden: int = 64
    embedding: int = 32
    width: int = 32
    input_dropout: float = 0.2
    head_dropout: float = 0.1

    def to_json(self) -> dict[str, Any]:
        """Plain data for a manifest."""
        return asdict(self)


@dataclass(frozen=True)
class Batch:
    """Steps of b learners for the network, time-major (see above).

    Args:
        running: learners still running at each time step, falling; their sum is S.
        tokens: int64 [S]; `items` int64 [S] numbers of known items, 0 for any other and for markers.
        inputs: float32 [S, EVENT_SIZE].
        marker_rows: int64 [M] which of the S steps are markers; `marker_readings` float32 [M, F] theirs.
        reading_rows: int64 [R] the step after which each reading is taken, S where there is none before it.
        readings: float32 [R, F].
        owners: int64 [R] the learner of each reading.
        next_tokens: int64 [S] the event token that follows each step, -1 where none does.
    """

    running: Sequence[int]
    tokens: Tensor
    items: Tensor
    inputs: Tensor
    marker_rows: Tensor
    marker_readings: Tensor
    reading_rows: Tensor
    readings: Tensor
    owners: Tensor
    next_tokens: Tensor


class Network(nn.Module):
    """The LSTM and its heads."""

    def __init__(self, config: ModelConfig, inputs: InputConfig, targets: int) -> None:
        super().__init__()
        self.config, self.input_config = config, inputs
        features = inputs.reading_size
        self.step_scaling: Tensor
        self.reading_scaling: Tensor
        self.register_buffer("step_scaling", torch.tensor([[0.0], [1.0]]).repeat(1, EVENT_SIZE))
        self.register_buffer("reading_scaling", torch.tensor([[0.0], [1.0]]).repeat(1, features))
        self.embedding = nn.Embedding(inputs.tokens, config.embedding)
        self.step_input = nn.Linear(EVENT_SIZE, config.embedding)
        self.marker_input = nn.Linear(features, config.embedding, bias=False)
        self.input_dropout = Dropout(config.input_dropout)
        self.lstm = nn.LSTM(config.embedding, config.hidden)
        self.head_dropout = Dropout(config.head_dropout)
        self.head_inner = nn.Linear(config.hidden + features, config.width)
        self.head_direct = nn.Linear(config.hidden + features, targets)
        self.head_out = nn.Linear(config.width, targets, bias=False)
        self.next_event = nn.Linear(config.hidden, inputs.event_tokens)
        nn.init.normal_(self.embedding.weight, std=0.5)
        with torch.no_grad():
            _parameter(self.lstm, "bias_ih_l0")[config.hidden : 2 * config.hidden] += 1.0
            self.head_direct.weight.zero_()
        # Last, so that all else is drawn alike with known items and without.
        known = len(inputs.known_items)
        self.items = nn.Embedding(known + 1, config.embedding, padding_idx=0) if known else None
        if self.items is not None:
            nn.init.zeros_(self.items.weight)

    def scale(self, inputs: Tensor, readings: Tensor) -> None:
        """Bring numbers such as these of steps [S, EVENT_SIZE] and readings [R, F] to mean 0, deviation 1.

        What hardly varies is not blown up beyond tenfold.
        """
        for scaling, numbers in ((self.step_scaling, inputs), (self.reading_scaling, readings)):
            scaling[0] = numbers.mean(dim=0)
            scaling[1] = 1 / numbers.std(dim=0).clamp(min=LEAST_DEVIATION)

    def hidden(self, batch: Batch, state: State | None = None) -> tuple[Tensor, State]:
        """Hidden states of all steps [S, H], and the last h and c of each learner [b, H]."""
        entered = self.embedding(batch.tokens) + _linear(self.step_input, batch.inputs, self.step_scaling)
        if self.items is not None:
            entered = entered + self.items(self._forgotten(batch))
        marked = _linear(self.marker_input, batch.marker_readings, self.reading_scaling)
        entered = entered.index_add(0, batch.marker_rows, marked)
        return self._run(self.input_dropout(entered), batch.running, state)

    def _forgotten(self, batch: Batch) -> Tensor:
        """The items [S], in training with all of some learners taken for unknown."""
        if not self.training:
            return batch.items
        kept = torch.rand(max(batch.running)) >= ITEMS_FORGOTTEN
        return batch.items * kept[_learners(batch.running)]

    def _run(self, entered: Tensor, running: Sequence[int], state: State | None) -> tuple[Tensor, State]:
        return run(self.lstm, entered, running, state)

    def readings(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Logits [R, targets] from the hidden states of all steps [S, H]."""
        none = hidden.new_zeros(1, hidden.shape[1])
        return self.head(torch.cat([hidden, none])[batch.reading_rows], batch.readings)

    def head(self, hidden: Tensor, readings: Tensor) -> Tensor:
        """Logits [R, targets] for hidden [R, H] and readings [R, F]."""
        joined = self.head_dropout(torch.cat([hidden, _scaled(readings, self.reading_scaling)], dim=1))
        inner = torch.relu(self.head_inner(joined))
        logits: Tensor = self.head_out(inner) + self.head_direct(joined)
        return logits

    @torch.no_grad()
    def tensors(self) -> dict[str, NDArray[Any]]:
        """What the numpy cell needs (cell.expected_shapes): embedding and scaling folded into the weights."""
        size, events = self.config.hidden, self.input_config.event_tokens
        into_gates = _double(_parameter(self.lstm, "weight_ih_l0")).T
        bias = _double(_parameter(self.lstm, "bias_ih_l0")) + _double(_parameter(self.lstm, "bias_hh_l0"))
        step, step_bias = _unscaled(self.step_input.weight, self.step_scaling)
        marker, marker_bias = _unscaled(self.marker_input.weight, self.reading_scaling)
        bias += (_double(self.step_input.bias) + step_bias) @ into_gates
        tokens = _double(self.embedding.weight) @ into_gates + bias
        tokens[events:] += marker_bias @ into_gates
        inner, inner_bias = _unscaled(self.head_inner.weight[:, size:], self.reading_scaling)
        direct, direct_bias = _unscaled(self.head_direct.weight[:, size:], self.reading_scaling)
        folded = {
            "token_gates": tokens,
            "item_gates": self._known_items() @ into_gates,
            "input_gates": step @ into_gates,
            "marker_gates": marker @ into_gates,
            "hidden_gates": _double(_parameter(self.lstm, "weight_hh_l0")).T,
            "head_hidden": _double(self.head_inner.weight[:, :size]).T,
            "head_reading": inner,
            "head_bias": _double(self.head_inner.bias) + inner_bias,
            "out": _double(self.head_out.weight).T,
            "out_hidden": _double(self.head_direct.weight[:, :size]).T,
            "out_reading": direct,
            "out_bias": _double(self.head_direct.bias) + direct_bias,
        }
        return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in folded.items()}

    def _known_items(self) -> Any:
        """What each known item adds to what enters the LSTM [items, E]."""
        return np.zeros((0, self.config.embedding)) if self.items is None else _double(self.items.weight)[1:]


def _learners(running: Sequence[int]) -> Tensor:
    """The learner of each step [S]: its place within its time step."""
    counts = np.array(running, np.int64)
    return torch.from_numpy(spread(np.zeros_like(counts), counts))


def _scaled(numbers: Tensor, scaling: Tensor) -> Tensor:
    """(numbers - mean) * factor, in one pass."""
    mean, factor = scaling
    return torch.addcmul(-mean * factor, numbers, factor)


def _linear(layer: nn.Linear, numbers: Tensor, scaling: Tensor) -> Tensor:
    """What the layer makes of scaled numbers, for the price of scaling its weights."""
    mean, factor = scaling
    weight = layer.weight * factor
    shift = weight @ mean
    bias = -shift if layer.bias is None else layer.bias - shift
    return linear(numbers, weight, bias)


def _unscaled(weight: Tensor, scaling: Tensor) -> tuple[Any, Any]:
    """Weights [in, out] and a bias [out] that do to numbers what `weight` [out, in] does to scaled ones."""
    mean, factor = _double(scaling)
    weights = _double(weight).T * factor[:, None]
    return weights, -(mean @ weights)


def _double(weights: Tensor) -> Any:
    return weights.detach().numpy().astype(np.float64)


def _parameter(module: nn.Module, name: str) -> Tensor:
    return module.get_parameter(name)
