"""What happens to letters without anyone at the screen: their time comes, new learners match, cards age.

Everything here may be repeated, by a worker, a cron job and the night at once: rows are made once per letter
and learner, and each letter looks for new matches once a day.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone

from nudge_xblock.atrisk import interventions

from . import cards, claims, confirmed, figures, launching, picking
from .figures import Learners
from .models import Delivery, Letter

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

    from nudge_xblock.night import Run

LOG = logging.getLogger(__name__)

State = Letter.State
MORNING = time(6)
"""Local time of the site before which nothing automatic is looked for but by the night, nor sent."""


def begin(letter_id: int, now: datetime) -> bool:
    """Start a letter whose time has come: those for a later time choose learners now; whether it started.

    One that cannot go out as it is (its selection or card is not valid any more) is stopped, and says why.
    """
    letter = Letter.objects.filter(pk=letter_id, state=State.SCHEDULED).first()
    if letter is None or (letter.at is not None and letter.at > now):
        return False
    try:
        if letter.channel in picking.NUDGED:
            cards.place(letter)
        picking.queue(letter, now, found=confirmed.unpacked(letter))
    except ValueError as error:
        LOG.exception("Letter %s cannot begin", letter_id)
        Letter.objects.filter(pk=letter_id, state=State.SCHEDULED).update(problem=str(error))
        claims.stop(letter_id, now)
        return False
    goes_on = State.AUTOMATIC if letter.automatic_until is not None else State.SENDING
    started = Letter.objects.filter(pk=letter_id, state=State.SCHEDULED).update(
        state=goes_on, last_run=now, confirmed_for=None
    )
    if not started:
        claims.left_out()  # it was stopped meanwhile
    claims.finish(letter_id, now)
    return bool(started)


def _begin(letter: Letter, now: datetime) -> int:
    return int(begin(letter.pk, now))


def daily(now: datetime) -> int:
    """Queue the new matches of every automatic letter that has not looked today; how many learners."""
    letters = Letter.objects.filter(state=State.AUTOMATIC).order_by("course_key", "pk")
    of_course = Known(now)
    return sum(_guarded(partial(_look, of_course=of_course), letter, now) for letter in list(letters))


class Known:
    """The learners of the course run that was asked about last: the letters of one run look at them once."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._held: Learners | None = None

    def learners(self, course_key: CourseKey) -> Learners:
        """Everyone in the course run."""
        if self._held is None or self._held.course_key != course_key:
            self._held = figures.learners(course_key, self._now)
        return self._held


def _guarded(step: Callable[[Letter, datetime], int], letter: Letter, now: datetime) -> int:
    """One letter's step; whatever fails, the other letters go on, and it is tried again later."""
    try:
        return step(letter, now)
    except Exception:
        LOG.exception("Letter %s met an error", letter.pk)
        return 0


def _look(letter: Letter, now: datetime, of_course: Known) -> int:
    """Queue who matches and has no row, once a day; how many.

    The look is noted last, so that one that was killed is done again.
    """
    today, new = timezone.localdate(now), 0
    if letter.last_run is not None and timezone.localdate(letter.last_run) >= today:
        return 0
    if letter.automatic_until is not None and today <= letter.automatic_until:
        found = picking.recipients(letter, now, of_course.learners(letter.course_key))
        new = picking.queue(letter, now, _morning(now), found)
        # Workers that wait for what was put off may be back much later than the new ones are due.
        looked = {"last_run": now} | ({"attended_until": None} if new else {})
        Letter.objects.filter(pk=letter.pk, state=State.AUTOMATIC).update(**looked)
    _end(letter, now)
    return new


def _end(letter: Letter, now: datetime) -> None:
    """Close an automatic letter whose last day is over and whose every row is settled."""
    if letter.automatic_until is None or timezone.localdate(now) <= letter.automatic_until:
        return
    if letter.deliveries.filter(state__in=[*claims.UNSENT, Delivery.State.HANDED]).exists():
        return
    Letter.objects.filter(pk=letter.pk, state=State.AUTOMATIC).update(state=State.SENT, finished=now)


def _morning(now: datetime) -> datetime | None:
    """Before the morning, the time when it begins; the night looks earlier than people get up."""
    local = timezone.localtime(now)
    begins = local.replace(hour=MORNING.hour, minute=MORNING.minute, second=0, microsecond=0)
    return begins if local < begins else None


def sweep(now: datetime) -> dict[str, int]:
    """Everything that is due now: settle what dead workers left, start, look, escalate, close; the counts."""
    lapsed = claims.lapse(now)
    claims.left_out()
    due = Letter.objects.filter(Q(at__isnull=True) | Q(at__lte=now), state=State.SCHEDULED)
    started = sum(_guarded(_begin, letter, now) for letter in list(due.order_by("pk")))
    interventions.tend(now)
    new = daily(now) if timezone.localtime(now).time() >= MORNING else 0
    escalated = cards.escalate(now)
    for pk in list(Letter.objects.filter(state=State.SENDING).values_list("pk", flat=True)):
        claims.finish(pk, now)
    over = Letter.objects.filter(state__in=[State.SENT, State.STOPPED], channel__in=picking.NUDGED)
    for letter in over.filter(finished__gt=now - timedelta(days=2)):
        _guarded(_withdraw, letter, now)
    return {
        "started": started, "matched": new, "escalated": escalated,
        "requeued": lapsed["queued"], "unknown": lapsed["failed"],
    }  # fmt: skip


def _withdraw(letter: Letter, now: datetime) -> int:
    cards.withdraw(letter)
    return 1


def waiting(now: datetime) -> list[int]:
    """The letters with mails that may be claimed now."""
    due = Q(due_at__isnull=True) | Q(due_at__lte=now)
    rows = Delivery.objects.filter(due, state=Delivery.State.QUEUED, letter__state__in=claims.GOING)
    return sorted(set(rows.order_by().values_list("letter_id", flat=True).distinct()))


def idle(now: datetime) -> list[int]:
    """Those of them that no worker attends to: to be shared out anew."""
    attended = Letter.objects.filter(state__in=claims.GOING, attended_until__gt=now)
    at_work = set(attended.values_list("pk", flat=True))
    return [letter_id for letter_id in waiting(now) if letter_id not in at_work]


def at_night(job: Run) -> str:
    """The night's step: new matches of the automatic letters by tonight's predictions, told in words.

    Workers are asked to begin, at their times, with the letters of the coming day.
    """
    for letter in Letter.objects.filter(state=State.SCHEDULED, at__lt=job.now + launching.AHEAD):
        launching.launch(letter, letter.at)
    interventions.complete(job.now)
    interventions.tend(job.now)
    found = daily(job.now)
    job.figures["matched"] = found
    if found:
        for letter in Letter.objects.filter(state=State.AUTOMATIC):
            launching.launch(letter, _morning(job.now))
    if not found:
        return "Nobody newly matches an automatic letter."
    return f"{found} learner{'s' * (found > 1)} newly match{'es' * (found == 1)} automatic letters."
