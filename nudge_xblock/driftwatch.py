"""The night's watch for drift: last week beside the weeks that the serving models learned from.

Watched are the mix of events, the distribution of predictions, who left against who was foreseen to, and
votes against those foreseen.  What is an alarm is said in predictor.drift.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.conf import settings

from nudge_xblock import courses, examination, lessons, objectives
from nudge_xblock.models import Decision, Night, PredictionDay
from nudge_xblock.night import ENGAGEMENT, HELPFULNESS, Run, Skipped, models
from nudge_xblock.remarks import Remark, remark, text
from predictor import drift
from predictor.sequences import Sequences

DAY = 86400.0
WEEK = timedelta(days=7)
WEEKS_BEFORE = timedelta(days=28)
FEWEST = 30
"""Learners on either side below which nothing is compared."""
MOST = 3000
"""Learners on either side who are enough."""
KINDS = 30
"""Kinds of events told apart, the commonest of the model's vocabulary."""
BINS = 10
WORTH_TELLING = 0.05
"""A rate that is off by less is no drift worth a warning."""
DRIFT = "drift"

Array = npt.NDArray[np.float64]


class Check(NamedTuple):
    """One comparison: what it came to, and what staff are told of it where it is an alarm."""

    name: str
    figures: dict[str, Any]
    alarm: Remark | None


def watch(job: Run) -> str:
    """The night's step."""
    if not job.serving:
        raise Skipped("No model serves yet, so there is nothing to have drifted from.")
    look = 1 + Night.objects.filter(model_version=job.serving.get(ENGAGEMENT, ""), slot=None).count()
    targets = _targets(job)
    level = drift.level(look, checks=3 + len(targets))
    checks = [check for check in _checks(job, targets, level) if check is not None]
    alarms = [check.alarm for check in checks if check.alarm]
    told = alarms or ([remark("drift_none")] if checks else [])
    job.told += alarms
    job.metrics[DRIFT] = {"look": look, "checks": {each.name: each.figures for each in checks}, "told": told}
    return text(told) or "Too little happened last week to compare it with the weeks before."


def _targets(job: Run) -> list[str]:
    version = job.serving.get(ENGAGEMENT)
    return list(models().manifest(ENGAGEMENT, version)["targets"]) if version else []


def _checks(job: Run, targets: list[str], level: float) -> Iterator[Check | None]:
    if ENGAGEMENT in job.serving:
        yield _events(job, level)
        for target in targets:
            yield _readings(job, target, level)
        yield _leaving(job, level)
    if HELPFULNESS in job.serving:
        yield _votes(job, level)


def _events(job: Run, level: float) -> Check | None:
    """The mix of events of last week beside that of the weeks before, of which the model knows."""
    manifest = models().manifest(ENGAGEMENT, job.serving[ENGAGEMENT])
    now = job.now.timestamp()
    end = now - WEEK.total_seconds()
    last = min(manifest.get("data_span", {}).get("last_event", end), end)
    kinds = {token: place for place, token in enumerate(manifest["inputs"]["vocabulary"][:KINDS])}
    before: list[npt.NDArray[np.int64]] = []
    after: list[npt.NDArray[np.int64]] = []
    for course_key in courses.with_events():
        sequences = courses.sequences_of(course_key, job.now)
        before += _mixes(sequences, kinds, last - WEEKS_BEFORE.total_seconds(), last)
        after += _mixes(sequences, kinds, end, now)
    return _shift("events", "drift_events", before, after, len(kinds) + 1, level)


def _mixes(
    sequences: Sequences, kinds: dict[str, int], start: float, end: float
) -> list[npt.NDArray[np.int64]]:
    """Each learner's events in a span of time as kinds, the last being all others."""
    code = np.array([kinds.get(name, len(kinds)) for name in sequences.names], np.int64)
    found = []
    for place in range(len(sequences.learners)):
        rows = slice(int(sequences.offsets[place]), int(sequences.offsets[place + 1]))
        times = sequences.times[rows]
        first, last = np.searchsorted(times, (start, end), "right")
        if last > first:
            found.append(code[sequences.tokens[rows][first:last]])
    return found


