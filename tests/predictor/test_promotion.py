"""A new model earns its place by held-out figures."""

from __future__ import annotations

from typing import Any

import pytest

from predictor.promotion import lost, stack_lost, worthless


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


def stack(
    *aucs: float | None, alone: float | None = 0.78, ece: float | None = 0.02, first: int = 7, n: int = 10_000
) -> dict[str, Any]:
    moments = [
        {"day": first + 7.0 * place, "n": n, "auc": auc, "boosting": auc, "sequence": alone, "ece": ece}
        for place, auc in enumerate(aucs)
    ]
    return {"metrics": {"passed": moments}}


@pytest.mark.parametrize(
    "found", [stack(0.8, 0.85), stack(0.76, 0.82), stack(None, None), stack(0.8, alone=None)]
)
def test_a_stack_as_good_as_the_lstm_alone_is_worth_keeping(found: dict[str, Any]) -> None:
    assert worthless(found) == ""


def test_a_stack_that_foresees_worse_than_the_lstm_alone_is_worthless() -> None:
    assert worthless(stack(0.75, 0.77)) == "its AUC for passed is 0.760, the LSTM's alone 0.780"


@pytest.mark.parametrize(
    "new",
    [stack(0.8, 0.85), stack(0.8, 0.84), stack(0.9), stack(0.1, first=50), stack(None), stack(0.8, ece=0.03)],
)
def test_a_stack_as_good_as_before_is_good_enough(new: dict[str, Any]) -> None:
    assert stack_lost([stack(0.8, 0.85)], [new]) == ""
    assert stack_lost([], [new]) == ""


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ([stack(0.8, 0.82)], "of its stack, its AUC for passed is 0.810, not 0.825"),
        ([stack(0.78, first=7)], "its AUC for passed is 0.780, not 0.800"),
        ([stack(0.8, 0.85, ece=0.05)], "of its stack, its calibration error for passed is 0.050, not 0.020"),
        ([], "it has no stack, which the current one has"),
    ],
)
def test_a_loss_of_the_stack_is_named(new: list[dict[str, Any]], reason: str) -> None:
    assert reason in stack_lost([stack(0.8, 0.85)], new)
