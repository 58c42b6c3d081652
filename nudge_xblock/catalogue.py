"""What could be shown in a course and how it has fared: kept per process for half a minute.

Counts up to `Variant.counted_through` are in the variants themselves, older ones weighing less; the night
puts them there.  Later ones are counted here, so an answer given a minute ago counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet, Sum

from . import addressed, objectives
from .compat import CourseDates, platform
from .gate import Tally
from .models import Decision, Placement, Variant
from .triggers import FRESH_SECONDS, Trigger, window

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

    from .night import Run

FRESH = 30.0
SITE_FRESH = 600.0
MOST_COURSES = 500
LIVES = 7
"""Half-lives after which an answer is forgotten altogether."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One active variant, with the tallies of site, kind, placement and the wording itself."""

    id: str
    heading: str
    body: str
    action_label: str
    action_url: str
    tallies: tuple[Tally, ...]
    harmful: bool = False
    effect: float = 0.0


@dataclass(frozen=True, slots=True)
class Spot:
    """One active placement with at least one wording."""

    id: int
    key: str
    kind: str
    trigger: Trigger
    audience: str
    course_wide: bool
    wordings: tuple[Wording, ...]
    objective: str = objectives.VOTE


@dataclass(frozen=True, slots=True)
class Book:
    """One course's spots by key.  `window`: how many seconds of events its triggers need to see.

    `letters`: the cards of staff's letters, which no page asks for by key.
    """

    spots: Mapping[str, Spot] = field(default_factory=dict)
    window: float = FRESH_SECONDS
    dates: CourseDates = field(default_factory=CourseDates)
    has_deadlines: bool = False
    letters: Mapping[str, Spot] = field(default_factory=dict)


_books: dict[CourseKey, tuple[float, Book]] = {}


def book(course_key: CourseKey) -> Book:
    """The course's book, at most half a minute old."""
    known = _books.get(course_key)
    if known is not None and time.monotonic() - known[0] < FRESH:
        return known[1]
    made = _make(course_key)
    if len(_books) >= MOST_COURSES:
        _books.clear()
    _books[course_key] = (time.monotonic(), made)
    return made


def forget(course_key: CourseKey | None = None) -> None:
    """Read the course (or everything) afresh at the next question in this process."""
    if course_key is None:
        _books.clear()
        _site.cache_clear()
    else:
        _books.pop(course_key, None)


def settle(now: datetime) -> int:
    """Count every result up to `now` into its variant, and return how many variants changed.

    An answer's weight halves every NUDGE_TALLY_HALF_LIFE_DAYS, so that what no longer holds is forgotten and
    a message that was held back for long is given another chance; what would weigh less than a hundredth is
    not looked at any more.  Safe to repeat: counts start from zero.
    """
    half_life = settings.NUDGE_TALLY_HALF_LIFE_DAYS * 86400.0
    sums: dict[int, list[float]] = {}
    for variant_id, created, result in _results(now - timedelta(seconds=LIVES * half_life), now):
        weight = 0.5 ** ((now - created).total_seconds() / half_life)
        row = sums.setdefault(variant_id, [0.0, 0.0, 0.0])
        row[0] += weight
        row[1] += weight * (result == objectives.SUCCESS)
        row[2] += weight * (result == objectives.FAILURE)
    with transaction.atomic():
        # Also those that nobody was shown: what comes after the night is looked for from its time on.
        Variant.objects.filter(created__lte=now).update(
            shown=0.0, helpful=0.0, not_helpful=0.0, counted_through=now
        )
        for variant_id, (count, yes, no) in sums.items():
            Variant.objects.filter(pk=variant_id).update(
                shown=count, helpful=yes, not_helpful=no, counted_through=now
            )
    forget()
    return len(sums)


def _results(since: datetime, now: datetime) -> Iterator[tuple[int, datetime, int]]:
    """Variant, time and result of every nudge shown after `since`, up to `now`, whose result is known."""
    shown = Decision.objects.filter(
        shown_at__isnull=False, created__gt=since, created__lte=now, variant__isnull=False
    ).order_by()
    columns = ("variant_id", "created", "placement__objective", "helpful", "clicked_at", "dismissed_at")
    slow = Q(placement__objective=objectives.ITEMS)
    answered = shown.exclude(slow).values_list(*columns)
    followed = shown.filter(slow).values_list(*columns, "outcome", "placement__objective_days")
    for variant_id, created, *told in chain(answered.iterator(5000), followed.iterator(5000)):
        found = _result(*told)
        if found is not None:
            yield variant_id, created, found


def _result(
    objective: str,
    helpful: bool | None,
    clicked: Any,
    dismissed: Any,
    outcome: Mapping[str, Any] | None = None,
    days: float = 0.0,
) -> int | None:
    answered = clicked is not None, dismissed is not None
    return objectives.result(objective, helpful, *answered, outcome or {}, days)


def settle_night(job: Run) -> str:
    """The night's step: `settle`, told in words."""
    changed = settle(job.now)
    job.figures["variants"] = changed
    return f"The answers to {changed} wordings were counted." if changed else "No wording has been shown yet."


