"""The Communicator's half of the plugin's door; nudge_xblock/api.py says what holds of every function.

What a function raises is a ValueError whose message says in words what to change, unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from .desk import Changed, Missing, NotPossible, NotReady, TooMany
from .drafts import Invalid, NotOpen, Overtaken
from .saved import Taken
from .selection import Unreadable
from .tokens import Forged

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

__all__ = [
    "Changed", "Forged", "Invalid", "Missing", "NotOpen", "NotPossible", "NotReady", "Overtaken", "Taken",
    "TooMany", "Unreadable",
]  # fmt: skip


# Learners


def learners(course_key: CourseKey, now: datetime | None = None) -> dict[str, Any]:
    """Everyone's figures under pseudonyms, in columns, with the phrases to choose by."""
    from . import export

    return export.payload(course_key, now or timezone.now())


def count(course_key: CourseKey, query: str) -> dict[str, int]:
    """How many a selection means, and how many of them a mail may reach."""
    from . import export

    return export.count(course_key, query)


def table(course_key: CourseKey, query: str) -> str:
    """The learners whom a selection means, as CSV, under pseudonyms."""
    from . import export

    return export.table(course_key, query)


def trends(course_key: CourseKey, who: Sequence[str]) -> dict[str, Any]:
    """The last 30 days of each prediction of at most a hundred learners, by pseudonym."""
    from . import trends

    return trends.trends(course_key, who, timezone.now())


# Selections of the course team


def selections(course_key: CourseKey) -> list[dict[str, Any]]:
    """The selections that the course's staff named."""
    from . import saved

    return saved.every(course_key)


def save_selection(course_key: CourseKey, user_id: int, name: str, query: str) -> dict[str, Any]:
    """Name a selection.  Raises Unreadable or Taken."""
    from . import saved

    return saved.save(course_key, user_id, name, query)


def delete_selection(course_key: CourseKey, number: int) -> bool:
    """Forget a named selection; whether the course had it."""
    from . import saved

    return saved.delete(course_key, number)


# The audit


def record(
    course_key: CourseKey, user_id: int, what: str, letter_id: int | None = None, **detail: Any
) -> None:
    """Write down one call of a member of staff."""
    from . import audit

    audit.record(course_key, user_id, what, letter_id, **detail)


def record_everywhere(course_keys: Sequence[CourseKey], user_id: int, what: str, **detail: Any) -> None:
    """Write down one call about several courses in each of them."""
    from . import audit

    audit.record_everywhere(course_keys, user_id, what, **detail)


def record_refusal(course_key: CourseKey | None, user_id: int, call: str, status: int) -> None:
    """Write down a call that was refused; a flood of them is one line a minute."""
    from . import audit

    audit.record_refusal(course_key, user_id, call, status)


def audited(course_key: CourseKey, before: int | None = None, looks: bool = True) -> list[dict[str, Any]]:
    """200 calls, newest first: the last, or those before one; without `looks` only what was done."""
    from . import audit

    return audit.newest(course_key, before, looks)


# Letters


def senders(course_key: CourseKey, user_id: int, answers: bool = False) -> list[str]:
    """The addresses that letters may come from, or, with `answers`, that answers may go to."""
    from . import senders

    return senders.answers(course_key, user_id) if answers else senders.senders(course_key)


def outline(course_key: CourseKey) -> list[dict[str, Any]]:
    """The course's sections and the subsections that a letter can link to."""
    from . import places

    return places.outline(course_key)


def letters(course_key: CourseKey) -> list[dict[str, Any]]:
    """The course's letters, newest first, with what became of them."""
    from . import cards, history

    cards.settle(cards.open_letters(timezone.now(), course_key))
    return history.letters(course_key)


def letter(course_key: CourseKey, number: int) -> dict[str, Any]:
    """One of them.  Raises Missing."""
    from . import cards, desk, history

    found = desk.find(course_key, number)
    cards.settle([found.pk])
    return history.letter(found)


