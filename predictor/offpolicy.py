"""What another policy would have earned, from decisions logged with their propensities.

Three estimators of the mean reward of a target policy over n logged decisions, with weight
w = target probability of the logged arm / its logged propensity:

- IPS (Horvitz & Thompson 1952): mean of w * reward; unbiased, restless.
- SNIPS (Swaminathan & Joachims 2015): sum of w * reward / sum of w; a little biased, far calmer.
- DR (Dudík et al. 2011): the mean of a reward model under the target, corrected by w * (reward - model). The
  model is a ridge regression per arm on the optional context columns, fitted on the other folds; without
  context columns it is the mean reward of the arm.

Intervals are normal with the standard error of the influence values, clustered where learners are given.
An estimate is refused, with the reason, where the log does not support the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

Z_95 = 1.959963984540054
FOLDS = 5
RIDGE = 1.0
SUM_TOLERANCE = 1e-3
UNSUPPORTED_SHARE = 0.05
FEW_EFFECTIVE = 50


class Unsupported(ValueError):
    """The log cannot answer for this policy; the message says why and what to do."""


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
        bad = ~((self.propensities > 0) & (self.propensities <= 1))
        self._refuse(
            bad, "has a propensity that is not above 0 and at most 1; log the arm's true probability"
        )
        self._refuse(~np.isfinite(self.rewards), "has a reward that is not a finite number")
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


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error and 95% interval, in units of reward per decision."""

    value: float
    error: float
    low: float
    high: float


@dataclass(frozen=True)
class PolicyValue:
    """One policy's estimates, or the reason (`refused`) why there are none.

    `effective_n` is (sum w)^2 / sum w^2; `mean_weight` should be near 1, and falls short of it by the share
    of decisions in which the policy's arm could not have been chosen.
    """

    policy: str
    n: int
    refused: str = ""
    ips: Estimate | None = None
    snips: Estimate | None = None
    dr: Estimate | None = None
    effective_n: float = 0.0
    mean_weight: float = 0.0
    max_weight: float = 0.0
    warnings: tuple[str, ...] = ()


def evaluate(decisions: Decisions, seed: int = 0) -> list[PolicyValue]:
    """The logged policy, then the target policy if given, then every arm chosen always."""
    names = sorted(set(decisions.arms.tolist()) | set(decisions.targets))
    reward_model = _reward_model(decisions, names, seed)
    values = [_logged(decisions)]
    if decisions.targets:
        zeros = np.zeros(len(decisions.ids))
        table = np.column_stack([decisions.targets.get(name, zeros) for name in names])
        values.append(_value("target", decisions, names, table, reward_model))
    for index, name in enumerate(names):
        table = np.zeros((len(decisions.ids), len(names)))
        table[:, index] = 1.0
        values.append(_value(f"always {name}", decisions, names, table, reward_model))
    return values


def _logged(decisions: Decisions) -> PolicyValue:
    n = len(decisions.ids)
    mean = _estimate(decisions.rewards, decisions.clusters)
    return PolicyValue("logged", n, "", mean, mean, mean, float(n), 1.0, 1.0)


def _value(
    policy: str, decisions: Decisions, names: Sequence[str], table: FloatArray, reward_model: FloatArray
) -> PolicyValue:
    """`table` and `reward_model` are [n, arms]: target probability and expected reward of each arm."""
    rows = np.arange(len(decisions.ids))
    taken = np.searchsorted(np.asarray(names), decisions.arms)
    weights = table[rows, taken] / decisions.propensities
    try:
        warnings = _check_support(decisions, names, table, weights)
    except Unsupported as refusal:
        return PolicyValue(policy, len(rows), refused=str(refusal))
    rewards, clusters = decisions.rewards, decisions.clusters
    mean_weight = float(weights.mean())
    snips = float((weights * rewards).sum() / weights.sum())
    doubly = (table * reward_model).sum(axis=1) + weights * (rewards - reward_model[rows, taken])
    return PolicyValue(
        policy,
        len(rows),
        "",
        _estimate(weights * rewards, clusters),
        _estimate(snips + weights * (rewards - snips) / mean_weight, clusters),
        _estimate(doubly, clusters),
        float(weights.sum() ** 2 / (weights**2).sum()),
        mean_weight,
        float(weights.max()),
        warnings,
    )


