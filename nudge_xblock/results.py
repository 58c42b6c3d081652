"""Did it help: votes and clicks by message, and what learners completed afterwards, sent against held.

Everything covers the whole course run so far: an interval that may be looked at every day must not forget.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Case, Count, F, FloatField, Q, QuerySet, When
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from opaque_keys.edx.keys import CourseKey

from . import findings, trials, windows
from .comparison import ITEMS, Comparison, Trials, compare, mismatch
from .experiments import Floats, Interval, ratio, ratio_change, share_always
from .gate import HOLD
from .models import Decision, Variant
from .reasons import EXPLORED, GATED, Reason

HELPFUL, NOT_HELPFUL = Q(helpful=True), Q(helpful=False)
BY_MODEL, BY_CHANCE = Q(reason=Reason.HELPFUL), Q(reason__in=EXPLORED)


def interval(found: Interval) -> dict[str, float | None]:
    """An interval as JSON; a missing estimate or an open end is null."""
    ends = {"estimate": found.estimate, "low": found.low, "high": found.high}
    return {name: float(value) if np.isfinite(value) else None for name, value in ends.items()}


# Votes and clicks


def votes(course_key: CourseKey, decisions: QuerySet[Decision]) -> dict[str, Any]:
    """Votes and clicks by message, the ratio of helpful to not helpful, and the model against chance."""
    return vote_figures(vote_sums(decisions), messages(course_key, decisions))


def vote_figures(cast: Floats, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The ratio of helpful to not helpful, and the model against chance.

    cast: as `vote_sums` gives them; rows: as `messages`.
    """
    everyone, model, chance = cast
    overall, voters = ratio(*everyone), int(everyone.any(axis=0).sum())
    return {
        "finding": findings.votes(overall, voters),
        "model": findings.model_against_chance(ratio_change(*model, *chance)),
        "ratio": interval(overall),
        "voters": voters,
        "messages": rows,
    }


def vote_sums(decisions: QuerySet[Decision]) -> Floats:
    """Votes, float64[3, 2, voters]: all, by the model's choice, by chance; helpful and not helpful."""
    sides = [side & vote for side in (Q(), BY_MODEL, BY_CHANCE) for vote in (HELPFUL, NOT_HELPFUL)]
    rows = (
        decisions.filter(helpful__isnull=False)
        .order_by()
        .values("learner_id")
        .annotate(**{f"votes_{number}": Count("created", filter=side) for number, side in enumerate(sides)})
        .values_list(*(f"votes_{number}" for number in range(len(sides))))
    )
    return np.array(list(rows), np.float64).reshape(-1, 3, 2).transpose(1, 2, 0)


def messages(course_key: CourseKey, decisions: QuerySet[Decision]) -> list[dict[str, Any]]:
    """Every wording that is in use or was sent: how often, and what learners answered; busiest first."""
    counts = (
        decisions.filter(variant__isnull=False)
        .order_by()
        .values_list("variant_id")
        .annotate(
            sent=Count("created"),
            seen=Count("shown_at"),
            voted=Count("helpful"),
            liked=Count("created", filter=HELPFUL),
            clicked=Count("clicked_at"),
        )
    )
    known: Mapping[int, tuple[int, ...]] = defaultdict(lambda: (0,) * 5, {row[0]: row[1:] for row in counts})
    variants = Variant.objects.filter(placement__course_key=course_key).select_related("placement")
    rows = [
        message(variant, *known[variant.pk]) for variant in variants if variant.pk in known or variant.active
    ]
    return sorted(rows, key=lambda row: (-row["votes"], -row["sent"], row["id"]))


