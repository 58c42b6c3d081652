"""A new model earns its place by held-out figures."""

from __future__ import annotations

from typing import Any

import pytest

from predictor.promotion import lost


def manifest(
    auc: float | None = 0.8, ece: float | None = 0.02, targets: tuple[str, ...] = ("passed",)
) -> dict[str, Any]:
    return {"targets": list(targets), "metrics": {target: {"auc": auc, "ece": ece} for target in targets}}


@pytest.mark.parametrize(
    "new", [manifest(), manifest(0.9), manifest(0.795), manifest(ece=0.035), manifest(None, None)]
)
def test_as_good_as_before_is_good_enough(new: dict[str, Any]) -> None:
    assert lost(manifest(), new) == ""


def test_a_new_target_is_no_objection() -> None:
    assert lost(manifest(), manifest(targets=("passed", "leave"))) == ""


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (manifest(0.78), "AUC for passed is 0.780, not 0.800"),
        (manifest(ece=0.06), "calibration error for passed is 0.060"),
        (manifest(targets=("leave",)), "does not predict passed"),
    ],
)
def test_a_loss_is_named(new: dict[str, Any], reason: str) -> None:
    assert reason in lost(manifest(), new)
