"""What people do with cases: give them to somebody, write notes, resolve them, open them again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import platform

from . import happenings, history, outcomes
from .casework import change, slot
from .models import Case, Risk

LONGEST = 5000
"""Characters of a note."""
TWICE = timedelta(minutes=1)
"""Within so long the same note again is a button that was pressed twice."""


class Missing(ValueError):
    """There is no such case in this course."""


class Invalid(ValueError):
    """What was sent cannot be taken; `problems` says why, by field."""

    def __init__(self, **problems: str) -> None:
        self.problems: Mapping[str, str] = problems
        super().__init__(" ".join(problems.values()))


class Changed(ValueError):
    """The case is not as the person saw it; it must be looked at again."""


class NotPossible(ValueError):
    """Something that the case's state does not allow."""


def find(course_key: CourseKey, number: int) -> Case:
    """A case of this course alone.  Raises Missing."""
    rows = Case.objects.filter(course_key=course_key, pk=number)
    found = rows.select_related("enrolment__learner", "enrolment__risk").first()
    if found is None:
        raise Missing(_("There is no case %(number)d in this course.") % {"number": number})
    return found


def staff(course_key: CourseKey) -> dict[int, str]:
    """Who a case of this course can be given to: number to user name."""
    return platform().names_of(platform().colleagues(course_key) | platform().case_workers())


def may_see(user_id: int, course_key: CourseKey) -> bool:
    """Whether somebody may see the course's cases: its staff, and who works on those of every course."""
    return platform().is_course_staff(user_id, course_key) or platform().may_work_cases(user_id)


def note(course_key: CourseKey, user_id: int, number: int, text: Any, now: datetime) -> None:
    """Write a note; the same again within a minute is the same one.  Raises Missing and Invalid."""
    case = find(course_key, number)
    written = _text(text)
    if not written:
        raise Invalid(text=_("Write something."))
    with transaction.atomic():
        list(Case.objects.select_for_update().filter(pk=case.pk))  # one at a time
        same = case.events.filter(what=happenings.NOTE, author_id=user_id, text=written, at__gt=now - TWICE)
        if not same.exists():
            history.write(case, happenings.NOTE, now, user_id, written)


def assign(
    course_key: CourseKey, user_id: int, number: int, assignee: int | None, version: int, now: datetime
) -> None:
    """Give an open case to somebody, or to nobody.  Raises Missing, Invalid, Changed, NotPossible."""
    case = _open(course_key, number, version)
    if assignee is not None and not may_see(assignee, course_key):
        raise Invalid(user=_("A case can be given to those who may see it: the staff of its course."))
    with transaction.atomic():
        _changed(case, assignee_id=assignee)
        history.write(case, happenings.ASSIGNED, now, user_id, about_id=assignee, nobody=assignee is None)


def resolve(
    course_key: CourseKey, user_id: int, number: int, outcome: str, text: Any, version: int, now: datetime
) -> None:
    """Be done with a case.  Raises Missing, Invalid, Changed and NotPossible.

    The reasons that there are now are not flagged again until the learner was better.
    """
    if outcome not in outcomes.BY_PERSON:
        known = ", ".join(outcomes.BY_PERSON)
        raise Invalid(outcome=_("Say how it ended, by one of: %(known)s.") % {"known": known})
    written = _text(text)
    case = _open(course_key, number, version)
    with transaction.atomic():
        _changed(
            case,
            state=Case.State.RESOLVED,
            outcome=outcome,
            closed=now,
            slot=None,
            kept=False,
            known=_reasons(case),
        )
        history.write(case, happenings.RESOLVED, now, user_id, written, outcome=outcome)


def _reasons(case: Case) -> list[str]:
    """The groups that a person sees at the case now."""
    risk: Risk | None = getattr(case.enrolment, "risk", None)
    told = [] if risk is None else [risk.group, *(str(each["group"]) for each in risk.reasons)]
    return sorted({case.group, *told})


def reopen(course_key: CourseKey, user_id: int, number: int, version: int, now: datetime) -> None:
    """Open an ended case again; a person alone ends it then, or the learner's leaving or completing.

    Raises Missing, Changed, and NotPossible where it is open, or another one of the learner's is.
    """
    case = _seen(course_key, number, version)
    if case.state == Case.State.OPEN:
        raise NotPossible(_("This case is open."))
    again: dict[str, Any] = {"outcome": "", "closed": None, "rearmed": None, "known": [], "kept": True}
    try:
        with transaction.atomic():
            _changed(case, **again, state=Case.State.OPEN, slot=slot(case.enrolment_id))
            history.write(case, happenings.REOPENED, now, user_id)
    except IntegrityError as error:
        raise NotPossible(_("Another case of this learner is open; go on with that one.")) from error


def _open(course_key: CourseKey, number: int, version: int) -> Case:
    case = _seen(course_key, number, version)
    if case.state != Case.State.OPEN:
        raise NotPossible(_("This case has ended; open it again first."))
    return case


def _seen(course_key: CourseKey, number: int, version: int) -> Case:
    case = find(course_key, number)
    if case.version != version:
        raise _overtaken()
    return case


def _changed(case: Case, **fields: Any) -> None:
    if not change(case, **fields):
        raise _overtaken()


def _overtaken() -> Changed:
    return Changed(_("This case was changed meanwhile. Look at it again, then do it."))


def _text(text: Any) -> str:
    """What a person wrote.  Raises Invalid."""
    if not isinstance(text, str) or "\x00" in text:
        raise Invalid(text=_("A note is text."))
    if len(text) > LONGEST:
        raise Invalid(text=_("A note has at most %(most)d characters.") % {"most": LONGEST})
    return text.strip()
