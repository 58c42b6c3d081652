"""Gradients of a batch, worked out part by part by this process and by helpers beside it.

torch's CPU LSTM gains nothing from threads at the sizes of streams of events, but two processes do nearly
twice the work of one (benchmarks/training.py).  A part's gradient depends on the part alone, its random
numbers included, and the gradients are added in the order of the parts: which process works on which part,
and how many there are, does not change a digit of the model.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Self

import torch
from safetensors.torch import load, save
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from predictor.helpers import Helper, receive, serve
from predictor.inputs import InputConfig
from predictor.losses import masked_loss
from predictor.model import Batch, ModelConfig, Network

ADVICE = "is there enough memory? Train again with processes=1; it goes on after the last whole epoch"

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Part:
    """Some learners of a batch.

    Args:
        batch: their steps.
        labels: float32 [R, targets] of the batch's readings, NaN where unknown.
        weights: float32 [R] what each reading counts.
        seed: of what is dropped.
    """

    batch: Batch
    labels: Tensor
    weights: Tensor
    seed: int


@dataclass(frozen=True)
class Totals:
    """What the losses of a batch's parts are divided by.

    Args:
        known: [targets] what the readings with known labels count.
        following: events that follow another.
        next_event: weight of predicting those; 0 for not.
    """

    known: Tensor
    following: int
    next_event: float

    @classmethod
    def of(cls, parts: Sequence[Part], next_event: float) -> Totals:
        """The totals of a batch in parts."""
        known = torch.stack([torch.isfinite(part.labels).float().T @ part.weights for part in parts]).sum(
            dim=0
        )
        following = sum(int((part.batch.next_tokens >= 0).sum()) for part in parts)
        return cls(known, following, next_event)


@dataclass(frozen=True)
class Gradient:
    """A part's share of a batch's loss and of its gradient, [P] in the order of the network's parameters."""

    loss: float
    values: Tensor


class Crew:
    """This process and `helpers` more; a context, at whose end those end."""

    def __init__(self, network: Network, helpers: int) -> None:
        order = {
            "model": network.config.to_json(),
            "inputs": network.input_config.to_json(),
            "targets": network.head_out.out_features,
            "scaling": {name: values.tolist() for name, values in network.named_buffers()},
            "threads": torch.get_num_threads(),
        }
        self._network = network
        self._helpers = [Helper("predictor.crew", advice=ADVICE) for _ in range(helpers)]
        for helper in self._helpers:
            helper.tell(json.dumps(order).encode())
        self._threads = ThreadPoolExecutor(max(1, helpers))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for helper in self._helpers:
                helper.kill()
        self._threads.shutdown()
        for helper in self._helpers:
            helper.close()

    def work(self, parts: Sequence[Part], totals: Totals) -> float:
        """Leave a batch's gradient in the network's parameters; the batch's loss.

        `RuntimeError` when a helper died.
        """
        done: dict[int, Gradient] = {}
        waiting = deque(enumerate(parts))
        weights = parameters_to_vector(self._network.parameters()).detach()
        helped = [
            self._threads.submit(_handed, helper, weights, waiting, totals, done)
            for helper in self._helpers[: len(parts) - 1]
        ]
        for number, part in _taken(waiting):
            done[number] = gradient(self._network, part, totals)
        for each in helped:
            each.result()
        in_order = [done[number] for number in range(len(parts))]
        _set_gradient(self._network, torch.stack([each.values for each in in_order]).sum(dim=0))
        return sum(each.loss for each in in_order)


def gradient(network: Network, part: Part, totals: Totals) -> Gradient:
    """What one part adds to the loss and the gradient of its batch."""
    torch.manual_seed(part.seed)
    network.zero_grad()
    hidden, _ = network.hidden(part.batch)
    loss = masked_loss(network.readings(hidden, part.batch), part.labels, part.weights, totals.known)
    if totals.next_event and totals.following:
        loss = loss + totals.next_event * _next_event_loss(network, hidden, part.batch) / totals.following
    loss.backward()  # type: ignore[no-untyped-call]
    pieces = [
        torch.zeros_like(weights) if weights.grad is None else weights.grad
        for weights in network.parameters()
    ]
    return Gradient(float(loss.detach()), parameters_to_vector(pieces))


def _next_event_loss(network: Network, hidden: Tensor, batch: Batch) -> Tensor:
    rows = torch.nonzero(batch.next_tokens >= 0)[:, 0]
    return cross_entropy(network.next_event(hidden[rows]), batch.next_tokens[rows], reduction="sum")


def _set_gradient(network: Network, values: Tensor) -> None:
    begin = 0
    for weights in network.parameters():
        weights.grad = values[begin : begin + weights.numel()].view_as(weights)
        begin += weights.numel()


def _taken(waiting: deque[tuple[int, Part]]) -> Iterator[tuple[int, Part]]:
    """Parts that no other thread has taken, until none is left."""
    while True:
        try:
            yield waiting.popleft()
        except IndexError:
            return


def _handed(
    helper: Helper,
    weights: Tensor,
    waiting: deque[tuple[int, Part]],
    totals: Totals,
    done: dict[int, Gradient],
) -> None:
    """Let a helper work while there are parts; the weights travel with the first."""
    new: Tensors = {"weights": weights}
    for number, part in _taken(waiting):
        answer = load(helper.ask(save(new | _as_tensors(part, totals))))
        done[number] = Gradient(float(answer["loss"]), answer["values"])
        new = {}


def _as_tensors(part: Part, totals: Totals) -> Tensors:
    batch = {f"batch.{field.name}": getattr(part.batch, field.name) for field in fields(Batch)}
    return {
        **batch,
        "batch.running": torch.tensor(part.batch.running),
        "labels": part.labels,
        "counting": part.weights,
        "known": totals.known,
        "numbers": torch.tensor([part.seed, totals.following]),
        "next_event": torch.tensor(totals.next_event, dtype=torch.float64),
    }


def _from_tensors(tensors: Tensors) -> tuple[Part, Totals]:
    rest = {field.name: tensors[f"batch.{field.name}"] for field in fields(Batch) if field.name != "running"}
    batch = Batch(running=tensors["batch.running"].tolist(), **rest)
    seed, following = tensors["numbers"].tolist()
    totals = Totals(tensors["known"], following, float(tensors["next_event"]))
    return Part(batch, tensors["labels"], tensors["counting"], seed), totals


def main() -> None:
    """In a helper: gradients for the parts that come."""
    first = receive(sys.stdin.buffer)
    if first is None:
        return
    order = json.loads(first)
    torch.set_num_threads(order["threads"])
    network = Network(ModelConfig(**order["model"]), InputConfig.from_json(order["inputs"]), order["targets"])
    for name, values in order["scaling"].items():
        network.get_buffer(name).copy_(torch.tensor(values))

    def answer(question: bytes) -> bytes:
        tensors = load(question)
        if "weights" in tensors:
            vector_to_parameters(tensors["weights"], network.parameters())
        found = gradient(network, *_from_tensors(tensors))
        return save({"loss": torch.tensor(found.loss, dtype=torch.float64), "values": found.values})

    serve(answer)


if __name__ == "__main__":
    main()
