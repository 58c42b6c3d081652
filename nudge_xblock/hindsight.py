"""What nudging by a new helpfulness model would have been worth at past moments, judged by the gate's log.

Every decision is stored with all that it depended on and with the probability of each way it could have
ended.  So the gate is asked again, with the new model's predictions and with the serving one's, and the
difference of the two is estimated doubly robustly (see predictor.offpolicy) from what learners answered.
Only moments of learners whom neither model was trained on count, and only those that the gate itself
decided.  A moment is worth 1 for a success by the nudge's objective, minus the weight of a failure, and
nothing when nothing was shown: that is known without any log, so only sends need support.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings

from nudge_xblock import gate, labels, lessons, objectives, policy, vectors
from nudge_xblock.gate import HOLD, Policy
from nudge_xblock.inputs import Input, unstored
from nudge_xblock.models import Decision
from nudge_xblock.night import HELPFULNESS, Run
from nudge_xblock.remarks import Remark, remark
from predictor import features, offpolicy
from predictor.helpfulness import HelpfulnessModel
from predictor.store import ModelStore, NoModel
from predictor.streaming import Streamer

MOST = 4000
BATCH = 500
FEWEST = 50
"""With fewer moments the log tells nothing."""

Array = npt.NDArray[np.float64]
Told = list[dict[str, gate.Prediction]]
"""Variant id to prediction, at each moment."""


@dataclass(frozen=True, eq=False)
class Moment:
    """One decision that the gate made, and all that it depended on."""

    decision: Decision
    seen: vectors.Seen
    given: Input

    @property
    def action(self) -> str:
        """What was done: a variant's id, or HOLD."""
        held = self.decision.variant_id is None
        return HOLD if held else str(self.decision.variant_id)

    def reward(self, weight: float) -> float:
        """What it was worth."""
        if self.decision.variant_id is None or self.decision.shown_at is None:
            return 0.0
        result = lessons.result_of(self.decision)
        if result == objectives.SUCCESS:
            return 1.0
        return -weight if result == objectives.FAILURE else 0.0


def worth(job: Run, store: ModelStore, new: str, old: str | None) -> dict[str, Any]:
    """Values a moment of nudging by the new model, by the serving one ("old") and as it was done ("logged").

    `low` and `high` are the 95% interval of the difference.  Without a serving model the new one is compared
    with nudging as often without telling learners apart.  Where the log cannot tell, only `n` and `why`.
    """
    moments = list(_moments(job))
    if len(moments) < FEWEST:
        return {"n": len(moments), "why": "few"}
    told = predictions(moments, store, new)
    try:
        before = predictions(moments, store, old) if old else None
    except (NoModel, ValueError):
        before = None  # its LSTM is gone, or its features are
    rules = policy.current()
    chosen = _asked(moments, told, rules)
    rival = _asked(moments, before, rules) if before else _alike(_asked(moments, None, rules), chosen)
    figures = _compared(moments, chosen, rival, before or told, rules.not_helpful_weight)
    return figures | ({"versus": old or ""} if "new" in figures else {})


def said(figures: Mapping[str, Any], sure: bool) -> list[Remark]:
    """What staff read of it."""
    if figures.get("why") == "few":
        return [remark("worth_unknown", n=figures["n"])]
    if figures.get("why") == "unsupported":
        return [remark("worth_unsupported", share=figures["share"])]
    low, high = figures["low"], figures["high"]
    if not sure:
        limit = settings.NUDGE_PROMOTION_WORTH_DROP
        return [remark("worth_unsure", n=figures["n"], limit=limit, low=low, high=high)]
    told = {name: figures[name] for name in ("n", "new", "old", "logged", "low", "high")}
    return [remark("worth" if figures["versus"] else "worth_alone", **told)]


def _moments(job: Run) -> Iterator[Moment]:
    """The newest moments of held-out learners that the gate decided with a model's vectors at hand."""
    since = job.now - timedelta(days=settings.NUDGE_PROMOTION_WORTH_DAYS)
    rows = Decision.objects.filter(created__gt=since, created__lte=job.now - lessons.SETTLED)
    newest = rows.order_by("-created", "-pk").values_list("pk", "learner__user_id")
    held = [pk for pk, user_id in newest.iterator() if labels.is_held_out(str(user_id))][:MOST]
    for begin in range(0, len(held), BATCH):
        batch = Decision.objects.filter(pk__in=held[begin : begin + BATCH])
        for decision in batch.select_related("learner", "placement").order_by("pk"):
            moment = _moment(decision, job)
            if moment is not None:
                yield moment


def _moment(decision: Decision, job: Run) -> Moment | None:
    """None where restraint or the clock decided, the model could not be asked, or the result is not known."""
    seen = vectors.unkept(decision.features)
    if seen is None or decision.inputs["gate"]["reason"] != decision.reason:
        return None
    given = unstored(decision)
    waits = timedelta(days=decision.placement.objective_days)
    slow = decision.placement.objective == objectives.ITEMS and decision.created + waits > job.now
    if slow or given.history.missing is not None or not seen.messages.keys() >= _ids(given):
        return None
    return Moment(decision, seen, given)


def _ids(given: Input) -> set[str]:
    return {candidate.id for candidate in given.candidates}


