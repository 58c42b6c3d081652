"""The site's settings as the gate and restraint take them."""

from __future__ import annotations

from datetime import time
from typing import Any

from django.conf import settings

from . import control, steering
from .gate import Policy
from .restraint import MINUTE, Limits


def current() -> Policy:
    """The gate's policy.  Raises ValueError for a share that is none."""
    weight, effect_weight = settings.NUDGE_NOT_HELPFUL_WEIGHT, settings.NUDGE_EFFECT_WEIGHT
    rules = Policy(
        exploration=settings.NUDGE_EXPLORATION_SHARE,
        trickle=settings.NUDGE_TRICKLE_SHARE,
        spared=settings.NUDGE_SPARED_SHARE,
        curiosity=settings.NUDGE_VARIANT_CURIOSITY,
        cold_start_answers=settings.NUDGE_COLD_START_ANSWERS,
        cold_start_sends=settings.NUDGE_COLD_START_SENDS,
        min_impressions=settings.NUDGE_MIN_IMPRESSIONS,
        min_helpful=settings.NUDGE_PLACEMENT_MIN_HELPFUL,
        margin_not_helpful=settings.NUDGE_MARGIN_NOT_HELPFUL,
        margin_no_interaction=settings.NUDGE_MARGIN_NO_INTERACTION,
        not_helpful_weight=1.0 if weight is None else weight,
        effect_weight=0.0 if effect_weight is None else effect_weight,
    )
    return steering.steered(rules)


def is_control(user_id: int, course_key: object) -> bool:
    """Whether the learner is one of those who are never nudged in this course run."""
    key = settings.NUDGE_CONTROL_KEY or settings.SECRET_KEY
    return control.is_in_control(user_id, course_key, settings.NUDGE_CONTROL_SHARE, key)


def limits() -> Limits:
    """Restraint's limits.  Raises ValueError for quiet hours that are no pair of "HH:MM"."""
    return Limits(
        per_day=settings.NUDGE_CAP_PER_DAY,
        per_week=settings.NUDGE_CAP_PER_WEEK,
        cool_down=settings.NUDGE_COOL_DOWN_MINUTES * MINUTE,
        kind_cool_down=settings.NUDGE_KIND_COOL_DOWN_MINUTES * MINUTE,
        quiet=_quiet(settings.NUDGE_QUIET_HOURS),
    )


def _quiet(hours: Any) -> tuple[time, time] | None:
    if not hours:
        return None
    try:
        start, end = (time.fromisoformat(each) for each in hours)
    except (TypeError, ValueError) as error:
        wanted = 'NUDGE_QUIET_HOURS must be empty or like ["22:00", "07:00"]'
        raise ValueError(f"{wanted}, not {hours!r}") from error
    return start, end
