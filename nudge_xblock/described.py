"""What is kept of a learner and a message, as the model's features take it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.features import History, Message
from predictor.helpfulness import HelpfulnessModel

from . import answers, gate


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


def foreseen(
    model: HelpfulnessModel | None, names: Sequence[str], rows: NDArray[np.float32]
) -> NDArray[np.float64]:
    """P(helpful) and P(not helpful) [n, 2] of rows [n, d] for a learner of whom nothing is known.

    What the learner then really answers is measured against these.  Without a model they are the shares of
    the message.
    """
    if model is not None:
        return model.foresee(rows)[:, :2]
    columns = [list(names).index(name) for name in ("message.helpful", "message.not_helpful")]
    return 1.0 / (1.0 + np.exp(-rows[:, columns].astype(np.float64)))
