"""The gate's threshold and weights where the site leaves them to experience: found from the newest decisions.

Kept per process for a minute, so that a decision seldom pays for it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from django.conf import settings

from . import gate, holding
from .gate import Policy
from .models import Decision
from .reasons import GATED

FRESH = 60.0
NEWEST = 3000


def steered(rules: Policy) -> Policy:
    """The policy with what NUDGE_HOLD_BACK_SHARE, NUDGE_NOT_HELPFUL_WEIGHT and NUDGE_EFFECT_WEIGHT leave to
    experience.
    """
    share = settings.NUDGE_HOLD_BACK_SHARE
    found = settings.NUDGE_NOT_HELPFUL_WEIGHT is None, settings.NUDGE_EFFECT_WEIGHT is None
    if share is not None and not 0.0 <= share < 1.0:
        raise ValueError(f"NUDGE_HOLD_BACK_SHARE is a share, 0 to 1, or None, not {share!r}")
    if share is None and not any(found):
        return rules
    return _steered(rules, share, *found, int(time.monotonic() // FRESH))


def forget() -> None:
    """Look at the decisions again at the next question in this process."""
    _steered.cache_clear()


@lru_cache(maxsize=4)
def _steered(rules: Policy, share: float | None, weigh: bool, weigh_effects: bool, _minute: int) -> Policy:
    decided = Decision.objects.filter(reason__in=GATED).order_by("-created")
    columns = ("predictions", "variant_id", "helpful", "inputs__candidates")
    rows = list(decided.values_list(*columns)[:NEWEST])
    if weigh:
        votes = [helpful for _, _, helpful, _ in rows]
        rules = replace(rules, not_helpful_weight=holding.weight(votes.count(True), votes.count(False)))
    if weigh_effects:
        plain = (_worth(told, (), rules) for told, _, _, _ in rows)
        weight = holding.effect_weight([worth for worth in plain if worth is not None])
        rules = replace(rules, effect_weight=weight)
    if share is None:
        return rules
    moments = [(_worth(told, seen or (), rules), variant is None) for told, variant, _, seen in rows]
    limit = holding.threshold(moments, share, rules.exploration, rules.spared)
    return replace(rules, threshold=limit)


def _worth(told: Mapping[str, Any], seen: Sequence[Sequence[Any]], rules: Policy) -> float | None:
    """The worth of the best message of a moment; None where no model judged it.

    `seen` are the candidates as `inputs.stored` has them.
    """
    effects = {name: found[1] for name, _, *found in seen if len(found) > 1}
    worths = (
        gate.score((row[0], row[1], row[2]), rules, effects.get(name, 0.0)) for name, row in told.items()
    )
    return max(worths, default=None)
