"""What was shown and held back, day by day, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, QuerySet
from django.db.models.fields import CharField
from django.db.models.functions import Cast, Left
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import findings
from .experiments import wilson
from .models import Decision
from .reasons import RESTRAINED, SENT, Reason
from .results import interval

DAY = timedelta(days=1)


class Kind(NamedTuple):
    """Reasons for holding back that a plot shows as one."""

    label: Promise
    because: Promise  # goes on after "mostly because"
    reasons: frozenset[Reason]


ENOUGH = frozenset({Reason.COOL_DOWN, Reason.CAP_DAY, Reason.CAP_WEEK, Reason.ANOTHER, Reason.QUIET})
COMPARED = frozenset({Reason.SPARED, Reason.CONTROL})

KINDS: Mapping[str, Kind] = {
    "learner": Kind(
        _("Rarely helps learners like these"),
        _("they rarely help learners like these"),
        frozenset({Reason.LEARNER}),
    ),
    "placement": Kind(
        _("Rarely helps anyone there"),
        _("few learners find them helpful there"),
        frozenset({Reason.PLACEMENT}),
    ),
    "harmful": Kind(
        _("Followed by less work"),
        _("learners completed less after them"),
        frozenset({Reason.HARMFUL}),
    ),
    "compared": Kind(
        _("Left out by chance, to compare with"),
        _("chance left them out, to compare with"),
        COMPARED,
    ),
    "enough": Kind(_("Enough for now"), _("learners had had enough for the moment"), ENOUGH),
    "not_for_them": Kind(
        _("Not for these learners"),
        _("they were not meant for these learners"),
        RESTRAINED - ENOUGH - COMPARED,
    ),
    "missing": Kind(
        _("Something was missing"),
        _("something they need was missing"),
        frozenset({Reason.NO_STATE, Reason.BROKEN_MODEL, Reason.SLOW, Reason.FAILED}),
    ),
}
KIND_OF = dict.fromkeys(map(str, SENT | {Reason.LETTER}), "sent") | {
    str(reason): name for name, kind in KINDS.items() for reason in kind.reasons
}


def by_day(decisions: QuerySet[Decision]) -> Iterable[tuple[str, str, int]]:
    """Day (UTC, in ISO form), reason code, number of decisions."""
    rows = decisions.order_by().annotate(day=Left(Cast("created", CharField(max_length=32)), 10))
    return rows.values_list("day", "reason").annotate(Count("created"))


def shown_and_held(rows: Iterable[tuple[str, str, int]], since: date, until: date) -> dict[str, Any]:
    """Moments per day: shown, and held back by kind of reason.  rows: as `by_day` counts them."""
    days: dict[str, Counter[str]] = defaultdict(Counter)
    for day, reason, count in rows:
        days[day][KIND_OF.get(reason, "missing")] += count
    total = sum(days.values(), Counter[str]())
    kinds = [kind for kind in KINDS if total[kind]]
    held = sum(total[kind] for kind in kinds)
    main = str(KINDS[max(kinds, key=lambda kind: total[kind])].because) if kinds else ""
    every = [(since + number * DAY).isoformat() for number in range((until - since).days + 1)]
    return {
        "finding": findings.shown_and_held(total["sent"], held, main),
        "kinds": [{"name": kind, "label": str(KINDS[kind].label), "count": total[kind]} for kind in kinds],
        "sent": total["sent"],
        "held": held,
        "days": [one_day(day, days[day], kinds) for day in every],
    }


def one_day(day: str, counts: Counter[str], kinds: Iterable[str]) -> dict[str, Any]:
    """One bar: shown, held back by kind, and the share held back with its interval."""
    held = {kind: counts[kind] for kind in kinds}
    away = sum(held.values())
    share = interval(wilson(away, away + counts["sent"]))
    return {"day": day, "sent": counts["sent"], "held": held, "share": share}
