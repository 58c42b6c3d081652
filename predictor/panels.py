"""What a treatment changed where nobody was left out by chance: units (such as course runs) over time.

- `difference_in_differences`: how treated units changed when it began, less how untreated ones changed over
  the same periods.  Each treated unit has its own beginning and is compared with units that were never
  treated (Callaway & Sant'Anna 2021), so that units treated early never serve as controls.  The unit, not the
  period, is what varies (Bertrand, Duflo & Mullainathan 2004): the error is Welch's, over the units' changes.
  It stands on trends that would have been parallel; whether they were before the beginning is tested on a
  pretended earlier one.
- `synthetic_control` (Abadie, Diamond & Hainmueller 2010), for one treated unit: untreated ones are weighted,
  by shares that sum to one, to go as it went before the beginning, but for a constant (Ferman & Pinto 2021).
  Every other unit is then treated in pretence; the p-value is the rank of the real one among these, and the
  interval holds the effects that would not stand out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.intervals import Z_95, Estimate, FloatArray, student

FEWEST_PERIODS = 2
FEWEST_UNITS = 2
FEWEST_DONORS = 4
STEPS = 2000
SETTLED = 1e-7


class Unanswerable(ValueError):
    """The panel cannot tell the effect; the message says why."""


@dataclass(frozen=True, eq=False)
class Panel:
    """Units over time: values [units, periods]; the period in which each began to be treated (-1: never)."""

    values: FloatArray
    starts: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Raises ValueError for values that are no numbers, and starts that are no period."""
        if self.values.ndim != 2 or self.starts.shape != self.values.shape[:1]:
            raise ValueError("values are [units, periods], and there is one start for each unit")
        if not np.isfinite(self.values).all():
            raise ValueError("every unit needs a value in every period")
        if not np.all((self.starts >= -1) & (self.starts < self.values.shape[1])):
            raise ValueError("a start is a period, or -1 for never")


@dataclass(frozen=True)
class Change:
    """The effect per period, and what the same estimate finds `before` there was any, which ought to be 0."""

    effect: Estimate
    before: Estimate
    treated: int
    others: int

    @property
    def parallel(self) -> bool:
        """Whether the trends before look parallel: no difference found where there can be none."""
        return self.before.low <= 0.0 <= self.before.high


@dataclass(frozen=True, eq=False)
class Synthetic:
    """The effect per period on one unit.

    `level` is that of [low, high]: 95%, or as much as so few other units allow.  `misfit` is the root mean
    square of the gap before the beginning; `gaps` [periods] run from the first period to the last.
    """

    effect: float
    low: float
    high: float
    level: float
    p_value: float
    misfit: float
    weights: FloatArray
    gaps: FloatArray


def difference_in_differences(panel: Panel) -> Change:
    """The mean effect on the treated units after their beginnings.  Raises Unanswerable."""
    treated, others = panel.starts >= 0, panel.starts < 0
    if min(int(treated.sum()), int(others.sum())) < FEWEST_UNITS:
        counts = f"{int(treated.sum())} units are treated and {int(others.sum())} never"
        raise Unanswerable(f"{counts}; {FEWEST_UNITS} of each are needed")
    starts = panel.starts[treated]
    if starts.min() < 2 * FEWEST_PERIODS:
        raise Unanswerable(f"a treated unit has fewer than {2 * FEWEST_PERIODS} periods before its beginning")
    after, pretended = [], []
    for start, row in zip(starts.tolist(), panel.values[treated], strict=True):
        rows = np.vstack([row, panel.values[others]])
        after.append(rows[:, start:].mean(axis=1) - rows[:, :start].mean(axis=1))
        half = start // 2
        pretended.append(rows[:, half:start].mean(axis=1) - rows[:, :half].mean(axis=1))
    effects = [_welch(np.array(changes)) for changes in (after, pretended)]
    return Change(effects[0], effects[1], int(treated.sum()), int(others.sum()))


