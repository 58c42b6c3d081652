"""What is kept of a learner and a message, as the model's features take it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.features import History, Message
from predictor.helpfulness import HelpfulnessModel, Keys
from predictor.penalised import DISMISSED, HELPFUL, NOT_HELPFUL

from . import answers, gate

NOBODYS: Keys = ("", "", "", "")
"""Keys of a message of which it was not kept whose effects it shares."""
DISMISSALS = 0.2
"""Share of messages taken to be dismissed before the first night has counted them."""


def history(counts: Mapping[str, Any], sent: Iterable[float], at: float) -> History:
    """A learner's past with our messages.

    Args:
        counts: what the learner did with them, as `Learner.answers` holds it.
        sent: when the newest of them were sent, in unix seconds; `at` likewise.
    """
    ages = [max(0.0, at - each) for each in sent]
    return History(total=answers.total(counts), kinds=answers.by_kind(counts), ages=ages)


def message(
    kind: str, trigger: str, tallies: Sequence[gate.Tally], shrinkage: float, objective: str = "vote"
) -> Message:
    """One wording, by how it has fared: its shares shrunk towards placement, kind and site."""
    refused = [gate.Tally(tally.shown, tally.not_helpful) for tally in tallies]
    return Message(
        kind=kind,
        trigger=trigger,
        helpful=gate.shrunken(tallies, shrinkage),
        not_helpful=gate.shrunken(refused, shrinkage, 0.1),
        shown=tallies[-1].shown,
        objective=objective,
    )


def keys(wording: str, placement: str, course: str, kind: str, trigger: str) -> Keys:
    """Whose effects a message shares."""
    return f"wording {wording}", f"placement {placement}", f"{kind} in {course}", f"{kind} at {trigger}"


def foreseen(
    model: HelpfulnessModel | None,
    names: Sequence[str],
    rows: NDArray[np.float32],
    keys: Sequence[Keys] = (),
) -> NDArray[np.float64]:
    """P(helpful), P(not helpful), P(dismissed) [n, 3] of rows [n, d] for a learner of whom nothing is known.

    What the learner then really answers is measured against these.  Without a model they are the shares of
    the message, and a guess for dismissals.
    """
    if model is not None:
        return model.foresee(rows, keys)[:, [HELPFUL, NOT_HELPFUL, DISMISSED]]
    columns = [list(names).index(name) for name in ("message.helpful", "message.not_helpful")]
    voted = 1.0 / (1.0 + np.exp(-rows[:, columns].astype(np.float64)))
    return np.column_stack([voted, np.full(len(rows), DISMISSALS)])
