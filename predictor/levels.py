"""How much of what is known of a learner the answers bear out.

`LEVELS` goes from "the shares of all answers" over how each message fared and the learner's past with
messages to everything.  `choose` takes the one that foresees the answers of learners it was not fitted on
best; but to tell learners apart at all it takes three standard errors, as this is asked again night after
night.  What the data do not bear out is left out, and a few dozen answers give the shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .penalised import CLASSES, Array, Ints, Level, Table, Weights, fit, losses

EFFECTS = (15.0, 20.0, 35.0, 20.0)
HARDLY = (60.0, 80.0, 140.0, 80.0)

LEVELS = (
    Level("shares"),
    Level("message, hardly", effects=HARDLY),
    Level("message", effects=EFFECTS),
    Level("history", history=10.0, effects=EFFECTS),
    Level("behaviour", 20.0, 10.0, 100.0, 400.0, kinds=2000.0, effects=EFFECTS),
    Level("everything, hardly", 20.0, 10.0, 100.0, 400.0, 800.0, 2000.0, EFFECTS),
    Level("everything", 20.0, 10.0, 50.0, 100.0, 200.0, 300.0, EFFECTS),
    Level("everything, freely", 10.0, 5.0, 20.0, 30.0, 60.0, 80.0, EFFECTS),
)

PERSONAL = 3
"""The first level that tells learners apart."""
SURE = 3.0
"""By how many standard errors telling learners apart must be better than not doing so."""


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
    table: Table, names: Sequence[str], scale: Array, groups: Ints, rng: np.random.Generator,
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
        for place, level in enumerate(LEVELS):
            start = fit(rest, names, scale, level, start, steps)
            logits[place, asked] = start.of(table.take(asked))
    lost = np.stack([losses(each, table.y) * table.weight for each in logits])
    found = _level(lost, groups)
    temperature = best_temperature(logits[found], table.y, table.weight) if found else 1.0
    calm = losses(logits[found], table.y, temperature) * table.weight
    return Choice(found, temperature, float(calm.mean()), float(lost[0].mean()), len(table))


def _level(lost: NDArray[np.float64], groups: Ints) -> int:
    """The level of least loss [levels, n] among those that tell learners apart, where it is surely less.

    Among those that do, a penalty that is a little off costs little either way.  Among those that do not,
    messages are told apart unless that foresees surely less, and hardly before not at all: effects shrink to
    nothing where there are none, and grow with answers that are not looked at here.
    """
    means = lost.mean(axis=1)
    plain = PERSONAL - 1
    while plain and means[plain] - means[plain - 1] > SURE * _error(lost[plain] - lost[plain - 1], groups):
        plain -= 1
    best = PERSONAL + int(means[PERSONAL:].argmin())
    gain = means[plain] - means[best]
    return best if gain > SURE * _error(lost[plain] - lost[best], groups) else plain


def best_temperature(logits: Array, y: Ints, weight: Array) -> float:
    """The temperature of least log loss on a grid: one number, so a finer search would fit noise."""
    found = {float(each): float(losses(logits, y, each) @ weight) for each in np.geomspace(0.5, 4.0, 43)}
    return min(found, key=found.__getitem__)


def _some(table: Table, groups: Ints, rng: np.random.Generator, most: int) -> tuple[Table, Ints]:
    groups = np.unique(groups, return_inverse=True)[1]
    if len(table) <= most:
        return table, groups
    order = rng.permutation(groups.max() + 1)
    sizes = np.bincount(groups)[order]
    rows = np.flatnonzero(np.isin(groups, order[np.cumsum(sizes) <= max(most, int(sizes[0]))]))
    return table.take(rows), np.unique(groups[rows], return_inverse=True)[1]


def _error(difference: NDArray[np.float64], groups: Ints) -> float:
    """Standard error of the mean difference, whole learners being drawn."""
    sums = np.bincount(groups, difference - difference.mean())
    return float(np.sqrt((sums**2).sum())) / len(difference)
