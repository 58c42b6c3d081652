"""What a night leaves behind is cleared away: stored inbox rows, old predictions and audits, old models."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from nudge_xblock.atrisk.models import Case, Notice, RiskDay
from nudge_xblock.communicator.models import Audit
from nudge_xblock.ingesting import Memory
from nudge_xblock.models import Enrolment, InboxEvent, PredictionDay
from nudge_xblock.night import ENGAGEMENT, HELPFULNESS, RISK, Run, models
from predictor import stack

BATCH = 5000
KEPT_VERSIONS = 10
PREDICTIONS = timedelta(days=36)
"""How long predictions are kept: the drift watch looks back five weeks, the line over time a month."""
RISK_DAYS = timedelta(days=180)
"""How long the days of risk are kept: a term, and the months after it in which is judged what worked."""
NOTICES = timedelta(days=60)
"""How long it can be looked up what the operator's own system was told; longer than anything is tried."""
AUDIT = timedelta(days=730)


def tidy(job: Run) -> str:
    """The night's last step."""
    deleted = purge_inbox(job)
    gone = {kind: models().prune(kind, KEPT_VERSIONS) for kind in (ENGAGEMENT, HELPFULNESS, RISK)}
    gone[stack.KIND] = stack.prune(models())
    old = {
        "predictions_deleted": purge_predictions(job),
        "risk_days_deleted": purge_risk_days(job),
        "notices_deleted": purge_notices(job),
        "cases_deleted": purge_cases(job),
        "audits_deleted": purge_audit(job),
    }
    job.figures.update({"inbox_rows_deleted": deleted, "versions_deleted": gone, **old})
    return f"{deleted:,} live events that are stored were deleted from the inbox."


def purge_inbox(job: Run) -> int:
    """Delete rows that the store holds, that are old, and that no stored state still lacks."""
    read_through = Memory().inbox
    if read_through is None:
        return 0
    lacking = Enrolment.objects.filter(
        course_key=OuterRef("course_key"),
        learner__user_id=OuterRef("user_id"),
        state__isnull=False,
        state_through__lt=OuterRef("time"),
    )
    old = InboxEvent.objects.filter(
        time__lt=job.now - timedelta(days=settings.NUDGE_INBOX_DAYS), arrived__lt=read_through
    ).filter(~Exists(lacking))
    return _delete(job, old, "live events")


def purge_predictions(job: Run) -> int:
    """Delete the predictions of days that nothing looks back to any more."""
    return _delete(job, PredictionDay.objects.filter(day__lt=job.now.date() - PREDICTIONS), "predictions")


def purge_risk_days(job: Run) -> int:
    """Delete the risk of days that nobody asks about any more."""
    return _delete(job, RiskDay.objects.filter(day__lt=job.now.date() - RISK_DAYS), "days of risk")


def purge_notices(job: Run) -> int:
    """Delete notices that nobody waits for any more: taken, or given up."""
    return _delete(job, Notice.objects.filter(next_try=None, event__at__lt=job.now - NOTICES), "notices")


def purge_cases(job: Run) -> int:
    """Delete cases that ended NUDGE_CASE_DAYS ago, with their history and what staff wrote in them."""
    ended = job.now - timedelta(days=settings.NUDGE_CASE_DAYS)
    return _delete(job, Case.objects.exclude(state=Case.State.OPEN).filter(closed__lt=ended), "cases")


def purge_audit(job: Run) -> int:
    """Delete what staff did longer ago than anybody will ask about."""
    return _delete(job, Audit.objects.filter(at__lt=job.now - AUDIT), "audited calls")


def _delete(job: Run, old: QuerySet[Any], what: str) -> int:
    """Delete in batches, so that no table is locked for long; return how many, without what goes along."""
    deleted = 0
    while ids := list(old.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        gone = old.model._default_manager.filter(pk__in=ids).delete()[1]
        deleted += gone.get(old.model._meta.label, 0)
        job.report(0.5, f"{deleted:,} {what}")
    return deleted