def message(variant: Variant, sent: int, seen: int, voted: int, liked: int, clicked: int) -> dict[str, Any]:
    """One wording.  seen: cards that were really on a screen; a vote or a click proves it too."""
    seen = max(seen, voted, clicked)
    return {
        "id": variant.pk,
        "heading": variant.heading,
        "placement": str(variant.placement),
        "active": variant.active and variant.placement.active,
        "clickable": bool(variant.action_url),
        "sent": sent,
        "seen": seen,
        "votes": voted,
        "helpful": interval(share_always(liked, voted)),
        "liked": liked,
        "clicked": clicked,
        "clicks": interval(share_always(clicked, seen)),
        "warning": warning(variant),
    }


def warning(variant: Variant) -> findings.Sentence | None:
    """That learners complete less after this wording, where a night found so."""
    if variant.harmful_since is None:
        return None
    figures, days = variant.effect, settings.NUDGE_OUTCOME_DAYS
    since = variant.harmful_since.date() if variant.placement.may_retire else None
    return findings.harmful(figures["change"], figures["low"], figures["high"], days, since)


# What happened afterwards


def outcome(decisions: QuerySet[Decision]) -> dict[str, Any]:
    """What sending changed in the items completed, where chance decided and the days after are over."""
    gated = decisions.filter(reason__in=GATED)
    chances = left_to_chance(gated)
    found = compare(chances.where(np.isfinite(chances.outcome)), ITEMS)
    broken = mismatch(chances.first, chances.chance)
    alarm = findings.mismatch(int(chances.first.sum()), float(chances.chance.sum())) if broken else None
    return {**effect_figures(found, gated.count(), alarm), "control": never_nudged(decisions)}


def never_nudged(decisions: QuerySet[Decision]) -> findings.Sentence | None:
    """What nudging changed for learners as a whole, beside the control group; None where there is none."""
    found = trials.control(decisions)
    if not len(found.day):
        return None
    return findings.never_nudged(compare(found, ITEMS), settings.NUDGE_OUTCOME_DAYS)


def left_to_chance(gated: QuerySet[Decision]) -> Trials:
    """The moments at which both sending and holding back could have happened, in order of time.

    What was done for certain has a propensity of 1 and stays in the database.  `outcome` is NaN until the
    days after a moment are over.
    """
    p_hold = Case(
        When(variant=None, then=F("propensity")),
        default=number_in("propensities", HOLD),
        output_field=FloatField(),
    )
    items = Case(When(windows.over(), then=number_in("outcome", "items")), output_field=FloatField())
    before = number_in("outcome", "items_before")
    rows = gated.filter(propensity__lt=1.0).annotate(p_hold=p_hold).filter(p_hold__gt=0.0)
    columns = rows.order_by("created", "pk").values_list(
        "learner_id", "variant_id", "p_hold", items, before, "created"
    )
    found = list(columns)
    table = np.array([row[:5] for row in found], np.float64).reshape(-1, 5)  # None becomes NaN
    days = np.array([row[5].toordinal() for row in found], np.int64)
    sent, p_sent = np.isfinite(table[:, 1]), 1.0 - table[:, 2]
    return Trials(days, table[:, 0].astype(np.int64), sent, p_sent, table[:, 3], table[:, 4])


def number_in(field: str, key: str) -> Combinable:
    """The number that a JSON column holds under a key."""
    return Cast(KeyTextTransform(key, field), FloatField())


def effect_figures(found: Comparison, moments: int, alarm: findings.Sentence | None) -> dict[str, Any]:
    """An effect as JSON, out of so many moments, and the alarm if the logged chances cannot be right."""
    days = settings.NUDGE_OUTCOME_DAYS
    means = {"sent_mean": found.mean, "held_mean": found.base_mean, "worthwhile": found.worthwhile}
    return {
        "finding": findings.effect(found, days),
        "how": findings.how_compared(found, moments),
        "narrowed": findings.narrowed(found),
        "alarm": alarm,
        "control": None,
        "days": days,
        "verdict": found.verdict,
        "change": interval(found.change) if found.change else None,
        "sent": found.count,
        "held": found.base_count,
        "learners": found.learners,
        "needed": found.needed,
        **{name: value if np.isfinite(value) else None for name, value in means.items()},
    }
