"""From which addresses a course's letters may come, and where answers may go."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import formataddr, parseaddr
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from nudge_xblock.compat import platform

from .markup import one_line

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

    from .models import Letter

EVERY = "*"


def senders(course_key: CourseKey) -> list[str]:
    """The addresses that letters of this course run may come from, the usual one first.

    Those of NUDGE_MAIL_SENDERS for the run, its organisation and every course; where that says nothing of
    the course, those that the platform itself sends from.
    """
    told = settings.NUDGE_MAIL_SENDERS
    listed = [each for name in (str(course_key), course_key.org, EVERY) for each in told.get(name, ())]
    return _bare(listed or platform().site_senders())


def answers(course_key: CourseKey, user_id: int) -> list[str]:
    """The addresses that answers may go to: the senders, and the verified one of who writes."""
    return _bare([*senders(course_key), *_own(user_id)])


def owner(course_key: CourseKey, address: str, user_id: int) -> int | None:
    """Whose own address for answers this is that this person chose; None for one of the course's."""
    return None if not address or address in senders(course_key) else user_id


def answer(letter: Letter) -> str:
    """Where answers to a letter go now: its address, or empty once it is not the course's or its owner's.

    Somebody's own address counts as long as it is confirmed, and they are staff of the course.
    """
    if letter.reply_to in senders(letter.course_key):
        return letter.reply_to
    whose = letter.reply_owner_id
    if whose is None or letter.reply_to not in _bare(_own(whose)):
        return ""
    return letter.reply_to if platform().is_course_staff(whose, letter.course_key) else ""


def _own(user_id: int) -> list[str]:
    return [email for _pk, email, verified in platform().addresses([user_id]) if verified]


def header(address: str, title: str) -> str:
    """The From header: the course's name before the address."""
    return formataddr((one_line(title), address)) if title else address


def _bare(addresses: Iterable[str]) -> list[str]:
    """Each usable address once, without a name before it."""
    found: dict[str, str] = {}
    for each in addresses:
        address = parseaddr(each)[1]
        try:
            validate_email(address)
        except ValidationError:
            continue
        found.setdefault(address.casefold(), address)
    return list(found.values())
