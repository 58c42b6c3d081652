"""Cases in lists and tables: of one course, or of all that somebody may see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import Case as Ranked
from django.db.models import Count, F, Max, Q, QuerySet, Value, When
from django.utils.translation import gettext as _
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.communicator import spreadsheet
from nudge_xblock.compat import platform

from . import asked as asking
from . import rows
from .asked import Asked
from .desk import Missing
from .models import Case, Risk
from .plan import REASONS
from .tiers import HIGH, ORDER, rank

PAGE = 50
CHUNK = 1000
"""Cases of a table that are read at once."""
OPEN = Case.State.OPEN
_URGENT = Q(state=OPEN, tier=HIGH)
TITLES = (
    "case", "course", "learner", "tier", "chance", "change", "reason", "sentence", "owner", "intervention",
    "assignee", "state", "outcome", "opened", "tier_since", "closed", "days_since_seen",
)  # fmt: skip


@dataclass(frozen=True)
class Scope:
    """Which cases somebody may see.  `keys`: those of these course runs; None: of every one."""

    user_id: int
    keys: frozenset[CourseKey] | None

    def cases(self) -> QuerySet[Case]:
        """All of them."""
        return Case.objects.all() if self.keys is None else Case.objects.filter(course_key__in=self.keys)

    def risks(self) -> QuerySet[Risk]:
        """The assessments of the learners of these course runs."""
        if self.keys is None:
            return Risk.objects.all()
        return Risk.objects.filter(enrolment__course_key__in=self.keys)


def of_course(user_id: int, course_key: CourseKey) -> Scope:
    """One course run, which the caller must have been found to be allowed to see."""
    return Scope(user_id, frozenset([course_key]))


def of_all(user_id: int) -> Scope:
    """Every course run with cases whose staff somebody is, or every one for who works on all cases."""
    if platform().may_work_cases(user_id):
        return Scope(user_id, None)
    keys: Any = Case.objects.order_by().values_list("course_key", flat=True).distinct()
    return Scope(user_id, frozenset(platform().staffed(user_id, list(keys))))


def narrowed(scope: Scope, keys: Sequence[CourseKey]) -> Scope:
    """Some course runs of a scope alone; all where none is named.  Raises Missing for one outside it."""
    if not keys:
        return scope
    outside = set(keys) - platform().staffed(scope.user_id, keys) if scope.keys is not None else set()
    for key in sorted(outside, key=str):
        raise Missing(_("There is no course %(course)s whose cases you may see.") % {"course": key})
    return Scope(scope.user_id, frozenset(keys))


def listed(scope: Scope, asked: Asked, now: datetime) -> dict[str, Any]:
    """A page of cases, most urgent first, with the counts of all open ones."""
    found = matching(scope, asked)
    total = found.count()
    page = ordered(found, asked.order)[(asked.page - 1) * PAGE : asked.page * PAGE]
    newest = _newest(scope)
    return {
        "at": newest["at"].isoformat() if newest["at"] else None,
        "model": newest["model"],
        "counts": _counts(scope) | {"assessed": newest["assessed"]},
        "cases": rows.rows(list(page), now),
        "page": asked.page,
        "pages": max(1, -(-total // PAGE)),
        "total": total,
    }


def courses(scope: Scope) -> list[dict[str, Any]]:
    """The course runs of the scope with cases, those with the most urgent ones first."""
    counted: Any = scope.cases().order_by().values_list("course_key")
    told = list(counted.annotate(every=Count("pk", filter=Q(state=OPEN)), high=Count("pk", filter=_URGENT)))
    titles = platform().course_titles(key for key, *_counts in told)
    found = [
        {"course": str(key), "title": titles[key], "open": every, "high": high} for key, every, high in told
    ]
    return sorted(found, key=lambda each: (-each["high"], -each["open"], each["title"], each["course"]))


def matching(scope: Scope, asked: Asked) -> QuerySet[Case]:
    """The cases that a query means."""
    found = scope.cases()
    if asked.state != asking.ALL:
        is_open = Q(state=OPEN)
        found = found.filter(is_open if asked.state == asking.OPEN else ~is_open)
    groups = [REASONS[reason] for reason in asked.groups]
    wanted = {"tier__in": asked.tiers, "group__in": groups, "owner__in": asked.owners}
    found = found.filter(**{name: values for name, values in wanted.items() if values})
    if asked.assignee == asking.NONE:
        found = found.filter(assignee_id=None)
    elif asked.assignee:
        found = found.filter(
            assignee_id=scope.user_id if asked.assignee == asking.ME else int(asked.assignee)
        )
    return found.filter(pk__in=_of(found, asked.who)) if asked.who else found


def _of(found: QuerySet[Case], who: str) -> list[int]:
    """The cases of the learner of this pseudonym."""
    people: dict[CourseKey, list[tuple[int, int]]] = {}
    columns: Any = found.order_by().values_list("course_key", "enrolment__learner__user_id", "pk")
    for key, user_id, pk in columns.iterator(chunk_size=2000):
        people.setdefault(key, []).append((user_id, pk))
    named = (
        zip(platform().anonymous_ids((user_id for user_id, _pk in some), key), some, strict=True)
        for key, some in people.items()
    )
    return [pk for each in named for name, (_user_id, pk) in each if name[: rows.DIGITS] == who]


def ordered(found: QuerySet[Case], order: str) -> QuerySet[Case]:
    """In this order, with all that rows need."""
    read = found.select_related("enrolment__learner", "enrolment__risk").defer(
        "enrolment__state", "enrolment__predictions", "enrolment__risk__contributions"
    )
    if order == asking.OPENED:
        return read.order_by("-opened", "-pk")
    ranked = Ranked(*(When(tier=tier, then=Value(rank(tier))) for tier in ORDER), default=Value(0))
    return read.order_by(ranked.desc(), F("chance").desc(), "opened", "pk")


def _counts(scope: Scope) -> dict[str, int]:
    """How many open cases there are, by tier and by whose they are."""
    found = scope.cases().filter(state=OPEN)
    told = {tier: Count("pk", filter=Q(tier=tier)) for tier in reversed(ORDER)}
    return found.aggregate(
        open=Count("pk"),
        **told,
        mine=Count("pk", filter=Q(assignee_id=scope.user_id)),
        unassigned=Count("pk", filter=Q(assignee_id=None)),
        never_came=Count("pk", filter=Q(enrolment__risk__partial=True)),
    )


def _newest(scope: Scope) -> dict[str, Any]:
    """How many are assessed, as of when, and by which model."""
    told: dict[str, Any] = scope.risks().aggregate(assessed=Count("pk"), at=Max("at"))
    newest = scope.risks().filter(at=told["at"]).values_list("model_version", flat=True) if told["at"] else ()
    return told | {"model": next(iter(newest[:1]), "")}


def table(scope: Scope, asked: Asked, now: datetime) -> tuple[str, list[CourseKey]]:
    """The cases that a query means as CSV, all pages at once; and of which courses they are."""
    found = ordered(matching(scope, asked), asked.order)
    keys: set[CourseKey] = set()

    def cells() -> Iterator[Sequence[Any]]:
        cases = found.iterator(chunk_size=CHUNK)
        while some := list(islice(cases, CHUNK)):
            keys.update(case.course_key for case in some)
            yield from map(_cells, rows.rows(some, now))

    return spreadsheet.written(TITLES, cells()), sorted(keys, key=str)


def _cells(row: dict[str, Any]) -> list[Any]:
    return [
        row["id"], row["course"], row["learner"], row["tier"], row["chance"], row["change"],
        row["group_words"], row["sentence"], row["owner_words"], row["intervention"],
        row["assignee"]["name"] if row["assignee"] else None, row["state"], row["outcome"],
        row["opened"], row["tier_since"], row["closed"], row["seen"],
    ]  # fmt: skip
