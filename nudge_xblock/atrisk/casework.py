"""A course's cases tonight: rules.py decides of each learner, and what it decides is written here, once.

Learners are taken some at a time, with their enrolments locked and read anew, so that of two that settle at
once the second finds what the first has done.  Where a database locks no rows, the version of a case and its
slot see to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import platform
from nudge_xblock.models import Enrolment

from . import happenings, history, plan, rules, runs, tiers
from .models import Case, CaseEvent, Risk
from .rules import NOTHING, Decision, Ended, Open, Standing

BATCH = 200
"""Learners in one transaction."""


@dataclass(frozen=True)
class Settled:
    """How many cases were opened, closed, and moved to another tier."""

    opened: int = 0
    closed: int = 0
    moved: int = 0

    def __add__(self, other: Settled) -> Settled:
        return Settled(self.opened + other.opened, self.closed + other.closed, self.moved + other.moved)


@dataclass(frozen=True)
class Course:
    """What is the same for every learner of a course run."""

    key: CourseKey
    settings: plan.Settings
    over: bool
    takers: frozenset[int]
    completed: frozenset[int]
    assessed: bool

    def ended(self, user_id: int, chance: float | None) -> str:
        """Why a learner needs no case; empty where nothing speaks against one.

        Where everyone who can still complete is assessed, who is not has run out of time.
        """
        if user_id in self.completed:
            return rules.COMPLETED
        if user_id not in self.takers:
            return rules.LEFT
        return rules.OVER if self.over or (self.assessed and chance is None) else ""


@dataclass
class Learner:
    """What is stored of one learner's risk and cases."""

    user_id: int
    chance: float | None = None
    group: str = ""
    case: Case | None = None
    ended: list[Ended] = field(default_factory=list)
    told: frozenset[str] = frozenset()

    def decide(self, course: Course) -> Decision:
        """What becomes of the learner's case."""
        ended = course.ended(self.user_id, self.chance)
        standing = Standing(self.chance, self.group, ended, self.told)
        case = Open(self.case.tier, self.case.kept, self.case.group) if self.case else None
        return rules.decide(standing, case, self.ended, course.settings.limits)


def settle(course_key: CourseKey, now: datetime) -> Settled:
    """Open, move and close the course's cases by what was assessed; what was done, counted.

    Safe to be repeated, and to be run by two at once.
    """
    course = _course(course_key, now)
    _note_chances(course_key)
    todo = sorted(number for number, each in _learners(course_key).items() if each.decide(course) != NOTHING)
    done = Settled()
    for at in range(0, len(todo), BATCH):
        with transaction.atomic():
            done += _settle(course, todo[at : at + BATCH], now)
    return done


def _course(course_key: CourseKey, now: datetime) -> Course:
    return Course(
        course_key,
        plan.of(course_key),
        over=platform().course_dates(course_key).is_over(now),
        takers=frozenset(set(platform().members(course_key)) - platform().staff_ids(course_key)),
        completed=frozenset(runs.done(course_key, now)),
        assessed=Risk.objects.filter(enrolment__course_key=course_key).exists(),
    )


def _note_chances(course_key: CourseKey) -> None:
    """Let open cases tell the newest chance."""
    newest = Risk.objects.filter(enrolment=OuterRef("enrolment")).values("chance")
    rows = Case.objects.filter(course_key=course_key, state=Case.State.OPEN)
    rows.update(chance=Coalesce(Subquery(newest), F("chance")))


def _learners(course_key: CourseKey, only: Sequence[int] | None = None) -> dict[int, Learner]:
    """Enrolment to what is stored of the learner, of everyone who was assessed or has a case, or of some."""
    risks = Risk.objects.filter(enrolment__course_key=course_key)
    cases = Case.objects.filter(course_key=course_key, rearmed=None).select_related("enrolment__learner")
    if only is not None:
        risks, cases = risks.filter(enrolment__in=only), cases.filter(enrolment__in=only)
    columns = risks.values_list("enrolment_id", "enrolment__learner__user_id", "chance", "group")
    found = {number: Learner(user_id, chance, group) for number, user_id, chance, group in columns}
    of_open = risks.filter(enrolment__cases__state=Case.State.OPEN).values_list("enrolment_id", "reasons")
    for number, reasons in of_open:
        found[number].told = frozenset(str(each["group"]) for each in reasons)
    for case in cases.order_by("pk"):
        learner = found.setdefault(case.enrolment_id, Learner(case.enrolment.learner.user_id))
        if case.state == Case.State.OPEN:
            learner.case = case
        else:
            learner.ended.append(Ended(frozenset({case.group, *case.known}), case.tier))
    return found