def _make(course_key: CourseKey) -> Book:
    rows = Placement.objects.filter(course_key=course_key, active=True).order_by("pk")
    placements = list(rows.prefetch_related("variants"))
    late = _later(course_key, placements)
    spots: dict[str, Spot] = {}
    letters: dict[str, Spot] = {}
    for placement in placements:
        spot = _spot(placement, late)
        if spot is not None:
            (letters if spot.kind == addressed.KIND else spots)[spot.key] = spot
    triggers = [spot.trigger for spot in spots.values()]
    return Book(
        spots=spots,
        window=max(map(window, triggers), default=FRESH_SECONDS),
        dates=platform().course_dates(course_key),
        has_deadlines=any(trigger.when == "deadline_near" for trigger in triggers),
        letters=letters,
    )


def _spot(placement: Placement, late: Mapping[int, Tally]) -> Spot | None:
    """The placement as the gate needs it; None when it has nothing to show or a trigger we do not know."""
    variants = sorted(placement.variants.all(), key=lambda variant: (variant.position, variant.pk))
    active = [variant for variant in variants if variant.active]
    try:
        trigger = Trigger.parse(placement.trigger)
    except ValueError:
        return None
    if not active:
        return None
    own = {variant.pk: _settled(variant) + late.get(variant.pk, Tally()) for variant in variants}
    site, kinds = _site(placement.objective, int(time.monotonic() // SITE_FRESH))
    broad = (site, kinds.get(placement.kind, Tally()), _total(own.values()))
    wordings = tuple(_wording(variant, (*broad, own[variant.pk]), placement.may_retire) for variant in active)
    return Spot(
        placement.pk, placement.key, placement.kind or "other", trigger, placement.audience,
        placement.course_wide, wordings, placement.objective,
    )  # fmt: skip


def _wording(variant: Variant, tallies: tuple[Tally, ...], may_retire: bool) -> Wording:
    return Wording(
        str(variant.pk), variant.heading, variant.body, variant.action_label, variant.action_url, tallies,
        may_retire and variant.harmful_since is not None, variant.effect.get("activity", 0.0),
    )  # fmt: skip


def _settled(variant: Variant) -> Tally:
    return Tally(variant.shown, variant.helpful, variant.not_helpful)


def _later(course_key: CourseKey, placements: Iterable[Placement]) -> dict[int, Tally]:
    """Answers since the night, by variant.

    They stand together at the end of the index by course and time; only of wordings that no night has counted
    yet, all are looked for.  What learners complete afterwards is known to the night alone.
    """
    through: dict[str, dict[int, datetime | None]] = {}
    for placement in placements:
        mine = through.setdefault(placement.objective, {})
        mine |= {variant.pk: variant.counted_through for variant in placement.variants.all()}
    found: dict[int, Tally] = {}
    for objective, (yes, no) in _ANSWERS.items():
        nights = [night for night in through.get(objective, {}).values() if night is not None]
        new = [pk for pk, night in through.get(objective, {}).items() if night is None]
        if new:
            found |= _counted(Q(variant__in=new), yes, no)
        if nights:
            of_these = Q(placement__objective=objective) if len(through) > 1 else Q()
            recent = Q(course_key=course_key, created__gt=min(nights)) & of_these
            found |= _counted(recent & Q(created__gt=F("variant__counted_through")), yes, no)
    return found


_ANSWERS = {
    objectives.VOTE: (Q(helpful=True), Q(helpful=False)),
    objectives.CLICK: (
        Q(clicked_at__isnull=False),
        Q(clicked_at__isnull=True) & (Q(dismissed_at__isnull=False) | Q(helpful=False)),
    ),
}
"""Success and failure of the objectives that an answer decides, as `objectives` defines them."""


def _counted(where: Q, yes: Q, no: Q) -> dict[int, Tally]:
    rows = (
        Decision.objects.filter(where, shown_at__isnull=False)
        .order_by()
        .values_list("variant_id")
        .annotate(count=Count("created"), yes=Count("created", yes), no=Count("created", no))
    )
    return {variant_id: Tally(count, yes, no) for variant_id, count, yes, no in rows}


@lru_cache(maxsize=8)
def _site(objective: str, _bucket: int) -> tuple[Tally, dict[str, Tally]]:
    """All messages of the site with this objective, and of each kind, as of the night: they change slowly."""
    rows: QuerySet[Variant, Any] = (
        Variant.objects.filter(placement__objective=objective)
        .exclude(placement__kind=addressed.KIND)  # read by those whom staff chose
        .order_by()
        .values_list("placement__kind")
        .annotate(count=Sum("shown"), yes=Sum("helpful"), no=Sum("not_helpful"))
    )
    kinds = {kind: Tally(count or 0.0, yes or 0.0, no or 0.0) for kind, count, yes, no in rows}
    return _total(kinds.values()), kinds


def _total(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())


def week_of(dates: CourseDates, started: datetime | None, now: datetime) -> tuple[float, float]:
    """Weeks since the course began for the learner, and the course's length in weeks (0: unknown)."""
    begin = started if dates.self_paced or dates.start is None else dates.start
    week = max(timedelta(), now - begin) / timedelta(weeks=1) if begin is not None else 0.0
    length = (dates.end - dates.start) / timedelta(weeks=1) if dates.start and dates.end else 0.0
    return week, max(0.0, length)
