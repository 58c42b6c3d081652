"""What another policy would have earned, from decisions logged with their propensities.

Three estimators of the mean reward of a target policy over n logged decisions, with weight
w = target probability of the logged arm / its logged propensity:

- IPS (Horvitz & Thompson 1952): mean of w * reward; unbiased, restless.
- SNIPS (Swaminathan & Joachims 2015): sum of w * reward / sum of w; a little biased, far calmer.
- DR (Dudík et al. 2011): the mean of a reward model under the target, corrected by w * (reward - model). The
  model is a ridge regression per arm, fitted on the other folds, on the context columns; without any, on the
  target's own probabilities, which say what the target makes of the context.

Intervals are those of the mean of the influence values (see `intervals`), clustered where learners are given,
with as many degrees of freedom as there are effective decisions.  An estimate is refused, with the reason,
where the log does not support the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import intervals
from .intervals import Estimate
from .logged import Decisions

FloatArray = NDArray[np.float64]

FOLDS = 5
RIDGE = 1.0
UNSUPPORTED_SHARE = 0.05
NEGLIGIBLE = 1e-3
FEW_EFFECTIVE = 50
HEAVY = 0.1
STRICT = 3.0
"""Normal quantile at which weights count as too small or too large on average."""


class Unsupported(ValueError):
    """The log cannot answer for this policy; the message says why and what to do."""


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
    mean = intervals.mean(decisions.rewards, decisions.clusters)
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
    free = effective(weights, clusters) - 1.0
    mean_weight = float(weights.mean())
    snips = float((weights * rewards).sum() / weights.sum())
    doubly = (table * reward_model).sum(axis=1) + weights * (rewards - reward_model[rows, taken])
    return PolicyValue(
        policy,
        len(rows),
        "",
        intervals.mean(weights * rewards, clusters, free),
        intervals.mean(snips + weights * (rewards - snips) / mean_weight, clusters, free),
        intervals.mean(doubly, clusters, free),
        effective(weights),
        mean_weight,
        float(weights.max()),
        warnings,
    )


def effective(weights: FloatArray, clusters: NDArray[np.str_] | None = None) -> float:
    """How many equally weighed decisions (clusters, where given) tell as much: (sum w)^2 / sum w^2."""
    if clusters is not None:
        weights = np.bincount(np.unique(clusters, return_inverse=True)[1], weights).astype(np.float64)
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0.0 else 0.0


def _check_support(
    decisions: Decisions, names: Sequence[str], table: FloatArray, weights: FloatArray
) -> tuple[str, ...]:
    """Warnings about thin overlap; raises Unsupported where there is none."""
    logged = set(decisions.arms.tolist())
    for index, name in enumerate(names):
        if name not in logged and table[:, index].mean() > NEGLIGIBLE:
            raise Unsupported(
                f"the policy chooses '{name}', which was never logged; log it with some probability first"
            )
    if not weights.any():
        raise Unsupported("the policy never agrees with a logged decision; there is nothing to learn from")
    mean = intervals.mean(weights, decisions.clusters, z=STRICT)
    if mean.high < 1 - UNSUPPORTED_SHARE:
        raise Unsupported(
            f"in about {1 - mean.value:.0%} of the decisions the policy's choice had no chance of being "
            "logged; restrict the table to decisions where every arm had a chance, or explore more"
        )
    return tuple(_doubts(decisions, weights, mean))


def _doubts(decisions: Decisions, weights: FloatArray, mean: Estimate) -> list[str]:
    found = []
    if mean.low > 1 + UNSUPPORTED_SHARE:
        found.append(f"the weights average {mean.value:.2f}, not 1: the logged propensities look too small")
    enough = effective(weights)
    if enough < FEW_EFFECTIVE:
        found.append(f"only {enough:.0f} effective decisions: the intervals are not to be trusted")
    if len(weights) > FEW_EFFECTIVE and weights.max() > HEAVY * weights.sum():
        first = decisions.ids[int(weights.argmax())]
        share = weights.max() / weights.sum()
        found.append(f"decision {first} alone is {share:.0%} of the estimate: its propensity is very small")
    agreed = decisions.rewards[weights > 0]
    if len(agreed) > 1 and agreed.min() == agreed.max():
        found.append("every reward that counts is the same: how far it varies is not known")
    return found


@dataclass(frozen=True, eq=False)
class Replayed:
    """What a policy would have done at n logged decisions.

    Args:
        chances: [n], its probability of what was logged.
        expected: [n], its mean reward under a reward model.
        unsupported: its mean probability of arms whose reward the log cannot tell.
    """

    chances: FloatArray
    expected: FloatArray
    unsupported: float = 0.0


@dataclass(frozen=True)
class Gap:
    """Doubly robust values of two policies and of the log, and the first's value less the second's.

    `effective_n` counts the learners (or decisions) on whom the difference rests.
    """

    new: Estimate
    old: Estimate
    logged: Estimate
    difference: Estimate
    effective_n: float
    disagreement: float


def gap(
    rewards: FloatArray,
    propensities: FloatArray,
    modelled: FloatArray,
    new: Replayed,
    old: Replayed,
    clusters: NDArray[np.str_] | None = None,
) -> Gap:
    """Compare two policies on the same decisions; their difference is far surer than either value.

    `modelled` [n] is the reward model's word for the logged arm; the model must not have seen these rewards.
    Raises Unsupported where a policy chooses what the log cannot tell of.
    """
    worst = max(new.unsupported, old.unsupported)
    if worst > UNSUPPORTED_SHARE:
        raise Unsupported(
            f"in about {worst:.0%} of the decisions the policy's choice had no chance of being logged"
        )
    influences = [each.expected + each.chances / propensities * (rewards - modelled) for each in (new, old)]
    apart = np.abs(new.chances - old.chances)
    free = [effective(each.chances / propensities, clusters) - 1.0 for each in (new, old)]
    counted = effective(apart / propensities, clusters)
    return Gap(
        intervals.mean(influences[0], clusters, free[0]),
        intervals.mean(influences[1], clusters, free[1]),
        intervals.mean(rewards, clusters),
        intervals.mean(influences[0] - influences[1], clusters, counted - 1.0 if counted else np.inf),
        counted,
        float(apart.mean()),
    )


def _reward_model(decisions: Decisions, names: Sequence[str], seed: int) -> FloatArray:
    """Expected reward [n, arms], each row from decisions of other folds (learners whole where given)."""
    n = len(decisions.ids)
    context = _context(decisions)
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


def _context(decisions: Decisions) -> FloatArray:
    """What the reward model sees of a decision before anything was done, [n, d]."""
    if decisions.context is not None:
        return decisions.context
    targets = list(decisions.targets.values())[1:]  # they sum to one: the first is told by the others
    return np.column_stack(targets) if targets else np.zeros((len(decisions.ids), 0))


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
