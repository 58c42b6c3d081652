"""How good a model is on learners held out from its training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from predictor import trainset
from predictor.batches import to_batch
from predictor.calibration import Calibration, fit_calibration, sigmoid
from predictor.inputs import Floats
from predictor.metrics import auc, ece, log_loss
from predictor.model import Network
from predictor.trainset import Pool, Scope

WEEKS_MEASURED = 10


@dataclass(frozen=True)
class HeldOut:
    """What a network says at every marker of learners held out.

    `logits` and `labels` [R, targets], a label NaN where unknown; `days` [R] since the clock's zero;
    `weights` [R] what each counts in the loss.
    """

    targets: tuple[str, ...]
    logits: Floats
    labels: Floats
    days: Floats
    weights: Floats

    @property
    def loss(self) -> float | None:
        """Weighted mean cross-entropy, mean over the targets with a known label; None without any."""
        known = np.isfinite(self.labels)
        chances = np.clip(sigmoid(self.logits), 1e-6, 1 - 1e-6)
        losses = -np.where(self.labels > 0.5, np.log(chances), np.log(1 - chances))
        means = [
            np.average(losses[rows, column], weights=self.weights[rows])
            for column, rows in enumerate(known.T)
            if rows.any()
        ]
        return float(np.mean(means)) if means else None

    def calibration(self, shifted: bool) -> dict[str, Calibration]:
        """Scale and, if `shifted`, shift per target."""
        return {
            target: fit_calibration(self.logits[:, column], self.labels[:, column], shifted)
            for column, target in enumerate(self.targets)
        }

    def metrics(self, calibration: Mapping[str, Calibration]) -> dict[str, dict[str, Any]]:
        """Per target: n, auc, ece and log_loss over all markers, and AUC by week; None where undefined."""
        return {
            target: self._metrics(column, calibration[target]) for column, target in enumerate(self.targets)
        }

    def _metrics(self, column: int, pair: Calibration) -> dict[str, Any]:
        known = np.isfinite(self.labels[:, column])
        labels, days = self.labels[known, column], self.days[known]
        chances = sigmoid(self.logits[known, column] * pair.scale + pair.shift)
        weeks = {week: days == 7 * week for week in range(1, WEEKS_MEASURED + 1)}
        return {
            "n": len(labels),
            "auc": _plain(auc(labels, chances)),
            "ece": _plain(ece(labels, chances)) if len(labels) else None,
            "log_loss": _plain(log_loss(labels, chances)) if len(labels) else None,
            "auc_by_week": {
                str(week): _plain(auc(labels[rows], chances[rows]))
                for week, rows in weeks.items()
                if rows.any()
            },
        }


@torch.no_grad()
def read_held_out(
    network: Network, pools: Iterable[Pool], targets: Sequence[str], leave_days: float, scope: Scope
) -> HeldOut:
    """Every marker inside the scope of everyone in the pools, each of them small enough to be run at once."""
    network.eval()
    config, width = network.input_config, len(targets)
    logits, labels = [np.zeros((0, width))], [np.zeros((0, width))]
    days, weights = [np.zeros(0)], [np.zeros(0)]
    for pool in pools:
        pool = scope.narrowed(config, pool, leave_days)
        steps, known = trainset.labelled_steps(config, pool, leave_days, scope=scope)
        batch = to_batch(steps, config.event_tokens)
        if batch.running:
            hidden, _ = network.hidden(batch)
            logits.append(network.readings(hidden, batch).numpy().astype(np.float64))
            labels.append(known.astype(np.float64))
            days.append(steps.reading_days)
            weights.append(scope.weights(steps).astype(np.float64))
    columns = (np.concatenate(column) for column in (logits, labels, days, weights))
    return HeldOut(tuple(targets), *columns)


def _plain(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None
