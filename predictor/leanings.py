"""A learner's own leanings: how they like messages, each kind of them, and how ready they are to answer.

Random effects in closed form from what is counted anyway.  With each send it is noted what a learner of whom
nothing is known would have answered; what came beyond that, along the loadings of liking, is the score A of
the effect, and its variance the information I.  For a liking r of variance S over learners and a taste t for
each kind of variance T beside it, the posterior means are

    r = sum_k A_k / (1 + T I_k)  /  (1/S + sum_k I_k / (1 + T I_k)),     t_k = (A_k - I_k r) / (1/T + I_k)

(one step of Newton's method from "nothing is known").  Counts add up, so an answer taken back is subtracted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LEARNERS = 1.0
"""Variance of liking over learners, in the units of penalised.LOADINGS; the others likewise."""
TASTES = 0.1
READY = 0.25
HELPFUL, NOT_HELPFUL, DISMISSED = 0.5, -0.5, -0.3
"""Loadings of liking; those of readiness are one for a vote and nothing otherwise."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a learner did with earlier messages (of all kinds, or of one).

    `foreseen_…`: how many such answers would have come from a learner of whom nothing is known but the same
    moments.
    """

    sent: float = 0.0
    helpful: float = 0.0
    not_helpful: float = 0.0
    clicked: float = 0.0
    dismissed: float = 0.0
    foreseen_helpful: float = 0.0
    foreseen_not_helpful: float = 0.0
    foreseen_dismissed: float = 0.0


@dataclass(frozen=True, slots=True)
class Own:
    """Posterior means for one learner, zero for an average one.  `tastes` by kind, beside `liking`."""

    liking: float = 0.0
    readiness: float = 0.0
    tastes: Mapping[str, float] = field(default_factory=dict)


def of_learner(total: Answers, kinds: Mapping[str, Answers]) -> Own:
    """The leanings of the learner with these answers to all messages and to each kind."""
    if total.sent <= 0.0:
        return Own()
    parts = {kind: (_score(each), _information(each)) for kind, each in kinds.items()}
    score = sum(gain / (1.0 + TASTES * known) for gain, known in parts.values())
    weight = sum(known / (1.0 + TASTES * known) for _, known in parts.values())
    liking = score / (1.0 / LEARNERS + weight)
    tastes = {kind: (gain - known * liking) / (1.0 / TASTES + known) for kind, (gain, known) in parts.items()}
    return Own(liking, _readiness(total), tastes)


def _score(answers: Answers) -> float:
    return (
        HELPFUL * (answers.helpful - answers.foreseen_helpful)
        + NOT_HELPFUL * (answers.not_helpful - answers.foreseen_not_helpful)
        + DISMISSED * (answers.dismissed - answers.foreseen_dismissed)
    )


def _information(answers: Answers) -> float:
    """Variance of the score, each send taken as like the average one."""
    if answers.sent <= 0.0:
        return 0.0
    foreseen = (
        (HELPFUL, answers.foreseen_helpful),
        (NOT_HELPFUL, answers.foreseen_not_helpful),
        (DISMISSED, answers.foreseen_dismissed),
    )
    mean = sum(loading * count for loading, count in foreseen)
    return max(0.0, sum(loading**2 * count for loading, count in foreseen) - mean**2 / answers.sent)


def _readiness(total: Answers) -> float:
    foreseen = total.foreseen_helpful + total.foreseen_not_helpful
    known = max(0.0, foreseen * (1.0 - foreseen / total.sent))
    return (total.helpful + total.not_helpful - foreseen) / (1.0 / READY + known)
