"""Dropout (Srivastava et al. 2014) from random bytes, eight drawn at once.

torch draws one number per element on a CPU, which took a tenth of all training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

LEVELS = 256


class Dropout(nn.Module):
    """In training, drops a share of the numbers (in 256ths) and scales the others up to the same sum."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.dropped = round(share * LEVELS)

    def forward(self, values: Tensor) -> Tensor:
        """The same shape; unchanged when not in training."""
        if not (self.training and self.dropped):
            return values
        drawn = torch.empty(-(-values.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        kept = drawn.view(torch.uint8)[: values.numel()].view(values.shape) >= self.dropped
        return values * (kept * (LEVELS / (LEVELS - self.dropped)))
