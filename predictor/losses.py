"""What training minimises, and how fast."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def masked_loss(logits: Tensor, labels: Tensor, weights: Tensor, whole: Tensor) -> Tensor:
    """Binary cross-entropy [R, targets] over known labels, a weighted mean per target, summed.

    `weights` [R]; `whole` [targets] their sum over the known labels of the whole batch.
    """
    there = torch.isfinite(labels)
    losses = binary_cross_entropy_with_logits(logits, torch.where(there, labels, 0.0), reduction="none")
    sums = torch.where(there, losses, 0.0).T @ weights
    total: Tensor = (sums / whole.clamp(min=1e-6)).sum()
    return total


def one_cycle(share: float) -> float:
    """The learning rate's factor after `share` of the training: up over the first 30%, down by a cosine."""
    if share < 0.3:
        return 0.1 + 0.9 * (share / 0.3)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (share - 0.3) / 0.7))
