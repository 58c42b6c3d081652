"""Whether a new engagement model, with its stack, may take the place of the one that serves.

By held-out figures alone, which the manifests hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

WORSE_AUC = 0.01
WORSE_ECE = 0.02
"""Differences that held-out courses of one night and the next bring by themselves."""

Moments = Sequence[Mapping[str, Any]]
"""A stack's figures at each moment: day, n, auc, sequence (the LSTM's AUC on the same learners) and ece."""


def lost(current: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Why the new model has not earned its place, from the two manifests; nothing where it has.

    A target that only the new one has is not compared; one that only the current one has must not get lost.
    """
    gone = [target for target in current["targets"] if target not in new["targets"]]
    if gone:
        return f"it does not predict {', '.join(gone)}"
    for target in current["targets"]:
        before, now = (manifest["metrics"].get(target, {}) for manifest in (current, new))
        if why := _worse(target, before, now):
            return why
    return ""


def worthless(stack: Mapping[str, Any]) -> str:
    """Why a stack, whose manifest is given, foresees worse than the LSTM alone; nothing where it does not."""
    for target, moments in stack["metrics"].items():
        stacked, alone = _mean(moments, "auc"), _mean(moments, "sequence")
        if _less(stacked, alone, max(WORSE_AUC, _chance(moments))):
            return f"its AUC for {target} is {stacked:.3f}, the LSTM's alone {alone:.3f}"
    return ""


def stack_lost(current: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> str:
    """Why a new stack has not earned its place; each argument holds a manifest, or none where there is none.

    Compared are the moments that both were asked about.
    """
    if not current:
        return ""
    if not new:
        return "it has no stack, which the current one has"
    for target, before in current[0]["metrics"].items():
        now = new[0]["metrics"].get(target, ())
        common = {moment["day"] for moment in before} & {moment["day"] for moment in now}
        first, second = ([each for each in moments if each["day"] in common] for moments in (before, now))
        margin = max(WORSE_AUC, _chance(second))
        if why := _worse(target, _figures(first), _figures(second), margin):
            return f"of its stack, {why}"
    return ""


def _worse(target: str, before: Mapping[str, Any], now: Mapping[str, Any], margin: float = WORSE_AUC) -> str:
    if _less(now.get("auc"), before.get("auc"), margin):
        return f"its AUC for {target} is {now['auc']:.3f}, not {before['auc']:.3f}"
    if _less(before.get("ece"), now.get("ece"), WORSE_ECE):
        return f"its calibration error for {target} is {now['ece']:.3f}, not {before['ece']:.3f}"
    return ""


def _figures(moments: Moments) -> dict[str, float | None]:
    return {name: _mean(moments, name) for name in ("auc", "ece")}


def _chance(moments: Moments) -> float:
    """About the standard error of an AUC of .75 on so many learners, half of them ones (Hanley & McNeil)."""
    return 0.5 / math.sqrt(max((moment["n"] for moment in moments), default=1) or 1)


def _mean(moments: Moments, name: str) -> float | None:
    """Over learners at all moments where it is known; None where it is nowhere."""
    known: Iterator[tuple[float, int]] = (
        (moment[name], moment["n"]) for moment in moments if moment[name] is not None
    )
    values, sizes = np.array([*known], dtype=np.float64).reshape(-1, 2).T
    return float(np.average(values, weights=sizes)) if sizes.sum() else None


def _less(value: float | None, other: float | None, margin: float) -> bool:
    return value is not None and other is not None and value < other - margin
