"""Penalised regression of answers on two leanings: how a message is liked, and how ready one is to answer.

    logits over the answers = b + liking A_1 + readiness A_2
    liking = z w_1 + s V_k + sum of effects,   readiness = z w_2

z are standardised features, s those of them that are the learner's state, k the message's kind; an effect is
what one wording, placement or course adds for itself.  What speaks for "helpful" mostly speaks against
"not helpful": two numbers instead of one for each answer (a stereotype model, Anderson 1984), of which the
second is mostly small, are learned from fewer answers.  Two are enough for any odds of "helpful" and "not
helpful" to "none", so their loadings A are given (`LOADINGS`); those of "dismissed" are learned.

Each coefficient has a normal prior whose precision, in answers, its group of features sets; an effect's makes
it a random effect.  A feature that is itself the estimate of a leaning (`OFFSETS`) has a prior mean of one.
Fitted by L-BFGS.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .descent import minimum

Array = NDArray[np.float32]
Ints = NDArray[np.int64]

CLASSES = 4
HELPFUL, NOT_HELPFUL, NONE, DISMISSED = range(CLASSES)
LIKING, READINESS = 0, 1
LOADINGS = ((0.5, -0.5, 0.0, -0.3), (1.0, 1.0, 0.0, 0.0))
"""What liking and readiness add to the logit of each answer before anything is known."""
LOADING_PRECISION = 200.0
CALMER = 20.0
"""How many times more precise the prior is that a feature tells nothing about readiness."""
OFFSETS = {"history.liking": LIKING, "message.kind_liking": LIKING, "history.readiness": READINESS}
NEVER = math.inf


@dataclass(frozen=True)
class Level:
    """Prior precision of the coefficients of each group of features; NEVER leaves the group out.

    `message`: kind, trigger and objective; `history`: the learner's past with messages; `plain`: profile and
    course; `recent`: counts and pace of events; `state`: the LSTM's state and readings; `kinds`: the state by
    kind of message.  `effects`: those of a wording, of its placement, of its kind in its course and at its
    trigger.  How a message fared all in all is left to these: its shares would tell it again, less well.
    """

    name: str
    message: float = NEVER
    history: float = NEVER
    plain: float = NEVER
    recent: float = NEVER
    state: float = NEVER
    kinds: float = NEVER
    effects: tuple[float, ...] = ()

    def of(self, name: str) -> float:
        """The precision for a feature's name."""
        group, _, what = name.partition(".")
        if group == "message":
            return self.history if what.startswith("kind_") else NEVER
        if group in ("kind", "trigger", "objective"):
            return self.message
        groups = {"history": self.history, "recent": self.recent, "hidden": self.state, "reading": self.state}
        return groups.get(group, self.plain)


@dataclass(frozen=True, eq=False)
class Table:
    """n answers: standardised features [n, d], kind [n] (-1: none), label [n] and weight [n] of mean one.

    `states` are the columns of z that speak differently for each of the `kinds` kinds.  `groups` holds, for
    each kind of effect, the number of each answer's effect [n], -1 where it has none; `sizes` how many there
    are.
    """

    z: Array
    kind: Ints
    y: Ints
    weight: Array
    states: Ints
    kinds: int
    groups: tuple[Ints, ...] = ()
    sizes: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.z)

    def take(self, rows: Ints) -> Table:
        """Some of the rows."""
        groups = tuple(group[rows] for group in self.groups)
        kept = self.z[rows], self.kind[rows], self.y[rows], self.weight[rows]
        return Table(*kept, self.states, self.kinds, groups, self.sizes)


@dataclass(frozen=True, eq=False)
class Weights:
    """w is [d, 2], b [4], v [kinds, states], loadings [2, 4], effects one array per kind of effect."""

    w: Array
    b: Array
    v: Array
    loadings: Array = field(default_factory=lambda: np.asarray(LOADINGS, np.float32))
    effects: tuple[Array, ...] = ()

    @classmethod
    def blank(cls, table: Table) -> Weights:
        """Those that give the answers' shares to everyone."""
        logs = np.log(shares(table))
        return cls(
            np.zeros((table.z.shape[1], 2), np.float32),
            logs - logs[NONE],
            np.zeros((table.kinds, len(table.states)), np.float32),
            effects=tuple(np.zeros(size, np.float32) for size in table.sizes),
        )

    def of(self, table: Table) -> Array:
        """Logits [n, 4] of the table's rows."""
        liking = sum(
            (_picked(own, group) for own, group in zip(self.effects, table.groups, strict=True)), 0.0
        )
        return self.logits(table.z, table.kind, table.states, liking)

    def logits(self, z: Array, kind: Ints, states: Ints, liking: Any = 0.0) -> Array:
        """[n, 4]; `liking` [n] is what effects add."""
        leanings = z @ self.w
        leanings[:, LIKING] += liking
        if self.v.any():
            state = z[:, states]
            for each in np.unique(kind[kind >= 0]):
                rows = kind == each
                leanings[rows, LIKING] += state[rows] @ self.v[each]
        found: Array = leanings @ self.loadings + self.b
        return found


