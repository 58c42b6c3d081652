"""How likely a learner finds a message helpful, not helpful, or does not react: a three-class model in numpy.

logits = x W + b + sum over kinds k of [message is of kind k] s V_k,   P = softmax(logits / temperature)

x is the standardised feature vector (see `features`), s the part of it that is the learner's momentary state.
V lets the same state speak for one kind of message and against another; it is penalised harder, so that it
stays at zero until the answers say otherwise.  Answers are weighed by one over the probability with which the
message was sent, clipped, so that learning from gated decisions is not biased towards those it was sent to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .features import STATE_GROUPS, features

__all__ = ["CLASSES", "FitConfig", "HelpfulnessModel", "features"]

Array = NDArray[np.float32]

CLASSES = ("helpful", "not_helpful", "none")


@dataclass(frozen=True)
class FitConfig:
    """How to train.  `held_out` is the share kept apart for early stopping and calibration."""

    passes: int = 60
    patience: int = 8
    batch: int = 512
    step: float = 0.003
    penalty: float = 1e-2
    kind_penalty: float = 5e-2
    clip: float = 10.0
    held_out: float = 0.15
    min_rows: int = 30
    min_held_out: int = 40


@dataclass
class _Weights:
    """W is [d, 3], b [3], V [kinds, states, 3]."""

    w: Array
    b: Array
    v: Array

    def parts(self) -> tuple[Array, Array, Array]:
        return self.w, self.b, self.v

    def copy(self) -> _Weights:
        return _Weights(*(part.copy() for part in self.parts()))


@dataclass
class HelpfulnessModel:
    """A fitted model.  `report` says what was measured while fitting.

    `engagement` names the LSTM whose hidden states it was trained on; those of another mean nothing to it.
    """

    names: tuple[str, ...]
    mean: Array
    scale: Array
    weights: _Weights
    temperature: float = 1.0
    report: dict[str, float] = field(default_factory=dict)
    engagement: str = ""

    def __post_init__(self) -> None:
        self._kinds = _columns(self.names, ("kind",))
        self._states = _columns(self.names, STATE_GROUPS)
        self._hidden = len(_columns(self.names, ("hidden",)))

    @property
    def hidden_size(self) -> int:
        """How many values of the LSTM's state the model expects."""
        return self._hidden

    @classmethod
    def fit(
        cls,
        rows: NDArray[Any],
        outcomes: NDArray[Any],
        weights: NDArray[Any],
        names: Sequence[str],
        seed: int,
        config: FitConfig | None = None,
        start: HelpfulnessModel | None = None,
    ) -> HelpfulnessModel:
        """Fit [n, d] rows to outcomes [n] in 0..2, as CLASSES, weighed by [n] weights.

        `start`, a model of the same names, is the warm start.  Raises ValueError for too few rows, values
        that are not finite, outcomes or weights out of range, and shapes that do not fit.
        """
        config = config or FitConfig()
        x, y, weight = _checked(rows, outcomes, weights, names, config)
        warm = start if start is not None and start.names == tuple(names) else None
        model = warm._restart() if warm is not None else cls._blank(x, y, weight, names)
        rng = np.random.default_rng(seed)
        held = rng.random(len(x)) < config.held_out
        if held.sum() < config.min_held_out:
            held[:] = False
        model._train(x[~held], y[~held], weight[~held], (x[held], y[held], weight[held]), rng, config)
        model._measure(x, y, weight, held)
        return model

    def predict(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Calibrated probabilities [n, 3] for rows [n, d], in the order of CLASSES.

        Raises ValueError when the rows have another width than the model.
        """
        x = np.asarray(rows, np.float32)
        if x.ndim != 2 or x.shape[1] != len(self.names):
            raise ValueError(f"the model takes rows of {len(self.names)} features, not of shape {x.shape}")
        logits = self._logits(self._scaled(x), x[:, self._kinds]).astype(np.float64)
        return _softmax(logits / self.temperature)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What the model store keeps."""
        w, b, v = self.weights.parts()
        temperature = np.asarray([self.temperature], np.float32)
        return {"w": w, "b": b, "v": v, "mean": self.mean, "scale": self.scale, "temperature": temperature}

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, NDArray[Any]], names: Sequence[str], engagement: str = ""
    ) -> HelpfulnessModel:
        """The model that `tensors` came from.  Raises ValueError where they do not fit together."""
        try:
            parts = [np.asarray(tensors[key], np.float32) for key in ("w", "b", "v", "mean", "scale")]
            temperature = float(np.asarray(tensors["temperature"]).reshape(-1)[0])
        except KeyError as error:
            raise ValueError(f"the helpfulness model lacks the tensor {error}; train it again") from error
        w, b, v, mean, scale = parts
        model = cls(tuple(names), mean, scale, _Weights(w, b, v), temperature, engagement=engagement)
        width, shape = len(names), (len(model._kinds), len(model._states), 3)
        if w.shape != (width, 3) or b.shape != (3,) or mean.shape != (width,) or scale.shape != (width,):
            raise ValueError(f"the helpfulness model's tensors are not of {width} features; train it again")
        if v.shape != shape or not temperature > 0.0 or not (scale > 0.0).all():
            raise ValueError("the helpfulness model's tensors do not fit together; train it again")
        return model

    @classmethod
    def _blank(cls, x: Array, y: NDArray[np.int64], weight: Array, names: Sequence[str]) -> HelpfulnessModel:
        """Standardised inputs, and a bias that alone gives the classes' shares."""
        share = np.asarray([weight[y == label].sum() + 1.0 for label in range(3)], np.float32)
        kinds, states = _columns(names, ("kind",)), _columns(names, STATE_GROUPS)
        zeros = _Weights(
            np.zeros((len(names), 3), np.float32),
            np.log(share / share.sum()),
            np.zeros((len(kinds), len(states), 3), np.float32),
        )
        spread = x.std(axis=0) + np.float32(0.05)
        return cls(tuple(names), x.mean(axis=0), spread, zeros)

    def _restart(self) -> HelpfulnessModel:
        return HelpfulnessModel(self.names, self.mean, self.scale, self.weights.copy())

    def _scaled(self, x: Array) -> Array:
        scaled: Array = np.minimum(np.maximum((x - self.mean) / self.scale, np.float32(-5)), np.float32(5))
        return scaled

    def _logits(self, z: Array, kinds: Array) -> Array:
        w, b, v = self.weights.parts()
        logits: Array = z @ w + b
        if v.size:
            state = z[:, self._states]
            for kind in np.flatnonzero(kinds.any(axis=0)):
                logits += kinds[:, kind, None] * (state @ v[kind])
        return logits

    def _train(
        self,
        x: Array,
        y: NDArray[np.int64],
        weight: Array,
        held: tuple[Array, NDArray[np.int64], Array],
        rng: np.random.Generator,
        config: FitConfig,
    ) -> None:
        """Adam with early stopping; afterwards the temperature, both on the rows held out."""
        z, kinds = self._scaled(x), x[:, self._kinds]
        held_z, held_kinds = self._scaled(held[0]), held[0][:, self._kinds]
        adam = _Adam(self.weights.parts(), config.step)
        best, best_loss, worse = self.weights.copy(), self._loss(held_z, held_kinds, held[1], held[2]), 0
        for _ in range(config.passes):
            order = rng.permutation(len(z))
            for begin in range(0, len(z), config.batch):
                rows = order[begin : begin + config.batch]
                adam.move(
                    self.weights.parts(), self._slope(z[rows], kinds[rows], y[rows], weight[rows], config)
                )
            loss = self._loss(held_z, held_kinds, held[1], held[2])
            if not len(held_z):
                best = self.weights.copy()
            elif loss < best_loss - 1e-5:
                best, best_loss, worse = self.weights.copy(), loss, 0
            else:
                worse += 1
                if worse >= config.patience:
                    break
        self.weights = best
        if len(held_z):
            self.temperature = _temperature(self._logits(held_z, held_kinds), held[1], held[2])

    def _slope(
        self, z: Array, kinds: Array, y: NDArray[np.int64], weight: Array, config: FitConfig
    ) -> list[Array]:
        """Gradient of the weighed mean log loss plus penalties, for W, b and V."""
        error = _softmax(self._logits(z, kinds)).astype(np.float32)
        error[np.arange(len(y)), y] -= 1.0
        error *= weight[:, None] / len(y)
        w, _, v = self.weights.parts()
        slope_v = config.kind_penalty * v
        state = z[:, self._states]
        for kind in np.flatnonzero(kinds.any(axis=0)):
            slope_v[kind] += state.T @ (error * kinds[:, kind, None])
        return [z.T @ error + config.penalty * w, error.sum(axis=0), slope_v]

    def _loss(self, z: Array, kinds: Array, y: NDArray[np.int64], weight: Array) -> float:
        if not len(z):
            return float("inf")
        chance = _softmax(self._logits(z, kinds))[np.arange(len(y)), y]
        return float(-(weight * np.log(np.maximum(chance, 1e-9))).sum() / weight.sum())

    def _measure(self, x: Array, y: NDArray[np.int64], weight: Array, held: NDArray[np.bool_]) -> None:
        """Log loss on the rows held out (on all, if there are none), beside that of the classes' shares."""
        test = held if held.any() else np.ones(len(x), dtype=bool)
        rest = ~held
        share = np.asarray([weight[rest & (y == label)].sum() + 1.0 for label in range(3)])
        share /= share.sum()
        chance = self.predict(x[test])[np.arange(int(test.sum())), y[test]]
        part = weight[test] / weight[test].sum()
        self.report = {
            "rows": float(len(x)),
            "held_out": float(held.sum()),
            "log_loss": float(-(part * np.log(np.maximum(chance, 1e-9))).sum()),
            "log_loss_of_shares": float(-(part * np.log(share[y[test]])).sum()),
            "temperature": self.temperature,
        }


