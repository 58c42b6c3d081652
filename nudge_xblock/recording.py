"""Writing a decision down, and the send it may be: both or neither, and once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from . import addressed, answers, gate, statements
from .catalogue import Spot, Wording
from .gate import Verdict
from .inputs import Input, stored
from .models import Decision, Enrolment, Learner, Variant
from .objectives import VOTE
from .reasons import Reason
from .restraint import Send


class Nudge(NamedTuple):
    """What the card shows; plain text.  `action`: {"label", "url"} or None."""

    decision: UUID
    heading: str
    body: str
    action: dict[str, str] | None
    kind: str


class Answer(NamedTuple):
    """The nudge to show, if any; otherwise the reason code, empty when no moment was there."""

    nudge: Nudge | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """The answer of the browser protocol."""
        if self.nudge is None:
            return {"nudge": None}
        return {"nudge": {**self.nudge._asdict(), "decision": str(self.nudge.decision)}}


@dataclass(frozen=True, slots=True)
class Moment:
    """One placement whose occasion is here; `digest` makes its decision unique."""

    spot: Spot
    occasion: str
    digest: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A moment, its input and draw, the gate's own verdict, and what stands after restraint.

    `foreseen`: P(helpful), P(not helpful) and P(dismissed) by variant id, for somebody unknown.  `card`: the
    letter's card that it is about, if it is.
    """

    moment: Moment
    input: Input
    draw: float
    wanted: Verdict
    verdict: Verdict
    features: dict[str, Any]
    model_version: str = ""
    helpfulness_version: str = ""
    foreseen: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    card: addressed.Waiting | None = None


def record(judged: Judged, enrolled: Enrolment, now: datetime) -> Answer:
    """Write the decision, and the send when there is one.

    Two pages of one learner may ask at once.  Only one of them can raise the learner's version; the other
    holds back.  Where both ask about the same moment, the loser gives the winner's answer.
    """
    try:
        with transaction.atomic():
            if judged.verdict.variant is not None and not _spend(judged, enrolled.learner, now):
                judged = _beaten(judged)
            row = _row(judged, enrolled, now)
            statements.insert(row)
            if judged.card is not None and judged.verdict.variant is not None:
                addressed.give(judged.card, row["id"])
    except addressed.Gone:
        return Answer(reason=Reason.ANOTHER)
    except IntegrityError:
        rows = Decision.objects.select_related("variant", "placement")
        return answer(rows.get(moment=judged.moment.digest))
    verdict, spot = judged.verdict, judged.moment.spot
    if verdict.variant is None:
        return Answer(reason=verdict.reason)
    wording = next(each for each in spot.wordings if each.id == verdict.variant)
    return Answer(_nudge(row["id"], wording, spot.kind), verdict.reason)


def answer(row: Decision) -> Answer:
    """The answer that a stored decision gives."""
    nudge = None if row.variant is None else _nudge(row.pk, row.variant, row.placement.kind)
    return Answer(nudge, row.reason)


def _nudge(decision: UUID, text: Wording | Variant, kind: str) -> Nudge:
    action = {"label": text.action_label, "url": text.action_url} if text.action_url else None
    return Nudge(decision, text.heading, text.body, action, kind)


def _beaten(judged: Judged) -> Judged:
    """Held back because another page of the same learner was quicker."""
    given = replace(judged.input, overruled=Reason.ANOTHER)
    return replace(judged, input=given, verdict=gate.overrule(judged.wanted, Reason.ANOTHER))


def _spend(judged: Judged, learner: Learner, now: datetime) -> bool:
    """Count the send against the caps, unless another page changed the learner since we looked."""
    spot = judged.moment.spot
    sends = [*judged.input.standing.sends, Send(now.timestamp(), spot.kind, spot.id)]
    foreseen = judged.foreseen if spot.objective == VOTE else {}
    chances = foreseen.get(str(judged.verdict.variant), (0.0, 0.0, 0.0))
    changes = {"sent": 1, **dict(zip(answers.FORESEEN, chances, strict=True))}
    return statements.spend(learner, sends, answers.changed(learner.answers, spot.kind, changes))


def _row(judged: Judged, enrolled: Enrolment, now: datetime) -> dict[str, Any]:
    """The decision by its columns' attributes."""
    verdict, spot = judged.verdict, judged.moment.spot
    return {
        "id": _new_id(now),
        "moment": judged.moment.digest,
        "learner_id": enrolled.learner.pk,
        "course_key": enrolled.course_key,
        "placement_id": spot.id,
        "variant_id": None if verdict.variant is None else int(verdict.variant),
        "reason": str(verdict.reason),
        "explored": verdict.explored,
        "propensity": verdict.propensity,
        "propensities": verdict.propensities,
        "predictions": {each.id: each.prediction for each in judged.input.candidates if each.prediction},
        "features": judged.features,
        "inputs": stored(judged.input, judged.wanted, judged.moment.occasion),
        "draw": judged.draw,
        "model_version": judged.model_version,
        "helpfulness_version": judged.helpfulness_version,
        "created": now,
    }


def _new_id(now: datetime) -> UUID:
    """A random id that begins with the time (UUID version 7, RFC 9562).

    InnoDB keeps rows in the order of their ids, and rows as heavy as these are best added at its end.
    """
    milliseconds = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    return UUID(int=milliseconds << 80 | 7 << 76 | uuid4().int & ((1 << 76) - 1))
