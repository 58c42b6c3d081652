"""Wordings after which learners complete less are taken out of use, by night, however much they are liked.

`harm` judges, and `activity` tells by how much more or less often learners come back after a wording than
after others, which counts in the gate's choice; here the decisions are read and the findings kept.  A wording
found harmful keeps the trickle that every held-back message keeps, so its effect is measured on, and it comes
back when that is no longer below zero.  Its author can overrule the night (`Placement.may_retire`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import CharField, Q
from django.db.models.functions import Cast

from nudge_xblock import activity, catalogue, courses, harm, windows
from nudge_xblock.gate import HOLD
from nudge_xblock.models import Decision, Variant
from nudge_xblock.night import Run
from nudge_xblock.normaltree import Belief
from nudge_xblock.presence import Presence, day_of
from nudge_xblock.reasons import GATED

REMEMBERED = timedelta(days=365)


def retire(job: Run) -> str:
    """The night's step: the effect of every wording on what is completed, and which of them do harm."""
    variants = {str(each.pk): each for each in Variant.objects.select_related("placement")}
    tallies = {name: found for name, found in harm.tally(moments(job.now)).items() if name in variants}
    groups = {name: (variants[name].placement.kind, str(variants[name].placement_id)) for name in tallies}
    before = frozenset(name for name, each in variants.items() if each.harmful_since is not None)
    findings = harm.judge(tallies, groups, retired=before)
    with transaction.atomic():
        for name, variant in variants.items():
            _keep(variant, findings.get(name), job.now)
    catalogue.forget()  # harm is found in the database alone, whatever becomes of the events below
    beliefs = returns(job)
    with transaction.atomic():
        for name, variant in variants.items():
            _weigh(variant, beliefs.get(name))
    catalogue.forget()
    after = harm.harmful(findings)
    job.figures.update({"judged": len(findings), "harmful": len(after), "returned": len(before - after)})
    return _report(len(findings), len(after - before), len(before & after), len(before - after))


def moments(now: datetime) -> Iterator[harm.Moment]:
    """The moments of the last year that chance decided and whose days are over."""
    decided = Decision.objects.filter(windows.over(), _of_late(now), reason__in=GATED, propensity__lt=1.0)
    rows = decided.order_by("created", "pk").values_list("propensities", "variant_id", "outcome")
    for propensities, variant_id, outcome in rows.iterator(chunk_size=2000):
        taken = HOLD if variant_id is None else str(variant_id)
        yield harm.Moment(propensities, taken, outcome["items"], outcome["items_before"])


def met(now: datetime) -> Iterator[activity.Moment]:
    """The moments of the last year at which the gate decided, also those of today."""
    rows = (
        Decision.objects.filter(_of_late(now), reason__in=GATED)
        .order_by("created", "pk")
        .annotate(course=Cast("course_key", CharField(max_length=255)))  # as it is stored
        .values_list("learner__user_id", "created", "course", "placement_id", "variant_id")
    )
    for user_id, created, course, placement_id, variant_id in rows.iterator(chunk_size=2000):
        sent = None if variant_id is None else str(variant_id)
        yield activity.Moment(str(user_id), day_of(created), course, str(placement_id), sent)


def returns(job: Run) -> dict[str, Belief]:
    """By wording, by which share more or less often learners come back after it than after others.

    Somebody who met a moment was there: learners of whom the event store holds nothing are not known to have
    stayed away, and are left out.
    """
    rows = list(met(job.now))
    if len(rows) < activity.FEWEST:
        return {}
    presence = Presence({row.learner for row in rows}, min(row.day for row in rows), job.now)
    runs = courses.with_events()
    for number, course_key in enumerate(runs):
        presence.add(courses.sequences_of(course_key, job.now))
        job.report(number / len(runs) / 2, f"{number + 1} of {len(runs)} course runs")
    came = presence.came()
    known = (row for row in rows if row.learner in came)
    told = f"{len(rows)} moments"
    return activity.effects(known, came, presence.end(), lambda share: job.report((1 + share) / 2, told))


def _of_late(now: datetime) -> Q:
    return Q(created__gt=now - REMEMBERED, created__lte=now)


def _keep(variant: Variant, found: harm.Finding | None, now: datetime) -> None:
    """Store what was found of one wording, where it changed."""
    effect: dict[str, Any] = {} if found is None else _figures(found)
    if "activity" in variant.effect:
        effect["activity"] = variant.effect["activity"]
    since = (variant.harmful_since or now) if found is not None and found.harmful else None
    if (variant.effect, variant.harmful_since) != (effect, since):
        variant.effect, variant.harmful_since = effect, since
        Variant.objects.filter(pk=variant.pk).update(effect=effect, harmful_since=since)


def _weigh(variant: Variant, belief: Belief | None) -> None:
    """Store by how much more or less often learners come back after one wording, where that changed."""
    effect = {name: value for name, value in variant.effect.items() if name != "activity"}
    if belief is not None:
        effect["activity"] = float(f"{belief.mean:.4g}")
    if variant.effect != effect:
        Variant.objects.filter(pk=variant.pk).update(effect=effect)


def _figures(found: harm.Finding) -> dict[str, Any]:
    """The effect of one send on the items completed, shrunk over its groups, with its interval."""
    low, high = found.effect.interval()
    figures = {"change": found.effect.mean, "low": low, "high": high, "evidence": found.evidence}
    return {
        **{name: float(f"{value:.4g}") for name, value in figures.items() if abs(value) < float("inf")},
        "sent": found.tally.sent,
        "held": found.tally.held,
    }


def _report(judged: int, new: int, still: int, back: int) -> str:
    if not judged:
        return "No moment was left to chance yet whose days are over, so no wording can be judged by them."
    parts = [f"{judged} wordings were judged by what learners completed afterwards."]
    if new:
        parts.append(f"{new} are held back from now on, because learners completed less after them.")
    if still:
        parts.append(f"{still} stay held back for that reason.")
    if back:
        parts.append(f"{back} are in use again, because that is no longer so.")
    return " ".join(parts)
