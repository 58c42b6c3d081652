"""Smooth curves over the course: cubic B-splines on equally spaced knots (P-splines, Eilers and Marx 1996).

A curve is a weighted sum of bumps, each alive on a part of the course. With equal weights it is flat, with
weights on a line it is a line, with weights of one sign it never changes its sign: so what is asked of a
curve can be asked of its weights. numpy is all it takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

DEGREE = 3


def bumps(share: FloatArray, size: int) -> FloatArray:
    """Values [n, size] of the `size` (at least 4) bumps at shares of the course passed [n]; rows sum to 1.

    Before the course's start (0) and after its end (1) a curve stays what it is there. By the recursion of
    Cox and de Boor.
    """
    pieces = size - DEGREE
    place = np.clip(np.asarray(share, dtype=np.float64), 0.0, 1.0)[:, None] * pieces
    knots = np.arange(-DEGREE, pieces + DEGREE + 1, dtype=np.float64)
    piece = np.minimum(np.floor(place), pieces - 1)
    values = np.where(knots[:-1] == piece, 1.0, 0.0)
    for degree in range(1, DEGREE + 1):
        rising = (place - knots[: -degree - 1]) / degree
        falling = (knots[degree + 1 :] - place) / degree
        values = rising[:, : values.shape[1] - 1] * values[:, :-1] + falling * values[:, 1:]
    return values


def roughness(size: int) -> FloatArray:
    """Penalty [size, size] on a curve's weights: the sum of squares of their steps, 0 for a flat curve."""
    steps = np.diff(np.eye(size), axis=0)
    penalty: FloatArray = steps.T @ steps
    return penalty


def scores(weights: FloatArray, table: NDArray[np.floating[Any]], share: FloatArray) -> FloatArray:
    """Log-odds [R] of rows: a constant and each column of the table [R, d] times its curve, [d + 1, size]."""
    curves = bumps(share, weights.shape[1])
    logits: FloatArray = ((table @ weights[1:] + weights[0]) * curves).sum(axis=1)
    return logits
