"""Who is at risk now, and why: everyone who takes a course run is assessed by the model that serves.

A course run at a time, so that a programme's runs can be shared by workers: each writes its own run's rows,
and the same rows again where it is repeated.  Learners who never came are assessed like all others; who has
completed has no risk, nor has who left, nor anyone in a run that is over.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import courses, refreshing, slots
from nudge_xblock.compat import platform
from nudge_xblock.models import Enrolment, Learner
from nudge_xblock.night import RISK, Run, Skipped, models
from nudge_xblock.upserts import upsert
from predictor.reasons import Case
from predictor.risk import Assessment, RiskModel
from predictor.sequences import Sequences
from predictor.standing import Known

from . import casework, checked, facts, plan, records, runs, tiers, trail
from .models import Risk, RiskDay
from .runs import DAY, CourseRun
from .tiers import Limits

LOG = logging.getLogger(__name__)
BATCH = 500
NAMED = 5
"""So many course runs that could not be assessed are named in the night's report; the log has all."""
FIELDS = (
    "chance", "baseline", "contributions", "reasons", "days", "share", "partial", "unknown", "group", "tier",
    "at", "model_version",
)  # fmt: skip


class NotAssessed(RuntimeError):
    """Course runs that could not be assessed; the message names some, and why the first could not."""


def assess_night(job: Run) -> str:
    """The night's step: every course run, or each left to a worker where NUDGE_RISK_SHARDED says so."""
    keys = courses.known()
    model = _model(job.serving.get(RISK))
    if model and settings.NUDGE_RISK_SHARDED:
        job.figures["queued"] = queue(keys)
        return f"{len(keys)} course runs are left to Celery workers."
    count, done = 0, casework.Settled()
    failed: dict[str, Exception] = {}
    for number, course_key in enumerate(keys):
        job.report(number / len(keys), str(course_key))
        try:
            trail.write(course_key, job.now)
            count += assess(course_key, job.now, model, job) if model else 0
            done += casework.settle(course_key, job.now)
        except slots.LostSlot:
            raise
        except Exception as error:  # one broken course run must not leave the others unassessed
            LOG.exception("%s could not be assessed", course_key)
            failed[str(course_key)] = error
    job.figures.update({"courses": len(keys), "learners": count, "model": model.version if model else ""})
    job.figures["cases"] = {"opened": done.opened, "closed": done.closed, "moved": done.moved}
    if failed:
        job.figures["failed"] = len(failed)
        first = next(iter(failed.values()))
        raise NotAssessed(
            f"{len(failed)} of {len(keys)} course runs could not be assessed: "
            f"{', '.join([*failed][:NAMED])}. The first: {type(first).__name__}: {first}"
        )
    if model is None:
        raise Skipped("No risk model serves yet, so nobody is assessed.")
    return f"{count} learners of {len(keys)} course runs were assessed by {model.version}."


def assess_course(course_key: CourseKey, now: datetime | None = None) -> int:
    """Assess one course run outside the night and settle its cases; how many learners.

    Raises NoModel or BrokenModel where no risk model serves.
    """
    now = now or timezone.now()
    count = assess(course_key, now, RiskModel.load(models()))
    trail.write(course_key, now)
    casework.settle(course_key, now)
    return count


def queue(course_keys: Iterable[CourseKey]) -> int:
    """Leave each course run to a Celery worker; how many."""
    from nudge_xblock import tasks

    keys = list(course_keys)
    for course_key in keys:
        tasks.send(tasks.assess_course, str(course_key))
    return len(keys)


def _model(version: str | None) -> RiskModel | None:
    """The model of that version, read afresh: this process may have promoted it a moment ago."""
    return RiskModel.load(models(), version) if version else None


def assess(course_key: CourseKey, now: datetime, model: RiskModel, job: Run | None = None) -> int:
    """Write the risk of everyone who takes the course run at `now`, and drop everyone else's; how many."""
    run = runs.of(course_key, now)
    sequences = run.sequences() if run and run.is_live else None
    user_ids = _takers(run, sequences) if run and sequences is not None else []
    rows: list[int] = []
    if run and user_ids:
        numbers = _enrolments(run, user_ids)
        limits = plan.of(course_key).limits
        found = assessed(run, model, sorted(numbers, key=numbers.__getitem__), sequences)
        joined = run.joined(user_ids)
        for cases in _batches(found.cases()):
            _write(cases, numbers, joined, model, limits, now)
            rows += [numbers[int(case.learner)] for case in cases]
            if job:
                job.report(None, f"{course_key}: {len(rows)} of {len(user_ids)} learners")
        refreshing.drop_forgotten(user_ids)
    _drop_others(course_key, rows)
    return len(rows)