def predictions(moments: Sequence[Moment], store: ModelStore, version: str) -> Told:
    """What a model would have predicted of every candidate, with the states of the LSTM it belongs to.

    Raises NoModel where its LSTM is gone, ValueError where it takes other features than are kept.
    """
    tensors, manifest = store.load(HELPFULNESS, version)
    model = HelpfulnessModel.from_tensors(tensors, manifest["names"])
    lstm = manifest.get("engagement") or ""
    streamer = Streamer.load(store, lstm) if lstm else None
    strange = [place for place, moment in enumerate(moments) if moment.decision.model_version != lstm]
    shown = [lessons.Shown(moments[place].decision, moments[place].seen) for place in strange]
    states = zip(*lessons.states(shown, streamer), strict=True)
    at = dict(zip(strange, states, strict=True))
    targets = streamer.targets if streamer else ()
    told: Told = []
    for place, moment in enumerate(moments):
        seen = moment.seen
        if place in at:
            seen = _with_state(seen, *at[place], targets)
        found = vectors.predict(model, seen)
        if found is None:
            raise ValueError(f"helpfulness model {version} takes other features than were kept")
        told.append(found)
    return told


def _with_state(
    seen: vectors.Seen, hidden: vectors.Vector, readings: vectors.Vector, targets: Sequence[str]
) -> vectors.Seen:
    """The same moment as another LSTM sees it."""
    names = seen.names[: len(seen.shared)]
    _, shared = features.with_state(seen.shared[None], names, hidden[None], readings[None], targets)
    return replace(seen, hidden=len(hidden), targets=tuple(sorted(targets)), shared=shared[0])


def _asked(moments: Sequence[Moment], told: Told | None, rules: Policy) -> list[dict[str, float]]:
    """The gate's probability of each way to decide, at each moment, with these predictions."""
    if told is not None:
        rules = replace(rules, threshold=_threshold(moments, told, rules))
    found = []
    for place, moment in enumerate(moments):
        candidates = [
            replace(each, prediction=told[place][each.id] if told is not None else None)
            for each in moment.given.candidates
        ]
        found.append(gate.decide(candidates, moment.given.history, rules, 0.5).propensities)
    return found


def _threshold(moments: Sequence[Moment], told: Told, rules: Policy) -> float | None:
    """The worth that holds back the site's share by this model: each model is judged at the same share."""
    share = settings.NUDGE_HOLD_BACK_SHARE
    if share is None:
        return None
    worths = [
        max(gate.score(one[each.id], rules, each.effect) for each in moment.given.candidates)
        for moment, one in zip(moments, told, strict=True)
        if not gate.is_cold(moment.given.history, rules)
    ]
    if not worths:
        return None
    free = (1.0 - rules.exploration) * len(worths) / len(moments)
    return float(np.quantile(np.asarray(worths, np.float64), min(0.98, share / max(free, 1e-9))))


def _alike(plain: Sequence[dict[str, float]], like: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    """The first policy, thinned by chance until it sends as often as the second."""
    often = [float(np.mean([1.0 - each[HOLD] for each in one])) for one in (plain, like)]
    share = min(1.0, often[1] / max(often[0], 1e-9))
    thinned = []
    for chances in plain:
        sends = {name: share * chance for name, chance in chances.items() if name != HOLD}
        thinned.append(sends | {HOLD: 1.0 - sum(sends.values())})
    return thinned


def _compared(
    moments: Sequence[Moment],
    new: Sequence[dict[str, float]],
    old: Sequence[dict[str, float]],
    model: Told,
    weight: float,
) -> dict[str, Any]:
    rewards = np.array([moment.reward(weight) for moment in moments])
    propensities = np.array([moment.decision.propensity for moment in moments])
    learners = np.array([str(moment.decision.learner_id) for moment in moments])
    value = [{name: told[0] - weight * told[1] for name, told in one.items()} | {HOLD: 0.0} for one in model]
    modelled = np.array([worths[moment.action] for worths, moment in zip(value, moments, strict=True)])
    first, second = _replayed(moments, new, value), _replayed(moments, old, value)
    try:
        found = offpolicy.gap(rewards, propensities, modelled, first, second, learners)
    except offpolicy.Unsupported:
        share = max(first.unsupported, second.unsupported)
        return {"n": len(moments), "why": "unsupported", "share": round(share, 4)}
    figures = {
        "new": found.new.value,
        "old": found.old.value,
        "logged": found.logged.value,
        "low": found.difference.low,
        "high": found.difference.high,
        "disagreement": found.disagreement,
        "effective_n": found.effective_n,
    }
    return {"n": len(moments)} | {name: round(float(each), 6) for name, each in figures.items()}


def _replayed(
    moments: Sequence[Moment], chances: Sequence[dict[str, float]], value: Sequence[dict[str, float]]
) -> offpolicy.Replayed:
    taken = [one[moment.action] for one, moment in zip(chances, moments, strict=True)]
    expected = [
        sum(chance * worths[name] for name, chance in one.items() if name != HOLD)
        for one, worths in zip(chances, value, strict=True)
    ]
    unsupported = [
        sum(
            chance
            for name, chance in one.items()
            if name != HOLD and not moment.decision.propensities.get(name, 0.0)
        )
        for one, moment in zip(chances, moments, strict=True)
    ]
    return offpolicy.Replayed(np.array(taken), np.array(expected), float(np.mean(unsupported)))
