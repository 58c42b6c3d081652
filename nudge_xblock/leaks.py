"""Events that tell an outcome before it is known: a certificate logged on the day of enrolment, say.

A model that reads them looks brilliant on past courses and is worth nothing in a running one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from predictor.sequences import Sequences

LEAST_OF_A_CLASS = 10

Array = npt.NDArray[np.float64]


class Presence:
    """Counts, by kind of event, of learners who had it by a moment and of those it came true for."""

    def __init__(self) -> None:
        self._had: dict[str, list[int]] = {}
        self._sizes = [0, 0]

    def add(self, sequences: Sequences, learners: Sequence[str], moment: float, truth: Array) -> None:
        """Look at the events before `moment` of learners [n] whose outcomes are 0, 1, or NaN: not counted."""
        places = {learner: place for place, learner in enumerate(sequences.learners)}
        for label in (0, 1):
            mine = [learner for learner, value in zip(learners, truth, strict=True) if value == label]
            self._sizes[label] += len(mine)
            for learner in mine:
                for name in _names(sequences, places.get(learner), moment):
                    self._had.setdefault(name, [0, 0])[label] += 1

    def telling(self) -> dict[str, Any] | None:
        """The kind of event whose mere presence, or absence, tells most; None with too few of either class.

        `accuracy` is the mean of the shares of either class that it tells right.
        """
        if min(self._sizes) < LEAST_OF_A_CLASS or not self._had:
            return None
        shares = {name: had[1] / self._sizes[1] - had[0] / self._sizes[0] for name, had in self._had.items()}
        best = max(sorted(shares), key=lambda name: abs(shares[name]))
        return {"event": best, "accuracy": round(0.5 + 0.5 * abs(shares[best]), 4)}


def _names(sequences: Sequences, place: int | None, moment: float) -> list[str]:
    if place is None:
        return []
    rows = slice(int(sequences.offsets[place]), int(sequences.offsets[place + 1]))
    before = int(np.searchsorted(sequences.times[rows], moment))
    return [sequences.names[token] for token in np.unique(sequences.tokens[rows][:before]).tolist()]
