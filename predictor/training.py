"""Training of the engagement model: many targets, every moment of a course, one network.

The loss lies on readings: at every marker, and right after some events drawn anew each epoch.  Learners are
drawn at random from a pool of whole course runs; a drawn batch is laid out by length inside, never across
batches, and nothing is padded or truncated: a stream of seven thousand events is seven thousand steps,
backpropagated to its first.  Memory is bounded by the pool (`pool_events`) and the batch (`batch_steps`).

A training that is killed goes on from its last finished epoch and ends in the same model, bit for bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from predictor import trainset
from predictor.batches import to_batch
from predictor.checkpoints import Checkpoints
from predictor.crew import Crew, Part, Totals
from predictor.digests import of_arrays
from predictor.heldout import HeldOut, read_held_out
from predictor.helpers import cores
from predictor.inputs import InputConfig
from predictor.losses import one_cycle
from predictor.model import Network
from predictor.outcomes import Outcomes
from predictor.plan import TrainConfig
from predictor.prefetch import ahead
from predictor.progress import Progress, Report, silent
from predictor.sequences import EventSource
from predictor.store import ModelStore
from predictor.streaming import KIND
from predictor.trainset import LEAVE, Pool, Roll, Split
from predictor.vocabulary import Vocabulary, shared_items

__all__ = ["Diverged", "NothingToLearn", "TrainConfig", "Training", "fit"]

CHECKPOINTS_FOLDER = ".training"
MANY_COURSES = 8
SCALED_ON = 1_000
"""Learners whose numbers tell the mean and the deviation of what the network sees."""
SLACK = 1.05
"""The newest weights are kept while their held-out loss is within so much of the lowest: between few courses
chance is larger than that, and the schedule's end is worth more than its middle."""
WORTH = 2_000_000
"""Events to go through, over all epochs, for which helpers are worth their start."""


class Diverged(RuntimeError):
    """The loss or a gradient is no longer a number; nothing is published."""


class NothingToLearn(ValueError):
    """The data hold nothing that a model could learn a target from."""


def fit(
    source: EventSource,
    outcomes: Outcomes,
    targets: Sequence[str],
    config: TrainConfig,
    store: ModelStore,
    progress: Report = silent,
    notes: Mapping[str, Any] | None = None,
) -> str:
    """Train on every course of `source` and publish the model; the new version, which is not yet promoted.

    `notes` are kept in its manifest as they are.  Goes on where an earlier call with the same data and
    settings was killed.  Torch's own random numbers and threads are left as they were.

    Raises ValueError for a target that the outcomes do not have, NothingToLearn for one that has not both
    a 0 and a 1, and Diverged when training does not converge.
    """
    for target in targets:
        outcomes.require(target)
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.set_num_threads(config.threads)
        try:
            training = Training(source, outcomes, tuple(targets), config, store, progress)
            training.run()
            return training.publish(notes or {})
        finally:
            torch.set_num_threads(threads)