def _settle(course: Course, some: Sequence[int], now: datetime) -> Settled:
    """Decide about some learners anew, with nobody else deciding about them, and write it down."""
    list(Enrolment.objects.select_for_update().filter(pk__in=some).order_by("pk").values_list("pk"))
    opening: list[Case] = []
    done = Settled()
    for number, learner in sorted(_learners(course.key, some).items()):
        decision = learner.decide(course)
        if decision.rearm:
            _ended(number).update(rearmed=now)
        if decision.open_in:
            opening.append(_case(course, number, learner, decision, now))
        elif learner.case and decision.close_as:
            done += Settled(closed=_close(learner.case, decision.close_as, now))
        elif learner.case:
            done += Settled(moved=_move(course, learner.case, decision, now))
    return replace(done, opened=_open(opening, now))


def _ended(enrolment_id: int) -> QuerySet[Case]:
    return Case.objects.filter(enrolment=enrolment_id, rearmed=None).exclude(state=Case.State.OPEN)


def slot(enrolment_id: int) -> str:
    """What an open case holds, so that a learner has at most one."""
    return f"enrolment {enrolment_id}"


def _case(course: Course, number: int, learner: Learner, decision: Decision, now: datetime) -> Case:
    chance = learner.chance or 0.0
    return Case(
        enrolment_id=number,
        course_key=course.key,
        group=decision.open_for,
        tier=decision.open_in,
        chance=chance,
        chance_opened=chance,
        owner=course.settings.help(decision.open_for).owner,
        opened=now,
        tier_since=now,
        slot=slot(number),
    )


def _open(cases: Sequence[Case], now: datetime) -> int:
    """Store new cases, but those of learners who have one meanwhile; how many."""
    if not cases:
        return 0
    try:
        with transaction.atomic():
            Case.objects.bulk_create(cases)
            # Not every database tells the numbers that it gave.
            stored = list(Case.objects.filter(slot__in=[case.slot for case in cases]).order_by("pk"))
    except IntegrityError:
        stored = list(_one_by_one(cases))
    history.write_all(
        _event(case, happenings.OPENED, now, tier=case.tier, group=case.group) for case in stored
    )
    return len(stored)


def _one_by_one(cases: Iterable[Case]) -> Iterator[Case]:
    for case in cases:
        try:
            with transaction.atomic():
                case.save(force_insert=True)
        except IntegrityError:
            continue
        yield case


def _close(case: Case, outcome: str, now: datetime) -> int:
    closed = {"state": Case.State.CLOSED, "outcome": outcome, "closed": now, "rearmed": now, "slot": None}
    if not change(case, **closed):
        return 0
    history.write_all([_event(case, happenings.CLOSED, now, outcome=outcome)])
    return 1


def _move(course: Course, case: Case, decision: Decision, now: datetime) -> int:
    """Let an open case go to another tier, or be for another reason, or both; how many tiers changed."""
    fields: dict[str, Any] = {}
    events = []
    if decision.move_to:
        fields |= {"tier": decision.move_to, "tier_since": now}
        events.append((happenings.MOVED, {"from": case.tier, "to": decision.move_to}))
    if decision.lead_to is not None:
        fields |= {"group": decision.lead_to, "owner": course.settings.help(decision.lead_to).owner}
        events.append((happenings.LED, {"from": case.group, "to": decision.lead_to}))
    if not fields or not change(case, **fields):
        return 0
    history.write_all([_event(case, what, now, **detail) for what, detail in events])
    return int(bool(decision.move_to))


def change(case: Case, **fields: Any) -> bool:
    """Change a case that is as it was read; whether it was, so that of two at once one alone succeeds."""
    rows = Case.objects.filter(pk=case.pk, version=case.version, state=case.state)
    return bool(rows.update(**fields, version=F("version") + 1))


def _event(case: Case, what: str, now: datetime, **detail: Any) -> CaseEvent:
    told = {**detail, "chance": tiers.percent(case.chance)}
    return CaseEvent(case=case, what=what, at=now, detail=told)
