"""Penalised three-class regression in numpy: the optimum itself, and how much of it the answers bear out.

    logits = z W + b + s V_k        z: standardised features, s: those of them that are the state, k: the kind

is fitted by L-BFGS (Nocedal 1980) to weighed answers; each coefficient has a normal prior around zero whose
precision, in answers, its group of features sets.  `LEVELS` goes from "the shares of the classes alone" over
message tallies and the learner's history to everything; `choose` takes the simplest level that foresees the
answers of learners it was not fitted on as well as the best, up to standard errors of the difference (Breiman
et al. 1984).  What the data do not bear out is left out, and a few dozen answers give the shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Labels = NDArray[np.int64]

CLASSES = 3
NEVER = math.inf
MEMORY = 8


@dataclass(frozen=True)
class Level:
    """Prior precision of the coefficients of each group of features; NEVER leaves the group out.

    `message`: tallies; `history`: what the learner did with messages; `plain`: profile, course, kind and
    trigger; `recent`: counts and pace of events; `state`: the LSTM's state and readings; `kinds`: the state
    by kind of message.
    """

    name: str
    message: float = NEVER
    history: float = NEVER
    plain: float = NEVER
    recent: float = NEVER
    state: float = NEVER
    kinds: float = NEVER

    def of(self, name: str) -> float:
        """The precision for a feature's name."""
        group, _, what = name.partition(".")
        if group == "message":
            return self.history if what.startswith("kind_") else self.message
        groups = {"history": self.history, "recent": self.recent, "hidden": self.state, "reading": self.state}
        return groups.get(group, self.plain)


LEVELS = (
    Level("shares"),
    Level("message", message=20.0),
    Level("history", message=20.0, history=20.0),
    Level("behaviour", message=20.0, history=20.0, plain=100.0, recent=200.0),
    Level("everything, hardly", 20.0, 20.0, 100.0, 200.0, 500.0, 2000.0),
    Level("everything", 10.0, 10.0, 40.0, 60.0, 120.0, 700.0),
    Level("everything, freely", 5.0, 5.0, 20.0, 30.0, 60.0, 700.0),
)

PERSONAL = 2
"""The first level that tells learners apart."""


@dataclass(frozen=True, eq=False)
class Table:
    """n answers: standardised features [n, d], kind [n] (-1: none), label [n] and weight [n] of mean one.

    `states` are the columns of z that speak differently for each of the `kinds` kinds.
    """

    z: Array
    kind: NDArray[np.int64]
    y: Labels
    weight: Array
    states: NDArray[np.int64]
    kinds: int

    def __len__(self) -> int:
        return len(self.z)

    def take(self, rows: NDArray[np.int64]) -> Table:
        """Some of the rows."""
        return Table(self.z[rows], self.kind[rows], self.y[rows], self.weight[rows], self.states, self.kinds)


@dataclass(frozen=True, eq=False)
class Weights:
    """W is [d, 3], b [3], V [kinds, states, 3]."""

    w: Array
    b: Array
    v: Array

    @classmethod
    def blank(cls, table: Table) -> Weights:
        """Those that give the classes' shares to everyone."""
        v = np.zeros((table.kinds, len(table.states), CLASSES), np.float32)
        return cls(np.zeros((table.z.shape[1], CLASSES), np.float32), np.log(shares(table)), v)

    def logits(self, z: Array, kind: NDArray[np.int64], states: NDArray[np.int64]) -> Array:
        """[n, 3]"""
        found: Array = z @ self.w + self.b
        if self.v.any():
            state = z[:, states]
            for each in np.unique(kind[kind >= 0]):
                rows = kind == each
                found[rows] += state[rows] @ self.v[each]
        return found


