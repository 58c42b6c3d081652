"""The gate: whether a message is sent at a moment, which wording of it, and with which probability.

Pure and without Django: the verdict depends on the arguments alone.  There are two levels.

*Message level.*  A wording whose share of successes at its placement, shrunk towards the placement, the kind
and the whole site, is below `Policy.min_helpful` is held back once it was shown often enough; so is one that
was found to lower what learners complete.  A trickle of it is still sent, so that a message that was unlucky,
or whose course changed, can recover.

*Learner level.*  Of the wordings left, a share `Policy.exploration` of moments sends one at random, whatever
the model says.  Otherwise one is sent when the learner is new to our messages (cold start), when there is no
model yet, or when P(success) sufficiently exceeds P(failure) and P(neither).  Where there is a model that
cannot be asked, it is held back.  A share `Policy.spared` of moments holds back what would be sent, so that
what sending does can be known.

*Which wording.*  Of several that may be sent, each is chosen as often as it is likely to be the best
(Thompson sampling): its worth for this learner is believed to be what the model says, as uncertain as what is
known of the wording itself leaves it.

What success is, a placement's objective says (see `objectives`): a "helpful" vote unless it is another.

All chance comes from one uniform number.  The unit interval is cut into consecutive segments, one per way
the decision can end; the segment that holds the number decides, and the widths are the exact propensities.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .reasons import EXPLORED, Reason
from .thompson import shares

HOLD = "hold"

Prediction = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Tally:
    """How often messages of one group were shown, and succeeded and failed.

    By the objective most have, that is: voted helpful and not helpful.  Counts may be fractions: older
    answers weigh less.
    """

    shown: float = 0.0
    helpful: float = 0.0
    not_helpful: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.shown + other.shown, self.helpful + other.helpful, self.not_helpful + other.not_helpful
        )

    def faded(self, share: float) -> Tally:
        """The same answers, each at `share` of its weight."""
        return Tally(share * self.shown, share * self.helpful, share * self.not_helpful)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One wording that could be sent.

    `tallies` run from the broadest group to the wording itself: site, kind, placement, variant.
    `prediction` holds P(helpful), P(not helpful), P(no interaction) for this learner now; None: no model.
    `harmful`: it was found to lower what learners complete.  `effect`: by which share learners are believed
    to come back more often, or less often (below zero), in the days after it than after other messages.
    """

    id: str
    tallies: tuple[Tally, ...] = ()
    prediction: Prediction | None = None
    harmful: bool = False
    effect: float = 0.0


