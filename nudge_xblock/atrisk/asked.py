"""Which cases somebody asks for: the query of a list, read strictly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from .models import Owner
from .plan import REASONS
from .tiers import ORDER

OPEN, ENDED, ALL = "open", "ended", "all"
STATES = (OPEN, ENDED, ALL)
URGENCY, OPENED = "urgency", "opened"
ORDERS = (URGENCY, OPENED)
ME, NONE = "me", "none"
NAME = re.compile(r"[0-9a-f]{16}")
LARGEST = 2**63 - 1
MANY_PAGES = 1_000_000


class Unreadable(ValueError):
    """Something in the query is not known; `field` says what, the message which values there are."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@dataclass(frozen=True)
class Asked:
    """What to list.  An empty tuple or text asks for no restriction.

    Args:
        tiers, groups, owners: any of these; groups as `plan.REASONS` calls them.
        state: OPEN, ENDED or ALL.
        assignee: ME, NONE, or a user's number as text.
        who: a learner's pseudonym.
        order: URGENCY or OPENED.
        page: from 1 on.
    """

    tiers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    state: str = OPEN
    assignee: str = ""
    who: str = ""
    order: str = URGENCY
    page: int = 1

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Asked:
        """Read a query.  Raises Unreadable."""
        known = ("tier", "group", "owner", "state", "assignee", "who", "order", "page")
        for name in query:
            if name not in known:
                raise _unknown(name, name, known)
        return cls(
            tiers=_several(query, "tier", ORDER),
            groups=_several(query, "group", REASONS),
            owners=_several(query, "owner", Owner.values),
            state=_one(query, "state", STATES),
            assignee=_assignee(query.get("assignee", "")),
            who=_who(query.get("who", "")),
            order=_one(query, "order", ORDERS),
            page=_page(query.get("page", "") or "1"),
        )


def _unknown(field: str, value: str, known: Iterable[str]) -> Unreadable:
    said = _("%(value)s is not known here; there are: %(known)s.")
    return Unreadable(field, said % {"value": value[:100], "known": ", ".join(known)})


def _several(query: Mapping[str, str], field: str, known: Iterable[str]) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(filter(None, query.get(field, "").split(","))))
    for value in values:
        if value not in known:
            raise _unknown(field, value, known)
    return values


def _one(query: Mapping[str, str], field: str, known: tuple[str, ...]) -> str:
    value = query.get(field, "") or known[0]
    if value not in known:
        raise _unknown(field, value, known)
    return value


def _assignee(value: str) -> str:
    number = value.isascii() and value.isdigit() and len(value) < 20 and int(value) <= LARGEST
    if value and value not in (ME, NONE) and not number:
        raise _unknown("assignee", value, (ME, NONE, _("the number of a member of staff")))
    return value


def _who(value: str) -> str:
    if value and not NAME.fullmatch(value):
        raise Unreadable("who", _("A learner is named by sixteen hexadecimal digits."))
    return value


def _page(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < int(value[:9]) <= MANY_PAGES and len(value) < 9):
        raise Unreadable("page", _("A page is a number from 1 on."))
    return int(value)
