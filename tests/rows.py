"""Rows of a course as the gate, its learners and the night would leave them, for tests of what staff see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, uuid5

import numpy as np
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import remarks
from nudge_xblock.models import Decision, Enrolment, Learner, Night, Placement, Variant
from nudge_xblock.reasons import Reason

COURSE = CourseKey.from_string("course-v1:Forest+Trees101+2026")
NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
HEADINGS = (
    "This one is tricky for many",
    "You are closer than it feels",
    "A little practice goes a long way",
)
EXPLORATION = 0.1


class Course(NamedTuple):
    """What was made."""

    key: CourseKey
    learners: list[Learner]
    variants: list[Variant]
    decisions: list[Decision]


def course(
    learners: int = 200,
    moments: int = 2000,
    days: int = 30,
    effect: float = 0.0,
    seed: int = 1,
    until: datetime = NOW,
    key: CourseKey = COURSE,
    features: int = 0,
) -> Course:
    """A course run with moments over `days` days up to `until`; `effect`: items more that sending makes.

    `features`: characters of stored feature vectors per decision, to make rows as heavy as real ones.
    """
    rng = np.random.default_rng(seed)
    people = enrol(rng, learners, key, until)
    variants = messages(key)
    rows = list(decide(rng, people, variants, moments, days, effect, until, key, features))
    Decision.objects.bulk_create(rows, batch_size=2000)
    return Course(key, people, variants, rows)


def enrol(rng: np.random.Generator, count: int, key: CourseKey, until: datetime) -> list[Learner]:
    genders, countries = np.array(["f", "m", "o", ""]), np.array(["US", "IN", "BR", "DE", "NG", "JP", ""])
    first = Learner.objects.count()
    learners = Learner.objects.bulk_create(
        Learner(
            user_id=1000 + first + number,
            profile={
                "gender": str(rng.choice(genders, p=[0.46, 0.46, 0.02, 0.06])),
                "country": str(rng.choice(countries)),
                "birth_year": int(rng.integers(1950, 2008)),
            },
        )
        for number in range(count)
    )
    Enrolment.objects.bulk_create(
        Enrolment(
            learner=learner,
            course_key=key,
            mode="verified" if rng.random() < 0.25 else "audit",
            started=until - timedelta(days=40),
            predictions={"leave": round(float(rng.random()), 3)} if rng.random() < 0.9 else {},
        )
        for learner in learners
    )
    earlier = CourseKey.from_string("course-v1:Forest+Moss+2025")
    Enrolment.objects.bulk_create(Enrolment(learner=learner, course_key=earlier) for learner in learners[::3])
    return learners


def messages(key: CourseKey) -> list[Variant]:
    placement = Placement.objects.create(
        key=f"block of {key}", course_key=key, title="After quiz 3", kind="review"
    )
    return Variant.objects.bulk_create(
        Variant(
            placement=placement,
            digest=str(number),
            heading=heading,
            body="…",
            action_url="/x" if number else "",
        )
        for number, heading in enumerate(HEADINGS)
    )


def decide(
    rng: np.random.Generator,
    learners: list[Learner],
    variants: list[Variant],
    moments: int,
    days: int,
    effect: float,
    until: datetime,
    key: CourseKey,
    features: int,
) -> Any:
    """Decisions in order of time, with votes and outcomes."""
    taste, pace = rng.beta(2.4, 1.2, len(learners)), rng.gamma(3.0, 1.3, len(learners))
    times = np.sort(rng.random(moments)) * days
    for number, ago in enumerate(times[::-1]):
        who = int(rng.integers(len(learners)))
        created = until - timedelta(days=float(ago))
        row = decision(rng, learners[who], variants, taste[who], created, key)
        row.id, row.moment = uuid5(NAMESPACE_OID, f"{key} {number}"), f"{key} {number}"
        if features:
            row.features = {"kept": "x" * features}
        sent = row.variant_id is not None
        if sent:
            answer(rng, row, taste[who], created)
        final = created + timedelta(days=7) <= until
        items = {
            "items": int(rng.poisson(pace[who] + effect * sent)),
            "items_before": int(rng.poisson(pace[who])),
        }
        row.outcome = {"days": 7, "final": final, **items}
        yield row


def decision(
    rng: np.random.Generator,
    learner: Learner,
    variants: list[Variant],
    taste: float,
    created: datetime,
    key: CourseKey,
) -> Decision:
    """One decision as the gate makes it: restraint, then chance, then the rule."""
    first, default = str(variants[0].pk), variants[int(rng.integers(len(variants)))]
    restrained, draw = rng.random() < 0.1, float(rng.random())
    likes = taste + rng.normal(0.0, 0.15) > 0.55
    if restrained:
        reason, p_hold, sent = Reason(rng.choice([Reason.CAP_DAY, Reason.CERTIFIED])), 1.0, False
    elif draw < EXPLORATION:
        reason, p_hold, sent = Reason.EXPLORE, 0.0 if likes else 1 - EXPLORATION, True
    else:
        reason, p_hold, sent = (
            (Reason.HELPFUL, 0.0, True) if likes else (Reason.LEARNER, 1 - EXPLORATION, False)
        )
    spread = {str(variant.pk): (1 - p_hold) / len(variants) for variant in variants} | {"hold": p_hold}
    return Decision(
        learner=learner,
        course_key=key,
        placement=default.placement,
        variant=default if sent else None,
        reason=reason,
        explored=reason == Reason.EXPLORE,
        propensity=spread[str(default.pk)] if sent else p_hold,
        propensities=spread,
        predictions={} if restrained else {first: [round(0.5 * taste, 3), 0.1, round(0.9 - 0.5 * taste, 3)]},
        draw=draw,
        created=created,
    )


def answer(rng: np.random.Generator, row: Decision, taste: float, created: datetime) -> None:
    """What the learner does with the card."""
    soon = created + timedelta(seconds=20)
    row.shown_at = soon if rng.random() < 0.95 else None
    if row.shown_at and rng.random() < 0.45:
        row.helpful, row.voted_at = bool(rng.random() < taste), soon
    if row.shown_at and row.variant and row.variant.action_url and rng.random() < 0.3 * taste:
        row.clicked_at = soon


def nights(count: int = 8, until: datetime = NOW) -> list[Night]:
    """Nights of which some promoted and some refused, newest last."""
    rng, best, made = np.random.default_rng(3), None, []
    for number in range(count):
        at = until - timedelta(days=count - number)
        auc = round(0.78 + 0.006 * number + float(rng.normal(0, 0.01)), 4)
        promoted = best is None or auc > best
        version = f"engagement-{at:%Y%m%d}"
        figures: dict[str, Any] = {
            "n": 800,
            "positives": 300,
            "new": {"auc": auc, "auc_low": auc - 0.02, "auc_high": auc + 0.02, "ece": 0.031, "finite": True},
            "old": {"auc": best, "auc_low": None, "auc_high": None, "ece": 0.034} if best else {},
        }
        shifted = {
            **figures,
            "new": {**figures["new"], "auc": auc + 0.03, "auc_low": auc, "auc_high": auc + 0.06},
        }
        made.append(
            Night(
                started=at,
                finished=at + timedelta(minutes=12),
                progress=1.0,
                promoted=promoted,
                model_version=version if promoted else "engagement-before",
                verdict=[remarks.remark("promoted_engagement", version=version)]
                if promoted
                else [
                    remarks.remark("refused_engagement", version="engagement-before"),
                    remarks.remark("worse_auc", target="leave", new=auc, old=best),
                ],
                metrics={
                    "engagement": {"version": version, "targets": {"leave": figures, "complete": shifted}},
                },
            )
        )
        best = max(best or 0.0, auc)
    return Night.objects.bulk_create(made)
