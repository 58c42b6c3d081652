"""Whom a threshold flags: whether learners of one group are flagged without need more often than the others.

Looked at are learners who completed: whoever of them was flagged was flagged wrongly. A group is over-flagged
where its share of these is larger than everyone else's by more than luck. Shares differ by Newcombe's
interval of two independent proportions (1998, his method 10), from Wilson's of each; the test is the score
test, its p corrected after Holm for all groups looked at together. Groups with fewer than ten learners who
completed are hidden, as in `slices`; so is a share that would count fewer than ten of a group.

Groups are audited here and nowhere weighed: no attribute of this kind is among the model's factors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .figures import SIGNIFICANT, plain
from .groups import Groups
from .intervals import Z_95
from .metrics import Interval
from .significance import holm
from .slices import hidden_groups

Row = dict[str, Any]
FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Share:
    """`hits` of `n`."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        """The share; NaN of nobody."""
        return self.hits / self.n if self.n else np.nan

    def interval(self) -> Interval:
        """Wilson's score interval (95%)."""
        if not self.n:
            return Interval(np.nan, np.nan, np.nan)
        z2 = Z_95**2
        middle = (self.hits + z2 / 2) / (self.n + z2)
        reach = Z_95 / (self.n + z2) * math.sqrt(self.hits * (self.n - self.hits) / self.n + z2 / 4)
        return Interval(self.value, max(0.0, middle - reach), min(1.0, middle + reach))


def difference(first: Share, second: Share) -> Interval:
    """first - second with Newcombe's interval; NaN where one is of nobody."""
    one, two = first.interval(), second.interval()
    value = one.value - two.value
    below = math.hypot(one.value - one.low, two.high - two.value)
    above = math.hypot(one.high - one.value, two.value - two.low)
    return Interval(value, value - below, value + above)


def chance(first: Share, second: Share) -> float:
    """Two-sided p of the score test that two shares are the same; 1 where nobody or everybody is meant."""
    n = first.n + second.n
    pooled = (first.hits + second.hits) / n if n else 0.0
    if not first.n or not second.n or pooled in (0.0, 1.0):
        return 1.0
    error = math.sqrt(pooled * (1 - pooled) * (1 / first.n + 1 / second.n))
    return math.erfc(abs(first.value - second.value) / error / math.sqrt(2))


def flagging(
    lost: FloatArray, chances: FloatArray, threshold: float, groups: Groups, learners: NDArray[np.str_]
) -> Iterator[Row]:
    """A row per division and group; a hidden group keeps only its name.

    Args:
        lost: [n] 1 for learners who did not complete, 0 for those who did, NaN where that is not known yet.
        chances: [n] their probabilities of not completing; flagged are those at or above `threshold`.
        groups: division -> group of each [n].
        learners: [n] whose rows they are.

    A row tells `n`, `flagged` (share of all; None where not `tellable`), `completed` (how many did),
    `wrongly` and `wrongly_others` (share flagged of those who completed, in the group and among everyone
    else), `difference` with `low` and `high`, `p_holm`, and `over`: flagged wrongly more often, beyond luck.
    """
    flagged = chances >= threshold
    rows = [
        row for name, values in groups.items() for row in _division(name, values, lost, flagged, learners)
    ]
    told = [row for row in rows if "n" in row]
    for row, p in zip(told, holm([row.pop("p") for row in told]), strict=True):
        row["p_holm"] = p
        row["over"] = bool(p < SIGNIFICANT and row["difference"] > 0)
    yield from (plain(row) for row in rows)


def tellable(shares: Sequence[Share]) -> list[bool]:
    """Which shares may stand beside the sizes of their groups, which are all those of one division.

    Where fewer than ten are meant, or fewer than ten are not, they could be counted; nor may they be had by
    subtraction from the others.
    """
    hidden = hidden_groups([min(share.hits, share.n - share.hits) for share in shares])
    return [index not in hidden for index in range(len(shares))]


def _division(
    division: str, values: NDArray[np.str_], lost: FloatArray, flagged: Mask, learners: NDArray[np.str_]
) -> Iterator[Row]:
    names = np.unique(values).tolist()
    completed = lost == 0
    hidden = hidden_groups([len(np.unique(learners[completed & (values == name)])) for name in names])
    shares = [Share(int(flagged[values == name].sum()), int((values == name).sum())) for name in names]
    told = tellable(shares)
    for index, name in enumerate(names):
        row: Row = {"column": division, "group": name}
        if index in hidden:
            yield {**row, "hidden": True}
            continue
        inside = values == name
        mine, others = (_wrongly(lost, flagged, part) for part in (inside, ~inside))
        apart = difference(mine, others)
        yield {
            **row,
            "n": shares[index].n,
            "flagged": shares[index].value if told[index] else np.nan,
            "completed": mine.n,
            "wrongly": mine.value,
            "wrongly_others": others.value,
            "difference": apart.value,
            "low": apart.low,
            "high": apart.high,
            "p": chance(mine, others),
        }


def _wrongly(lost: FloatArray, flagged: Mask, part: Mask) -> Share:
    completed = part & (lost == 0)
    return Share(int((flagged & completed).sum()), int(completed.sum()))
