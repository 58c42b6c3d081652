"""How likely a learner finds a message helpful, not helpful, or does not react: a three-class model in numpy.

logits = x W + b + s V_k,   P = softmax(logits / temperature)

x is the standardised feature vector (see `features`), s the part of it that is the learner's momentary state,
k the message's kind.  V lets the same state speak for one kind of message and against another.  How much of
this is used is chosen by cross-validation over learners (see `penalised`): on few answers the model says what
the shares of all answers say, on many it uses everything.  Answers are weighed by one over the probability
with which the message was sent, clipped, so that learning from gated decisions is not biased towards those it
was sent to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import penalised
from .features import OF_THE_PAST, STATE_GROUPS, features
from .penalised import LEVELS, Choice, Table, Weights

__all__ = ["CLASSES", "FitConfig", "HelpfulnessModel", "features"]

Array = NDArray[np.float32]

CLASSES = ("helpful", "not_helpful", "none")


@dataclass(frozen=True)
class FitConfig:
    """How to train.

    Args:
        steps: the most steps of the optimizer.
        clip: the most that one answer weighs, in answers of a message that was sent for certain.
        folds: parts of the learners in cross-validation.
        most_asked: rows looked at when choosing the level.
        growth: a warm start keeps its level until there are so many times the answers it was chosen on.
        min_rows: fewer are refused.
    """

    steps: int = 80
    clip: float = 10.0
    folds: int = 4
    most_asked: int = 16_000
    growth: float = 1.3
    min_rows: int = 30


@dataclass
class HelpfulnessModel:
    """A fitted model.  `report` says what was measured while fitting, on learners apart.

    `engagement` names the LSTM whose hidden states it was trained on; those of another mean nothing to it.
    `level` is its place among penalised.LEVELS, `chosen_on` the number of answers that it was chosen on.
    """

    names: tuple[str, ...]
    mean: Array
    scale: Array
    weights: Weights
    temperature: float = 1.0
    report: dict[str, float] = field(default_factory=dict)
    engagement: str = ""
    level: int = len(LEVELS) - 1
    chosen_on: int = 0

    def __post_init__(self) -> None:
        self._kinds = _columns(self.names, ("kind",))
        self._states = _columns(self.names, STATE_GROUPS)
        self._hidden = len(_columns(self.names, ("hidden",)))
        past = [place for place, name in enumerate(self.names) if name.startswith(OF_THE_PAST)]
        self._past = np.asarray(past, np.int64)

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
        groups: NDArray[Any] | None = None,
    ) -> HelpfulnessModel:
        """Fit [n, d] rows to outcomes [n] in 0..2, as CLASSES, weighed by [n] weights.

        `start`, a model of the same names, is the warm start.  `groups` [n] says whose rows they are: nobody
        is on both sides of a cross-validation.  Raises ValueError for too few rows, values that are not
        finite, outcomes or weights out of range, and shapes that do not fit.
        """
        config = config or FitConfig()
        x, y, weight = _checked(rows, outcomes, weights, names, config)
        whose = _numbered(groups, len(x))
        warm = start if start is not None and start.names == tuple(names) else None
        mean, scale = (warm.mean, warm.scale) if warm else (x.mean(axis=0), x.std(axis=0) + np.float32(0.05))
        blank = Weights(*(np.zeros(shape, np.float32) for shape in ((0, 3), 3, (0, 0, 3))))
        model = cls(tuple(names), mean, scale, blank)
        table = Table(model._scaled(x), model._kind(x), y, weight, model._states, len(model._kinds))
        if warm is not None and warm.chosen_on <= len(x) <= config.growth * warm.chosen_on:
            model.level, model.temperature, model.chosen_on = warm.level, warm.temperature, warm.chosen_on
        else:
            choice = penalised.choose(
                table,
                names,
                whose,
                np.random.default_rng(seed),
                config.folds,
                config.most_asked,
                config.steps,
            )
            model._adopt(choice, len(x))
        begin = warm.weights if warm is not None else None
        model.weights = penalised.fit(table, names, LEVELS[model.level], begin, config.steps)
        return model

    def predict(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Calibrated probabilities [n, 3] for rows [n, d], in the order of CLASSES.

        Raises ValueError when the rows have another width than the model.
        """
        x = self._checked_width(rows)
        return self._chances(self._scaled(x), x)

    def foresee(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """As `predict`, for a learner of whose way with messages nothing is known."""
        x = self._checked_width(rows)
        z = self._scaled(x)
        z[:, self._past] = 0.0
        return self._chances(z, x)

    def _chances(self, z: Array, x: Array) -> NDArray[np.float64]:
        logits = self.weights.logits(z, self._kind(x), self._states)
        return penalised.softmax(logits / np.float32(self.temperature))

    def _checked_width(self, rows: NDArray[Any]) -> Array:
        x = np.asarray(rows, np.float32)
        if x.ndim != 2 or x.shape[1] != len(self.names):
            raise ValueError(f"the model takes rows of {len(self.names)} features, not of shape {x.shape}")
        return x

    def _adopt(self, choice: Choice, rows: int) -> None:
        self.level, self.temperature, self.chosen_on = choice.level, choice.temperature, rows
        self.report = {
            "rows": float(rows),
            "asked": float(choice.rows),
            "log_loss": choice.loss,
            "log_loss_of_shares": choice.loss_of_shares,
            "temperature": choice.temperature,
        }

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What the model store keeps."""
        each = self.weights
        temperature = np.asarray([self.temperature], np.float32)
        chosen = np.asarray([self.level, self.chosen_on], np.int64)
        parts = {"w": each.w, "b": each.b, "v": each.v, "mean": self.mean, "scale": self.scale}
        return {**parts, "temperature": temperature, "chosen": chosen}

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
        # A model from before levels were chosen serves on; a warm start from it chooses.
        level, chosen_on = (int(each) for each in tensors.get("chosen", np.array([len(LEVELS) - 1, 0])))
        w, b, v, mean, scale = parts
        model = cls(tuple(names), mean, scale, Weights(w, b, v), temperature, engagement=engagement)
        width, shape = len(names), (len(model._kinds), len(model._states), 3)
        if w.shape != (width, 3) or b.shape != (3,) or mean.shape != (width,) or scale.shape != (width,):
            raise ValueError(f"the helpfulness model's tensors are not of {width} features; train it again")
        if v.shape != shape or not temperature > 0.0 or not (scale > 0.0).all():
            raise ValueError("the helpfulness model's tensors do not fit together; train it again")
        if not 0 <= level < len(LEVELS):
            raise ValueError("the helpfulness model was chosen among other levels; train it again")
        model.level, model.chosen_on = level, chosen_on
        return model

    def _scaled(self, x: Array) -> Array:
        scaled: Array = np.minimum(np.maximum((x - self.mean) / self.scale, np.float32(-5)), np.float32(5))
        return scaled

    def _kind(self, x: Array) -> NDArray[np.int64]:
        """The kind [n] whose flag is set; -1 for none."""
        if not len(self._kinds):
            return np.full(len(x), -1)
        flags = x[:, self._kinds]
        kinds: NDArray[np.int64] = np.where(flags.max(axis=1) > 0.5, flags.argmax(axis=1), -1)
        return kinds


def _numbered(groups: NDArray[Any] | None, count: int) -> NDArray[np.int64]:
    if groups is None:
        return np.arange(count)
    if np.shape(groups) != (count,):
        raise ValueError(f"shapes do not fit: {count} rows, groups {np.shape(groups)}")
    numbers: NDArray[np.int64] = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
    return numbers


def _columns(names: Sequence[str], groups: Sequence[str]) -> NDArray[np.int64]:
    found = [index for index, name in enumerate(names) if name.partition(".")[0] in groups]
    return np.asarray(found, np.int64)


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
