"""What nudges changed, from chance, from the control group, and from course runs over time."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import api, courses, effects
from nudge_xblock.models import Decision, Learner, Placement
from nudge_xblock.reasons import Reason
from predictor.events import Event

from .moments import COURSE, placed
from .nighttime import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
OTHER = CourseKey.from_string("course-v1:Harbour+NUM102+2026")


@pytest.fixture
def placement() -> Placement:
    return placed()


def decided(placement: Placement, learner: Learner, chance: random.Random, **changes: object) -> Decision:
    """A moment with a 30% chance of none, after which a nudge makes for one item more and a better return."""
    sent, busy = chance.random() < 0.7, chance.random()
    variant = placement.variants.first()
    values: dict[str, object] = {
        "moment": uuid4().hex,
        "learner": learner,
        "course_key": COURSE,
        "placement": placement,
        "variant": variant if sent else None,
        "reason": Reason.HELPFUL if sent else Reason.SPARED,
        "propensity": 0.7 if sent else 0.3,
        "propensities": {str(variant.pk): 0.7, "hold": 0.3},
        "draw": 0.5,
        "created": NOW - timedelta(days=10, minutes=chance.randrange(10_000)),
        "outcome": {
            "days": 7.0,
            "final": True,
            "items": int(6 * busy + chance.randrange(3) + sent),
            "items_before": int(6 * busy),
            "events": 9,
            "returned": chance.random() < (0.8 if sent else 0.4),
        },
    }
    return Decision(**(values | changes))


def learners(count: int) -> list[Learner]:
    return Learner.objects.bulk_create(Learner(user_id=number) for number in range(count))


def test_sends_that_chance_decided_tell_the_effect_on_every_outcome(placement: Placement) -> None:
    chance = random.Random(2)
    people = learners(300)
    Decision.objects.bulk_create(decided(placement, chance.choice(people), chance) for _ in range(1500))
    found = effects.estimates(COURSE, NOW)["sends"]
    for method in ("ipw", "doubly_robust"):
        assert found["items"][method]["low"] < 1.0 < found["items"][method]["high"]
        assert found["items"][method]["low"] > 0.5
        assert found["returned"][method]["low"] < 0.4 < found["returned"][method]["high"]
        assert found["votes"][method]["value"] == 0.0
    widths = [found["items"][method]["high"] - found["items"][method]["low"] for method in found["items"]]
    assert widths[1] < 0.8 * widths[0]
    assert found["items"]["ipw"]["with"] + found["items"]["ipw"]["without"] == 1500


def test_moments_that_were_certain_or_restrained_or_not_over_are_left_out(placement: Placement) -> None:
    chance, [who] = random.Random(1), learners(1)
    rows = [
        decided(placement, who, chance, propensity=1.0),
        decided(placement, who, chance, reason=Reason.CAP_DAY),
        decided(placement, who, chance, outcome={"days": 7.0, "final": False}),
        decided(placement, who, chance),
    ]
    Decision.objects.bulk_create(rows)
    assert len(effects.sends(Decision.objects.all())) == 1
    told = effects.estimates(COURSE, NOW)
    assert "only" in told["sends"]["items"]["unknown"]
    assert "unknown" in told["runs"]


@override_settings(NUDGE_CONTROL_SHARE=0.2)
def test_the_control_group_is_compared_from_each_learners_first_moment_on(placement: Placement) -> None:
    chance, people = random.Random(3), learners(800)
    rows = []
    for number, who in enumerate(people):
        control = number % 5 == 0
        first = {"variant": None, "propensity": 1.0, "reason": Reason.CONTROL} if control else {}
        items = chance.randrange(5) + (0 if control else 2)
        outcome = {"days": 7.0, "final": True, "items": items, "items_before": 2, "events": 1}
        when = NOW - timedelta(days=12, minutes=number)
        rows.append(decided(placement, who, chance, created=when, outcome=outcome, **first))
        later = outcome | {"items": 500}
        rows.append(decided(placement, who, chance, created=when + timedelta(days=2), outcome=later, **first))
        earlier = when - timedelta(days=2)
        rows.append(decided(placement, who, chance, created=earlier, reason=Reason.CAP_DAY, outcome=later))
    Decision.objects.bulk_create(rows)
    found = effects.estimates(COURSE, NOW)["group"]["items"]["doubly_robust"]
    assert (found["with"], found["without"], found["learners"]) == (640, 160, 800)
    assert found["low"] < 2.0 < found["high"]
    assert found["low"] > 1.5
    with override_settings(NUDGE_CONTROL_SHARE=0.0):
        assert "unknown" in effects.estimates(COURSE, NOW)["group"]["items"]


@override_settings(NUDGE_CONTROL_SHARE=0.2)
def test_a_first_moment_at_which_the_model_was_missing_counts_as_it_would_in_the_control_group(
    placement: Placement,
) -> None:
    chance, [nudged, spared] = random.Random(4), learners(2)
    nothing = {"variant": None, "propensity": 1.0}
    first, second = NOW - timedelta(days=12), NOW - timedelta(days=11)
    Decision.objects.bulk_create(
        [
            decided(placement, nudged, chance, created=first, reason=Reason.SLOW, **nothing),
            decided(placement, nudged, chance, created=second),
            decided(placement, spared, chance, created=first, reason=Reason.CONTROL, **nothing),
        ]
    )
    rows = effects.group(Decision.objects.all())
    assert {(row.learner, row.sent, row.created) for row in rows} == {
        (nudged.pk, True, first),
        (spared.pk, False, first),
    }


def test_later_votes_are_those_of_the_days_after_and_not_the_moments_own(placement: Placement) -> None:
    chance, [who] = random.Random(1), learners(1)
    at = NOW - timedelta(days=20)
    rows = [
        decided(placement, who, chance, created=at + timedelta(days=days), helpful=helpful)
        for days, helpful in ((0, True), (1, True), (2, True), (3, False), (8, True))
    ]
    Decision.objects.bulk_create(rows)
    votes = effects.Votes(Decision.objects.all())
    outcome = {"days": 7.0}
    assert votes.after(effects.Row(who.pk, True, 0.5, outcome, at)) == 1.0
    assert votes.after(effects.Row(who.pk, True, 0.5, outcome, at + timedelta(days=8))) == 0.0
    assert votes.after(effects.Row(-1, True, 0.5, outcome, at)) == 0.0


def course(number: int, begun: datetime | None, effect: int, chance: random.Random) -> None:
    """A run with ten learners who complete a few items a week for half a year; more once nudges began."""
    key = CourseKey.from_string(f"course-v1:Harbour+NUM2{number:02d}+2026")
    found, level = [], chance.randrange(2, 5)
    for week in range(-1, 28):
        end = NOW - timedelta(weeks=27 - week)
        for learner in range(10):
            more = effect if begun is not None and end > begun else 0
            for item in range(level + chance.randrange(3) + more):
                at = end - timedelta(hours=chance.randrange(100))
                name = f"{week} {item}"
                found.append(Event(str(key), str(learner), at.timestamp(), "item_completed", name))
    courses.event_store().append(found)
    if begun is not None:
        placement = placed(str(number), course_key=str(key))
        who, _ = Learner.objects.get_or_create(user_id=number)
        row = decided(placement, who, random.Random(1), course_key=key, created=begun)
        row.variant, row.outcome = placement.variants.first(), {}
        row.save()


@pytest.mark.parametrize(("nudged", "method"), [(1, "synthetic_control"), (3, "difference_in_differences")])
def test_without_any_group_left_out_by_chance_course_runs_are_compared_over_time(
    nudged: int, method: str
) -> None:
    chance = random.Random(5)
    for number in range(9):
        begun = NOW - timedelta(weeks=12 + number) if number < nudged else None
        course(number, begun, 3, chance)
    found = effects.estimates(None, NOW)["runs"]
    assert found["method"] == method
    assert (found["with"], found["without"]) == (nudged, 9 - nudged)
    assert found["value"] == pytest.approx(3.0, abs=0.6)
    assert found["low"] > 0.0
    assert found.get("parallel", True)


def test_a_site_without_events_says_so() -> None:
    assert "no course run has events" in effects.estimates(None, NOW)["runs"]["unknown"]


def test_the_command_prints_what_the_door_gives(placement: Placement) -> None:
    out = StringIO()
    call_command("nudge_effects", str(COURSE), now=NOW, stdout=out)
    assert json.loads(out.getvalue()) == api.effects(COURSE, NOW)
    with pytest.raises(CommandError, match="no course key"):
        call_command("nudge_effects", "Harbour")
