"""How many days after a decision count, and which outcomes are over just so many.

`Decision.outcome` says over how many days it is.  Where NUDGE_OUTCOME_DAYS is changed, the next night counts
anew what followed the decisions of the last year; an outcome over other days than are in force is compared
with nothing and teaches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import FloatField, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.db.models.lookups import Exact


def days() -> float:
    """Those in force."""
    return float(settings.NUDGE_OUTCOME_DAYS)


def over() -> Q:
    """Decisions whose days, as many as are in force, have passed."""
    return Q(outcome__final=True) & lasting(days())


def lasting(count: float) -> Q:
    """Decisions whose outcome is over so many days: compared as numbers, since databases write them apart."""
    return Q(Exact(Cast(KeyTextTransform("days", "outcome"), FloatField()), count))


def is_over(outcome: Mapping[str, Any]) -> bool:
    """Likewise of one decision's outcome."""
    return bool(outcome.get("final")) and outcome.get("days") == days()