def shares(table: Table) -> Array:
    """Weighed share of each answer, one of each added."""
    counts = np.bincount(table.y, table.weight, minlength=CLASSES) + 1.0
    return np.asarray(counts / counts.sum(), np.float32)


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Rows that sum to one."""
    wide = np.asarray(logits, np.float64)
    exps = np.exp(wide - wide.max(axis=1, keepdims=True))
    chances: NDArray[np.float64] = exps / exps.sum(axis=1, keepdims=True)
    return chances


def losses(logits: Array, y: Ints, temperature: float = 1.0) -> NDArray[np.float64]:
    """Log loss of each row."""
    found: NDArray[np.float64] = -np.log(
        np.maximum(softmax(logits / temperature)[np.arange(len(y)), y], 1e-12)
    )
    return found


def fit(
    table: Table, names: Sequence[str], scale: Array, level: Level, start: Weights | None, steps: int
) -> Weights:
    """The weights of least penalised loss, from `start` (blank by default) in at most `steps` steps.

    `scale` [d] is what the features were divided by, so that an offset's prior mean is one of its own unit.
    """
    return _Fit(table, names, scale, level).run(start or Weights.blank(table), steps)


class _Fit:
    """The loss of one table at one level, over one flat vector of all that is learned."""

    def __init__(self, table: Table, names: Sequence[str], scale: Array, level: Level) -> None:
        self.table = table
        costs = np.array([level.of(name) for name in names])
        self.used = np.flatnonzero(np.isfinite(costs))
        inside = np.isfinite(costs[table.states]) & math.isfinite(level.kinds)
        self.inside = np.flatnonzero(inside)
        self.effects = min(len(level.effects), len(table.groups))
        self.z = np.ascontiguousarray(table.z[:, self.used])
        self.places = [np.flatnonzero(table.kind == each) for each in range(table.kinds)]
        columns = table.states[self.inside]
        self.states = [np.ascontiguousarray(table.z[rows][:, columns]) for rows in self.places]
        self.truth = np.eye(CLASSES)[table.y]
        self.shapes = [
            (len(self.used), 2), (CLASSES,), (table.kinds, len(self.inside)), (2, CLASSES),
            *((size,) for size in table.sizes[: self.effects]),
        ]  # fmt: skip
        own = costs[self.used]
        precision = [
            np.stack([own, CALMER * own], axis=1), np.zeros(CLASSES),
            np.full(self.shapes[2], level.kinds if len(self.inside) else 0.0),
            np.full(self.shapes[3], LOADING_PRECISION),
            *(np.full(size, each) for size, each in zip(table.sizes, level.effects, strict=False)),
        ]  # fmt: skip
        middle = [np.zeros(shape) for shape in self.shapes]
        middle[3][:] = LOADINGS
        for place, column in enumerate(self.used.tolist()):
            if names[column] in OFFSETS:
                leaning = OFFSETS[names[column]]
                middle[0][place, leaning] = scale[column]
                precision[0][place, leaning] /= max(float(scale[column]) ** 2, 1e-6)
        self.precision = np.concatenate([part.ravel() for part in precision]) / len(table)
        self.middle = np.concatenate([part.ravel() for part in middle])
        self.fixed = np.zeros(len(self.middle), bool)
        ends = np.cumsum([math.prod(shape) for shape in self.shapes])
        self.fixed[ends[0] + NONE] = True
        held = [HELPFUL, NOT_HELPFUL, NONE]
        self.fixed[ends[2] + np.array([*held, *(CLASSES + each for each in held)])] = True

    def run(self, start: Weights, steps: int) -> Weights:
        effects = start.effects[: self.effects]
        first = [start.w[self.used], start.b, start.v[:, self.inside], start.loadings, *effects]
        flat = np.concatenate([np.ravel(part) for part in first]).astype(np.float64)
        end = minimum(self.slope, flat, steps).astype(np.float32)
        w, b, v, loadings, *found = self.parts(end)
        all_w, all_v = np.zeros_like(start.w), np.zeros_like(start.v)
        all_w[self.used] = w
        all_v[:, self.inside] = v
        left_out = [np.zeros(size, np.float32) for size in self.table.sizes[self.effects :]]
        return Weights(all_w, b, all_v, loadings, (*found, *left_out))

    def parts(self, flat: NDArray[Any]) -> list[NDArray[Any]]:
        """The flat vector cut into `shapes`."""
        ends = np.cumsum([math.prod(shape) for shape in self.shapes])[:-1]
        return [part.reshape(shape) for part, shape in zip(np.split(flat, ends), self.shapes, strict=True)]

    def slope(self, at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Penalised loss and its gradient."""
        table = self.table
        w, b, v, loadings, *effects = self.parts(at.astype(np.float32))
        leanings = (self.z @ w).astype(np.float64)
        for rows, state, own in zip(self.places, self.states, v, strict=True):
            leanings[rows, LIKING] += state @ own
        for effect, group in zip(effects, table.groups, strict=False):
            leanings[:, LIKING] += _picked(effect, group)
        chances = softmax(leanings @ loadings + b)
        loss = -np.log(np.maximum(chances[np.arange(len(table)), table.y], 1e-12)) @ table.weight
        errors = (chances - self.truth) * (table.weight / len(table))[:, None]
        pull = (errors @ loadings.T).astype(np.float32)
        liking = pull[:, LIKING]
        slopes = [self.z.T @ pull, errors.sum(axis=0)]
        slopes += [state.T @ liking[rows] for rows, state in zip(self.places, self.states, strict=True)]
        slopes.append(leanings.T @ errors)
        for effect, group in zip(effects, table.groups, strict=False):
            known = group >= 0
            slopes.append(np.bincount(group[known], liking[known], minlength=len(effect)))
        away = at - self.middle
        gradient = np.concatenate([np.ravel(each) for each in slopes]) + self.precision * away
        gradient[self.fixed] = 0.0
        return float(loss) / len(table) + 0.5 * float(self.precision @ (away * away)), gradient


def _picked(effect: NDArray[Any], group: Ints) -> NDArray[Any]:
    """Each row's effect; zero where it has none."""
    return np.where(group >= 0, np.append(effect, np.float32(0))[group], np.float32(0))
