"""The network's arithmetic in numpy: one LSTM layer and its head, from the tensors of a published model.

Equations: Hochreiter & Schmidhuber 1997 with a forget gate (Gers et al. 2000), as torch.nn.LSTM has them.
A sigmoid is computed as (1 + tanh(x / 2)) / 2 with the half folded into the weights, so that all four gates
take one call of tanh.  In here the gates stand in the order input, forget, output, candidate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.inputs import EVENT_SIZE, Floats32, InputConfig, Ints
from predictor.steps import Steps

HALF = np.float32(0.5)
# One step takes microseconds, waking a thread on a busy machine milliseconds.  OpenBLAS gives a product of a
# vector and a matrix to several threads from 9,216 numbers on, one of two matrices only from 262,144
# multiplications on: so the vector gets a row of zeros above it, and wide matrices are done in blocks.
MOST = 262_144


def expected_shapes(inputs: InputConfig, hidden: int, targets: int, width: int) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor of an engagement model; gates in torch's order input, forget, candidate, output.

    Args:
        hidden: units of the LSTM.
        width: units of the head's hidden layer.
    """
    return {
        "token_gates": (inputs.tokens, 4 * hidden),
        "item_gates": (len(inputs.known_items), 4 * hidden),
        "input_gates": (EVENT_SIZE, 4 * hidden),
        "marker_gates": (inputs.reading_size, 4 * hidden),
        "hidden_gates": (hidden, 4 * hidden),
        "head_hidden": (hidden, width),
        "head_reading": (inputs.reading_size, width),
        "head_bias": (width,),
        "out": (width, targets),
        "out_hidden": (hidden, targets),
        "out_reading": (inputs.reading_size, targets),
        "out_bias": (targets,),
    }


class Cell:
    """The weights of a model, laid out for speed."""

    def __init__(
        self, tensors: Mapping[str, NDArray[Any]], inputs: InputConfig, hidden: int, targets: int
    ) -> None:
        """Raises ValueError, naming the tensor, when one is missing or has not the shape the model says.

        A model stored before there were known items has no `item_gates` and needs none.
        """
        if not inputs.known_items:
            tensors = {"item_gates": np.zeros((0, 4 * hidden), dtype=np.float32), **tensors}
        width = np.shape(tensors.get("head_bias", np.zeros(1)))[0]
        for name, shape in expected_shapes(inputs, hidden, targets, width).items():
            if name not in tensors or tensors[name].shape != shape:
                found = tensors[name].shape if name in tensors else "missing"
                raise ValueError(f"tensor {name} should be {shape} and is {found}")
        self.hidden = hidden
        self.tokens = _laid_out(tensors["token_gates"], hidden)
        nothing = np.zeros((1, 4 * hidden), dtype=np.float32)
        self.items = np.concatenate([nothing, _laid_out(tensors["item_gates"], hidden)])
        step = _laid_out(np.vstack([tensors["input_gates"], tensors["hidden_gates"]]), hidden)
        self.recurrent = np.ascontiguousarray(step[EVENT_SIZE:])
        self.step_blocks, self.recurrent_blocks = _blocks(step), _blocks(self.recurrent)
        self._inputs = np.ascontiguousarray(step[:EVENT_SIZE])
        self._markers = _laid_out(tensors["marker_gates"], hidden)
        self._head = {
            name: np.asarray(tensors[name], dtype=np.float32) for name in tensors if name[0] in "ho"
        }

    def gates(self, steps: Steps) -> Floats32:
        """What each step adds to its gates besides the recurrent part [S, 4 * hidden]."""
        total = steps.inputs @ self._inputs
        total += self.tokens[steps.tokens]
        if len(self.items) > 1:
            total += self.items[steps.items]
        total[steps.reading_steps[steps.markers]] += steps.readings[steps.markers] @ self._markers
        return total

    def marker_gates(self, inputs: Floats32, readings: Floats32, tokens: Sequence[int]) -> Floats32:
        """The same for markers alone: inputs [m, EVENT_SIZE], readings [m, reading_size]."""
        gates: Floats32 = inputs @ self._inputs + readings @ self._markers + self.tokens[list(tokens)]
        return gates

    def run(self, gates: Floats32, starts: Ints, lengths: Ints, cells: Floats32) -> None:
        """Run every learner's steps gates[start:start + length] on from `cells` [n, 2 * hidden], in place.

        Learners are sorted by length inside, so that each time step is one product over those still running.
        """
        order = np.argsort(-lengths, kind="stable")
        order = order[: np.count_nonzero(lengths)]
        if not len(order):
            return
        size, begin = self.hidden, starts[order]
        running = np.searchsorted(-lengths[order], -np.arange(lengths[order[0]]), side="left")
        own = cells[order]
        hidden, memory = own[:, :size].copy(), own[:, size:].copy()
        scratch = np.empty_like(hidden)
        for step, active in enumerate(running.tolist()):
            now = gates[begin[:active] + step]
            now += hidden[:active] @ self.recurrent
            advance(now, hidden[:active], memory[:active], scratch[:active], size)
        cells[order] = np.concatenate([hidden, memory], axis=1)

    def head(self, hidden: Floats32, readings: Floats32) -> Floats32:
        """Logits [m, targets] for hidden [m, H] and readings [m, reading_size], before calibration."""
        head = self._head
        inner = np.maximum(
            hidden @ head["head_hidden"] + readings @ head["head_reading"] + head["head_bias"], 0
        )
        direct = hidden @ head["out_hidden"] + readings @ head["out_reading"]
        logits: Floats32 = inner @ head["out"] + direct + head["out_bias"]
        return logits


