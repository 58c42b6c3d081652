"""What comes from outside, without a login: unsubscribing, opens, clicks, bounces."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.checks import SECRET
from nudge_xblock.compat import platform

from . import suppression, tokens
from .models import Delivery, Suppression
from .tokens import Subscriber

Why = Suppression.Why
COURSE, EVERYWHERE, NONE = "course", "site", "none"
HARD, SOFT, COMPLAINT = "hard", "soft", "complaint"
MOST_REPORTS = 1000


def subscription(token: str) -> dict[str, str]:
    """What an unsubscribe link is about.  Raises Forged."""
    return _described(tokens.subscriber(token))


def subscribe(token: str, scope: str) -> dict[str, str]:
    """Take the person at their word, as often as they say it.  Raises Forged."""
    who = tokens.subscriber(token)
    if scope == NONE:
        suppression.resubscribe(who)
    else:
        suppression.unsubscribe(who, everywhere=scope == EVERYWHERE)
    return _described(who)


def _described(who: Subscriber) -> dict[str, str]:
    title = platform().course_dates(CourseKey.from_string(who.course)).title or who.course
    why = suppression.kept(who)
    kept = str(Why(why).label) if why else ""
    return {"course": who.course, "title": title, "standing": suppression.standing(who), "kept": kept}


def opened(token: str) -> None:
    """Note the first time.  Raises Forged."""
    rows = Delivery.objects.filter(pk=tokens.opened(token), opened_at__isnull=True)
    if settings.NUDGE_MAIL_TRACKING:
        rows.update(opened_at=timezone.now())


def clicked(token: str) -> str:
    """Note the first time, and return the address that was signed, whatever is counted.  Raises Forged.

    Who followed a link has opened the mail, although many programs fetch no pictures.
    """
    delivery, url = tokens.clicked(token)
    if settings.NUDGE_MAIL_TRACKING:
        now = timezone.now()
        Delivery.objects.filter(pk=delivery, opened_at__isnull=True).update(opened_at=now)
        Delivery.objects.filter(pk=delivery, clicked_at__isnull=True).update(clicked_at=now)
    return url


def may_report(secret: str) -> bool:
    """Whether the secret is the one that is set, compared in constant time; nobody may without one."""
    wanted = settings.NUDGE_MAIL_BOUNCE_SECRET
    return len(wanted) >= SECRET and hmac.compare_digest(secret.encode(), wanted.encode())


def bounced(reports: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Take in reports: {"kind": "hard", "soft" or "complaint", "address" and/or "message_id"}.

    A hard bounce and a complaint suppress the address everywhere; a soft one is written down alone.  Returns
    how many were of each kind, and "suppressed": how many addresses are newly so.  Raises ValueError, and
    then takes in nothing.
    """
    if len(reports) > MOST_REPORTS:
        raise ValueError(f"Send at most {MOST_REPORTS} reports at once.")
    for each in reports:
        _check(each)
    counts: Counter[str] = Counter({"suppressed": 0})
    for each in reports:
        kind = each["kind"]
        counts[kind] += 1
        if kind == SOFT:
            _written_down(each)
        else:
            why = Why.BOUNCED if kind == HARD else Why.COMPLAINED
            counts["suppressed"] += suppression.bounced(
                [str(each.get("address") or "")], [str(each.get("message_id") or "")], why
            )
    return dict(counts)


def _check(report: Mapping[str, Any]) -> None:
    if not isinstance(report, Mapping) or report.get("kind") not in (HARD, SOFT, COMPLAINT):
        raise ValueError('A report is {"kind": "hard", "soft" or "complaint", "address", "message_id"}.')
    told = [report.get(name) for name in ("address", "message_id")]
    if not any(told) or not all(isinstance(each, str | None) for each in told):
        raise ValueError('A report says whom or what it is about: "address" or "message_id", as text.')


def _written_down(report: Mapping[str, Any]) -> None:
    rows = Delivery.objects.filter(message_id=report.get("message_id") or "", state=Delivery.State.SENT)
    if report.get("message_id"):
        rows.update(reason="soft_bounce")
