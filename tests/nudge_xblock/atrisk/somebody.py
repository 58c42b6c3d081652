"""Learners as the night leaves them, with a risk and its reasons, for tests of what is done about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from nudge_xblock.atrisk import casework, plan, tiers
from nudge_xblock.atrisk.models import Case, Risk, RiskDay
from nudge_xblock.models import Enrolment

from ..communicator.learners import learner
from ..moments import COURSE

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ABSENCE = {
    "group": "absence",
    "contribution": 1.5,
    "chance_if_typical": 0.4,
    "numbers": [
        {"factor": "days_away", "unit": "days", "value": 12.0, "typical": 2.0, "contribution": 1.1},
        {"factor": "active_days_week", "unit": "days", "value": 0.0, "typical": 4.0, "contribution": 0.4},
    ],
}
GRADES = {
    "group": "grades",
    "contribution": 0.6,
    "chance_if_typical": 0.55,
    "numbers": [{"factor": "grade", "unit": "share", "value": 0.3, "typical": 0.8, "contribution": 0.6}],
}


def at_risk(
    user_id: int,
    chance: float,
    *,
    course: Any = COURSE,
    group: str = "absence",
    now: datetime = NOW,
    **fields: Any,
) -> Enrolment:
    """A learner with this risk; again: the same learner with a new one."""
    found = Enrolment.objects.filter(learner__user_id=user_id, course_key=course).first()
    enrolment = found or learner(user_id, course=course, seen=12 * DAY, now=now)
    told = [each for each in (ABSENCE, GRADES) if each["group"] == group]
    told += [each for each in (ABSENCE, GRADES) if each["group"] != group]
    Risk.objects.update_or_create(
        enrolment=enrolment,
        defaults={
            "chance": chance,
            "baseline": -1.0,
            "contributions": {"absence": 1.5, "grades": 0.6},
            "reasons": told,
            "days": 20.0,
            "share": 0.4,
            "group": group,
            "tier": tiers.tier_of(chance, plan.of(course).limits),
            "at": now,
            "model_version": "risk-1",
            **fields,
        },
    )
    return enrolment


def flagged(user_id: int, chance: float = 0.9, **told: Any) -> Case:
    """A learner with an open case."""
    now = told.get("now", NOW)
    enrolment = at_risk(user_id, chance, **told)
    casework.settle(enrolment.course_key, now)
    return Case.objects.get(enrolment=enrolment, state=Case.State.OPEN)


def day(enrolment: Enrolment, ago: int, chance: float, now: datetime = NOW, **parts: float) -> RiskDay:
    """What the risk was some days ago."""
    when = (now - ago * DAY).date()
    return RiskDay.objects.create(enrolment=enrolment, day=when, chance=chance, contributions=parts)
