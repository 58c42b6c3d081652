"""What could be shown in a course and how it has fared: kept per process for half a minute.

Counts up to `Variant.counted_through` are in the variants themselves, older ones weighing less; the night
puts them there.  Later ones are counted here, so an answer given a minute ago counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet, Sum

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


@dataclass(frozen=True, slots=True)
class Wording:
    """One active variant, with the tallies of site, kind, placement and the wording itself."""

    id: str
    heading: str
    body: str
    action_label: str
    action_url: str
    tallies: tuple[Tally, ...]


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


@dataclass(frozen=True, slots=True)
class Book:
    """One course's spots by key.  `window`: how many seconds of events its triggers need to see."""

    spots: Mapping[str, Spot] = field(default_factory=dict)
    window: float = FRESH_SECONDS
    dates: CourseDates = field(default_factory=CourseDates)
    has_deadlines: bool = False


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
    """Count every answer up to `now` into its variant, and return how many variants changed.

    An answer's weight halves every NUDGE_TALLY_HALF_LIFE_DAYS, so that what no longer holds is forgotten and
    a message that was held back for long is given another chance.  Safe to repeat: counts start from zero.
    """
    half_life = settings.NUDGE_TALLY_HALF_LIFE_DAYS * 86400.0
    sums: dict[int, list[float]] = {}
    shown = Decision.objects.filter(shown_at__isnull=False, created__lte=now, variant__isnull=False)
    rows = shown.values_list("variant_id", "created", "helpful").order_by()
    for variant_id, created, helpful in rows.iterator(chunk_size=5000):
        weight = 0.5 ** ((now - created).total_seconds() / half_life)
        row = sums.setdefault(variant_id, [0.0, 0.0, 0.0])
        row[0] += weight
        row[1] += weight * (helpful is True)
        row[2] += weight * (helpful is False)
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


def settle_night(job: Run) -> str:
    """The night's step: `settle`, told in words."""
    changed = settle(job.now)
    job.figures["variants"] = changed
    return f"The answers to {changed} wordings were counted." if changed else "No wording has been shown yet."


def _make(course_key: CourseKey) -> Book:
    rows = Placement.objects.filter(course_key=course_key, active=True).order_by("pk")
    placements = list(rows.prefetch_related("variants"))
    late = _later(course_key, [each for placement in placements for each in placement.variants.all()])
    spots: dict[str, Spot] = {}
    for placement in placements:
        spot = _spot(placement, late)
        if spot is not None:
            spots[spot.key] = spot
    triggers = [spot.trigger for spot in spots.values()]
    return Book(
        spots=spots,
        window=max(map(window, triggers), default=FRESH_SECONDS),
        dates=platform().course_dates(course_key),
        has_deadlines=any(trigger.when == "deadline_near" for trigger in triggers),
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
    site, kinds = _site(int(time.monotonic() // SITE_FRESH))
    broad = (site, kinds.get(placement.kind, Tally()), _total(own.values()))
    wordings = tuple(_wording(variant, (*broad, own[variant.pk])) for variant in active)
    return Spot(
        placement.pk, placement.key, placement.kind or "other", trigger, placement.audience,
        placement.course_wide, wordings,
    )  # fmt: skip


def _wording(variant: Variant, tallies: tuple[Tally, ...]) -> Wording:
    return Wording(
        str(variant.pk), variant.heading, variant.body, variant.action_label, variant.action_url, tallies
    )


def _settled(variant: Variant) -> Tally:
    return Tally(variant.shown, variant.helpful, variant.not_helpful)


def _later(course_key: CourseKey, variants: Iterable[Variant]) -> dict[int, Tally]:
    """Answers since the night, by variant.

    They stand together at the end of the index by course and time; only of wordings that no night has counted
    yet, all are looked for.
    """
    through = {variant.pk: variant.counted_through for variant in variants}
    nights = [night for night in through.values() if night is not None]
    found = _counted(Q(variant__in=[pk for pk, night in through.items() if night is None]))
    if nights:
        recent = Q(course_key=course_key, created__gt=min(nights))
        found |= _counted(recent & Q(created__gt=F("variant__counted_through")))
    return found


def _counted(where: Q) -> dict[int, Tally]:
    rows = (
        Decision.objects.filter(where, shown_at__isnull=False)
        .order_by()
        .values_list("variant_id")
        .annotate(
            count=Count("created"),
            yes=Count("created", Q(helpful=True)),
            no=Count("created", Q(helpful=False)),
        )
    )
    return {variant_id: Tally(count, yes, no) for variant_id, count, yes, no in rows}


@lru_cache(maxsize=1)
def _site(_bucket: int) -> tuple[Tally, dict[str, Tally]]:
    """All messages of the site and of each kind, as of the night: broad groups change slowly."""
    rows: QuerySet[Variant, Any] = (
        Variant.objects.order_by()
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