class Training:
    """One training from its data to a published version."""

    def __init__(
        self,
        source: EventSource,
        outcomes: Outcomes,
        targets: tuple[str, ...],
        config: TrainConfig,
        store: ModelStore,
        progress: Report,
    ) -> None:
        self._source, self._config, self._store, self._report = source, config, store, progress
        self._named = targets
        self.targets = (*targets, LEAVE) if config.leave_days > 0 and LEAVE not in targets else targets
        if not self.targets:
            raise NothingToLearn("name a target, or set leave_days above 0")
        courses = source.courses
        rolls = trainset.call_roll(source, outcomes, targets, courses)
        _check_labels(rolls, targets)
        self._by_course = len(rolls) >= MANY_COURSES
        self._split = self._parted(rolls)
        vocabulary = Vocabulary.fit(source, config.min_count, config.min_courses)
        known = shared_items(source, config.known_items)
        self.inputs = InputConfig(vocabulary.tokens, known, clock=config.clock)
        torch.manual_seed(config.seed)
        self.network = Network(config.model, self.inputs, len(self.targets))
        self._scale()
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._learners = sum(map(len, self._split.learning))
        self._history: list[dict[str, float | None]] = []
        self._best = self._weights()
        self._best_loss, self._stale = math.inf, 0
        self._events, self._seconds = 0, 0.0
        identity = {
            "config": {name: value for name, value in asdict(config).items() if name != "processes"},
            "targets": list(self.targets),
            "data": _fingerprint(source, rolls),
        }
        self._checkpoints = Checkpoints(store.path / CHECKPOINTS_FOLDER, identity)

    def _scale(self) -> None:
        """Let the network see numbers scaled as those of some learners of every course are."""
        rng = np.random.default_rng([self._config.seed, 3])
        rolls = [roll for roll in self._split.learning if len(roll)]
        each = -(-SCALED_ON // len(rolls))
        some = [roll.take(np.sort(rng.permutation(len(roll))[:each])) for roll in rolls]
        pool = trainset.join([trainset.read_pool(self._source, roll, self.inputs) for roll in some])
        part = self._prepared(pool, rng)
        self.network.scale(part.batch.inputs, part.batch.readings)

    def run(self) -> None:
        """All epochs that are still to be done; the network holds the weights to be kept afterwards."""
        self._resume()
        epochs = range(len(self._history), self._config.epochs)
        with Crew(self.network, self._helpers(len(epochs))) as crew:
            for epoch in epochs:
                if self._stale > self._config.patience:
                    break
                self._epoch(epoch, crew)
        self._set_weights(self._best)

    def publish(self, notes: Mapping[str, Any]) -> str:
        """Calibrate, measure and publish; the new version."""
        held = self._held_out()
        # Held-out courses are too few to tell the share of ones elsewhere; undersampling has to be undone.
        calibration = held.calibration(shifted=not self._by_course or self._config.undersample > 0)
        version = self._store.publish(
            KIND,
            self.network.tensors(),
            {
                **notes,
                "targets": list(self.targets),
                "inputs": self.inputs.to_json(),
                "vocabulary": list(self.inputs.vocabulary),
                "hidden_size": self._config.hidden,
                "calibration": {target: pair._asdict() for target, pair in calibration.items()},
                "config": asdict(self._config),
                "metrics": held.metrics(calibration),
                "training": {"epochs": self._history, "events": self._events, "seconds": self._seconds},
                "data_span": self._span(),
            },
        )
        self._checkpoints.clear()
        self._tell(self._config.epochs, 1.0, 0.0, f"published {KIND} model {version}")
        return version

    def _parted(self, rolls: list[Roll]) -> Split:
        config = self._config
        rng = np.random.default_rng([config.seed, 1])
        split = trainset.held_out(rolls, config.held_out, self._by_course, rng)
        learning = split.learning
        if config.undersample and self._named:
            learning = trainset.undersampled(learning, config.undersample, rng)
        if config.outlier_ranges and self._named:
            learning = [
                trainset.without_outliers(self._source, roll, config.outlier_ranges) for roll in learning
            ]
        return split.learn_from(learning)

    def _helpers(self, epochs: int) -> int:
        """How many processes to start beside this one; they change how long it takes, and nothing else."""
        events = sum(_span_of(self._source, course)[0] for course in self._source.courses)
        return min(self._config.processes, cores()) - 1 if events * epochs >= WORTH else 0

    def _epoch(self, epoch: int, crew: Crew) -> None:
        self.network.train()
        began, done, losses = time.monotonic(), 0, []
        for learners, parts in ahead(self._groups(epoch)):
            share = (epoch + done / self._learners) / self._config.epochs
            loss = self._update(crew, parts, share)
            losses.append(loss)
            done += learners
            self._events += sum(int((part.batch.tokens < self.inputs.event_tokens).sum()) for part in parts)
            self._tell(epoch, share, loss, seconds=time.monotonic() - began)
        self._seconds += time.monotonic() - began
        held = self._held_out().loss
        self._history.append({"loss": float(np.mean(losses)), "held_out_loss": held})
        self._stale += 1
        if held is None or held < self._best_loss:
            self._best_loss, self._stale = held or math.inf, 0
        if held is None or held < SLACK * self._best_loss:
            self._best = self._weights()
        self._save()
        told = "nobody with a label held out" if held is None else f"held out {held:.4f}"
        message = f"epoch {epoch + 1} of {self._config.epochs}: loss {np.mean(losses):.4f}, {told}"
        self._tell(epoch, (epoch + 1) / self._config.epochs, float(np.mean(losses)), message)

    def _groups(self, epoch: int) -> Iterator[tuple[int, list[Part]]]:
        """Random batches of an epoch: number of learners, and the batch in parts of about `batch_steps`."""
        config = self._config
        rng = np.random.default_rng([config.seed, 2, epoch])
        rolls = [self._split.learning[place] for place in rng.permutation(len(self._split.learning))]
        for pool in trainset.pools(self._source, rolls, self.inputs, config.pool_events):
            order = rng.permutation(len(pool))
            for begin in range(0, len(order), config.batch_learners):
                drawn = pool.take(order[begin : begin + config.batch_learners])
                yield (
                    len(drawn),
                    [self._prepared(part, rng) for part in trainset.parts(drawn, config.batch_steps)],
                )

    def _prepared(self, pool: Pool, rng: np.random.Generator) -> Part:
        scope = self._config.scope
        pool = scope.narrowed(self.inputs, pool, self._config.leave_days)
        moments = trainset.random_moments(pool, self._config.moments, rng)
        steps, labels = trainset.labelled_steps(self.inputs, pool, self._config.leave_days, moments, scope)
        weights = torch.from_numpy(scope.weights(steps))
        batch = to_batch(steps, self.inputs.event_tokens)
        return Part(batch, torch.from_numpy(labels), weights, seed=int(rng.integers(1 << 62)))

    def _update(self, crew: Crew, parts: list[Part], share: float) -> float:
        """One step of the optimizer; the batch's mean loss."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate * one_cycle(share)
        self._optimizer.zero_grad()
        running = [part for part in parts if part.batch.running]
        total = crew.work(running, Totals.of(parts, self._config.next_event)) if running else 0.0
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._config.gradient_clip)
        if not math.isfinite(total) or not torch.isfinite(norm):
            raise Diverged(
                "the loss is no longer a number: lower learning_rate, or look for odd times among the events"
            )
        self._optimizer.step()
        return total

    def _held_out(self) -> HeldOut:
        pools = trainset.pools(self._source, self._split.held, self.inputs, self._config.pool_events)
        parts = (part for pool in pools for part in trainset.parts(pool, self._config.batch_steps))
        return read_held_out(self.network, parts, self.targets, self._config.leave_days, self._config.scope)

    def _span(self) -> dict[str, Any]:
        """What was learned from: counts and times, no names."""
        spans = [_span_of(self._source, course) for course in self._source.courses]
        return {
            "courses": len(spans),
            "events": sum(span[0] for span in spans),
            "learners": sum(map(len, self._split.learning)) + sum(map(len, self._split.held)),
            "first_event": min(span[1] for span in spans),
            "last_event": max(span[2] for span in spans),
        }

    def _tell(self, epoch: int, share: float, loss: float, message: str = "", seconds: float = 0.0) -> None:
        rate = self._events / max(self._seconds + seconds, 1e-9)
        planned = self._config.epochs
        self._report(Progress(share, min(epoch + 1, planned), planned, rate, loss, message))

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.network.state_dict().items()}

    def _set_weights(self, weights: Mapping[str, Tensor]) -> None:
        self.network.load_state_dict(dict(weights))

    def _save(self) -> None:
        arrays = {f"model.{name}": value.numpy() for name, value in self._weights().items()}
        arrays |= {f"best.{name}": value.numpy() for name, value in self._best.items()}
        for number, state in self._optimizer.state_dict()["state"].items():
            arrays |= {f"adam.{number}.{name}": value.numpy() for name, value in state.items()}
        self._checkpoints.save(
            arrays,
            {
                "history": self._history,
                "best_loss": self._best_loss if math.isfinite(self._best_loss) else None,
                "stale": self._stale,
                "events": self._events,
                "seconds": self._seconds,
            },
        )

    def _resume(self) -> None:
        found = self._checkpoints.load()
        if found is None:
            return
        arrays, facts = found
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        self._set_weights(_under("model.", tensors))
        self._best = _under("best.", tensors)
        adam: dict[int, dict[str, Tensor]] = {}
        for name, value in _under("adam.", tensors).items():
            number, _, key = name.partition(".")
            adam.setdefault(int(number), {})[key] = value
        whole = self._optimizer.state_dict() | {"state": adam}
        self._optimizer.load_state_dict(whole)
        self._history = facts["history"]
        self._best_loss = math.inf if facts["best_loss"] is None else facts["best_loss"]
        self._stale, self._events, self._seconds = facts["stale"], facts["events"], facts["seconds"]
        done = len(self._history)
        self._tell(done - 1, done / self._config.epochs, 0.0, f"going on after epoch {done}.")


def _check_labels(rolls: Sequence[Roll], targets: Sequence[str]) -> None:
    for column, target in enumerate(targets):
        labels = np.concatenate([roll.labels[:, column] for roll in rolls])
        if not {0.0, 1.0} <= set(labels[np.isfinite(labels)].tolist()):
            raise NothingToLearn(
                f"the outcomes of {target} in these courses are not both 0 and 1: there is nothing to learn"
            )


def _fingerprint(source: EventSource, rolls: Sequence[Roll]) -> list[str]:
    """Digests of the data, course by course, so that no training goes on with another's checkpoint."""
    return [
        of_arrays(
            (
                *source.sequences(roll.course_id).arrays(),
                np.asarray(roll.learners, dtype=np.str_),
                roll.starts,
                roll.labels,
                roll.known_at,
            )
        )
        for roll in rolls
    ]


def _span_of(source: EventSource, course_id: str) -> tuple[int, float, float]:
    """Number of events, first and last time of a course run."""
    times = source.sequences(course_id).times
    return len(times), float(np.min(times)), float(np.max(times))


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