def _check_support(
    decisions: Decisions, names: Sequence[str], table: FloatArray, weights: FloatArray
) -> tuple[str, ...]:
    """Warnings about thin overlap; raises Unsupported where there is none."""
    logged = set(decisions.arms.tolist())
    for index, name in enumerate(names):
        if name not in logged and table[:, index].any():
            raise Unsupported(
                f"the policy chooses '{name}', which was never logged; log it with some probability first"
            )
    if not weights.any():
        raise Unsupported("the policy never agrees with a logged decision; there is nothing to learn from")
    mean = _estimate(weights, decisions.clusters)
    if mean.value + 3 * mean.error < 1 - UNSUPPORTED_SHARE:
        raise Unsupported(
            f"in about {1 - mean.value:.0%} of the decisions the policy's choice had no chance of being "
            "logged; restrict the table to decisions where every arm had a chance, or explore more"
        )
    warnings = []
    if mean.value - 3 * mean.error > 1 + UNSUPPORTED_SHARE:
        warnings.append(
            f"the weights average {mean.value:.2f}, not 1: the logged propensities look too small"
        )
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    if effective < FEW_EFFECTIVE:
        warnings.append(f"only {effective:.0f} effective decisions: the intervals are not to be trusted")
    return tuple(warnings)


def _estimate(influence: FloatArray, clusters: NDArray[np.str_] | None) -> Estimate:
    """Mean of influence values and its normal interval; deviations are summed within a cluster first."""
    n = len(influence)
    value = float(influence.mean())
    deviations: FloatArray = influence - value
    if clusters is not None:
        deviations = np.bincount(np.unique(clusters, return_inverse=True)[1], deviations).astype(np.float64)
    size = len(deviations)
    error = float(np.sqrt((deviations**2).sum() * size / max(1, size - 1)) / n) if size > 1 else np.inf
    return Estimate(value, error, value - Z_95 * error, value + Z_95 * error)


def _reward_model(decisions: Decisions, names: Sequence[str], seed: int) -> FloatArray:
    """Expected reward [n, arms], each row from decisions of other folds (learners whole where given)."""
    n = len(decisions.ids)
    context = np.zeros((n, 0)) if decisions.context is None else decisions.context
    scale = context.std(axis=0)
    context = (context - context.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    design = np.column_stack((np.ones(n), context))
    ids = np.asarray(decisions.ids) if decisions.clusters is None else decisions.clusters
    groups = np.unique(ids, return_inverse=True)[1]
    fold = np.random.default_rng(seed).permutation(int(groups.max()) + 1)[groups] % FOLDS
    expected = np.empty((n, len(names)))
    for index, name in enumerate(names):
        chosen = decisions.arms == name
        for k in range(FOLDS):
            train, held = chosen & (fold != k), fold == k
            expected[held, index] = design[held] @ _ridge(design[train], decisions.rewards[train])
    return expected


def _ridge(design: FloatArray, rewards: FloatArray) -> FloatArray:
    """Ridge coefficients with a free intercept; all zero without rows."""
    penalty = RIDGE * np.eye(design.shape[1])
    penalty[0, 0] = 0.0 if len(rewards) else 1.0
    solution: FloatArray = np.linalg.solve(design.T @ design + penalty, design.T @ rewards)
    return solution


def as_json(values: Sequence[PolicyValue]) -> list[dict[str, Any]]:
    """JSON-ready rows; a refused policy keeps its reason and has null estimates."""
    return [
        {
            "policy": value.policy,
            "n": value.n,
            "refused": value.refused or None,
            **{name: _estimate_json(getattr(value, name)) for name in ("ips", "snips", "dr")},
            "effective_n": value.effective_n,
            "mean_weight": value.mean_weight,
            "max_weight": value.max_weight,
            "warnings": list(value.warnings),
        }
        for value in values
    ]


def _estimate_json(estimate: Estimate | None) -> dict[str, float | None] | None:
    if estimate is None:
        return None
    ends = (estimate.error, estimate.low, estimate.high)
    error, low, high = (end if np.isfinite(end) else None for end in ends)
    return {"value": estimate.value, "error": error, "low": low, "high": high}


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