class _Adam:
    """Kingma & Ba (2015), with their default decay rates."""

    def __init__(self, parts: Sequence[Array], step: float) -> None:
        self.first = [np.zeros_like(part) for part in parts]
        self.second = [np.zeros_like(part) for part in parts]
        self.step, self.count = step, 0

    def move(self, parts: Sequence[Array], slopes: Sequence[Array]) -> None:
        """Change `parts` in place, down the slopes."""
        self.count += 1
        rate = self.step * (1.0 - 0.999**self.count) ** 0.5 / (1.0 - 0.9**self.count)
        for part, slope, first, second in zip(parts, slopes, self.first, self.second, strict=True):
            first += np.float32(0.1) * (slope - first)
            second += np.float32(0.001) * (slope * slope - second)
            part -= np.float32(rate) * first / (np.sqrt(second) + np.float32(1e-8))


def _columns(names: Sequence[str], groups: Sequence[str]) -> NDArray[np.int64]:
    found = [index for index, name in enumerate(names) if name.partition(".")[0] in groups]
    return np.asarray(found, np.int64)


def _softmax(logits: NDArray[Any]) -> NDArray[Any]:
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances: NDArray[Any] = exps / exps.sum(axis=1, keepdims=True)
    return chances


def _temperature(logits: Array, y: NDArray[np.int64], weight: Array) -> float:
    """The temperature of least log loss on a grid: one number, so a finer search would fit noise."""
    losses = {}
    for temperature in np.geomspace(0.5, 4.0, 43):
        chance = _softmax(logits.astype(np.float64) / temperature)[np.arange(len(y)), y]
        losses[float(temperature)] = float(-(weight * np.log(np.maximum(chance, 1e-12))).sum())
    return min(losses, key=losses.__getitem__)


def _checked(
    rows: NDArray[Any], outcomes: NDArray[Any], weights: NDArray[Any], names: Sequence[str], config: FitConfig
) -> tuple[Array, NDArray[np.int64], Array]:
    x, y = np.asarray(rows, np.float32), np.asarray(outcomes, np.int64)
    weight = np.asarray(weights, np.float32)
    if x.ndim != 2 or x.shape[1] != len(names) or y.shape != (len(x),) or weight.shape != (len(x),):
        raise ValueError(f"shapes do not fit: rows {x.shape}, outcomes {y.shape}, weights {weight.shape}")
    if len(x) < config.min_rows:
        raise ValueError(f"{len(x)} messages are too few to learn from; {config.min_rows} are needed")
    if not np.isfinite(x).all():
        raise ValueError("some features are not finite")
    if y.min() < 0 or y.max() > 2:
        raise ValueError("outcomes must be 0 (helpful), 1 (not helpful) or 2 (no interaction)")
    if not np.isfinite(weight).all() or weight.min() <= 0.0:
        raise ValueError("weights must be finite and above zero")
    weight = np.minimum(weight, np.float32(config.clip))
    return x, y, weight / weight.mean()