def _readings(job: Run, target: str, level: float) -> Check | None:
    """Predictions of last week beside those of the weeks before, in tenths, all by the serving model."""
    today = job.now.date()
    since = today - WEEK
    rows = PredictionDay.objects.filter(day__gt=since - WEEKS_BEFORE, day__lte=today)
    if promoted := Night.objects.filter(model_version=job.serving[ENGAGEMENT]).order_by("started").first():
        rows = rows.filter(day__gte=promoted.started.date())
    sides: dict[bool, dict[int, list[int]]] = {False: {}, True: {}}
    for enrolment, day, told in rows.values_list("enrolment_id", "day", "predictions").iterator():
        if target in told:
            place = min(BINS - 1, int(told[target] * BINS))
            sides[day > since].setdefault(enrolment, []).append(place)
    before, after = ([np.array(each, np.int64) for each in sides[side].values()] for side in (False, True))
    check = _shift(f"readings_{target}", "drift_readings", before, after, BINS, level)
    return (
        check
        if check is None or check.alarm is None
        else check._replace(alarm={**check.alarm, "target": target})
    )


def _shift(
    name: str,
    code: str,
    before: list[npt.NDArray[np.int64]],
    after: list[npt.NDArray[np.int64]],
    size: int,
    level: float,
) -> Check | None:
    if min(len(before), len(after)) < FEWEST:
        return None
    found = drift.shift(drift.counted(_some(before), size), drift.counted(_some(after), size), level)
    limit = settings.NUDGE_DRIFT_LIMIT
    figures = {"value": round(found.value, 4), "by_chance": round(found.by_chance, 4), "limit": limit}
    alarmed = found.value > max(limit, found.by_chance)
    return Check(name, figures, remark(code, value=figures["value"], limit=float(limit)) if alarmed else None)


def _some(learners: list[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.int64]]:
    return learners[:: -(-len(learners) // MOST)]


def _leaving(job: Run, level: float) -> Check | None:
    """Who left, against who was foreseen to, of the predictions of the newest week that tells."""
    end = job.now - timedelta(days=settings.NUDGE_LEAVE_DAYS)
    nights = Night.objects.filter(started__gt=end - WEEK, started__lte=end, slot=None).exclude(
        model_version=""
    )
    moments = {night.started.date(): night.started for night in nights}
    observed: list[Array] = []
    foreseen: list[Array] = []
    learners: list[str] = []
    for course_key in courses.with_events():
        sequences = courses.sequences_of(course_key, job.now)
        for day, moment in moments.items():
            rows = PredictionDay.objects.filter(day=day, enrolment__course_key=course_key)
            told = {
                str(user_id): predictions["leave"]
                for user_id, predictions in rows.values_list("enrolment__learner__user_id", "predictions")
                if "leave" in predictions
            }
            names = sorted(told)
            truth = examination.left(names, sequences, moment.timestamp(), job.now.timestamp())
            known = np.isfinite(truth)
            observed.append(truth[known])
            foreseen.append(np.array([told[name] for name in names])[known] if names else np.zeros(0))
            learners += [name for name, is_known in zip(names, known, strict=True) if is_known]
    if not observed:
        return None
    check = _rate(
        "leaving", "drift_rate", np.concatenate(observed), np.concatenate(foreseen), learners, level
    )
    return (
        check
        if check is None or check.alarm is None
        else check._replace(alarm={**check.alarm, "target": "leave"})
    )


def _votes(job: Run, level: float) -> Check | None:
    """Successes of last week's nudges against those foreseen."""
    rows = Decision.objects.filter(
        created__gt=job.now - WEEK,
        created__lte=job.now - lessons.SETTLED,
        shown_at__isnull=False,
        variant__isnull=False,
    ).select_related("learner", "placement")
    observed, foreseen, learners = [], [], []
    for decision in rows.defer("features", "inputs").iterator():
        told = decision.predictions.get(str(decision.variant_id))
        result = lessons.result_of(decision)
        if told and result is not None:
            observed.append(float(result == objectives.SUCCESS))
            foreseen.append(told[0])
            learners.append(str(decision.learner_id))
    return _rate("votes", "drift_votes", np.array(observed), np.array(foreseen), learners, level)


def _rate(
    name: str, code: str, observed: Array, foreseen: Array, learners: list[str], level: float
) -> Check | None:
    if len(set(learners)) < FEWEST:
        return None
    found = drift.misfit(observed, foreseen, np.array(learners), level)
    rates = {"observed": round(float(observed.mean()), 4), "expected": round(float(foreseen.mean()), 4)}
    figures = {**rates, "low": round(found.low, 4), "high": round(found.high, 4)}
    alarmed = abs(found.value) > WORTH_TELLING and not found.low <= 0.0 <= found.high
    return Check(name, figures, remark(code, **rates) if alarmed else None)