def shares(table: Table) -> Array:
    """Weighed share of each class, one answer of each added."""
    counts = np.bincount(table.y, table.weight, minlength=CLASSES) + 1.0
    return np.asarray(counts / counts.sum(), np.float32)


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Rows that sum to one."""
    wide = np.asarray(logits, np.float64)
    exps = np.exp(wide - wide.max(axis=1, keepdims=True))
    chances: NDArray[np.float64] = exps / exps.sum(axis=1, keepdims=True)
    return chances


def losses(logits: Array, y: Labels, temperature: float = 1.0) -> NDArray[np.float64]:
    """Log loss of each row."""
    found: NDArray[np.float64] = -np.log(
        np.maximum(softmax(logits / temperature)[np.arange(len(y)), y], 1e-12)
    )
    return found


def fit(table: Table, names: Sequence[str], level: Level, start: Weights | None, steps: int) -> Weights:
    """The weights of least penalised loss, from `start` (blank by default) in at most `steps` steps."""
    begin = start or Weights.blank(table)
    costs = np.array([level.of(name) for name in names])
    used = np.flatnonzero(np.isfinite(costs))
    with_kinds = math.isfinite(level.kinds) and begin.v.size > 0
    places = [np.flatnonzero(table.kind == each) for each in range(table.kinds)] if with_kinds else []
    z = np.ascontiguousarray(table.z[:, used])
    parts = [np.ascontiguousarray(table.z[rows][:, table.states]) for rows in places]
    sizes = (used.size * CLASSES, CLASSES)
    penalty = np.concatenate(
        [
            np.repeat(costs[used], CLASSES),
            np.zeros(CLASSES),
            np.full(begin.v.size if with_kinds else 0, level.kinds),
        ]
    ) / len(table)

    def slope(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Loss and its gradient."""
        small = at.astype(np.float32)
        w, b = small[: sizes[0]].reshape(-1, CLASSES), small[sizes[0] : sum(sizes)]
        v = small[sum(sizes) :].reshape(len(parts), -1, CLASSES) if with_kinds else None
        logits = z @ w + b
        if v is not None:
            for rows, state, own in zip(places, parts, v, strict=True):
                logits[rows] += state @ own
        error = softmax(logits)
        loss = -np.log(np.maximum(error[np.arange(len(table)), table.y], 1e-12)) @ table.weight
        error[np.arange(len(table)), table.y] -= 1.0
        errors = (error * (table.weight / len(table))[:, None]).astype(np.float32)
        slopes = [(z.T @ errors).ravel(), errors.sum(axis=0)]
        slopes += [(state.T @ errors[rows]).ravel() for rows, state in zip(places, parts, strict=True)]
        total = float(loss) / len(table) + 0.5 * float(penalty @ (at * at))
        return total, np.concatenate(slopes).astype(np.float64) + penalty * at

    first = [begin.w[used].ravel(), begin.b, begin.v.ravel() if with_kinds else begin.v.ravel()[:0]]
    end = minimum(slope, np.concatenate(first).astype(np.float64), steps).astype(np.float32)
    w, v = np.zeros_like(begin.w), np.zeros_like(begin.v)
    w[used] = end[: sizes[0]].reshape(-1, CLASSES)
    if with_kinds:
        v = end[sum(sizes) :].reshape(begin.v.shape)
    return Weights(w, end[sizes[0] : sum(sizes)], v)


def minimum(
    slope: Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]],
    at: NDArray[np.float64],
    steps: int,
) -> NDArray[np.float64]:
    """Where a convex function is least, by L-BFGS with backtracking; `slope` gives value and gradient."""
    value, gradient = slope(at)
    moves: list[tuple[NDArray[np.float64], NDArray[np.float64], float]] = []
    for _ in range(steps):
        way = -_curved(gradient, moves)
        decline = float(way @ gradient)
        if decline > -1e-12:
            break
        length = 1.0 if moves else min(1.0, 1.0 / max(float(np.abs(gradient).sum()), 1e-9))
        while True:
            new, (new_value, new_gradient) = at + length * way, slope(at + length * way)
            if new_value <= value + 1e-4 * length * decline or length < 1e-6:
                break
            length *= 0.4
        if new_value >= value:
            break
        step, change = new - at, new_gradient - gradient
        bend = float(step @ change)
        if bend > 1e-12:
            moves = [*moves, (step, change, bend)][-MEMORY:]
        gain = value - new_value
        at, value, gradient = new, new_value, new_gradient
        if gain < 1e-6:
            break
    return at


