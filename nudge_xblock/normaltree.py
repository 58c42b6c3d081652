"""Effects of many things, shrunk towards the groups they belong to.

Pure.  Every node of a tree (the root, its groups, their groups, the things themselves) has an effect; a
child's differs from its parent's by a normal draw whose variance belongs to the level.  The variances are
estimated from the estimates (DerSimonian and Laird 1986), the effects by exact Gaussian message passing.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

Chain = tuple[Hashable, ...]


class Belief(NamedTuple):
    """A normal belief about one effect."""

    mean: float
    deviation: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The central interval that holds the effect with this probability."""
        reach = NormalDist().inv_cdf(0.5 + level / 2) * self.deviation
        return self.mean - reach, self.mean + reach

    def below(self, value: float) -> float:
        """The probability that the effect is below `value`."""
        if not self.deviation:
            return float(self.mean < value)
        return NormalDist().cdf((value - self.mean) / self.deviation)


@dataclass(slots=True)
class _Node:
    """What is known of one node: its precision, and precision times mean."""

    parent: int
    precision: float = 0.0
    weighted: float = 0.0

    @property
    def mean(self) -> float:
        return self.weighted / self.precision if self.precision else 0.0


def shrink(
    estimates: Sequence[tuple[float, float]], chains: Sequence[Chain], prior: float = math.inf
) -> list[Belief]:
    """Beliefs about the things, given an estimate with its variance of each.

    Args:
        estimates: (estimate, variance); an infinite variance stands for nothing known.
        chains: the groups of each thing, broadest first; the same number for all.
        prior: variance of a belief about the root around zero; infinite: none.
    """
    if not estimates:
        return []
    levels = _levels(chains)
    for leaf, (estimate, variance) in zip(levels[-1], estimates, strict=True):
        if math.isfinite(variance):
            leaf.precision, leaf.weighted = 1.0 / variance, estimate / variance
    spreads = [0.0] * len(levels)
    ups: list[list[tuple[float, float]]] = [[] for _ in levels]
    for depth in range(len(levels) - 1, 0, -1):
        spreads[depth] = _spread(levels[depth])
        ups[depth] = [_through(node.precision, node.weighted, spreads[depth]) for node in levels[depth]]
        for node, (precision, weighted) in zip(levels[depth], ups[depth], strict=True):
            above = levels[depth - 1][node.parent]
            above.precision += precision
            above.weighted += weighted
    levels[0][0].precision += 1.0 / prior
    for depth in range(1, len(levels)):
        for node, (precision, weighted) in zip(levels[depth], ups[depth], strict=True):
            above = levels[depth - 1][node.parent]
            down = _through(above.precision - precision, above.weighted - weighted, spreads[depth])
            node.precision += down[0]
            node.weighted += down[1]
    return [_belief(node) for node in levels[-1]]


def _levels(chains: Sequence[Chain]) -> list[list[_Node]]:
    """The nodes of each level, the root first; the last level has one per chain."""
    depth = len(chains[0])
    if any(len(chain) != depth for chain in chains):
        raise ValueError("every chain of groups must be of the same length")
    levels, above = [[_Node(0)]], dict.fromkeys((chain[:0] for chain in chains), 0)
    for size in range(1, depth + 1):
        keys = list(dict.fromkeys(chain[:size] for chain in chains))
        levels.append([_Node(above[key[:-1]]) for key in keys])
        above = {key: place for place, key in enumerate(keys)}
    levels.append([_Node(above[chain]) for chain in chains])
    return levels


def _spread(nodes: Sequence[_Node]) -> float:
    """Variance between siblings beyond their own noise, pooled over all families."""
    families: dict[int, list[_Node]] = {}
    for node in nodes:
        if node.precision > 0.0:
            families.setdefault(node.parent, []).append(node)
    excess, scale = 0.0, 0.0
    for family in families.values():
        total = sum(node.precision for node in family)
        centre = sum(node.weighted for node in family) / total
        excess += sum(node.precision * (node.mean - centre) ** 2 for node in family) - (len(family) - 1)
        scale += total - sum(node.precision**2 for node in family) / total
    return max(0.0, excess / scale) if scale > 0.0 else 0.0


def _through(precision: float, weighted: float, spread: float) -> tuple[float, float]:
    """A belief seen through a step of variance `spread`: precision and precision times mean."""
    if precision <= 1e-12:
        return 0.0, 0.0
    share = 1.0 / (1.0 + precision * spread)
    return precision * share, weighted * share


def _belief(node: _Node) -> Belief:
    if node.precision <= 0.0:
        return Belief(0.0, math.inf)
    return Belief(node.mean, 1.0 / math.sqrt(node.precision))
