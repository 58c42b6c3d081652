"""Where a smooth function is least: L-BFGS (Nocedal 1980) with backtracking, in numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Move = tuple[Vector, Vector, float]
"""A step, how it changed the gradient, and their product."""

MEMORY = 8


def minimum(
    slope: Callable[[Vector], tuple[float, Vector]], at: Vector, steps: int, least_gain: float = 1e-6
) -> Vector:
    """Where a function is least, from `at` in at most `steps` steps; `slope` gives value and gradient.

    A step that gains less than `least_gain` is the last.
    """
    value, gradient = slope(at)
    moves: list[Move] = []
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
        if gain < least_gain:
            break
    return at


def _curved(gradient: NDArray[Any], moves: Sequence[Move]) -> Vector:
    """The gradient through the inverse of the curvature that the last moves showed (two-loop recursion)."""
    found, shares = gradient.copy(), []
    for step, change, bend in reversed(moves):
        share = float(step @ found) / bend
        shares.append(share)
        found -= share * change
    if moves:
        step, change, bend = moves[-1]
        found *= bend / float(change @ change)
    for (step, change, bend), share in zip(moves, reversed(shares), strict=True):
        found += (share - float(change @ found) / bend) * step
    return found