def _takers(run: CourseRun, sequences: Sequences) -> list[int]:
    """Whoever takes the run now and has not completed it, visited or not; of staff nobody.

    Who enrolled in the midst of the run has a week to come.  In a self-paced run whose time is over for a
    learner, nothing is left to be foreseen.
    """
    host = platform()
    there = set(host.members(run.key)) - host.staff_ids(run.key) - runs.done(run.key, run.now)
    gone = courses.event_store().forgotten()
    length, begins, now = run.length, run.begins(there), run.now.timestamp()
    taking = sorted(
        user_id
        for user_id, begin in begins.items()
        if not gone(str(user_id)) and begin <= now and (length is None or now < begin + length)
    )
    asked = runs.askable(run, sequences, taking, np.full(len(taking), now))
    return [user_id for user_id, ask in zip(taking, asked.tolist(), strict=True) if ask]


def _enrolments(run: CourseRun, user_ids: Sequence[int]) -> dict[int, int]:
    """User id to the number of the enrolment; who enrolled since the refresh is written down first."""
    mine = Enrolment.objects.filter(course_key=run.key)
    found = dict(mine.values_list("learner__user_id", "pk"))
    new = [user_id for user_id in user_ids if user_id not in found]
    for some in _batches(iter(new)):
        with transaction.atomic():
            Learner.objects.bulk_create([Learner(user_id=each) for each in some], ignore_conflicts=True)
            learners = Learner.objects.filter(user_id__in=some)
            rows = [_enrolment(run, learner) for learner in learners]
            Enrolment.objects.bulk_create(rows, ignore_conflicts=True)
    if new:
        found = dict(mine.values_list("learner__user_id", "pk"))
    return {user_id: found[user_id] for user_id in user_ids if user_id in found}


def _enrolment(run: CourseRun, learner: Learner) -> Enrolment:
    known = run.enrolled.get(learner.user_id)
    return Enrolment(
        learner=learner,
        course_key=run.key,
        mode=known.mode if known else "",
        started=known.enrolled if known else datetime.fromtimestamp(run.begin, UTC),
    )


def assessed(
    run: CourseRun, model: RiskModel, user_ids: Sequence[int], sequences: Sequences | None = None
) -> Assessment:
    """What the model says of these users at the run's moment; nothing is written.

    sequences: the run's events, where they were read already.
    """
    sequences = run.sequences() if sequences is None else sequences
    begins, length = run.begins(user_ids), run.length
    names = [str(user_id) for user_id in user_ids]
    known = Known(
        facts=facts.of_run(run, sequences, user_ids),
        learners=records.of(names, model),
        lengths={str(run.key): length} if length else {},
    )
    starts = np.array([begins[user_id] for user_id in user_ids])
    return model.assess_run(sequences, starts, run.now.timestamp(), names, known)


def _write(
    cases: Sequence[Case],
    numbers: Mapping[int, int],
    joined: Mapping[int, float],
    model: RiskModel,
    limits: Limits,
    now: datetime,
) -> None:
    """Store one batch: the newest word on each learner, and the day's; the last night of a day counts.

    Who was retired since they were read is left out.
    """
    rows = [
        _row(numbers[user_id], case, _days(case, joined.get(user_id), now), model, limits, now)
        for user_id, case in ((int(case.learner), case) for case in cases)
    ]
    try:
        _store(rows, now)
    except IntegrityError:
        left = Enrolment.objects.filter(pk__in=[row.enrolment_id for row in rows])
        there = set(left.values_list("pk", flat=True))
        _store([row for row in rows if row.enrolment_id in there], now)


def _store(rows: Sequence[Risk], now: datetime) -> None:
    days = [
        RiskDay(
            enrolment_id=row.enrolment_id,
            day=now.date(),
            chance=row.chance,
            contributions=row.contributions,
        )
        for row in rows
    ]
    with transaction.atomic():
        upsert(Risk, list(rows), FIELDS, ("enrolment",))
        upsert(RiskDay, days, ("chance", "contributions"), ("enrolment", "day"))


def _days(case: Case, joined: float | None, now: datetime) -> float:
    """How long the learner has been in the run, which may be shorter than the run's clock has gone."""
    return case.days if joined is None else min(case.days, max(0.0, now.timestamp() - joined) / DAY)


def _row(number: int, case: Case, days: float, model: RiskModel, limits: Limits, now: datetime) -> Risk:
    reasons = checked.reasons(case)
    return Risk(
        enrolment_id=number,
        chance=case.chance,
        baseline=case.baseline,
        contributions=dict(case.contributions),
        reasons=reasons,
        days=days,
        share=case.share,
        partial=case.partial,
        unknown=list(case.unknown),
        group=reasons[0]["group"] if reasons else "",
        tier=tiers.tier_of(case.chance, limits),
        at=now,
        model_version=model.version,
    )


def _drop_others(course_key: CourseKey, kept: Sequence[int]) -> None:
    """Whoever was assessed once and is not now has no risk any more; the days that were stay."""
    known = Risk.objects.filter(enrolment__course_key=course_key).values_list("pk", flat=True)
    for some in _batches(iter(sorted({*known} - {*kept}))):
        Risk.objects.filter(pk__in=some).delete()


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while some := list(islice(rows, BATCH)):
        yield some
