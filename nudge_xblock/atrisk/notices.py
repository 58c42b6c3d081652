"""Telling the operator's own system of cases: each change once, signed, and as long as it takes.

A notice is stored in the transaction of what it tells of, so that none is lost; sending it is repeated until
the other side has taken it.  What was taken just before a worker died is sent again under the same id, by
which the receiver drops it.  Only the operator sets the address, and it is called as it stands: redirects are
not followed.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import orjson
import requests
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from kombu.exceptions import KombuError

from nudge_xblock import starting
from nudge_xblock.checks import SECRET
from nudge_xblock.compat import platform

from . import rows, tiers
from .happenings import ASSIGNED, CLOSED, LED, MOVED, OPENED, REOPENED, RESOLVED
from .models import Case, CaseEvent, Notice

LOG = logging.getLogger(__name__)
TOLD = (OPENED, MOVED, LED, CLOSED, ASSIGNED, RESOLVED, REOPENED)
"""What happened to a case that the other side is told of.  Notes are not: they are for staff alone."""
BATCH = 100
LEASE = timedelta(minutes=5)
"""After which a notice that a worker took up, and neither sent nor put off, is taken up again."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=30)
"""Brokers hand a task out a second time that waits for longer than an hour."""
PATIENCE = timedelta(days=30)
"""After which a notice is given up; it stays in the admin, with what the other side answered last."""
TIMEOUT = 10.0
NOT_OURS = (401, 403, 404, 405, 408, 429)
"""Answers that any notice would get now, beside those that begin with 5."""
HERE = ("localhost", "127.0.0.1", "::1")


class Refused(Exception):
    """The other side did not take a notice; `down`: nor would it take another one now."""

    def __init__(self, problem: str, down: bool) -> None:
        self.down = down
        super().__init__(problem[:200])


def enabled() -> bool:
    """Whether there is somebody to tell: an address that may be called, and a secret worth the name."""
    return may_call(settings.NUDGE_CASE_WEBHOOK_URL) and len(settings.NUDGE_CASE_WEBHOOK_SECRET) >= SECRET


