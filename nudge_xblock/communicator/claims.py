"""The states of a delivery, and the only statements that change them while mails go out.

    queued -> claimed -> handed -> sent
                 |          `---> failed, or queued again where it certainly did not go out
                 `-----> skipped, or queued again

Every step is one conditional UPDATE that names the state and the worker it expects, so that of two workers
one wins, whatever the isolation level, and a step can be repeated.  `handed` is committed before the mail
server hears of the mail: a row that a killed worker left there may have gone out and is never sent again; one
left in `claimed` certainly has not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from .models import Delivery, Letter, Rate

State = Delivery.State
UNKNOWN = "unknown"  # whether it went out
STOPPED = "stopped"
GONE = "gone"  # the learner left the course, or the site
MINUTE = timedelta(minutes=1)
LATE = timedelta(minutes=2)
"""How late workers may be, at their first batch or when they come back, before a letter is shared anew."""
GOING = (Letter.State.SENDING, Letter.State.AUTOMATIC)
"""The states of a letter in which its queued rows may go out."""
UNSENT = (State.QUEUED, State.CLAIMED, State.WAITING)
"""The states of a delivery in which nothing has gone out."""
STUBBORN = 6
Done = TypeVar("Done")


def surely(change: Callable[[], Done]) -> Done:
    """Do one of these steps, again where the database broke it off in favour of another (a deadlock)."""
    for attempt in range(STUBBORN):
        try:
            return change()
        except OperationalError:
            time.sleep(0.05 * 2**attempt)
    return change()


def claim(letter_id: int, worker: str, now: datetime, most: int) -> list[Delivery]:
    """Take up to `most` queued rows of a letter that is being sent, as many as the rate allows now.

    One row of the site is locked meanwhile, so that workers cannot together exceed the rate, whatever letters
    they are at.
    """
    if settings.NUDGE_MAIL_PER_MINUTE:
        surely(lambda: Rate.objects.get_or_create(pk=1))
    ids = surely(lambda: _claimed(letter_id, worker, now, most))
    mine = Delivery.objects.filter(pk__in=ids, worker=worker, state=State.CLAIMED)
    return list(mine.select_related("learner", "letter").order_by("pk"))


def _claimed(letter_id: int, worker: str, now: datetime, most: int) -> list[int]:
    with transaction.atomic():
        if settings.NUDGE_MAIL_PER_MINUTE:
            Rate.objects.select_for_update().get(pk=1)
        letter = Letter.objects.select_for_update().filter(pk=letter_id).first()
        if letter is None or letter.state not in GOING:
            return []
        room = min(most, allowance(now))
        due = Q(due_at__isnull=True) | Q(due_at__lte=now)
        queued = Delivery.objects.filter(due, letter_id=letter_id, state=State.QUEUED)
        ids = list(queued.order_by("pk").values_list("pk", flat=True)[:room]) if room > 0 else []
        Delivery.objects.filter(pk__in=ids, state=State.QUEUED).update(
            state=State.CLAIMED, worker=worker, claimed_at=now
        )
    return ids


def allowance(now: datetime) -> int:
    """How many more mails the site may take up in this minute."""
    if not settings.NUDGE_MAIL_PER_MINUTE:
        return int(settings.NUDGE_MAIL_BATCH)
    taken = Delivery.objects.filter(
        state__in=[State.CLAIMED, State.HANDED, State.SENT, State.FAILED], claimed_at__gt=now - MINUTE
    ).count()
    return max(0, int(settings.NUDGE_MAIL_PER_MINUTE) - taken)


def attend(letter_id: int, until: datetime | None) -> None:
    """Note until when a letter is attended to, with what a worker may be late; None: it needs nobody more."""
    until = until and until + LATE
    surely(lambda: Letter.objects.filter(pk=letter_id).update(attended_until=until))


def taken_on(letter_id: int, now: datetime) -> bool:
    """Take a letter on that nobody attends to; of several that ask at once one does."""
    free = Q(attended_until__isnull=True) | Q(attended_until__lte=now)
    return surely(lambda: Letter.objects.filter(free, pk=letter_id).update(attended_until=now + LATE)) == 1


def hand_over(row: Delivery, message_id: str, now: datetime, address: str = "") -> bool:
    """Write down that the mail server is about to get the mail; False: it must not, the row is not ours.

    It is not, either, once the letter was stopped.  `address`: the hash of where the mail goes.
    """
    going = Letter.objects.filter(pk=row.letter_id, state__in=GOING)
    changed = Delivery.objects.filter(
        pk=row.pk, state=State.CLAIMED, worker=row.worker, letter__in=going
    ).update(state=State.HANDED, message_id=message_id, address=address, claimed_at=now)
    return changed == 1


def sent(row: Delivery, now: datetime) -> None:
    """The mail server has taken it over; true also where we were taken for dead meanwhile."""
    taken_for_dead = Q(state=State.FAILED, reason=UNKNOWN)
    ours = Delivery.objects.filter(Q(state=State.HANDED) | taken_for_dead, pk=row.pk, worker=row.worker)
    surely(lambda: ours.update(state=State.SENT, reason="", sent_at=now))


def failed(row: Delivery, reason: str) -> None:
    """It did not go out, or nobody knows, and it will not be tried again."""
    surely(lambda: _from(row, State.HANDED).update(state=State.FAILED, reason=reason))


def skipped(row: Delivery, reason: str) -> None:
    """It is not to go out to this learner."""
    surely(lambda: _from(row, State.CLAIMED).update(state=State.SKIPPED, reason=reason))


def seen(row: Delivery, at: datetime) -> None:
    """The pop-up was seen after all: no mail follows it."""
    surely(lambda: _from(row, State.CLAIMED).update(state=State.SEEN, shown_at=at))


def put_off(row: Delivery, reason: str, until: datetime) -> None:
    """Nothing was handed over: again later."""
    changes = {
        "state": State.QUEUED, "reason": reason, "due_at": until, "worker": "",
        "put_off_since": Coalesce("put_off_since", row.claimed_at), "claimed_at": None,
    }  # fmt: skip
    surely(lambda: _from(row, State.CLAIMED).update(**changes))


def refused(row: Delivery, reason: str, until: datetime, counted: bool = True) -> None:
    """The mail server said not now: again later.  `counted`: among the tries that there are."""
    tries = F("tries") + int(counted)
    changes = {
        "state": State.QUEUED, "reason": reason, "due_at": until, "worker": "", "tries": tries,
        "put_off_since": Coalesce("put_off_since", "claimed_at"),
    }  # fmt: skip
    surely(lambda: _from(row, State.HANDED).update(**changes))


def lapse(now: datetime) -> dict[str, int]:
    """Settle what dead workers left: claimed rows are queued again, handed ones failed for good.

    A worker is taken for dead after NUDGE_MAIL_LEASE_MINUTES without a step, which must be longer than a mail
    server may take to answer.
    """
    old = now - timedelta(minutes=settings.NUDGE_MAIL_LEASE_MINUTES)
    left = Delivery.objects.filter(claimed_at__lt=old)
    handed, claimed = left.filter(state=State.HANDED), left.filter(state=State.CLAIMED)
    return {
        "failed": surely(lambda: handed.update(state=State.FAILED, reason=UNKNOWN)),
        "queued": surely(lambda: claimed.update(state=State.QUEUED, worker="", claimed_at=None)),
    }


def stop(letter_id: int, now: datetime) -> bool:
    """Let nothing more go out; whether there was something to stop.  What was handed over stays so."""
    # Two statements on their own: a worker locks a delivery first and reads its letter then.
    changed = Letter.objects.filter(pk=letter_id, state__in=[*GOING, Letter.State.SCHEDULED]).update(
        state=Letter.State.STOPPED, finished=now, confirmed_for=None
    )
    left_out()
    return bool(changed)


def left_out() -> int:
    """Settle what is left of letters that were stopped; how many rows."""
    stopped = Letter.objects.filter(state=Letter.State.STOPPED)
    unsent = Delivery.objects.filter(letter__in=stopped, state__in=UNSENT)
    return surely(lambda: unsent.update(state=State.SKIPPED, reason=STOPPED))


def finish(letter_id: int, now: datetime) -> bool:
    """Close a letter whose every row is settled; an automatic one goes on."""
    if Delivery.objects.filter(letter_id=letter_id, state__in=[*UNSENT, State.HANDED]).exists():
        return False
    sending = Letter.objects.filter(pk=letter_id, state=Letter.State.SENDING)
    return bool(sending.update(state=Letter.State.SENT, finished=now))


def _from(row: Delivery, state: str) -> QuerySet[Delivery, Any]:
    return Delivery.objects.filter(pk=row.pk, state=state, worker=row.worker)
