"""A made log of nudges with known chances of votes, as the product stores it, for judging models on.

What a learner answers depends on a liking for nudges, on how often he just failed, and on the kind of
message; some of each can be seen in the feature vectors.  Moments are decided by the product's gate.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import gate, inputs, placements, policy, vectors
from nudge_xblock.gate import Candidate, History, Tally
from nudge_xblock.inputs import Input
from nudge_xblock.models import Decision, Enrolment, Learner, Placement
from nudge_xblock.restraint import Limits, Standing
from predictor import features
from predictor.helpfulness import HelpfulnessModel

COURSE = CourseKey.from_string("course-v1:Votes+101+2026")
SEEN = ("history.liking", "recent.wrong_in_a_row", "recent.visit_minutes")
KINDS = ("review", "encourage")
NAMES = features.names(0, ())


def chances(liking: Any, failed: Any, kind: int) -> Any:
    """P(helpful), P(not helpful), P(no interaction) [n, 3] of a message of a kind."""
    taste = 0.9 if kind == 0 else -0.3
    logits = np.stack(
        [-0.9 + 1.1 * liking + taste * failed, -1.2 - 0.9 * liking - 0.4 * failed, 0 * liking], 1
    )
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


def log(
    now: datetime,
    learners: int,
    each: int,
    seed: int,
    model: HelpfulnessModel | None = None,
    days: float = 20,
) -> int:
    """Store `each` moments of every learner, decided with `model`; how many."""
    rng = np.random.default_rng(seed)
    spots = [_placement(kind) for kind in KINDS]
    variants = [str(spot.variants.get(position=0).pk) for spot in spots]
    people = _people(learners)
    liking = np.random.default_rng(1).normal(size=learners)
    rules = replace(policy.current(), cold_start_answers=0)
    rows = []
    for place, person in enumerate(people):
        for _ in range(each):
            created = now - timedelta(days=float(rng.uniform(0.1, days)))
            failed = float(rng.poisson(1.0))
            seen = _seen(liking[place], failed, rng, variants)
            found = vectors.predict(model, seen) if model else None
            shown = [Tally(40.0, 12.0, 4.0)] * 4
            candidates = tuple(
                Candidate(name, tuple(shown), found[name] if found else None) for name in variants
            )
            given = Input(
                candidates, History(5, 3), rules, Standing(), Limits(), KINDS[0], created.timestamp()
            )
            verdict = gate.decide(given.candidates, given.history, rules, float(rng.random()))
            rows.append(
                _row(person, spots, seen, given, verdict, created, liking[place], failed, rng, variants)
            )
    Decision.objects.bulk_create(rows, batch_size=500)
    return len(rows)


def _row(
    person: Learner, spots: list[Placement], seen: vectors.Seen, given: Input, verdict: gate.Verdict,
    created: datetime, liking: float, failed: float, rng: np.random.Generator, variants: list[str],
) -> Decision:  # fmt: skip
    helpful: bool | None = None
    kind = variants.index(verdict.variant) if verdict.variant else 0
    if verdict.variant is not None:
        odds = chances(np.array([liking]), np.array([failed]), kind)[0]
        answer = int(rng.choice(3, p=odds))
        helpful = None if answer == 2 else answer == 0
    return Decision(
        moment=rng.bytes(16).hex(),
        learner=person,
        course_key=COURSE,
        placement=spots[kind],
        variant_id=int(verdict.variant) if verdict.variant else None,
        reason=str(verdict.reason),
        explored=verdict.explored,
        propensity=verdict.propensity,
        propensities=verdict.propensities,
        predictions={each.id: each.prediction for each in given.candidates if each.prediction},
        features=vectors.kept(seen, variants),
        inputs=inputs.stored(given, verdict, "made"),
        draw=0.5,
        created=created,
        shown_at=created if verdict.variant else None,
        helpful=helpful,
        voted_at=created if helpful is not None else None,
    )


def _seen(liking: float, failed: float, rng: np.random.Generator, variants: list[str]) -> vectors.Seen:
    """The liking is seen with an error."""
    names, row = NAMES, np.zeros(len(NAMES), np.float32)
    row[names.index(SEEN[0])] = 0.8 * liking + 0.3 * rng.normal()
    row[names.index(SEEN[1])] = failed
    row[names.index(SEEN[2])] = rng.normal()
    parts, size = {}, len(features.of_message(features.History(), features.Message()))
    for variant, kind in zip(variants, KINDS, strict=True):
        parts[variant] = features.of_message(features.History(), features.Message(kind=kind))
    return vectors.Seen(0, (), row[: len(names) - size], parts)


def told(kept: dict[str, Any], place: int, value: float) -> dict[str, Any]:
    """Kept vectors with one of the shared features replaced."""
    seen = vectors.unkept(kept)
    assert seen is not None
    shared = seen.shared.copy()
    shared[place] = value
    return vectors.kept(replace(seen, shared=shared), list(seen.messages))


def _placement(kind: str) -> Placement:
    key = str(COURSE.make_usage_key("nudge", kind))
    texts = {"heading": f"About {kind}", "body": "A hint.", "action_label": "", "action_url": ""}
    return placements.register(
        {"key": key, "course_key": str(COURSE), "title": kind, "kind": kind,
         "trigger": {"when": "unit_seen", "item": ""}, "variants": [texts]}
    )  # fmt: skip


def _people(count: int) -> list[Learner]:
    known = {each.user_id: each for each in Learner.objects.filter(user_id__lte=count)}
    new = [Learner(user_id=number) for number in range(1, count + 1) if number not in known]
    Learner.objects.bulk_create(new)
    people = list(Learner.objects.filter(user_id__lte=count).order_by("user_id"))
    for number, person in enumerate(people):
        Enrolment.objects.get_or_create(
            learner=person, course_key=COURSE, defaults={"mode": "verified" if number % 3 else "audit"}
        )
    return people