@dataclass(frozen=True, slots=True)
class History:
    """How many messages the learner was sent, and answered by a vote, a click or a dismissal.

    `missing` says why there are no predictions although there is a model: the learner's state is not there,
    or the model's file is broken.
    """

    sent: int = 0
    answered: int = 0
    missing: Reason | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The gate's settings; settings/common.py says what each means to an operator."""

    exploration: float = 0.10
    trickle: float = 0.02
    spared: float = 0.05
    curiosity: float = 1.0
    cold_start_answers: int = 2
    cold_start_sends: int = 8
    min_impressions: float = 50.0
    min_helpful: float = 0.10
    margin_not_helpful: float = 0.0
    margin_no_interaction: float = -0.8
    not_helpful_weight: float = 1.0
    effect_weight: float = 1.0
    threshold: float | None = None
    shrinkage: float = 20.0

    def __post_init__(self) -> None:
        for name in ("exploration", "trickle", "spared", "min_helpful"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a share and must lie between 0 and 1, not {getattr(self, name)}")
        if self.shrinkage <= 0.0:
            raise ValueError(f"shrinkage must be above 0, not {self.shrinkage}")
        if not 0.0 <= self.effect_weight < math.inf:
            raise ValueError(f"effect_weight must be 0 or more, not {self.effect_weight}")
        if not 0.0 <= self.curiosity < math.inf:
            raise ValueError(f"curiosity must be 0 or more, not {self.curiosity}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided.  `propensities` maps each candidate's id and HOLD to its probability."""

    variant: str | None
    propensities: dict[str, float]
    reason: Reason
    explored: bool

    @property
    def propensity(self) -> float:
        """The probability with which what was decided would have been decided."""
        return self.propensities[self.variant or HOLD]


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch of the unit interval and what it stands for."""

    width: float
    action: str | None
    reason: Reason


def decide(candidates: Sequence[Candidate], history: History, policy: Policy, draw: float) -> Verdict:
    """Decide one moment.  `draw` is uniform on [0, 1) and the only source of chance.

    The first candidate is the default: it wins ties.  Raises ValueError for no candidates, a repeated id,
    a draw outside [0, 1) or a prediction that is no distribution.
    """
    _check(candidates, draw)
    segments = _segments(candidates, history, policy)
    chosen = _pick(segments, draw)
    propensities = {candidate.id: 0.0 for candidate in candidates} | {HOLD: 0.0}
    for segment in segments:
        propensities[segment.action or HOLD] += segment.width
    return Verdict(chosen.action, propensities, chosen.reason, chosen.reason in EXPLORED)


def ordered(candidates: Sequence[Candidate], wanted: str) -> Verdict:
    """Send what staff addressed to the learner: for certain, without chance and without asking a model.

    Raises ValueError where it is none of the candidates.
    """
    propensities = {candidate.id: 0.0 for candidate in candidates} | {HOLD: 0.0}
    if wanted not in propensities or wanted == HOLD:
        raise ValueError(f"{wanted!r} is none of the candidates")
    return Verdict(wanted, propensities | {wanted: 1.0}, Reason.LETTER, False)


def overrule(verdict: Verdict, reason: Reason) -> Verdict:
    """Hold back for certain, for a reason that stands above the gate."""
    propensities = dict.fromkeys(verdict.propensities, 0.0) | {HOLD: 1.0}
    return replace(verdict, variant=None, propensities=propensities, reason=reason, explored=False)


def score(prediction: Prediction, policy: Policy, effect: float = 0.0) -> float:
    """What a send is worth: P(helpful) less the weighed P(not helpful), and its weighed effect."""
    return prediction[0] - policy.not_helpful_weight * prediction[1] + policy.effect_weight * effect


def shrunken(tallies: Sequence[Tally], strength: float, prior: float = 0.2) -> float:
    """Share of impressions voted helpful, each group shrunk towards the broader one before it.

    `strength` is the number of impressions that the broader group's share counts for.
    """
    share = prior
    for tally in tallies:
        share = (tally.helpful + strength * share) / (tally.shown + strength)
    return share


def best(candidates: Sequence[Candidate], policy: Policy) -> tuple[Candidate, float]:
    """The most promising candidate and its worth; the first of equals.

    Predictions rank where every candidate has one, the shrunken share of helpful answers otherwise.
    """
    worths = _worths(candidates, policy)
    top = max(range(len(worths)), key=lambda index: (worths[index], -index))
    return candidates[top], worths[top]


def chosen(candidates: Sequence[Candidate], policy: Policy) -> list[tuple[Candidate, float]]:
    """Each candidate that may be chosen, and the probability that it is: that of being the best."""
    if len(candidates) == 1:
        return [(candidates[0], 1.0)]
    found = shares(_worths(candidates, policy), [_doubt(candidate, policy) for candidate in candidates])
    return list(zip(candidates, found, strict=True))


def _worths(candidates: Sequence[Candidate], policy: Policy) -> list[float]:
    told = [(each.prediction, each.effect) for each in candidates if each.prediction is not None]
    if len(told) == len(candidates):
        return [score(prediction, policy, effect) for prediction, effect in told]
    return [
        shrunken(each.tallies, policy.shrinkage) + policy.effect_weight * each.effect for each in candidates
    ]


def _doubt(candidate: Candidate, policy: Policy) -> float:
    """Standard deviation of a wording's worth, given its own answers and as many as shrinkage stands for.

    One answer is worth 1, minus the weight of a failure, or nothing; its variance is divided by the answers.
    """
    if candidate.prediction is not None:
        success, failure, _ = candidate.prediction
    else:
        success, failure = shrunken(candidate.tallies, policy.shrinkage), 0.0
    weight = policy.not_helpful_weight
    variance = success + weight * weight * failure - (success - weight * failure) ** 2
    shown = candidate.tallies[-1].shown if candidate.tallies else 0.0
    return policy.curiosity * math.sqrt(max(0.0, variance) / (shown + policy.shrinkage + 1.0))


def is_held_back(candidate: Candidate, policy: Policy) -> bool:
    """The message level: found harmful; or shown often enough, and not helpful enough."""
    if candidate.harmful:
        return True
    if not candidate.tallies or candidate.tallies[-1].shown < policy.min_impressions:
        return False
    return shrunken(candidate.tallies, policy.shrinkage) < policy.min_helpful


def is_cold(history: History, policy: Policy) -> bool:
    """Too little is known of the learner's way with messages.

    A learner who never answers stops being cold after `cold_start_sends` messages: silence is an answer too.
    """
    return history.answered < policy.cold_start_answers and history.sent < policy.cold_start_sends


def is_worth_sending(prediction: Prediction, policy: Policy, effect: float = 0.0) -> bool:
    """The learner level: P(helpful) sufficiently exceeds P(not helpful) and P(no interaction).

    Where `policy.threshold` is set (found so that a chosen share is held back), the worth must reach it
    instead.
    """
    if policy.threshold is not None:
        return score(prediction, policy, effect) >= policy.threshold
    helpful, not_helpful, nothing = prediction
    return (
        helpful - not_helpful >= policy.margin_not_helpful
        and helpful - nothing >= policy.margin_no_interaction
    )


def _segments(candidates: Sequence[Candidate], history: History, policy: Policy) -> list[_Segment]:
    """The unit interval, cut: chance sends first, then chance holds, then what the rules say."""
    held = [candidate for candidate in candidates if is_held_back(candidate, policy)]
    kept = [candidate for candidate in candidates if candidate not in held] if held else candidates
    if not kept:
        why = Reason.HARMFUL if all(candidate.harmful for candidate in held) else Reason.PLACEMENT
        return _closed(_spread(held, policy.trickle, Reason.TRICKLE), [(None, 1.0)], why)
    trickle = min(policy.trickle, policy.exploration) if held else 0.0
    chance = [
        *_spread(held, trickle, Reason.TRICKLE),
        *_spread(kept, policy.exploration - trickle, Reason.EXPLORE),
    ]
    sendable, reason = _rule(kept, history, policy)
    if not sendable:
        return _closed(chance, [(None, 1.0)], reason)
    spared = _Segment(min(policy.spared, _rest(chance)), None, Reason.SPARED)
    wanted = [(candidate.id, share) for candidate, share in chosen(sendable, policy)]
    return _closed([*chance, spared], wanted, reason)


def _rule(kept: Sequence[Candidate], history: History, policy: Policy) -> tuple[Sequence[Candidate], Reason]:
    """The wordings of which one is sent when chance does not step in, if any, and why."""
    predicted = all(candidate.prediction is not None for candidate in kept)
    if not predicted and history.missing is None:
        return kept, Reason.NO_MODEL
    if is_cold(history, policy):
        return kept, Reason.COLD
    if history.missing is not None:
        return (), history.missing
    worthy = [
        each for each in kept if each.prediction and is_worth_sending(each.prediction, policy, each.effect)
    ]
    return worthy, Reason.HELPFUL if worthy else Reason.LEARNER


def _spread(candidates: Sequence[Candidate], share: float, reason: Reason) -> list[_Segment]:
    return [
        _Segment(share / len(candidates), candidate.id, reason) for candidate in candidates if share > 0.0
    ]


def _rest(taken: Sequence[_Segment]) -> float:
    return max(0.0, 1.0 - math.fsum(segment.width for segment in taken))


def _closed(
    chance: list[_Segment], wanted: Sequence[tuple[str | None, float]], reason: Reason
) -> list[_Segment]:
    """Give the rest of the interval to what is wanted, in these shares."""
    rest = _rest(chance)
    return [*chance, *(_Segment(rest * share, action, reason) for action, share in wanted)]


def _pick(segments: Sequence[_Segment], draw: float) -> _Segment:
    end = 0.0
    for segment in segments:
        end += segment.width
        if draw < end:
            return segment
    return next(segment for segment in reversed(segments) if segment.width > 0.0)


def _check(candidates: Sequence[Candidate], draw: float) -> None:
    if not candidates:
        raise ValueError("there is nothing to decide about: no candidates")
    ids = {candidate.id for candidate in candidates}
    if len(ids) < len(candidates) or HOLD in ids or "" in ids:
        raise ValueError(f"candidate ids must differ, and none may be empty or {HOLD!r}")
    if not 0.0 <= draw < 1.0:
        raise ValueError(f"a draw lies in [0, 1), not {draw}")
    for candidate in candidates:
        prediction = candidate.prediction
        if prediction is not None and not _is_distribution(prediction):
            raise ValueError(f"the prediction for {candidate.id} is no distribution: {prediction}")


def _is_distribution(prediction: Prediction) -> bool:
    return len(prediction) == 3 and min(prediction) >= 0.0 and abs(math.fsum(prediction) - 1.0) < 1e-3
