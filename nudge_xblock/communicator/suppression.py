"""Who must not be mailed: those who unsubscribed, whose address does not exist, or who complained.

Addresses are kept as keyed hashes alone.  A row is found by the address and by the learner, so that neither
enrolling again, nor a new address, nor a new account with the old address undoes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from nudge_xblock.models import Learner

from . import tokens
from .models import Delivery, Suppression
from .tokens import Subscriber

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

Why = Suppression.Why
SITE = ""
SAID = (Why.BOUNCED, Why.COMPLAINED, Why.UNSUBSCRIBED)


class Blocked:
    """The suppressions that hold in one course run, looked up in memory.

    `some`: learners' rows and their addresses, where nobody else is asked about; then theirs alone are read.
    """

    def __init__(self, course_key: CourseKey, some: Mapping[int, str] | None = None) -> None:
        rows = Suppression.objects.filter(scope__in=[SITE, str(course_key)])
        if some is not None:
            marks = [mark(email) for email in some.values() if email]
            rows = rows.filter(Q(address__in=marks) | Q(learner_id__in=list(some)))
        self._addresses: dict[str, str] = {}
        self._learners: dict[int, str] = {}
        # Of several reasons the last is told: what a person said comes after what a mail server did.
        found = sorted(rows.values_list("address", "learner_id", "why"), key=lambda row: SAID.index(row[2]))
        for address, learner_id, why in found:
            self._addresses[address] = why
            # A new address is no reason to write again to who wants no mail; a dead one says nothing of it.
            if learner_id is not None and why != Why.BOUNCED:
                self._learners[learner_id] = why

    @property
    def learners(self) -> Collection[int]:
        """The learners' rows that must not be mailed, whatever their address is now."""
        return self._learners

    def has(self, email: str) -> bool:
        """Whether this address must not be mailed."""
        return bool(self._addresses) and mark(email) in self._addresses

    def why(self, learner_id: int | None, email: str) -> str:
        """Why this learner at this address must not be mailed; empty when they may be."""
        if not self._addresses:
            return ""
        found = self._learners.get(learner_id or 0)
        return found or self._addresses.get(mark(email), "")


def mark(email: str) -> str:
    """The keyed hash of an address; upper and lower case are one."""
    return tokens.digest("address", email.strip().casefold())


def suppress(address: str, scope: str, why: str, learner: int | None = None) -> bool:
    """Keep an address (its hash) from being mailed; whether that is new.  Safe to repeat.

    Each reason has a row of its own, so that taking one back leaves the others.
    """
    known = Learner.objects.filter(pk=learner).first() if learner else None
    row, new = Suppression.objects.get_or_create(
        address=address, scope=scope, why=why, defaults={"learner": known}
    )
    if not new and known is not None and row.learner_id is None:
        Suppression.objects.filter(pk=row.pk).update(learner=known)
    return new


def unsubscribe(who: Subscriber, everywhere: bool = False) -> bool:
    """Take someone at their word, for the course or the whole site; whether that is new."""
    return suppress(who.address, SITE if everywhere else who.course, Why.UNSUBSCRIBED, who.learner)


def resubscribe(who: Subscriber) -> int:
    """Undo what the same person asked for, for the course and the site; how many rows that were.

    What a mail server or a complaint said stays.
    """
    return _of(who).filter(why=Why.UNSUBSCRIBED).delete()[0]


def standing(who: Subscriber) -> str:
    """ "site" or "course" where that person unsubscribed, else empty."""
    scopes = set(_of(who).filter(why=Why.UNSUBSCRIBED).values_list("scope", flat=True))
    return "site" if SITE in scopes else "course" if scopes else ""


def kept(who: Subscriber) -> str:
    """Why that person gets no mail whatever they ask for: a complaint or a dead mailbox; else empty."""
    dead = Q(why=Why.BOUNCED, address=who.address)
    return _of(who).filter(dead | Q(why=Why.COMPLAINED)).values_list("why", flat=True).first() or ""


def _of(who: Subscriber) -> QuerySet[Suppression]:
    mine = Q(address=who.address) | Q(learner_id=who.learner)
    return Suppression.objects.filter(mine, scope__in=[SITE, who.course])


def bounced(emails: Collection[str], message_ids: Iterable[str], why: str, detail: str = "") -> int:
    """Take in what a mail server says of addresses or of mails: to be suppressed, and their mails failed.

    Returns how many addresses are newly suppressed.
    """
    found = {mark(email): None for email in emails if email.strip()}
    rows = Delivery.objects.filter(message_id__in=[each for each in message_ids if each])
    hit = {row.pk: row for row in rows}
    learners: dict[str, int | None] = dict(found)
    # Where the mail went, which need not be where its learner is reached today.
    learners |= {row.address: row.learner_id for row in hit.values() if row.address}
    new = sum(suppress(address, SITE, why, learner) for address, learner in learners.items())
    Delivery.objects.filter(pk__in=hit, state=Delivery.State.SENT).update(
        state=Delivery.State.FAILED, reason=why if why != Why.BOUNCED else "bounced"
    )
    return new
