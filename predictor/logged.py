"""Logged decisions with their propensities: the table that off-policy evaluation reads, and its checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Decisions:
    """Logged decisions, one row each (n rows).

    `targets` [n] per arm are the target policy's probabilities (empty: none given); `context` [n, d] are
    the columns the reward model may use; `clusters` [n] tell learners apart, decisions of one learner being
    dependent (empty: all independent).
    """

    ids: tuple[str, ...]
    arms: NDArray[np.str_]
    propensities: FloatArray
    rewards: FloatArray
    targets: dict[str, FloatArray] = field(default_factory=dict)
    context: FloatArray | None = None
    clusters: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        """Check the rows; a ValueError names the first decision that is wrong."""
        if not self.ids:
            raise ValueError("the table holds no decision with a reward; log some before evaluating")
        self._refuse(self.arms == "", "has no arm; write what was done, also where nothing was")
        bad = ~((self.propensities > 0) & (self.propensities <= 1))
        self._refuse(
            bad, "has a propensity that is not above 0 and at most 1; log the arm's true probability"
        )
        self._refuse(~np.isfinite(self.rewards), "has a reward that is not a finite number")
        if self.context is not None:
            self._refuse(
                ~np.isfinite(self.context).all(axis=1), "has an x_ value that is not a finite number"
            )
        if self.targets:
            self._check_targets()

    def _check_targets(self) -> None:
        table = np.column_stack(list(self.targets.values()))
        self._refuse(~((table >= 0) & (table <= 1)).all(axis=1), "has a target probability outside 0 to 1")
        total = table.sum(axis=1)
        self._refuse(
            np.abs(total - 1) > SUM_TOLERANCE,
            "has target probabilities that do not sum to 1 over the p_ columns",
        )

    def _refuse(self, bad: NDArray[np.bool_], reason: str) -> None:
        if bad.any():
            raise ValueError(
                f"decision {self.ids[int(np.argmax(bad))]} {reason} ({int(bad.sum())} such rows)"
            )


def from_columns(columns: dict[str, list[str]]) -> tuple[Decisions, dict[str, int]]:
    """Decisions from a table's columns of text, and how many rows were left out, by reason.

    A repeated row counts once; a row without reward is not yet known and left out. Raises ValueError where
    a column is missing, a number is not one, or two rows share a decision_id and differ.
    """
    missing = [name for name in ("decision_id", "arm", "propensity", "reward") if name not in columns]
    if missing:
        raise ValueError(f"the table lacks the columns {', '.join(missing)}; it has {', '.join(columns)}")
    rows, left_out = _distinct_rows(columns)
    arms = [name[2:] for name in columns if name.startswith("p_")]
    context = [name for name in columns if name.startswith("x_")]
    decisions = Decisions(
        ids=tuple(columns["decision_id"][row] for row in rows),
        arms=np.asarray([columns["arm"][row] for row in rows], dtype=np.str_),
        propensities=_numbers(columns, "propensity", rows),
        rewards=_numbers(columns, "reward", rows),
        targets={arm: _numbers(columns, f"p_{arm}", rows) for arm in arms},
        context=np.column_stack([_numbers(columns, name, rows) for name in context]) if context else None,
        clusters=np.asarray([columns["learner_id"][row] for row in rows])
        if "learner_id" in columns
        else None,
    )
    return decisions, left_out


def _distinct_rows(columns: dict[str, list[str]]) -> tuple[list[int], dict[str, int]]:
    if "" in columns["decision_id"]:
        row = columns["decision_id"].index("") + 1
        raise ValueError(f"row {row} has no decision_id; number the decisions")
    seen: dict[str, int] = {}
    left_out = {"repeated": 0, "without reward": 0}
    for row, decision_id in enumerate(columns["decision_id"]):
        first = seen.setdefault(decision_id, row)
        if first != row:
            if any(values[first] != values[row] for values in columns.values()):
                raise ValueError(f"decision {decision_id} is there twice with different values; keep one")
            left_out["repeated"] += 1
    known = [row for row in seen.values() if columns["reward"][row] != ""]
    left_out["without reward"] = len(seen) - len(known)
    return known, left_out


def _numbers(columns: dict[str, list[str]], name: str, rows: Sequence[int]) -> FloatArray:
    values = np.empty(len(rows))
    for place, row in enumerate(rows):
        try:
            values[place] = float(columns[name][row])
        except ValueError:
            decision, text = columns["decision_id"][row], columns[name][row]
            raise ValueError(f"decision {decision}: {name} is '{text}', not a number") from None
    return values