def may_call(url: str) -> bool:
    """Whether an address is one that nobody on the way can read along: https, or on this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE)
    )


def store(events: Iterable[CaseEvent]) -> None:
    """Note that the other side is to be told, within the transaction that writes the events.

    The events must be stored already.
    """
    told = [event for event in events if event.what in TOLD]
    if told and enabled():
        now = timezone.now()
        Notice.objects.bulk_create([Notice(event=event, next_try=now) for event in told])
        transaction.on_commit(launch, robust=True)


def launch() -> None:
    """Let a worker send what is due; where there is none, `nudge_notices` and the night do.

    While the other side is down, a worker comes back anyhow.
    """
    from nudge_xblock import tasks

    try:
        if starting.has_broker() and _held(timezone.now()) is None:
            tasks.send(tasks.case_notices)
    except (OSError, KombuError, RuntimeError):
        LOG.exception("Notices about cases wait for nudge_notices: no worker could be asked")


@dataclass
class Sent:
    """What became of the notices that were due.

    `again`: when whoever sent these must come back; None where nothing waits, or another worker will.
    """

    taken: int = 0
    put_off: int = 0
    given_up: int = 0
    again: datetime | None = None


def send(now: datetime | None = None) -> Sent:
    """Send what is due, oldest first.  Where the other side is down, all the rest waits as long."""
    now, sent = now or timezone.now(), Sent()
    if not enabled():
        return sent
    with requests.Session() as session:
        for notice in _due(now):
            if _claim(notice) and not _sent(session, notice, sent):
                return sent
    if Notice.objects.filter(next_try__lte=timezone.now()).exists():
        sent.again = now
    return sent


def _sent(session: requests.Session, notice: Notice, sent: Sent) -> bool:
    """Send one that was taken up; False where the other side is down."""
    try:
        _post(session, notice)
    except Refused as refused:
        _refused(notice, refused, sent)
        return not refused.down
    Notice.objects.filter(pk=notice.pk).update(taken=timezone.now(), next_try=None, problem="")
    sent.taken += 1
    return True


def _due(now: datetime) -> list[Notice]:
    due = Notice.objects.filter(next_try__lte=now).order_by("event_id")
    return list(due.select_related("event__case__enrolment__learner")[:BATCH])


def _claim(notice: Notice) -> bool:
    """Take a notice up, unless another worker did."""
    mine = Notice.objects.filter(pk=notice.pk, next_try=notice.next_try)
    return bool(mine.update(next_try=timezone.now() + LEASE, tries=F("tries") + 1, down=False))


def _refused(notice: Notice, refused: Refused, sent: Sent) -> None:
    """Let it be tried again, ever less often, or give it up; where the other side is down, all that is due.

    Whoever finds it down first comes back for everything: others leave theirs to that time.
    """
    now = timezone.now()
    held = _held(now) if refused.down else None
    later = held or now + pause(notice.tries)
    mine = Notice.objects.filter(pk=notice.pk)
    if now - notice.event.at > PATIENCE:
        mine.update(next_try=None, problem=str(refused))
        sent.given_up += 1
    else:
        sent.put_off += mine.update(next_try=later, problem=str(refused), down=refused.down)
    if refused.down:
        sent.put_off += Notice.objects.filter(next_try__lte=now).update(next_try=later, down=True)
    if held is None and sent.put_off:
        sent.again = min(later, sent.again or later)


def _held(now: datetime) -> datetime | None:
    """When the other side, which is down, is asked again; None where it is not known to be down."""
    waiting = Notice.objects.filter(next_try__gt=now, down=True)
    return waiting.order_by("next_try").values_list("next_try", flat=True).first()


def pause(tries: int) -> timedelta:
    """How long to wait after having tried so often before."""
    grown: timedelta = FIRST_PAUSE * 2 ** min(tries, 16)
    return min(grown, LONGEST_PAUSE)


def _post(session: requests.Session, notice: Notice) -> None:
    """Call the other side.  Raises Refused."""
    body = orjson.dumps(told(notice.event))
    stamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "nudge-xblock",
        "Nudge-Id": notice_id(notice.event),
        "Nudge-Timestamp": stamp,
        "Nudge-Signature": f"sha256={signature(stamp, body)}",
    }
    try:
        answer = session.post(
            settings.NUDGE_CASE_WEBHOOK_URL,
            data=body,
            headers=headers,
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,  # what it answers beside the status is not read
        )
        answer.close()
    except requests.RequestException as error:
        raise Refused(f"not reached: {type(error).__name__}", down=True) from error
    if not 200 <= answer.status_code < 300:
        down = answer.status_code >= 500 or answer.status_code in NOT_OURS
        raise Refused(f"answered {answer.status_code}", down)


def signature(stamp: str, body: bytes) -> str:
    """HMAC-SHA256 of "timestamp.body" with the operator's secret, in hexadecimal digits."""
    secret = settings.NUDGE_CASE_WEBHOOK_SECRET.encode()
    return hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def notice_id(event: CaseEvent) -> str:
    """What the receiver knows a repeat by: the same for the same event, and no other site's."""
    return str(uuid5(NAMESPACE_URL, f"{platform().root_url()}/nudge/case-events/{event.pk}"))


def told(event: CaseEvent) -> dict[str, Any]:
    """What the other side reads: what happened, and the case as it is now, the learner under a pseudonym."""
    case: Case = event.case
    ids = [pk for pk in (event.author_id, event.about_id, case.assignee_id) if pk is not None]
    names = platform().names_of(ids) if ids else {}
    return {
        "id": notice_id(event),
        "what": event.what,
        "at": event.at.isoformat(),
        "who": names.get(event.author_id or 0, ""),
        "detail": event.detail,
        "case": {
            "id": case.pk,
            "course": str(case.course_key),
            "learner": rows.pseudonym(case.enrolment.learner.user_id, case.course_key),
            "tier": case.tier,
            "chance": tiers.percent(case.chance),
            "group": case.group,
            "owner": case.owner,
            "assignee": names.get(case.assignee_id or 0, ""),
            "state": case.state,
            "outcome": case.outcome,
            "opened": case.opened.isoformat(),
            "closed": case.closed.isoformat() if case.closed else None,
        },
    }
