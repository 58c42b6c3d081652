"""How likely a learner finds a message helpful, not helpful, or does not react: a regression in numpy.

The answers' logits follow two leanings, liking and readiness to answer, each linear in the feature vector
(see `features`); the learner's momentary state may speak for one kind of message and against another; and
each wording, placement and course has an effect of its own (see `penalised`).  How much of this is used is
chosen by cross-validation over learners (see `levels`): on few answers the model says what the shares of all
answers say, on many it uses everything.  Answers are weighed by one over the probability with which the
message was sent, clipped, so that learning from gated decisions is not biased towards those it was sent to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import levels, penalised
from .features import STATE_GROUPS, features
from .levels import LEVELS, PERSONAL, Choice
from .penalised import DISMISSED, NONE, OFFSETS, Table, Weights

__all__ = ["ANSWERS", "CLASSES", "FitConfig", "HelpfulnessModel", "Keys", "features"]

Array = NDArray[np.float32]

CLASSES = ("helpful", "not_helpful", "none")
ANSWERS = (*CLASSES, "dismissed")
"""What is learned from; to be asked, a dismissal is no interaction."""

CLIP = 3.0
"""An explored answer counts for three: its full weight, up to a hundred, would drown all others in noise."""
HALF_LIFE = 45.0
"""Days after which an answer counts half: courses, messages and learners change."""

Keys = Sequence[str]
"""Of one message, whose effects it shares: wording, placement, kind in its course, kind at its trigger."""


@dataclass(frozen=True)
class FitConfig:
    """How to train.

    Args:
        steps: the most steps of the optimizer; `choice_steps` where levels are only compared.
        clip: the most that one answer weighs, as given.
        folds: parts of the learners in cross-validation.
        most_asked: rows looked at when choosing the level.
        growth: a warm start keeps its level until there are so many times the answers it was chosen on.
        min_rows: fewer are refused.
    """

    steps: int = 80
    choice_steps: int = 40
    clip: float = 10.0
    folds: int = 4
    most_asked: int = 16_000
    growth: float = 1.5
    min_rows: int = 30


@dataclass
class HelpfulnessModel:
    """A fitted model.  `report` says what was measured while fitting, on learners apart.

    `engagement` names the LSTM whose hidden states it was trained on; those of another mean nothing to it.
    `level` is its place among levels.LEVELS, `chosen_on` the number of answers that it was chosen on.
    `effects` adds to liking by the hash of a key (see `hashed`).
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
    effects: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._kinds = _columns(self.names, ("kind",))
        self._states = _columns(self.names, STATE_GROUPS)
        self._hidden = len(_columns(self.names, ("hidden",)))
        own = [place for place, name in enumerate(self.names) if name in OFFSETS]
        self._own = np.asarray(own, np.int64)

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
        keys: Sequence[Keys] = (),
    ) -> HelpfulnessModel:
        """Fit [n, d] rows to outcomes [n] in 0..3, as ANSWERS, weighed by [n] weights.

        `start`, a model of the same names, is the warm start.  `groups` [n] says whose rows they are: nobody
        is on both sides of a cross-validation.  `keys` [n] whose effects they share; none by default.  Raises
        ValueError for too few rows, values that are not finite, outcomes or weights out of range, and shapes
        that do not fit.
        """
        config = config or FitConfig()
        x, y, weight = _checked(rows, outcomes, weights, names, config)
        whose = _numbered(groups, len(x))
        warm = start if start is not None and start.names == tuple(names) else None
        mean, scale = (warm.mean, warm.scale) if warm else (x.mean(axis=0), x.std(axis=0) + np.float32(0.05))
        empty = np.zeros((0, 2), np.float32), np.zeros(4, np.float32), np.zeros((0, 0), np.float32)
        blank = Weights(*empty)
        model = cls(tuple(names), mean, scale, blank)
        numbers, found = _numbered_keys(keys, len(x))
        state = model._states, len(model._kinds)
        table = Table(
            model._scaled(x), model._kind(x), y, weight, *state, found, tuple(map(len, numbers))
        )  # fmt: skip
        if warm is not None and warm.chosen_on <= len(x) <= config.growth * warm.chosen_on:
            model.level, model.temperature, model.chosen_on = warm.level, warm.temperature, warm.chosen_on
        else:
            rng = np.random.default_rng(seed)
            asked = config.folds, config.most_asked, config.choice_steps
            model._adopt(levels.choose(table, names, scale, whose, rng, *asked), len(x))
        begin = None if warm is None else warm._begin(table, numbers)
        model.weights = penalised.fit(table, names, scale, LEVELS[model.level], begin, config.steps)
        model.effects = {
            key: float(value)
            for own, values in zip(numbers, model.weights.effects, strict=True)
            for key, value in zip(own, values, strict=True)
        }
        return model

    @property
    def personal(self) -> bool:
        """Whether it tells learners apart: whether that was found to foresee their answers better."""
        return self.level >= PERSONAL

    def predict(self, rows: NDArray[Any], keys: Sequence[Keys] = ()) -> NDArray[np.float64]:
        """Calibrated probabilities [n, 3] for rows [n, d], in the order of CLASSES.

        `keys` [n] as in `fit`; a key that is new has no effect.  Raises ValueError when the rows have another
        width than the model.
        """
        chances = self._chances(self._scaled(self._checked_width(rows)), rows, keys)
        chances[:, NONE] += chances[:, DISMISSED]
        return chances[:, :DISMISSED]

    def foresee(self, rows: NDArray[Any], keys: Sequence[Keys] = ()) -> NDArray[np.float64]:
        """Probabilities [n, 4] in the order of ANSWERS, for somebody of whose leanings nothing is known."""
        x = self._checked_width(rows).copy()
        x[:, self._own] = 0.0
        return self._chances(self._scaled(x), rows, keys)

    def _chances(self, z: Array, rows: NDArray[Any], keys: Sequence[Keys]) -> NDArray[np.float64]:
        sums = [sum(self.effects.get(hashed(key), 0.0) for key in own) for own in keys]
        liking = np.array(sums, np.float32)
        logits = self.weights.logits(z, self._kind(rows), self._states, liking if len(keys) else 0.0)
        return penalised.softmax(logits / np.float32(self.temperature))

    def _begin(self, table: Table, numbers: Sequence[Sequence[int]]) -> Weights:
        """These weights as a start for a table whose effects are numbered otherwise."""
        each = self.weights
        known = tuple(np.array([self.effects.get(key, 0.0) for key in own], np.float32) for own in numbers)
        return Weights(each.w, each.b, each.v, each.loadings, known)

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
        parts = {"w": each.w, "b": each.b, "v": each.v, "loadings": each.loadings}
        return {
            **parts,
            "mean": self.mean,
            "scale": self.scale,
            "temperature": np.asarray([self.temperature], np.float32),
            "chosen": np.asarray([self.level, self.chosen_on], np.int64),
            "effect_keys": np.asarray(list(self.effects), np.int64),
            "effects": np.asarray(list(self.effects.values()), np.float32),
        }

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, NDArray[Any]], names: Sequence[str], engagement: str = ""
    ) -> HelpfulnessModel:
        """The model that `tensors` came from.  Raises ValueError where they do not fit together."""
        try:
            floats = ("w", "b", "v", "loadings", "mean", "scale", "temperature", "effects")
            w, b, v, loadings, mean, scale, temperatures, values = (
                np.asarray(tensors[key], np.float32) for key in floats
            )
            chosen, keys = (np.asarray(tensors[key], np.int64) for key in ("chosen", "effect_keys"))
        except KeyError as error:
            raise ValueError(f"the helpfulness model lacks the tensor {error}; train it again") from error
        if temperatures.shape != (1,) or chosen.shape != (2,) or keys.shape != values.shape:
            raise ValueError("the helpfulness model's tensors do not fit together; train it again")
        effects = dict(zip(keys.tolist(), values.tolist(), strict=True))
        level, chosen_on = chosen.tolist()
        model = cls(
            tuple(names), mean, scale, Weights(w, b, v, loadings), float(temperatures[0]),
            engagement=engagement, level=level, chosen_on=chosen_on, effects=effects,
        )  # fmt: skip
        width, shape = len(names), (len(model._kinds), len(model._states))
        if w.shape != (width, 2) or b.shape != (4,) or mean.shape != (width,) or scale.shape != (width,):
            raise ValueError(f"the helpfulness model's tensors are not of {width} features; train it again")
        if v.shape != shape or loadings.shape != (2, 4) or not (scale > 0.0).all():
            raise ValueError("the helpfulness model's tensors do not fit together; train it again")
        if not model.temperature > 0.0:
            raise ValueError("the helpfulness model's temperature is not above zero; train it again")
        if not 0 <= level < len(LEVELS):
            raise ValueError("the helpfulness model was chosen among other levels; train it again")
        return model

    def _scaled(self, x: Array) -> Array:
        scaled: Array = np.minimum(np.maximum((x - self.mean) / self.scale, np.float32(-5)), np.float32(5))
        return scaled

    def _kind(self, x: NDArray[Any]) -> NDArray[np.int64]:
        """The kind [n] whose flag is set; -1 for none."""
        if not len(self._kinds):
            return np.full(len(x), -1)
        flags = x[:, self._kinds]
        kinds: NDArray[np.int64] = np.where(flags.max(axis=1) > 0.5, flags.argmax(axis=1), -1)
        return kinds


