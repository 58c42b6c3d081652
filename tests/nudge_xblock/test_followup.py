"""What followed a decision, read off the event store."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from nudge_xblock import followup
from nudge_xblock.models import Decision

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


def outcome(decision: Decision) -> dict[str, object]:
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
    assert outcome(decision) == {"days": 7, "final": True, "items": 2, "items_before": 1, "events": 4}


def test_an_open_outcome_is_counted_so_far_and_finished_on_a_later_night() -> None:
    decision = decided(5 * DAY)
    store(event(7, 4 * DAY, DONE, "v1"), event(7, DAY, DONE, "v2"))
    job = nighttime.run(NOW - 3 * DAY)
    followup.fill(job)
    assert outcome(decision) == {"days": 7, "final": False, "items": 1, "items_before": 0, "events": 1}
    job.now = NOW + 4 * DAY
    followup.fill(job)
    assert outcome(decision) == {"days": 7, "final": True, "items": 2, "items_before": 0, "events": 2}


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
