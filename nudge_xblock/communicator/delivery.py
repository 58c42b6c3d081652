"""Sending: one batch of a letter's queued mails, each handed over once.

Before a mail is handed over, restraint is asked as for a nudge: the learner's opt-out, quiet hours on the
learner's own clock, and caps that mails and nudges share.  A mail that may not go out now is put off, and
left out once NUDGE_MAIL_PATIENCE_HOURS are over.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from nudge_xblock import policy, restraint, statements
from nudge_xblock.addressees import Addressee
from nudge_xblock.compat import platform
from nudge_xblock.models import Decision, Learner
from nudge_xblock.reasons import Reason
from nudge_xblock.restraint import Limits, Send, Standing

from . import claims, posting, suppression
from .mails import Mail, Writer
from .models import Delivery, Letter
from .posting import Fate, NotPosted, Post
from .reach import Reach

LOG = logging.getLogger(__name__)

BROKEN = "broken"
KIND = "letter"  # what a mail is among a learner's sends
PUT_OFF = timedelta(minutes=30)
DOWN = timedelta(minutes=5)
FIRST_WAIT = timedelta(minutes=5)  # after a refusal for the moment; four times as long after each other
FOR_LATER = frozenset({Reason.QUIET, Reason.COOL_DOWN, Reason.CAP_DAY, Reason.CAP_WEEK})
LOST = 5  # races with nudges for a learner's last send before the mail is put off

Clock = Callable[[], datetime]


@dataclass
class Batch:
    """What came of one batch, and when to come back: None when nothing is left."""

    counts: Counter[str] = field(default_factory=Counter)
    again: datetime | None = None


def work(letter_id: int, clock: Clock = timezone.now, worker: str = "") -> Batch:
    """Claim and send one batch of a letter in this process."""
    now = clock()
    batch = Batch()
    rows = claims.claim(letter_id, worker or name(), now, settings.NUDGE_MAIL_BATCH)
    if rows:
        _send(rows[0].letter, rows, clock, batch)
    claims.finish(letter_id, clock())
    batch.again = _again(letter_id, clock())
    claims.attend(letter_id, batch.again)
    return batch


def name() -> str:
    """A name for this run of a worker that no other has, dead ones included."""
    return f"{socket.gethostname()[:40]} {os.getpid()} {uuid4().hex[:12]}"


def _again(letter_id: int, now: datetime) -> datetime | None:
    """When a batch can be claimed next."""
    if not Letter.objects.filter(pk=letter_id, state__in=claims.GOING).exists():
        return None
    queued = Delivery.objects.filter(letter_id=letter_id, state=Delivery.State.QUEUED)
    if not queued.exists():
        return None
    if claims.allowance(now) <= 0:
        return now + timedelta(seconds=10)
    if queued.filter(due_at__isnull=True).exists():
        return now
    first = queued.aggregate(first=Min("due_at"))["first"]
    return None if first is None else max(now, first)


def _send(letter: Letter, rows: Sequence[Delivery], clock: Clock, batch: Batch) -> None:
    try:
        with posting.post() as post:
            courier = Courier(letter, rows, post, clock)
            for done, row in enumerate(rows):
                told = _delivered(courier, row, clock)
                batch.counts[told] += 1
                if told == Fate.DOWN.value:
                    _down(rows[done + 1 :], clock(), batch)
                    return
    except NotPosted as error:
        LOG.warning("No mail of letter %s could be handed over: %s", letter.pk, error)
        _down(rows, clock(), batch)
    except Exception:
        LOG.exception("No mail of letter %s could be prepared", letter.pk)
        batch.counts.update(_given_back(row, clock()) for row in rows)


def _delivered(courier: Courier, row: Delivery, clock: Clock) -> str:
    """What became of one row; whatever goes wrong with it, the others of its batch go on."""
    try:
        return courier.deliver(row)
    except Learner.DoesNotExist:  # retired meanwhile, and the row with them
        claims.skipped(row, claims.GONE)
        return claims.GONE
    except Exception:
        LOG.exception("Mail %s of letter %s met an error", row.pk, row.letter_id)
        return _given_back(row, clock())


def _given_back(row: Delivery, now: datetime) -> str:
    """Let a row that was claimed wait for another try; one that was handed over stays as it is."""
    _wait(row, BROKEN, now, PUT_OFF)
    return BROKEN


def _down(rows: Sequence[Delivery], now: datetime, batch: Batch) -> None:
    """The mail server cannot be reached: leave the rest for later."""
    for row in rows:
        _wait(row, Fate.DOWN.value, now, DOWN)
        batch.counts[Fate.DOWN.value] += 1


def _wait(row: Delivery, reason: str, now: datetime, span: timedelta) -> None:
    """Put a claimed row off, or leave it out once it has been put off for as long as it may be."""
    if _is_over(row, now):
        claims.skipped(row, reason)
    else:
        claims.put_off(row, reason, now + span)


def _is_over(row: Delivery, now: datetime) -> bool:
    """Whether a mail has been put off for as long as it may be."""
    since = row.put_off_since or now
    return now - since > timedelta(hours=settings.NUDGE_MAIL_PATIENCE_HOURS)


class Courier:
    """Takes one batch's mails to their learners, one by one."""

    def __init__(self, letter: Letter, rows: Sequence[Delivery], post: Post, clock: Clock) -> None:
        self._letter, self._post, self._clock = letter, post, clock
        self._writer = Writer(letter)
        user_ids = [row.learner.user_id for row in rows]
        self._writer.look_up(user_ids, clock())
        self._people = platform().addressees(user_ids)
        known = ((row.learner_id, self._people.get(row.learner.user_id)) for row in rows)
        self._reach = Reach(letter.course_key, user_ids, {pk: who.email if who else "" for pk, who in known})
        self._there = platform().takers(letter.course_key, user_ids)
        self._limits = policy.limits()

    def deliver(self, row: Delivery) -> str:
        """What became of the row: "sent", or a reason."""
        if _seen(row):
            return str(Delivery.State.SEEN)
        learner = row.learner
        who = self._people.get(learner.user_id, Addressee("", False))
        why = self._why_not(learner, who)
        if why:
            claims.skipped(row, why)
            return why
        try:
            mail = self._writer.mail(who, learner.user_id, learner.pk, row.pk)
        except Exception:
            LOG.exception("The mail of letter %s could not be written", self._letter.pk)
            claims.skipped(row, BROKEN)
            return BROKEN
        return self._restrained(row, who, mail) or self._handed(row, who, mail)

    def _why_not(self, learner: Learner, who: Addressee) -> str:
        """Why the learner must not be mailed, empty where they may be; rows may be days older than this."""
        if learner.user_id not in self._there:
            return claims.GONE
        return self._reach.why_not((learner.pk, learner.user_id, learner.opted_out), who.email, who.verified)

    def _restrained(self, row: Delivery, who: Addressee, mail: Mail) -> str:
        """Why the mail may not go out now; empty once the send is spent and the row handed over."""
        for _try in range(LOST):
            now = self._clock()
            learner = Learner.objects.get(pk=row.learner_id)
            reason = forbids(learner, who.time_zone, self._limits, now)
            if reason is not None:
                return self._put_off(row, reason, now)
            taken = claims.surely(partial(_taken, row, learner, mail, now))
            if taken is not None:
                return taken
        return self._put_off(row, Reason.ANOTHER, self._clock())

    def _put_off(self, row: Delivery, reason: Reason, now: datetime) -> str:
        if reason in FOR_LATER | {Reason.ANOTHER}:
            _wait(row, str(reason), now, PUT_OFF)
        else:
            claims.skipped(row, str(reason))
        return str(reason)

    def _handed(self, row: Delivery, who: Addressee, mail: Mail) -> str:
        """Hand the mail to the mail server, and write down what became of it."""
        try:
            self._post.send(mail)
        except NotPosted as error:
            LOG.warning("A mail of letter %s was not sent: %s", self._letter.pk, error)
            return self._failed(row, who, error.fate)
        except Exception as error:
            LOG.error(
                "Whether a mail of letter %s went out is not known: %s", self._letter.pk, posting.said(error)
            )
            return self._failed(row, who, Fate.UNKNOWN)
        claims.sent(row, self._clock())
        return "sent"

    def _failed(self, row: Delivery, who: Addressee, fate: Fate) -> str:
        now = self._clock()
        if fate is not Fate.UNKNOWN:
            _refund(row.learner_id)
        if fate is Fate.DOWN and not _is_over(row, now):
            claims.refused(row, fate.value, now + DOWN, counted=False)
        elif fate is Fate.LATER and row.tries + 1 < settings.NUDGE_MAIL_TRIES:
            claims.refused(row, fate.value, now + FIRST_WAIT * 4**row.tries)
        else:
            claims.failed(row, fate.value)
        if fate is Fate.NO_MAILBOX:
            mark = suppression.mark(who.email)
            suppression.suppress(mark, suppression.SITE, suppression.Why.BOUNCED, row.learner_id)
        return fate.value