def draft(course_key: CourseKey, user_id: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A new draft.  Raises Invalid."""
    from . import drafts, history

    return history.letter(drafts.new(course_key, user_id, fields))


def copy_letter(
    course_key: CourseKey, user_id: int, number: int, source: CourseKey | None = None, resend: bool = False
) -> dict[str, Any]:
    """A new draft from an earlier letter, see desk.copy.  Raises Missing and NotPossible."""
    from . import desk, history

    return history.letter(desk.copy(course_key, user_id, number, source, resend))


def change_letter(
    course_key: CourseKey, user_id: int, number: int, fields: Mapping[str, Any], seen: str | None = None
) -> dict[str, Any]:
    """Change a draft, where `seen` is given if it still is as then.

    Raises Missing, NotOpen, Overtaken and Invalid.
    """
    from . import desk, drafts, history

    return history.letter(drafts.change(desk.find(course_key, number), user_id, fields, seen))


def delete_letter(course_key: CourseKey, number: int) -> None:
    """Throw a draft away.  Raises Missing and NotOpen."""
    from . import desk

    desk.delete(course_key, number)


def preview(course_key: CourseKey, user_id: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The mail as a pseudonymous example gets it, and whom it would go to.  Raises Invalid and Missing."""
    from . import desk

    return desk.preview(course_key, user_id, fields, timezone.now())


def test_letter(course_key: CourseKey, user_id: int, fields: Mapping[str, Any]) -> str:
    """Send it to the caller's own address; that address.  Raises Invalid, NotReady, TooMany, NotPossible."""
    from . import desk

    return desk.test(course_key, user_id, fields, timezone.now())


def send_letter(
    course_key: CourseKey, user_id: int, number: int, expected: int | None = None, digest: str | None = None
) -> dict[str, Any]:
    """Let a draft go out.  Raises Missing, NotOpen, NotReady and Changed."""
    from . import desk, history

    return history.letter(desk.send(course_key, user_id, number, expected, timezone.now(), digest)[0])


def stop_letter(course_key: CourseKey, number: int) -> dict[str, Any]:
    """Let nothing more of it go out.  Raises Missing and NotPossible."""
    from . import desk, history

    return history.letter(desk.stop(course_key, number, timezone.now()))


def deliveries(course_key: CourseKey, number: int, after: int = 0) -> dict[str, Any]:
    """To whom a letter went and why, a page at a time.  Raises Missing."""
    from . import cards, desk, history

    found = desk.find(course_key, number)
    cards.settle([found.pk])
    return history.deliveries(found, after)


def letters_table(course_key: CourseKey) -> str:
    """The letters as CSV."""
    from . import history

    return history.letters_table(course_key)


def deliveries_table(course_key: CourseKey, number: int) -> str:
    """To whom a letter went, as CSV.  Raises Missing."""
    from . import desk, history

    return history.deliveries_table(desk.find(course_key, number))


# Sending


def begin_letter(letter_id: int, now: datetime | None = None) -> bool:
    """Start a letter whose time has come; whether it was started."""
    from . import automation

    return automation.begin(letter_id, now or timezone.now())


def deliver_letter(letter_id: int) -> datetime | None:
    """Send one batch of a letter in this process; when to come back, None when nothing is left."""
    from . import delivery

    return delivery.work(letter_id).again


def share_letter(letter_id: int) -> int:
    """Queue the tasks that share a letter's sending; how many."""
    from . import launching

    return launching.share(letter_id)


def sweep_letters(now: datetime | None = None) -> dict[str, int]:
    """Do all that is due now but the sending itself; what was done, counted."""
    from . import automation

    return automation.sweep(now or timezone.now())


def waiting_letters(now: datetime | None = None) -> list[int]:
    """The letters with mails that may be sent now."""
    from . import automation

    return automation.waiting(now or timezone.now())


def idle_letters(now: datetime | None = None) -> list[int]:
    """Those of them that no worker is at."""
    from . import automation

    return automation.idle(now or timezone.now())


# From outside


def subscription(token: str) -> dict[str, str]:
    """What an unsubscribe link is about: {"course", "title", "standing", "kept"}.  Raises Forged."""
    from . import outside

    return outside.subscription(token)


def subscribe(token: str, scope: str) -> dict[str, str]:
    """Unsubscribe from "course" or "site", or with "none" take it back.  Raises Forged."""
    from . import outside

    return outside.subscribe(token, scope)


def opened(token: str) -> None:
    """Note that a mail was opened.  Raises Forged."""
    from . import outside

    outside.opened(token)


def clicked(token: str) -> str:
    """Note that a link was followed, and return where it leads.  Raises Forged."""
    from . import outside

    return outside.clicked(token)


def bounced(reports: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Take in what a mail provider says; counts.  Raises ValueError for what is no report."""
    from . import outside

    return outside.bounced(reports)


def may_report(secret: str) -> bool:
    """Whether this is the secret of NUDGE_MAIL_BOUNCE_SECRET."""
    from . import outside

    return outside.may_report(secret)