def _welch(changes: FloatArray) -> Estimate:
    """From the changes [treated, 1 + others]: each one's own, then those of the others over its periods."""
    mine, theirs = changes[:, 0], changes[:, 1:]
    value = float((mine - theirs.mean(axis=1)).mean())
    left_out = mine - theirs.mean(axis=1)
    per_other = theirs.mean(axis=0)
    parts = [float(part.var(ddof=1)) / len(part) for part in (left_out, per_other)]
    error = math.sqrt(sum(parts))
    if error == 0.0:
        return Estimate(value, 0.0, value, value)
    counts = (len(left_out), len(per_other))
    free = sum(parts) ** 2 / sum(
        part**2 / (count - 1) for part, count in zip(parts, counts, strict=True) if part
    )
    reach = student(Z_95, max(2.0, free)) * error
    return Estimate(value, error, value - reach, value + reach)


def synthetic_control(panel: Panel) -> Synthetic:
    """The effect on the one treated unit.  Raises Unanswerable."""
    [*treated] = np.flatnonzero(panel.starts >= 0).tolist()
    if len(treated) != 1:
        raise Unanswerable(f"a synthetic control is for one treated unit, not {len(treated)}")
    start, donors = int(panel.starts[treated[0]]), panel.values[panel.starts < 0]
    if len(donors) < FEWEST_DONORS:
        raise Unanswerable(f"{len(donors)} units were never treated; {FEWEST_DONORS} are needed")
    if start < 2 * FEWEST_PERIODS:
        raise Unanswerable(
            f"the treated unit has fewer than {2 * FEWEST_PERIODS} periods before its beginning"
        )
    weights, gaps = _synthetic(np.vstack([panel.values[treated[0]], donors]), donors, start)
    effects, misfits = gaps[:, start:].mean(axis=1), np.sqrt((gaps[:, :start] ** 2).mean(axis=1))
    ratios = np.abs(effects) / np.maximum(misfits, SETTLED)
    count = len(ratios)
    level = min(0.95, (count - 1) / count)
    bar = np.sort(ratios[1:])[math.ceil(level * count - 1e-9) - 1]
    effect, reach = float(effects[0]), float(bar * misfits[0])
    p_value = float((ratios >= ratios[0]).mean())
    return Synthetic(
        effect, effect - reach, effect + reach, level, p_value, float(misfits[0]), weights[0], gaps[0]
    )


def _synthetic(rows: FloatArray, donors: FloatArray, start: int) -> tuple[FloatArray, FloatArray]:
    """Weights [1 + donors, donors] and gaps [1 + donors, periods], from the means before the beginning.

    The first row is the treated unit, the others are the donors themselves, each without itself as a donor.
    """
    own = rows - rows[:, :start].mean(axis=1, keepdims=True)
    rest = donors - donors[:, :start].mean(axis=1, keepdims=True)
    barred = np.vstack([np.zeros((1, len(donors)), np.bool_), np.eye(len(donors), dtype=np.bool_)])
    weights = _fitted(own[:, :start], rest[:, :start], barred)
    return weights, own - weights @ rest


def _fitted(own: FloatArray, rest: FloatArray, barred: NDArray[np.bool_]) -> FloatArray:
    """Shares [n, k] of the donors `rest` [k, t] nearest in squares to each of `own` [n, t].

    Accelerated projected gradient (Nesterov), all at once; `barred` [n, k] donors get nothing.
    """
    gram, aim = rest @ rest.T, own @ rest.T
    step = 1.0 / max(1e-12, float(np.linalg.eigvalsh(gram)[-1]))
    weights = ahead = np.full(aim.shape, 1.0 / len(rest))
    pace = 1.0
    for _ in range(STEPS):
        moved = ahead - step * (ahead @ gram - aim)
        new = onto_simplex(np.where(barred, -np.inf, moved))
        faster = (1.0 + math.sqrt(1.0 + 4.0 * pace * pace)) / 2.0
        ahead = new + (pace - 1.0) / faster * (new - weights)
        change = float(np.abs(new - weights).max())
        weights, pace = new, faster
        if change < SETTLED:
            break
    return weights


def onto_simplex(values: FloatArray) -> FloatArray:
    """The nearest shares to each row [n, k], not negative and summing to one (Duchi et al. 2008).

    Minus infinity stands for what must get nothing; one value at least must be finite.
    """
    ordered = -np.sort(-values, axis=1)
    surplus = (np.cumsum(ordered, axis=1) - 1.0) / np.arange(1, values.shape[1] + 1)
    last = (ordered > surplus).sum(axis=1) - 1
    return np.asarray(np.maximum(values - surplus[np.arange(len(values)), last, None], 0.0), np.float64)
