"""What a night leaves behind is cleared away: inbox rows that are stored and folded in, old models."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef

from nudge_xblock.ingesting import Memory
from nudge_xblock.models import Enrolment, InboxEvent
from nudge_xblock.night import ENGAGEMENT, HELPFULNESS, Run, models
from predictor import stack

BATCH = 5000
KEPT_VERSIONS = 10


def tidy(job: Run) -> str:
    """The night's last step."""
    deleted = purge_inbox(job)
    gone = {kind: models().prune(kind, KEPT_VERSIONS) for kind in (ENGAGEMENT, HELPFULNESS)}
    gone[stack.KIND] = stack.prune(models())
    job.figures.update({"inbox_rows_deleted": deleted, "versions_deleted": gone})
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
    deleted = 0
    while ids := list(old.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        deleted += InboxEvent.objects.filter(pk__in=ids).delete()[0]
        job.report(0.5, f"{deleted:,} live events")
    return deleted
