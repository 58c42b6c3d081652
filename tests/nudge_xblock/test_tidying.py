"""The inbox is emptied of what is stored, old and folded in; of nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from nudge_xblock import ingesting, tidying
from nudge_xblock.atrisk.models import Case, CaseEvent, Notice, RiskDay
from nudge_xblock.communicator.models import Audit
from nudge_xblock.models import Enrolment, InboxEvent, PredictionDay
from nudge_xblock.night import ENGAGEMENT, RISK, models

from . import engagement, nighttime
from .atrisk import term
from .moments import COURSE, enrolled, happened
from .nighttime import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
DAY = 86400.0
# `happened` counts back from the gate tests' NOW, which lies a day and some hours before the night.


def left() -> int:
    return InboxEvent.objects.count()


def test_only_old_rows_go() -> None:
    happened("play_video", 20 * DAY)
    happened("play_video", 5 * DAY)
    job = nighttime.run()
    ingesting.read_inbox(job)
    assert tidying.purge_inbox(job) == 1
    assert left() == 1


def test_rows_that_the_store_was_not_given_stay() -> None:
    job = nighttime.run()
    happened("play_video", 20 * DAY)
    assert tidying.purge_inbox(job) == 0
    ingesting.read_inbox(job)
    happened("play_video", 21 * DAY)
    assert tidying.purge_inbox(job) == 1
    assert left() == 1, "the one that came after the inbox was read"


def test_rows_that_a_stored_state_still_lacks_stay() -> None:
    happened("play_video", 20 * DAY)
    state = {"state": b"x", "state_through": NOW - timedelta(days=25)}
    enrolled(7)
    Enrolment.objects.update(**state)
    job = nighttime.run()
    ingesting.read_inbox(job)
    assert tidying.purge_inbox(job) == 0
    Enrolment.objects.update(state_through=NOW)
    assert tidying.purge_inbox(job) == 1


def test_rows_of_an_enrolment_without_a_state_go_since_its_state_will_come_from_the_store() -> None:
    happened("play_video", 20 * DAY)
    enrolled(7)
    job = nighttime.run()
    ingesting.read_inbox(job)
    assert tidying.purge_inbox(job) == 1


def test_old_model_versions_go_but_never_the_serving_one(settings: Any) -> None:
    first = engagement.publish(settings.NUDGE_MODEL_DIR, seed=0)
    for seed in range(1, 13):
        engagement.publish(settings.NUDGE_MODEL_DIR, seed=seed)
    models().promote(ENGAGEMENT, first)
    tidying.tidy(nighttime.run())
    assert models().current(ENGAGEMENT) == first
    assert tidying.KEPT_VERSIONS <= len(models().versions(ENGAGEMENT)) <= tidying.KEPT_VERSIONS + 2
    assert models().load(ENGAGEMENT)


def test_predictions_that_something_looks_back_to_are_kept_and_older_ones_go() -> None:
    enrolment = enrolled(7)
    for ago in (0, 36, 37, 90):
        day = (NOW - timedelta(days=ago)).date()
        PredictionDay.objects.create(enrolment=enrolment, day=day, predictions={"pass": 0.5})
    assert tidying.purge_predictions(nighttime.run()) == 2
    assert PredictionDay.objects.count() == 2


def test_what_staff_did_is_kept_for_two_years() -> None:
    for ago in (1, 700, 731):
        row = Audit.objects.create(course_key=COURSE, user_id=21, what="learners_seen")
        Audit.objects.filter(pk=row.pk).update(at=NOW - timedelta(days=ago))
    assert tidying.purge_audit(nighttime.run()) == 1


def test_days_of_risk_are_kept_for_a_term_and_the_months_after_it() -> None:
    mine = enrolled(7)
    for days in (0, 179, 180, 181, 400):
        RiskDay.objects.create(enrolment=mine, day=NOW.date() - timedelta(days=days), chance=0.5)
    assert tidying.purge_risk_days(nighttime.run()) == 2
    assert RiskDay.objects.count() == 3


def test_notices_are_kept_while_somebody_may_ask_or_they_wait() -> None:
    case = Case.objects.create(
        enrolment=enrolled(7), course_key=COURSE, tier="high", chance=0.9, chance_opened=0.9, owner="adviser",
        opened=NOW, tier_since=NOW,
    )  # fmt: skip
    for days, waits in ((59, False), (61, True), (61, False)):
        event = CaseEvent.objects.create(case=case, at=NOW - timedelta(days=days), what="opened")
        Notice.objects.create(event=event, next_try=NOW if waits else None)
    assert tidying.purge_notices(nighttime.run()) == 1
    assert Notice.objects.count() == 2
    assert CaseEvent.objects.count() == 3


def test_cases_go_with_what_staff_wrote_as_long_after_their_end_as_the_site_says(settings: Any) -> None:
    mine = enrolled(7)
    for days, state in ((729, "closed"), (731, "resolved"), (731, "closed"), (900, "open")):
        then = NOW - timedelta(days=days)
        case = Case.objects.create(
            enrolment=mine, course_key=COURSE, tier="high", chance=0.9, chance_opened=0.9, owner="adviser",
            opened=then - timedelta(days=9), tier_since=then, state=state,
            closed=None if state == "open" else then,
        )  # fmt: skip
        event = CaseEvent.objects.create(case=case, at=then, what="note", text="They called.")
        Notice.objects.create(event=event, next_try=None)
    job = nighttime.run()
    assert tidying.purge_cases(job) == 2
    assert sorted(Case.objects.values_list("state", flat=True)) == ["closed", "open"]
    assert CaseEvent.objects.count() == Notice.objects.count() == 2
    settings.NUDGE_CASE_DAYS = 728
    tidying.tidy(job)
    assert job.figures["cases_deleted"] == 1
    assert Case.objects.get().state == "open"


def test_old_risk_models_go_but_never_those_that_serve_or_served_before(settings: Any) -> None:
    served = [term.serve(settings.NUDGE_MODEL_DIR) for _ in range(2)]
    others = [term.made().publish(models()) for _ in range(tidying.KEPT_VERSIONS)]
    job = nighttime.run()
    tidying.tidy(job)
    assert set(models().versions(RISK)) == {*served, *others}
    newest = term.made().publish(models())
    term.serve(settings.NUDGE_MODEL_DIR)
    tidying.tidy(job)
    kept = models().versions(RISK)
    assert newest in kept
    assert served[1] in kept
    assert served[0] not in kept
