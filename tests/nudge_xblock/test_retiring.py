"""A liked wording that lowers completion is found by night, held back, and comes back when that ends."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import override_settings
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import catalogue, courses, decisions, retiring
from nudge_xblock.activity import FEWEST, Moment
from nudge_xblock.gate import HOLD
from nudge_xblock.inputs import unstored
from nudge_xblock.models import Decision, Learner, Variant
from nudge_xblock.night import Run
from nudge_xblock.presence import DAY, day_of
from nudge_xblock.reasons import Reason
from predictor.events import Event

from . import nighttime
from .moments import CLAIM, COURSE, enrolled, failed, fields, placed, wording
from .nighttime import NOW
from .returning import campus

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
EVENLY = {"a": 0.4, "b": 0.3, HOLD: 0.3}
OTHER = CourseKey.from_string("course-v1:Harbour+NUM102+2026")
TOLD = campus([0.3, -0.3], 400, seed=5, levels=(0.0,))
"""Learners who come back more often after the first wording, and less often after the second."""
ZERO = day_of(NOW) - TOLD.end
USERS = {learner: 100 + number for number, learner in enumerate(TOLD.came)}


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


def returned(variants: Sequence[Variant], reason: str = Reason.HELPFUL) -> None:
    """Moments of TOLD, as decisions."""
    people = Learner.objects.bulk_create(Learner(user_id=user_id) for user_id in USERS.values())
    learners = {person.user_id: person for person in people}
    Decision.objects.bulk_create(
        decided(learners[USERS[row.learner]], row.day, variants, row.sent, reason) for row in TOLD.moments
    )


def decided(
    learner: Learner, day: int, variants: Sequence[Variant], sent: str | None, reason: str = Reason.HELPFUL
) -> Decision:
    """A moment with a certain end, on a day of TOLD."""
    return Decision(
        moment=uuid4().hex,
        learner=learner,
        course_key=COURSE,
        placement=variants[0].placement,
        variant=None if sent is None else variants[int(sent[1:])],
        reason=reason,
        propensity=1.0,
        propensities={},
        draw=0.5,
        created=datetime.fromtimestamp((ZERO + day) * DAY + 7200, UTC),
    )


def arrived(elsewhere: frozenset[str] = frozenset()) -> None:
    """The days of TOLD, as events; those of some learners in another course run."""
    courses.event_store().append(
        Event(
            str(OTHER if learner in elsewhere else COURSE),
            str(USERS[learner]),
            (ZERO + day) * DAY + 3600.0,
            "seq_next",
        )
        for learner, days in TOLD.came.items()
        for day in days
    )


@pytest.fixture
def job(stores: Path) -> Run:
    return nighttime.run()


def said(job: Run, variants: Sequence[Variant]) -> list[float | None]:
    """What a night stores of coming back after each wording."""
    retiring.retire(job)
    for variant in variants:
        variant.refresh_from_db()
    return [variant.effect.get("activity") for variant in variants]


def test_how_often_learners_come_back_after_each_wording_counts_in_the_next_choice(job: Run) -> None:
    good, bait = wordings()
    returned([good, bait])
    arrived()
    more, less = said(job, [good, bait])
    assert more is not None
    assert less is not None
    assert less < -0.02 < 0.02 < more
    assert [good.effect, bait.effect] == [
        {"activity": more},
        {"activity": less},
    ]  # nothing was left to chance
    enrolled(8)
    failed(user_id=8)
    decisions.ask(8, COURSE, [fields()["key"]], CLAIM, NOW - timedelta(days=1, hours=15), 0.9)
    row = Decision.objects.get(learner__user_id=8)
    told = {each.id: each.effect for each in unstored(row).candidates}
    assert told == {str(good.pk): more, str(bait.pk): less}
    assert decisions.replay(row.pk).same


def test_moments_are_told_as_they_were_met_also_those_of_today() -> None:
    variants = wordings()
    returned(variants)
    newest = Decision.objects.filter(variant=variants[1]).latest("created", "pk")
    Decision.objects.update(created=NOW - retiring.REMEMBERED)
    Decision.objects.filter(pk=newest.pk).update(created=NOW - timedelta(minutes=1))
    user_id, placement = str(newest.learner.user_id), str(newest.placement_id)
    told = Moment(user_id, day_of(NOW), str(COURSE), placement, str(variants[1].pk))
    assert list(retiring.met(NOW)) == [told]
    Decision.objects.filter(pk=newest.pk).update(variant=None, reason=Reason.LEARNER)
    assert list(retiring.met(NOW)) == [told._replace(sent=None)]


def test_a_day_in_another_course_run_is_a_day_on_which_a_learner_came_back(job: Run, tmp_path: Path) -> None:
    variants = wordings()
    returned(variants)
    arrived()
    together = said(job, variants)
    assert None not in together
    with override_settings(NUDGE_EVENTS_DIR=str(tmp_path / "apart")):
        arrived(elsewhere=frozenset(list(USERS)[::2]))
        assert said(job, variants) == together  # though nothing was ever decided in the other run


def test_events_that_cannot_be_read_do_not_keep_harm_from_being_found(
    job: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bait = wordings()
    happened([good, bait], [0.4, -1.0])

    def broken(*_: object) -> None:
        raise OSError("a segment is damaged")

    monkeypatch.setattr(retiring, "returns", broken)
    with pytest.raises(OSError, match="damaged"):
        retiring.retire(job)
    bait.refresh_from_db()
    assert bait.harmful_since is not None


def test_learners_of_whom_no_event_arrived_have_not_stayed_away(job: Run) -> None:
    variants = wordings()
    returned(variants)
    arrived()
    known = said(job, variants)
    unknown = Learner.objects.create(user_id=99)
    Decision.objects.bulk_create(decided(unknown, day, variants, "m0") for day in range(25))
    assert said(job, variants) == known


def test_days_of_which_no_event_has_arrived_yet_are_not_days_on_which_learners_stayed_away(job: Run) -> None:
    variants = wordings()
    returned(variants)
    arrived()
    retiring.retire(job)
    known = list(Variant.objects.values("pk", "effect"))
    job.now = NOW + timedelta(days=5)
    retiring.retire(job)
    assert list(Variant.objects.values("pk", "effect")) == known


def test_without_events_or_with_few_moments_nothing_is_said_of_coming_back(job: Run) -> None:
    variants = wordings()
    returned(variants)
    assert said(job, variants) == [None, None]
    arrived()
    assert None not in said(job, variants)
    kept = list(Decision.objects.values_list("pk", flat=True)[: FEWEST - 1])
    Decision.objects.exclude(pk__in=kept).delete()
    assert said(job, variants) == [None, None]


def test_what_restraint_held_back_tells_nothing_of_coming_back(job: Run) -> None:
    variants = wordings()
    returned(variants, Reason.CONTROL)
    arrived()
    assert said(job, variants) == [None, None]


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
