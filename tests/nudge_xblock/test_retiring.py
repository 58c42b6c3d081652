"""A liked wording that lowers completion is found by night, held back, and comes back when that ends."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import override_settings

from nudge_xblock import catalogue, decisions, retiring
from nudge_xblock.gate import HOLD
from nudge_xblock.inputs import unstored
from nudge_xblock.models import Decision, Learner, Variant
from nudge_xblock.reasons import Reason

from . import nighttime
from .moments import CLAIM, COURSE, enrolled, failed, fields, placed, wording
from .nighttime import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
EVENLY = {"a": 0.4, "b": 0.3, HOLD: 0.3}


def wordings() -> list[Variant]:
    placement = placed(variants=[wording("Good"), wording("Tempting")])
    return list(placement.variants.order_by("position"))


def happened(variants: Sequence[Variant], effects: Sequence[float], count: int = 1500, seed: int = 1) -> None:
    """Moments at which chance chose among two wordings and none, each liked, each followed by its effect."""
    chance = random.Random(seed)
    learner, _ = Learner.objects.get_or_create(user_id=7)
    names = [*(str(variant.pk) for variant in variants), HOLD]
    chances = dict(zip(names, EVENLY.values(), strict=True))
    rows = []
    for number in range(count):
        taken = chance.choices(names, list(chances.values()))[0]
        place = names.index(taken)
        before = chance.randrange(8)
        items = before + chance.randrange(4) + ((*effects, 0.0)[place])
        rows.append(
            Decision(
                moment=uuid4().hex,
                learner=learner,
                course_key=COURSE,
                placement=variants[0].placement,
                variant=None if taken == HOLD else variants[place],
                reason=Reason.SPARED if taken == HOLD else Reason.HELPFUL,
                propensity=chances[taken],
                propensities=chances,
                draw=0.5,
                created=NOW - timedelta(days=20) - timedelta(minutes=number),
                helpful=None if taken == HOLD else True,
                outcome={"days": 7, "final": True, "items": items, "items_before": before, "events": 9},
            )
        )
    Decision.objects.bulk_create(rows)


def test_a_liked_wording_that_lowers_completion_is_held_back_and_the_good_one_is_not() -> None:
    good, bait = wordings()
    happened([good, bait], [0.4, -1.0])
    said = retiring.retire(nighttime.run())
    assert said == (
        "2 wordings were judged by what learners completed afterwards. "
        "1 are held back from now on, because learners completed less after them."
    )
    good.refresh_from_db()
    bait.refresh_from_db()
    assert (good.harmful_since, bait.harmful_since) == (None, NOW)
    assert bait.effect["low"] < bait.effect["change"] < bait.effect["high"] < 0.0
    assert bait.effect["sent"] + bait.effect["held"] < 1500
    assert bait.effect["evidence"] > 1e3


def test_by_how_much_more_or_less_follows_each_wording_counts_in_the_next_choice() -> None:
    good, bait = wordings()
    happened([good, bait], [0.4, -1.0])
    retiring.retire(nighttime.run())
    good.refresh_from_db()
    bait.refresh_from_db()
    assert bait.effect["activity"] < -0.02 < 0.02 < good.effect["activity"]
    enrolled(8)
    failed(user_id=8)
    asked = NOW - timedelta(days=1, hours=15)
    decisions.ask(8, COURSE, [fields()["key"]], CLAIM, asked, 0.9)
    row = Decision.objects.exclude(learner__user_id=7).get()
    told = {each.id: each.effect for each in unstored(row).candidates}
    assert told == {str(each.pk): each.effect["activity"] for each in (good, bait)}
    assert decisions.replay(row.pk).same


def test_its_learners_get_the_other_wording_and_it_keeps_a_trickle() -> None:
    good, bait = wordings()
    happened([good, bait], [0.4, -1.0])
    retiring.retire(nighttime.run())
    enrolled(8)
    failed(user_id=8)
    asked = NOW - timedelta(days=1, hours=15)
    answer = decisions.ask(8, COURSE, [fields()["key"]], CLAIM, asked, 0.9)
    row = Decision.objects.exclude(learner__user_id=7).get()
    assert answer.nudge is not None
    assert answer.nudge.heading == "Good"
    assert row.propensities == pytest.approx({str(good.pk): 0.98, str(bait.pk): 0.02, HOLD: 0.0})


def test_a_second_night_changes_nothing_and_writes_nothing() -> None:
    happened(wordings(), [0.4, -1.0])
    job = nighttime.run()
    retiring.retire(job)
    before = list(Variant.objects.values())
    job.now = NOW + timedelta(days=1)
    assert "1 stay held back" in retiring.retire(job)
    assert list(Variant.objects.values()) == before


def test_it_comes_back_when_what_followed_is_no_longer_less() -> None:
    variants = wordings()
    happened(variants, [0.4, -1.0], count=600)
    job = nighttime.run()
    retiring.retire(job)
    assert Variant.objects.filter(harmful_since__isnull=False).count() == 1
    happened(variants, [0.4, 1.5], count=1500, seed=2)
    assert "1 are in use again" in retiring.retire(job)
    assert not Variant.objects.filter(harmful_since__isnull=False).exists()


def test_what_restraint_held_back_or_is_not_over_yet_says_nothing() -> None:
    happened(wordings(), [0.4, -1.0])
    Decision.objects.filter(variant=None).update(reason=Reason.CAP_DAY)
    job = nighttime.run()
    retiring.retire(job)
    assert not Variant.objects.filter(harmful_since__isnull=False).exists()
    Decision.objects.update(outcome={"days": 7, "final": False, "items": 0, "items_before": 0, "events": 0})
    assert retiring.retire(job).startswith("No moment was left to chance")


def test_its_author_can_overrule_the_night() -> None:
    happened(wordings(), [0.4, -1.0])
    retiring.retire(nighttime.run())
    placed(variants=[wording("Good"), wording("Tempting")], may_retire=False)
    catalogue.forget()
    assert not any(each.harmful for each in catalogue.book(COURSE).spots[fields()["key"]].wordings)


@override_settings(NUDGE_SPARED_SHARE=0.05)
def test_a_message_that_is_always_liked_still_meets_moments_without_it() -> None:
    placed(variants=[wording("Only one")])
    enrolled()
    failed()
    decisions.ask(7, COURSE, [fields()["key"]], CLAIM, NOW - timedelta(days=1, hours=15), 0.5)
    assert Decision.objects.get().propensities[HOLD] == pytest.approx(0.05)
