"""What staff may put into a letter, field by field, while it is a draft.

A draft may be unfinished: what is missing is said when it is previewed and before it is sent.  What must
never be stored (a header with a line break, an address that is not the course's, markup that does something)
is refused or cleaned at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from opaque_keys.edx.keys import CourseKey

from . import letters, markup, senders
from .models import Channel, Letter
from .selection import Selection

MOST_DAYS = 60
FIELDS = (
    "subject", "body", "links", "sender", "reply_to", "selection", "channel", "wait_days", "at",
    "automatic_until",
)  # fmt: skip
STORED = (*FIELDS, "reply_owner_id")
EVERYONE = "everyone"
URL = 1000
_OVERTAKEN = gettext_lazy("Somebody else changed this message meanwhile.")


class Invalid(ValueError):
    """What a draft cannot hold: sentences by field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(" ".join(self.problems.values()))


class NotOpen(ValueError):
    """A letter that is no draft any more."""


class Overtaken(ValueError):
    """A draft that somebody else changed since it was looked at."""


def new(course_key: CourseKey, user_id: int, fields: Mapping[str, Any]) -> Letter:
    """A draft with these fields, stored.  Raises Invalid."""
    letter = made(course_key, user_id, fields)
    letter.save()
    return letter


def made(course_key: CourseKey, user_id: int, fields: Mapping[str, Any]) -> Letter:
    """The same, not stored: for a preview.  Raises Invalid."""
    usual = senders.senders(course_key)
    letter = Letter(course_key=course_key, author_id=user_id, sender=usual[0] if usual else "")
    fill(letter, user_id, fields)
    return letter


def change(letter: Letter, user_id: int, fields: Mapping[str, Any], seen: str | None = None) -> Letter:
    """Change a draft.  Raises NotOpen, Overtaken or Invalid, and changes nothing then.

    `seen`: when the draft had been changed last, as the caller was told; one changed since is left alone.
    """
    if letter.state != Letter.State.DRAFT:
        raise NotOpen(_("This message was sent already; copy it to write another."))
    if seen is not None and seen != letter.updated.isoformat():
        raise Overtaken(_OVERTAKEN)
    drafts, before = Letter.objects.filter(pk=letter.pk, state=Letter.State.DRAFT), letter.updated
    fill(letter, user_id, fields)
    letter.updated = timezone.now()
    changes = {name: getattr(letter, name) for name in (*STORED, "updated")}
    if (drafts if seen is None else drafts.filter(updated=before)).update(**changes):
        return letter
    if drafts.exists():
        raise Overtaken(_OVERTAKEN)
    raise NotOpen(_("This message was sent meanwhile; copy it to write another."))


def fill(letter: Letter, user_id: int, fields: Mapping[str, Any]) -> None:
    """Set the fields that are given, cleaned.  Raises Invalid."""
    problems: dict[str, str] = {}
    for name in FIELDS:
        if name in fields:
            try:
                setattr(letter, name, _CLEAN[name](fields[name], letter, user_id))
            except ValueError as error:
                problems[name] = str(error)
    if problems:
        raise Invalid(problems)
    if "reply_to" in fields:
        letter.reply_owner_id = senders.owner(letter.course_key, letter.reply_to, user_id)


Cleaner = Callable[[Any, Letter, int], Any]


def _subject(value: Any, letter: Letter, user_id: int) -> str:
    text = _text(value)
    if problems := letters.header_problems(_("The subject"), text):
        raise ValueError(problems[0])
    if len(text) > letters.SUBJECT:
        wanted = _("The subject is too long: use at most %(count)d characters.")
        raise ValueError(wanted % {"count": letters.SUBJECT})
    return text


def _body(value: Any, letter: Letter, user_id: int) -> str:
    text = _text(value)
    if len(text) > letters.BODY:
        wanted = _("The message is too long: use at most %(count)d characters.")
        raise ValueError(wanted % {"count": letters.BODY})
    return markup.sanitise(text)


def _links(value: Any, letter: Letter, user_id: int) -> list[dict[str, str]]:
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise ValueError(_("Attached links are a list of places, each with a label and an address."))
    if len(value) > letters.LINKS:
        raise ValueError(_("Attach at most %(count)d links.") % {"count": letters.LINKS})
    return [_link(each) for each in value]


def _link(value: Mapping[str, Any]) -> dict[str, str]:
    label = markup.one_line(_text(value.get("label")))
    return {"label": label[: letters.WORDS], "url": _text(value.get("url"))[:URL]}


def _sender(value: Any, letter: Letter, user_id: int) -> str:
    return _address(value, senders.senders(letter.course_key), _("The sender"))


def _reply_to(value: Any, letter: Letter, user_id: int) -> str:
    return _address(value, senders.answers(letter.course_key, user_id), _("The address for answers"))


def _address(value: Any, allowed: list[str], name: str) -> str:
    text = _text(value)
    if problems := letters.header_problems(name, text):
        raise ValueError(problems[0])
    if text and text not in allowed:
        raise ValueError(_("%(name)s must be one of this course's verified addresses.") % {"name": name})
    return text


def _selection(value: Any, letter: Letter, user_id: int) -> str:
    text = _text(value)
    return Selection.parse("everyone=1" if text == EVERYONE else text).query()


def _channel(value: Any, letter: Letter, user_id: int) -> str:
    if value not in Channel.values:
        raise ValueError(_("Choose a mail, a pop-up, or a pop-up and then a mail."))
    return str(value)


def _wait_days(value: Any, letter: Letter, user_id: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_DAYS:
        raise ValueError(_("Choose after how many days a mail follows: 1 to %(most)d.") % {"most": MOST_DAYS})
    return value


def _at(value: Any, letter: Letter, user_id: int) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        found = parse_datetime(_text(value))
    except ValueError:
        found = None
    if found is None or timezone.is_naive(found) or not 2000 <= found.year <= 2200:
        raise ValueError(_("The time to send at is like 2026-05-04T08:00:00+02:00, with its zone."))
    return found


def _automatic_until(value: Any, letter: Letter, user_id: int) -> date | None:
    if value in (None, ""):
        return None
    try:
        found = parse_date(_text(value))
    except ValueError:
        found = None
    if found is None:
        raise ValueError(_("The last day of automatic sending is like 2026-06-30."))
    return found


_CLEAN: Mapping[str, Cleaner] = {
    "subject": _subject,
    "body": _body,
    "links": _links,
    "sender": _sender,
    "reply_to": _reply_to,
    "selection": _selection,
    "channel": _channel,
    "wait_days": _wait_days,
    "at": _at,
    "automatic_until": _automatic_until,
}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(_("A text was expected here."))
    if "\x00" in value:
        raise ValueError(_("A text cannot hold the character number 0."))
    return value
