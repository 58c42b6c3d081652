"""Boosted trees as plain arrays: grown by LightGBM, stored with a model, evaluated by numpy alone.

A published model is never unpickled, and who serves it needs no boosting library: `Trees` reads the public
description of a booster once, after training, and gives the same raw scores to 1e-9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .moments import FloatArray, IntArray
from .signals import Floats32

ROWS_AT_ONCE = 8192


@dataclass(frozen=True)
class Trees:
    """Every node of every tree, numbered through; a tree's nodes follow its root.

    Args:
        roots: int64 [trees] the first node of each tree.
        features: int64 [nodes] the column that a node asks about, -1 at a leaf.
        thresholds: [nodes] left is at or below; at a leaf its score.
        children: int64 [nodes, 2] left and right; a leaf is its own child.
        missing_left: int64 [nodes] 1 where a missing value goes left, 0 where it goes right, -1 where it
            counts as 0.
        depth: of the deepest tree.
    """

    roots: IntArray
    features: IntArray
    thresholds: FloatArray
    children: IntArray
    missing_left: IntArray
    depth: int

    def score(self, table: FloatArray | Floats32) -> FloatArray:
        """Raw scores [n], log-odds for a classifier, of rows [n, columns]; NaN is a missing value."""
        scores = np.zeros(len(table))
        for begin in range(0, len(table), ROWS_AT_ONCE):
            part = table[begin : begin + ROWS_AT_ONCE]
            for root in self.roots.tolist():
                scores[begin : begin + len(part)] += self.thresholds[self._leaves(root, part)]
        return scores

    def _leaves(self, root: int, table: FloatArray | Floats32) -> IntArray:
        rows = np.arange(len(table))
        nodes = np.full(len(table), root, dtype=np.int64)
        for _ in range(self.depth):
            features = self.features[nodes]
            if (features < 0).all():
                break
            values = table[rows, features]
            missing = np.isnan(values)
            left = np.where(missing, 0.0, values) <= self.thresholds[nodes]
            told = self.missing_left[nodes]
            left = np.where(missing & (told >= 0), told == 1, left)
            nodes = self.children[nodes, np.where(left, 0, 1)]
        return nodes

    def tensors(self, prefix: str) -> dict[str, NDArray[Any]]:
        """For the model store, each name beginning with `prefix`."""
        return {
            f"{prefix}roots": self.roots,
            f"{prefix}features": self.features,
            f"{prefix}thresholds": self.thresholds,
            f"{prefix}children": self.children,
            f"{prefix}missing_left": self.missing_left,
            f"{prefix}depth": np.array([self.depth]),
        }

    @classmethod
    def even(cls) -> Trees:
        """A single leaf: even odds for everyone, where there is nothing to learn from."""
        leaf = np.full(1, -1, dtype=np.int64)
        root = np.zeros(1, dtype=np.int64)
        return cls(root, leaf, np.zeros(1), np.zeros((1, 2), dtype=np.int64), leaf, 0)

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]], prefix: str) -> Trees:
        """The inverse of `tensors`; ValueError where they describe no trees."""
        try:
            names = ("roots", "features", "children", "missing_left", "depth")
            whole = {name: tensors[prefix + name].astype(np.int64) for name in names}
            thresholds = tensors[prefix + "thresholds"].astype(np.float64)
        except KeyError as error:
            raise ValueError(f"the model lacks the tensor {error}") from None
        if not _are_trees(len(thresholds), **whole):
            raise ValueError(f"the tensors {prefix}* do not describe trees")
        return cls(
            whole["roots"],
            whole["features"],
            thresholds,
            whole["children"],
            whole["missing_left"],
            int(whole["depth"][0]),
        )

    @classmethod
    def from_lightgbm(cls, booster: Any) -> Trees:
        """The trees of a LightGBM booster with numeric columns, from its public `dump_model`."""
        nodes: list[tuple[int, float, int, int, int]] = []
        roots, depth = [], 0
        for tree in booster.dump_model()["tree_info"]:
            roots.append(len(nodes))
            depth = max(depth, _append(nodes, tree["tree_structure"]))
        columns = np.array(nodes, dtype=np.float64).reshape(-1, 5)
        whole = columns[:, [0, 2, 3, 4]].astype(np.int64)
        return cls(
            np.array(roots, dtype=np.int64), whole[:, 0], columns[:, 1], whole[:, 1:3], whole[:, 3], depth
        )


def _are_trees(
    nodes: int,
    roots: IntArray,
    features: IntArray,
    children: IntArray,
    missing_left: IntArray,
    depth: IntArray,
) -> bool:
    """Whether every walk from a root ends in a leaf, which is its own child, within `depth` steps."""
    shapes = features.shape, children.shape, missing_left.shape, depth.shape
    if shapes != ((nodes,), (nodes, 2), (nodes,), (1,)) or roots.ndim != 1:
        return False
    if not _inside(roots, nodes) or not _inside(children, nodes):
        return False
    leaves = np.flatnonzero(features < 0)
    if not (children[leaves] == leaves[:, None]).all():
        return False
    reached = np.unique(roots)
    for _ in range(int(depth[0])):
        reached = np.unique(children[reached])
    return bool((features[reached] < 0).all())


def score(bag: Sequence[Trees], table: Floats32) -> FloatArray:
    """Log-odds [n] of several boosters on average, from a table [n, columns]."""
    found: FloatArray = np.mean([trees.score(table) for trees in bag], axis=0)
    return found


def _inside(places: IntArray, nodes: int) -> bool:
    return bool(((places >= 0) & (places < nodes)).all())


def _append(nodes: list[tuple[int, float, int, int, int]], described: Mapping[str, Any]) -> int:
    """Append a subtree, node by node; its depth."""
    place = len(nodes)
    if "split_feature" not in described:
        nodes.append((-1, float(described["leaf_value"]), place, place, -1))
        return 0
    nodes.append((0, 0.0, place, place, -1))
    depths, children = [], []
    for side in ("left_child", "right_child"):
        children.append(len(nodes))
        depths.append(_append(nodes, described[side]))
    nodes[place] = (
        int(described["split_feature"]),
        float(described["threshold"]),
        children[0],
        children[1],
        int(bool(described["default_left"])) if described["missing_type"] == "NaN" else -1,
    )
    return 1 + max(depths)