def _curved(
    gradient: NDArray[np.float64], moves: Sequence[tuple[NDArray[np.float64], NDArray[np.float64], float]]
) -> NDArray[np.float64]:
    """The gradient through the inverse of the curvature that the last moves showed (two-loop recursion)."""
    found, shares_ = gradient.copy(), []
    for step, change, bend in reversed(moves):
        share = float(step @ found) / bend
        shares_.append(share)
        found -= share * change
    if moves:
        step, change, bend = moves[-1]
        found *= bend / float(change @ change)
    for (step, change, bend), share in zip(moves, reversed(shares_), strict=True):
        found += (share - float(change @ found) / bend) * step
    return found


@dataclass(frozen=True, eq=False)
class Choice:
    """The level chosen, and what each of the rows asked would have been told by a model that had not seen it.

    `loss` and `loss_of_shares` are means over the rows asked; `temperature` sharpens or softens the logits.
    """

    level: int
    temperature: float
    loss: float
    loss_of_shares: float
    rows: int


def choose(
    table: Table, names: Sequence[str], groups: NDArray[np.int64], rng: np.random.Generator,
    folds: int, most: int, steps: int,
) -> Choice:  # fmt: skip
    """The level for `table`, by cross-validation that keeps each of `groups` [n] (learners) whole.

    At most `most` rows, of whole learners, are looked at: precisions are in answers, so what was found for
    some holds for more.
    """
    table, groups = _some(table, groups, rng, most)
    fold = rng.permutation(groups.max() + 1)[groups] % folds
    logits = np.zeros((len(LEVELS), len(table), CLASSES), np.float32)
    for each in range(folds):
        asked, rest = np.flatnonzero(fold == each), table.take(np.flatnonzero(fold != each))
        if not len(asked) or not len(rest):
            continue
        start: Weights | None = None
        for place, step in enumerate(LEVELS):
            start = fit(rest, names, step, start, steps)
            logits[place, asked] = start.logits(table.z[asked], table.kind[asked], table.states)
    lost = np.stack([losses(each, table.y) * table.weight for each in logits])
    means = lost.mean(axis=1)
    best = int(means.argmin())
    level = next(
        place
        for place in range(len(LEVELS))
        if means[place] - means[best] <= _slack(place, best) * _error(lost[place] - lost[best], groups)
    )
    temperature = best_temperature(logits[level], table.y, table.weight) if level else 1.0
    calm = losses(logits[level], table.y, temperature) * table.weight
    return Choice(level, temperature, float(calm.mean()), float(means[0]), len(table))


def _slack(simple: int, best: int) -> float:
    """By how many standard errors a simpler level may be worse.

    Three where telling learners apart at all is at stake, as this is asked many times; none between levels
    that do, where a penalty that is a little off costs little either way.
    """
    if simple >= PERSONAL:
        return 0.0
    return 3.0 if best >= PERSONAL else 1.0


def best_temperature(logits: Array, y: Labels, weight: Array) -> float:
    """The temperature of least log loss on a grid: one number, so a finer search would fit noise."""
    found = {float(each): float(losses(logits, y, each) @ weight) for each in np.geomspace(0.5, 4.0, 43)}
    return min(found, key=found.__getitem__)


def _some(
    table: Table, groups: NDArray[np.int64], rng: np.random.Generator, most: int
) -> tuple[Table, NDArray[np.int64]]:
    groups = np.unique(groups, return_inverse=True)[1]
    if len(table) <= most:
        return table, groups
    order = rng.permutation(groups.max() + 1)
    sizes = np.bincount(groups)[order]
    rows = np.flatnonzero(np.isin(groups, order[np.cumsum(sizes) <= max(most, int(sizes[0]))]))
    return table.take(rows), np.unique(groups[rows], return_inverse=True)[1]


def _error(difference: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    """Standard error of the mean difference, whole learners being drawn."""
    sums = np.bincount(groups, difference - difference.mean())
    return float(np.sqrt((sums**2).sum())) / len(difference)