def _seen(row: Delivery) -> bool:
    """Whether the pop-up that this mail would follow was seen since, in a page left open; then it is over."""
    shown = Decision.objects.filter(pk=row.decision_id, shown_at__isnull=False) if row.decision_id else None
    at = None if shown is None else shown.values_list("shown_at", flat=True).first()
    if at is not None:
        claims.seen(row, at)
    return at is not None


def forbids(learner: Learner, time_zone: str, limits: Limits, now: datetime) -> Reason | None:
    """What of a nudge's restraint forbids a mail too: the opt-out, quiet hours, the caps.

    Not the rest: staff may well write to who has finished, and the control group is left out of nudges alone
    (see docs/decisions).
    """
    standing = Standing(
        sends=tuple(restraint.recent([Send(*send) for send in learner.sends], now.timestamp())),
        fewer=learner.fewer,
        opted_out=learner.opted_out,
        time_zone=time_zone or settings.TIME_ZONE,
    )
    return restraint.forbids(standing, limits, KIND, now.timestamp())


def _taken(row: Delivery, learner: Learner, mail: Mail, now: datetime) -> str | None:
    """Spend the send and hand the row over, both or neither: "", or why not; None when a nudge won."""
    with transaction.atomic():
        if not _spent(learner, now):
            return None
        if not claims.hand_over(row, mail.message_id, now, suppression.mark(mail.to)):
            transaction.set_rollback(True)
            return claims.STOPPED
    return ""


def _spent(learner: Learner, now: datetime) -> bool:
    """Count the mail against the learner's caps, unless a nudge was quicker."""
    at = now.timestamp()
    sends: list[Any] = [list(send) for send in restraint.recent([Send(*each) for each in learner.sends], at)]
    return statements.spend(learner, [*sends, [at, KIND, 0]], learner.answers)


def _refund(learner_id: int) -> None:
    """Take the newest mail off the learner's sends: it did not go out."""
    for _try in range(LOST):
        learner = Learner.objects.get(pk=learner_id)
        mails = [place for place, send in enumerate(learner.sends) if send[1] == KIND]
        if not mails:
            return
        sends = [send for place, send in enumerate(learner.sends) if place != mails[-1]]
        if statements.spend(learner, sends, learner.answers):
            return
