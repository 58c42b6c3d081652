"""The catalogue: counts as of the night and since, and the forgetting of old answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from nudge_xblock import catalogue, decisions, objectives
from nudge_xblock.compat import CourseDates
from nudge_xblock.gate import Tally
from nudge_xblock.models import Decision, Placement, Variant

from .moments import CLAIM, COURSE, NOW, enrolled, failed, fields, placed, wording

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
KEY = fields()["key"]


def shown(number: int, helpful: bool | None, days_ago: float) -> None:
    """One decision shown so many days ago, with its vote."""
    user_id = 100 + number
    enrolled(user_id)
    failed(user_id=user_id)
    answer = decisions.ask(user_id, COURSE, [KEY], CLAIM, NOW, 0.5)
    assert answer.nudge is not None
    at = NOW - timedelta(days=days_ago)
    Decision.objects.filter(pk=answer.nudge.decision).update(created=at, shown_at=at, helpful=helpful)


def tallies() -> tuple[Tally, ...]:
    catalogue.forget()
    return catalogue.book(COURSE).spots[KEY].wordings[0].tallies


def test_answers_count_at_once_and_the_night_changes_nothing_about_fresh_ones() -> None:
    placed()
    for number, vote in enumerate([True, True, False, None]):
        shown(number, vote, 0.0)
    live = tallies()
    assert live[2:] == (Tally(4, 2, 1), Tally(4, 2, 1))
    assert catalogue.settle(NOW) == 1
    settled = tallies()
    assert settled[3] == Tally(4.0, 2.0, 1.0)
    assert settled[0] == settled[1] == settled[3]
    assert catalogue.settle(NOW) == 1
    assert tallies() == settled


def test_answers_after_the_night_are_added_to_it() -> None:
    placed()
    shown(1, True, 2.0)
    catalogue.settle(NOW - timedelta(days=1))
    shown(2, False, 0.0)
    assert tallies()[3].not_helpful == 1
    assert tallies()[3].shown == pytest.approx(2.0, abs=0.02)


@override_settings(NUDGE_TALLY_HALF_LIFE_DAYS=10)
def test_an_old_answer_counts_less() -> None:
    placed()
    shown(1, True, 10.0)
    shown(2, False, 20.0)
    catalogue.settle(NOW)
    assert tallies()[3] == Tally(0.75, 0.5, 0.25)


@override_settings(NUDGE_TALLY_HALF_LIFE_DAYS=10)
def test_an_answer_that_would_count_less_than_a_hundredth_is_not_looked_at() -> None:
    placed()
    shown(1, True, 69.0)
    shown(2, True, 71.0)
    catalogue.settle(NOW)
    assert tallies()[3].shown == pytest.approx(0.5**6.9)


def test_what_succeeded_by_another_aim_or_over_other_days_is_no_success() -> None:
    placed()
    for number in (1, 2):
        shown(number, True, 0.0)
    Decision.objects.filter(learner__user_id=101).update(
        clicked_at=NOW, outcome={"objective": {"result": objectives.SUCCESS, "days": 7.0}}
    )
    catalogue.settle(NOW)
    assert tallies()[3] == Tally(2.0, 2.0, 0.0)
    placed()
    assert tallies()[3] == Tally(2.0, 2.0, 0.0), "published again, for the same"
    placed(objective="items", objective_days=7.0)
    assert tallies()[3] == Tally(), "what is completed is known to the night alone"
    catalogue.settle(NOW)
    assert tallies()[3] == Tally(1.0, 1.0, 0.0)
    placed(objective="items", objective_days=14.0)
    catalogue.settle(NOW)
    assert tallies()[3] == Tally()


def test_a_night_counts_also_what_nobody_was_shown_and_forgets_what_was_erased() -> None:
    placed()
    shown(1, True, 1.0)
    Variant.objects.update(created=NOW - timedelta(days=3))
    catalogue.settle(NOW)
    assert not Variant.objects.filter(counted_through__isnull=True).exists()
    Decision.objects.all().delete()
    catalogue.settle(NOW)
    assert set(Variant.objects.values_list("shown", "helpful")) == {(0.0, 0.0)}


def test_answers_since_the_night_are_read_from_the_index_alone() -> None:
    placed()
    Variant.objects.update(counted_through=NOW - timedelta(days=1))
    catalogue.forget()
    with CaptureQueriesContext(connection) as captured:
        catalogue.book(COURSE)
    [sql] = [each["sql"] for each in captured.captured_queries if "shown_at" in each["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = " ".join(step for *_, step in cursor.fetchall())
    assert "USING COVERING INDEX nudge_decision_course (course_key=? AND created>?)" in plan


def test_a_nudge_for_its_link_is_counted_by_clicks_live_and_by_night() -> None:
    placed()
    for number in (1, 2, 3):
        shown(number, True if number == 3 else None, 0.0)
    Placement.objects.update(objective="click")
    Decision.objects.filter(learner__user_id=101).update(clicked_at=NOW)
    Decision.objects.filter(learner__user_id=102).update(dismissed_at=NOW)
    live = tallies()
    assert live[3] == Tally(3, 1, 1)
    catalogue.settle(NOW)
    assert tallies()[3] == Tally(3.0, 1.0, 1.0)


def test_a_nudge_for_what_is_completed_is_counted_by_the_night_once_the_days_are_over() -> None:
    placed()
    for number in (1, 2, 3):
        shown(number, True, 0.0)
    Placement.objects.update(objective="items")
    for user_id, found in ((101, objectives.SUCCESS), (102, objectives.FAILURE), (103, None)):
        told = {"objective": {"result": found, "days": 7.0}}
        Decision.objects.filter(learner__user_id=user_id).update(outcome=told)
    assert tallies()[3] == Tally()
    catalogue.settle(NOW)
    assert tallies()[3] == Tally(2.0, 1.0, 1.0)


def test_nudges_for_other_things_do_not_speak_for_each_other() -> None:
    placed("n1")
    placed("n2", objective="click", variants=[wording("Link", action_label="Go", action_url="/x")])
    shown(1, True, 0.0)
    catalogue.settle(NOW)
    catalogue.forget()
    spots = catalogue.book(COURSE).spots
    assert spots[KEY].wordings[0].tallies[0] == Tally(1.0, 1.0, 0.0)
    assert spots[fields("n2")["key"]].wordings[0].tallies[0] == Tally()


def test_a_wording_found_harmful_is_marked_unless_its_author_overrules_it() -> None:
    placed()
    Variant.objects.filter(position=0).update(harmful_since=NOW)
    catalogue.forget()
    assert [each.harmful for each in catalogue.book(COURSE).spots[KEY].wordings] == [True, False]
    placed(may_retire=False)
    assert [each.harmful for each in catalogue.book(COURSE).spots[KEY].wordings] == [False, False]


def test_a_trigger_of_another_release_is_left_out_rather_than_an_error() -> None:
    placed()
    Placement.objects.update(trigger={"when": "full_moon"})
    catalogue.forget()
    assert catalogue.book(COURSE).spots == {}


def test_a_placement_without_a_wording_is_left_out() -> None:
    placed()
    Variant.objects.update(active=False)
    catalogue.forget()
    assert catalogue.book(COURSE).spots == {}


def test_retired_wordings_still_speak_for_their_placement() -> None:
    placed()
    shown(1, True, 0.0)
    placed(variants=[fields()["variants"][1]])
    first = tallies()
    assert first[2] == Tally(1, 1, 0)
    assert first[3] == Tally()


def test_the_week_counts_from_the_course_or_from_the_learners_own_start() -> None:
    begin = NOW - timedelta(weeks=3)
    paced = CourseDates(start=begin, end=begin + timedelta(weeks=6))
    assert catalogue.week_of(paced, NOW, NOW) == (3.0, 6.0)
    assert catalogue.week_of(paced._replace(self_paced=True), NOW - timedelta(weeks=1), NOW) == (1.0, 6.0)
    assert catalogue.week_of(CourseDates(), None, NOW) == (0.0, 0.0)
