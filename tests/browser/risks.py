"""Lets nights pass over a served demo course: who is at risk, why, and the cases that open and close by it.

Run as a program; NUDGE_DEMO_DIR says where the course's files are.  `risks.py begin N` assesses N learners of
crowd.py, some of whom take a second course too, and opens their cases a few days ago; `risks.py better CASE`
lets a night find that a case's learner is doing better.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

SECOND = "course-v1:Harbour+STA201+2026_T4"
ADVISER = "katherine"
DAYS = 30
OPENED = 6
"""Days ago that the cases are opened."""

# Reason group: how much of the risk it makes, and its numbers as factor, unit, the learner's, typically.
REASONS: dict[str, tuple[float, list[tuple[str, str, float, float]]]] = {
    "absence": (1.5, [("days_away", "days", 9, 2), ("active_days_fortnight", "days", 2, 6)]),
    "assignments": (1.1, [("assignments_missed", "count", 3, 0), ("share_handed_in", "share", 0.4, 0.9)]),
    "grades": (0.9, [("grade", "share", 0.31, 0.72), ("right_answers", "share", 0.44, 0.81)]),
    "pace": (0.7, [("hours_a_day", "hours", 0.4, 1.1), ("units_completed", "share", 0.2, 0.55)]),
    "difficulty": (0.6, [("tries", "times", 4.1, 1.8)]),
    "help": (0.5, [("posts", "count", 0, 3)]),
    "enrolment": (0.4, [("courses_now", "count", 4, 2)]),
}
NEVER: tuple[str, float, list[tuple[str, str, float, float]]] = (
    "absence",
    1.0,
    [("never_came", "flag", 1, 0)],
)


def main(what: str, number: str) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ["DJANGO_SETTINGS_MODULE"] = "demo.settings"
    import django

    django.setup()
    from django.utils import timezone

    from tests.browser import crowd

    if what == "begin":
        crowd.main(int(number))
        begin(timezone.now())
    else:
        better(int(number), timezone.now())


def begin(now: datetime) -> None:
    """Assess everyone, and let a night settle."""
    from django.contrib.auth.models import Permission, User
    from opaque_keys.edx.keys import CourseKey

    from demo import outline
    from nudge_xblock import api
    from nudge_xblock.atrisk import casework
    from nudge_xblock.models import Enrolment

    adviser = User.objects.create_user(ADVISER, email=f"{ADVISER}@example.com")
    adviser.user_permissions.add(Permission.objects.get(codename="work_cases"))
    rng = np.random.default_rng(11)
    second = CourseKey.from_string(SECOND)
    here = list(Enrolment.objects.filter(course_key=outline.COURSE_KEY).select_related("learner"))
    there = Enrolment.objects.bulk_create(
        [
            Enrolment(learner=each.learner, course_key=second, mode=each.mode, started=each.started,
                      last_seen=each.last_seen, predictions=each.predictions)
            for each in here[::4]
        ]
    )  # fmt: skip
    for key, enrolments in ((outline.COURSE_KEY, here), (second, there)):
        for enrolment in enrolments:
            assess(enrolment, rng, now)
        casework.settle(key, now - timedelta(days=OPENED))
    assert api.atrisk.cases(outline.COURSE_KEY, adviser.pk, {})["counts"]["high"] > 0


def assess(enrolment: Any, rng: Any, now: datetime) -> None:
    """One learner's risk tonight and on the days before; it follows what is predicted of completing."""
    from nudge_xblock.atrisk import plan, tiers
    from nudge_xblock.atrisk.models import Risk, RiskDay

    foreseen = 0.93 * (1 - enrolment.predictions.get("complete", 0.5)) + rng.normal(scale=0.03)
    chance = float(np.clip(foreseen, 0.01, 0.99))
    limits = plan.of(enrolment.course_key).limits
    never = enrolment.last_seen is None
    weights = np.array([8, 6, 4, 5, 3, 2, 1], float)
    groups = rng.choice(list(REASONS), size=3, replace=False, p=weights / weights.sum())
    away = 0 if never else (now - enrolment.last_seen).days
    found = [NEVER] if never else [(group, *weighed(group, away, rng)) for group in groups]
    found.sort(key=lambda each: -each[1])
    logit = float(np.log(chance / (1 - chance)))
    told = (
        [reason(group, weight, numbers, logit) for group, weight, numbers in found]
        if chance >= limits.marginal / 100
        else []
    )
    Risk.objects.create(
        enrolment=enrolment, chance=chance, baseline=logit - sum(each[1] for each in found),
        contributions={each[0]: each[1] for each in found}, reasons=told, days=24.0, share=0.5, partial=never,
        unknown=["grades", "help"] if never else [], group=told[0]["group"] if told else "",
        tier=tiers.tier_of(chance, limits), at=now, model_version="risk-1",
    )  # fmt: skip
    if not told:
        return
    # The reason grew while the learner stayed away.
    start = logit - float(rng.uniform(0.2, 1.8))
    path = np.linspace(start, logit, DAYS) + np.append(rng.normal(scale=0.08, size=DAYS - 1), 0)
    first, others = found[0], {each[0]: each[1] for each in found[1:]}
    RiskDay.objects.bulk_create(
        [
            RiskDay(
                enrolment=enrolment, day=(now - timedelta(days=DAYS - 1 - day)).date(),
                chance=1 / (1 + np.exp(-path[day])),
                contributions={first[0]: first[1] + path[day] - logit, **others},
            )
            for day in range(DAYS)
        ]
    )  # fmt: skip


def weighed(group: str, away: int, rng: Any) -> tuple[float, list[tuple[str, str, float, float]]]:
    """How much of somebody's risk a reason makes, and its numbers; who was here lately is not away."""
    weight, numbers = REASONS[group]
    if group == "absence":
        fortnight = max(0, 14 - away) // 3
        numbers = [("days_away", "days", away, 2), ("active_days_fortnight", "days", fortnight, 6)]
        weight = min(weight, 0.12 * away)
    return weight * float(rng.uniform(0.6, 1.4)), numbers


def reason(
    group: str, weight: float, numbers: list[tuple[str, str, float, float]], logit: float
) -> dict[str, Any]:
    """One reason as the night writes it."""
    return {
        "group": group,
        "contribution": weight,
        "chance_if_typical": 1 / (1 + float(np.exp(weight - logit))),
        "numbers": [
            {
                "factor": factor,
                "unit": unit,
                "value": value,
                "typical": typical,
                "contribution": weight / len(numbers),
            }
            for factor, unit, value, typical in numbers
        ],
    }


def better(number: int, now: datetime) -> None:
    """A learner came back, and the night finds it."""
    from nudge_xblock.atrisk import casework
    from nudge_xblock.atrisk.models import Case, Risk

    case = Case.objects.get(pk=number)
    Risk.objects.filter(enrolment=case.enrolment_id).update(
        chance=0.08, tier="", reasons=[], group="", at=now
    )
    casework.settle(case.course_key, now)


if __name__ == "__main__":
    main(*sys.argv[1:])
