"""What a learner answers to a nudge: once each, by its own learner alone, and never half counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F

from . import answers
from .models import Decision, Learner
from .preferences import FEWEST

MOST_KEYS = 50
LONGEST_KEY = 64


class NotYours(PermissionDenied):
    """The nudge was shown to somebody else."""


class Unanswerable(ValidationError):
    """There is no such nudge, it was never sent, or the answer is none that a card can give."""


def respond(
    user_id: int, decision_id: UUID | str, what: str, at: datetime | None = None, key: str = ""
) -> dict[str, Any]:
    """Record an answer of this learner to this decision, and return how things stand.

    `what`: shown, helpful, not_helpful, undo, clicked, dismissed, fewer, stop or resume.  `at`: when the
    learner did it, as far as the browser's clock can be trusted.  `key`: the browser's once-only id; a key
    that was taken in before changes nothing.  All answers are safe to repeat but `fewer`, which a repeat
    with another key would count again.

    Raises NotYours and Unanswerable, and then changes nothing.
    """
    rule = _RULES.get(what)
    if rule is None:
        raise Unanswerable(f"{what!r} is no answer; use one of {', '.join(_RULES)}")
    with transaction.atomic():
        learner, decision = _locked(user_id, decision_id)
        mark = key[:LONGEST_KEY]
        if not mark or mark not in decision.keys:
            before, wishes = _counts(decision), (learner.fewer, learner.opted_out)
            rule(learner, decision, _moment(decision, at))
            _save(learner, decision, before, wishes, mark)
    return standing(learner, decision)


def standing(learner: Learner, decision: Decision) -> dict[str, Any]:
    """How things stand: the vote, and what the learner asked of nudges altogether."""
    vote = None if decision.helpful is None else "helpful" if decision.helpful else "not_helpful"
    return {"vote": vote, "fewer": learner.fewer, "stopped": learner.opted_out}


def _locked(user_id: int, decision_id: UUID | str) -> tuple[Learner, Decision]:
    """The learner's and the decision's rows, always locked in this order."""
    try:
        wanted = decision_id if isinstance(decision_id, UUID) else UUID(str(decision_id))
    except ValueError as error:
        raise Unanswerable(f"{decision_id!r} is not the id of a nudge") from error
    learner = Learner.objects.select_for_update().filter(user_id=user_id).first()
    decision = Decision.objects.select_for_update().filter(pk=wanted).first()
    if decision is None:
        raise Unanswerable("this nudge does not exist any more")
    if learner is None or decision.learner_id != learner.pk:
        raise NotYours("this nudge was shown to somebody else")
    if decision.variant_id is None:
        raise Unanswerable("this nudge was held back, so there is nothing to answer")
    return learner, decision


def _moment(decision: Decision, at: datetime | None) -> datetime:
    """The browser's time where it is possible, else the nearest time that is."""
    now = datetime.now(UTC)
    return min(max(at, decision.created), max(now, decision.created)) if at is not None else now


def _save(
    learner: Learner, decision: Decision, before: Mapping[str, int], wishes: tuple[int, bool], mark: str
) -> None:
    """Write both rows; the counts follow from the decision's change, so they cannot drift.

    A question under way has read the learner as it was: the version tells it to send nothing.
    """
    after = _counts(decision)
    changes = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    if mark:
        decision.keys = [*decision.keys, mark][-MOST_KEYS:]
    decision.save(update_fields=["helpful", "voted_at", "shown_at", "clicked_at", "dismissed_at", "keys"])
    updates: dict[str, Any] = {"fewer": learner.fewer, "opted_out": learner.opted_out}
    if changes:
        kind = decision.placement.kind or "other"
        updates["answers"] = answers.changed(learner.answers, kind, changes)
    if changes or (learner.fewer, learner.opted_out) != wishes:
        updates["version"] = F("version") + 1
    Learner.objects.filter(pk=learner.pk).update(**updates)


def _counts(decision: Decision) -> dict[str, int]:
    """What this decision contributes to the learner's counts."""
    row = {
        "helpful": decision.helpful is True,
        "not_helpful": decision.helpful is False,
        "clicked": decision.clicked_at is not None,
        "dismissed": decision.dismissed_at is not None,
    }
    return {name: int(value) for name, value in {**row, "answered": any(row.values())}.items()}


def _shown(learner: Learner, decision: Decision, at: datetime) -> None:
    decision.shown_at = decision.shown_at or at


def _vote(helpful: bool) -> Callable[[Learner, Decision, datetime], None]:
    def vote(learner: Learner, decision: Decision, at: datetime) -> None:
        """A vote is proof that the card was seen, whatever became of the message that said so."""
        _shown(learner, decision, at)
        if decision.helpful is not helpful:
            decision.helpful, decision.voted_at = helpful, at

    return vote


def _undo(learner: Learner, decision: Decision, at: datetime) -> None:
    decision.helpful, decision.voted_at = None, None


def _clicked(learner: Learner, decision: Decision, at: datetime) -> None:
    _shown(learner, decision, at)
    decision.clicked_at = decision.clicked_at or at


def _dismissed(learner: Learner, decision: Decision, at: datetime) -> None:
    _shown(learner, decision, at)
    decision.dismissed_at = decision.dismissed_at or at


def _fewer(learner: Learner, decision: Decision, at: datetime) -> None:
    _shown(learner, decision, at)
    learner.fewer = min(FEWEST, learner.fewer + 1)


def _stop(learner: Learner, decision: Decision, at: datetime) -> None:
    _shown(learner, decision, at)
    learner.opted_out = True


def _resume(learner: Learner, decision: Decision, at: datetime) -> None:
    learner.opted_out = False


_RULES: Mapping[str, Callable[[Learner, Decision, datetime], None]] = {
    "shown": _shown,
    "helpful": _vote(True),
    "not_helpful": _vote(False),
    "undo": _undo,
    "clicked": _clicked,
    "dismissed": _dismissed,
    "fewer": _fewer,
    "stop": _stop,
    "resume": _resume,
}
