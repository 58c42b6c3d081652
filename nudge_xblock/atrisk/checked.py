"""The counter-check: a reason is told only where the model, asked anew without it, really says less.

Contributions are log-odds, which at the ends of the scale hardly move a probability: a learner who never came
and whose course is hard may be as good as lost either way.  Whoever reads a reason takes it for what would
help, so a reason must be worth a point.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from predictor.reasons import Case, Reason

LEAST = 0.01
"""By so much the probability must be lower with a typical learner's numbers in place of the group's."""


def holds(chance: float, reason: Reason) -> bool:
    """Whether the prediction would be a point lower without what a reason names."""
    return chance - reason.chance_if_typical >= LEAST


def reasons(case: Case) -> list[dict[str, Any]]:
    """The reasons of a case that hold, the strongest first, as they are stored in `Risk.reasons`."""
    return [
        {**asdict(reason), "numbers": [asdict(number) for number in reason.numbers]}
        for reason in case.reasons
        if holds(case.chance, reason)
    ]
