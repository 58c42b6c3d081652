"""What followed a decision, read off the event store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from nudge_xblock import followup, windows
from nudge_xblock.models import Decision, Night, Placement

from . import nighttime
from .moments import COURSE, enrolled, placed
from .nighttime import NOW, event, store

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
DAY = timedelta(days=1)
DONE = "edx.completion.block_completion.changed"


def decided(ago: timedelta, user_id: int = 7) -> Decision:
    placement = placed()
    return Decision.objects.create(
        moment=uuid4().hex,
        learner=enrolled(user_id).learner,
        course_key=COURSE,
        placement=placement,
        reason="explore",
        propensity=1.0,
        propensities={"hold": 1.0},
        draw=0.5,
        created=NOW - ago,
    )


def outcome(decision: Decision) -> dict[str, Any]:
    decision.refresh_from_db()
    return dict(decision.outcome)


def test_items_count_once_at_their_first_completion_and_only_within_the_days() -> None:
    decision = decided(10 * DAY)
    store(
        event(7, 12 * DAY, DONE, "before"),
        event(7, 9 * DAY, DONE, "before"),  # completed again: no new item
        event(7, 9 * DAY, "problem_check_correct", "p1"),
        event(7, 8 * DAY, DONE, "v1"),
        event(7, 8.5 * DAY, "play_video", "v2"),  # played, not completed
        event(7, 2 * DAY, DONE, "too late"),
        event(8, 9 * DAY, DONE, "somebody else's"),
    )
    assert followup.fill(nighttime.run()) == "What followed 1 decisions was brought up to date."
    assert outcome(decision) == {
        "days": 7,
        "final": True,
        "items": 2,
        "items_before": 1,
        "events": 4,
        "returned": True,
    }


def test_an_open_outcome_is_counted_so_far_and_finished_on_a_later_night() -> None:
    decision = decided(5 * DAY)
    store(event(7, 4 * DAY, DONE, "v1"), event(7, DAY, DONE, "v2"))
    job = nighttime.run(NOW - 3 * DAY)
    followup.fill(job)
    assert outcome(decision) == {
        "days": 7,
        "final": False,
        "items": 1,
        "items_before": 0,
        "events": 1,
        "returned": True,
    }
    job.now = NOW + 4 * DAY
    followup.fill(job)
    assert outcome(decision) == {
        "days": 7,
        "final": True,
        "items": 2,
        "items_before": 0,
        "events": 2,
        "returned": True,
    }


def test_an_outcome_long_final_is_not_computed_again() -> None:
    decision = decided(30 * DAY)
    job = nighttime.run()
    followup.fill(job)
    assert outcome(decision)["items"] == 0
    store(event(7, 29 * DAY, DONE, "v1"))
    assert followup.fill(job) == "No decision to follow up."
    assert outcome(decision)["items"] == 0


def test_the_future_of_a_night_that_looks_back_is_not_seen() -> None:
    decision = decided(2 * DAY)
    followup.fill(nighttime.run(NOW - 3 * DAY))
    assert outcome(decision) == {}


def done(through: datetime, days: float = 7.0, state: str = "done") -> None:
    """A night whose report says up to when it brought outcomes up to date."""
    report = {"state": state, "through": through.isoformat(), "days": days}
    Night.objects.create(started=through, steps={followup.STEP: report})


def test_a_night_looks_only_at_what_the_last_one_may_have_left_open() -> None:
    done(NOW - DAY)
    old, late = decided(12 * DAY, 7), decided(10.5 * DAY, 8)
    with CaptureQueriesContext(connection) as captured:
        followup.fill(nighttime.run())
    assert outcome(old) == {}
    assert outcome(late)["final"]
    assert not [
        each for each in captured.captured_queries if "JSON" in each["sql"] and "= '{}'" in each["sql"]
    ]


@pytest.mark.parametrize(("days", "state"), [(7.0, "failed"), (14.0, "done")])
def test_a_failed_night_or_one_over_other_days_settles_nothing(days: float, state: str) -> None:
    done(NOW - DAY, days, state)
    decision = decided(40 * DAY)
    followup.fill(nighttime.run())
    assert outcome(decision)["final"]


def test_where_other_days_count_from_now_on_outcomes_of_the_last_year_are_counted_anew(settings: Any) -> None:
    decision, ancient = decided(40 * DAY, 7), decided(400 * DAY, 8)
    store(event(7, 30 * DAY, DONE, "v1"))
    job = nighttime.run()
    followup.fill(job)
    assert (outcome(decision)["days"], outcome(decision)["items"]) == (7.0, 0)
    done(NOW)
    settings.NUDGE_OUTCOME_DAYS = 14
    assert not Decision.objects.filter(windows.over()).exists(), "seven days are not what counts"
    followup.fill(job)
    assert (outcome(decision)["days"], outcome(decision)["items"]) == (14.0, 1)
    assert outcome(ancient)["days"] == 7.0
    assert [row.pk for row in Decision.objects.filter(windows.over())] == [decision.pk]
    assert windows.is_over(outcome(decision))
    assert not windows.is_over(outcome(ancient))


def test_nights_that_were_missed_leave_no_gap() -> None:
    done(NOW - 30 * DAY)
    decision = decided(35 * DAY)
    followup.fill(nighttime.run())
    assert outcome(decision)["final"]


def test_the_report_says_what_the_next_night_goes_by() -> None:
    job = nighttime.run()
    followup.fill(job)
    assert {"decisions": 0, "through": NOW.isoformat(), "days": 7.0}.items() <= job.figures.items()


def test_a_nudge_for_what_is_completed_gets_its_result_when_its_own_days_are_over() -> None:
    shown, fresh = decided(5 * DAY, 7), decided(2 * DAY, 8)
    Placement.objects.update(objective="items", objective_days=3.0)
    store(
        event(7, 6 * DAY, DONE, "v0"),
        event(7, 4 * DAY, DONE, "v1"),
        event(7, 3 * DAY, DONE, "v2"),
        event(7, 1 * DAY, DONE, "v3"),
        event(8, DAY, DONE, "v1"),
    )
    followup.fill(nighttime.run())
    found = outcome(shown)["objective"]
    expected = {"days": 3.0, "final": True, "items": 2, "items_before": 1, "expected": 1.0, "result": 0}
    assert found == expected
    assert outcome(shown)["items"] == 3  # over the site's days, so far
    assert outcome(fresh)["objective"]["result"] is None
    assert outcome(fresh)["objective"]["items"] == 1


def test_other_days_for_a_nudge_are_looked_at_afresh() -> None:
    decision = decided(60 * DAY)
    Placement.objects.update(objective="items", objective_days=3.0)
    job = nighttime.run()
    followup.fill(job)
    done(NOW)
    Placement.objects.update(objective_days=5.0)
    followup.fill(job)
    assert outcome(decision)["objective"]["days"] == 5.0


def test_what_is_expected_is_learned_from_learners_who_were_shown_nothing() -> None:
    for user_id in range(60):
        row = decided(20 * DAY, user_id)
        Decision.objects.filter(pk=row.pk).update(
            reason="control_group",
            outcome={"days": 7.0, "final": True, "items": 14, "items_before": 7, "events": 20},
        )
    usual = followup.expectation(COURSE, NOW)
    assert usual.of(7, 7.0) == pytest.approx(14.0, abs=2.0)
    assert followup.expectation(COURSE, NOW - 90 * DAY).of(7, 7.0) == 7.0