def lesson_weights(
    propensities: NDArray[Any], ages: NDArray[Any], clip: float = CLIP, half_life: float = HALF_LIFE
) -> NDArray[np.float64]:
    """What each answer weighs: one over the probability with which it was asked for, at most `clip`, and half
    as much every `half_life` days of its age; [n] from [n] and [n].
    """
    asked = np.maximum(np.asarray(propensities, np.float64), 1e-6)
    faded: NDArray[np.float64] = np.minimum(1.0 / asked, clip) * 0.5 ** (np.asarray(ages) / half_life)
    return faded


def _numbered(groups: NDArray[Any] | None, count: int) -> NDArray[np.int64]:
    if groups is None:
        return np.arange(count)
    if np.shape(groups) != (count,):
        raise ValueError(f"shapes do not fit: {count} rows, groups {np.shape(groups)}")
    numbers: NDArray[np.int64] = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
    return numbers


@lru_cache(maxsize=65_536)
def hashed(key: str) -> int:
    """A key as a model's tensors hold it: 63 bits."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") >> 1


def _numbered_keys(keys: Sequence[Keys], count: int) -> tuple[list[list[int]], tuple[NDArray[np.int64], ...]]:
    """By kind of effect: the hashes that occur, and the number of each row's [n]."""
    if len(keys) not in (0, count):
        raise ValueError(f"shapes do not fit: {count} rows, keys of {len(keys)}")
    numbers: list[list[int]] = []
    groups: list[NDArray[np.int64]] = []
    for own in zip(*keys, strict=True):
        hashes, group = np.unique(np.array([hashed(key) for key in own], np.int64), return_inverse=True)
        numbers.append(hashes.tolist())
        groups.append(group.astype(np.int64))
    return numbers, tuple(groups)


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
    if y.min() < 0 or y.max() > DISMISSED:
        raise ValueError("outcomes must be 0 (helpful), 1 (not helpful), 2 (no interaction) or 3 (dismissed)")
    if not np.isfinite(weight).all() or weight.min() <= 0.0:
        raise ValueError("weights must be finite and above zero")
    weight = np.minimum(weight, np.float32(config.clip))
    return x, y, weight / weight.mean()