class Work:
    """Room for stepping one enrolment at a time; not to be shared between threads."""

    __slots__ = (
        "_after_events",
        "_after_markers",
        "_cell",
        "_halves",
        "_hidden",
        "_inputs",
        "_joined",
        "_kept",
        "_memory",
        "_new",
        "_out",
        "_products",
        "_recurrent",
        "_rows",
        "_scratch",
        "_shared",
        "_shares",
        "_sigmoids",
        "_wide",
    )

    def __init__(self, cell: Cell) -> None:
        size = cell.hidden
        self._cell = cell
        # Two rows of gates, the second in use, and the memory right behind its candidates: see `_apply`.
        room = np.zeros(9 * size, dtype=np.float32)
        self._rows = room[: 8 * size].reshape(2, 4 * size)
        self._wide, self._memory = room[4 * size : 8 * size], room[8 * size :]
        self._after_events = _parts(cell.step_blocks, self._rows)
        self._after_markers = _parts(cell.recurrent_blocks, self._rows)
        self._sigmoids, self._out = self._wide[: 3 * size], self._wide[2 * size : 3 * size]
        self._shares, self._shared = self._wide[: 2 * size], room[7 * size :]
        self._products = np.empty(2 * size, dtype=np.float32)
        self._new, self._kept = self._products[:size], self._products[size:]
        self._halves = np.full(3 * size, HALF)
        self._scratch = np.empty(size, dtype=np.float32)
        self._joined = np.zeros((2, EVENT_SIZE + size), dtype=np.float32)
        self._recurrent = self._joined[:, EVENT_SIZE:]
        self._inputs, self._hidden = self._joined[1, :EVENT_SIZE], self._joined[1, EVENT_SIZE:]

    def load(self, values: Floats32) -> None:
        """Start from `values` [2 * hidden], h then c."""
        self._hidden[:] = values[: len(self._hidden)]
        self._memory[:] = values[len(self._hidden) :]

    def values(self) -> Floats32:
        """h and c as they are now [2 * hidden], for keeps."""
        return np.concatenate((self._hidden, self._memory))

    def event(self, token: int, item: int, numbers: tuple[float, ...]) -> None:
        """One event: token, number of its item (0 for one not known), EVENT_SIZE numbers."""
        self._inputs[:] = numbers
        self._multiply(self._joined, self._after_events)
        np.add(self._wide, self._cell.tokens[token], self._wide)
        if item:
            np.add(self._wide, self._cell.items[item], self._wide)
        self._apply()

    def marker(self, gates: Floats32) -> None:
        """One marker, given what it adds to the gates [4 * hidden]."""
        self._multiply(self._recurrent, self._after_markers)
        np.add(self._wide, gates, self._wide)
        self._apply()

    def _multiply(self, rows: Floats32, blocks: Sequence[tuple[Floats32, Floats32]]) -> None:
        for block, product in blocks:
            np.dot(rows, block, product)
        if len(blocks) > 1:
            np.concatenate([product[1] for _, product in blocks], out=self._wide)

    def _apply(self) -> None:
        # Outputs by position, a vector of halves, one product for what is new and what is kept: numpy's own
        # overhead counts here.
        np.tanh(self._wide, self._wide)
        np.multiply(self._sigmoids, self._halves, self._sigmoids)
        np.add(self._sigmoids, self._halves, self._sigmoids)
        np.multiply(self._shares, self._shared, self._products)
        np.add(self._new, self._kept, self._memory)
        np.tanh(self._memory, self._scratch)
        np.multiply(self._out, self._scratch, self._hidden)


def advance(gates: Floats32, hidden: Floats32, memory: Floats32, scratch: Floats32, size: int) -> None:
    """One step of many enrolments, in place: gates [b, 4 * size], the others [b, size]."""
    np.tanh(gates, out=gates)
    sigmoids = gates[:, : 3 * size]
    sigmoids *= HALF
    sigmoids += HALF
    memory *= gates[:, size : 2 * size]
    np.multiply(gates[:, :size], gates[:, 3 * size :], out=scratch)
    memory += scratch
    np.tanh(memory, out=scratch)
    np.multiply(gates[:, 2 * size : 3 * size], scratch, out=hidden)


def _blocks(matrix: Floats32) -> list[Floats32]:
    """The matrix in blocks of columns, each product with two rows below what OpenBLAS gives to threads."""
    rows, columns = matrix.shape
    width = max(1, MOST // (2 * rows))
    return [np.ascontiguousarray(matrix[:, begin : begin + width]) for begin in range(0, columns, width)]


def _parts(blocks: Sequence[Floats32], whole: Floats32) -> list[tuple[Floats32, Floats32]]:
    """Each block of columns with room for its product [2, columns]: `whole` if there is but one."""
    if len(blocks) == 1:
        return [(blocks[0], whole)]
    return [(block, np.empty((2, block.shape[1]), dtype=np.float32)) for block in blocks]


def _laid_out(matrix: NDArray[Any], hidden: int) -> Floats32:
    """Columns from torch's order i, f, g, o to i, f, o, g, and the sigmoids' halved."""
    i, f, g, o = np.split(np.asarray(matrix, dtype=np.float32), 4, axis=1)
    return np.ascontiguousarray(np.concatenate([i * HALF, f * HALF, o * HALF, g], axis=1))
