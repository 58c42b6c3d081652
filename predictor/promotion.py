"""Whether a new engagement model may take the place of the one that serves, by held-out figures alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WORSE_AUC = 0.01
WORSE_ECE = 0.02
"""Differences that held-out courses of one night and the next bring by themselves."""


def lost(current: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Why the new model has not earned its place, from the two manifests; nothing where it has.

    A target that only the new one has is not compared; one that only the current one has must not get lost.
    """
    gone = [target for target in current["targets"] if target not in new["targets"]]
    if gone:
        return f"it does not predict {', '.join(gone)}"
    for target in current["targets"]:
        before, now = (manifest["metrics"].get(target, {}) for manifest in (current, new))
        if _worse(before.get("auc"), now.get("auc"), WORSE_AUC):
            return f"its AUC for {target} is {now['auc']:.3f}, not {before['auc']:.3f}"
        if _worse(now.get("ece"), before.get("ece"), WORSE_ECE):
            return f"its calibration error for {target} is {now['ece']:.3f}, not {before['ece']:.3f}"
    return ""


def _worse(more: float | None, less: float | None, margin: float) -> bool:
    return more is not None and less is not None and less < more - margin
