"""Triggers: what is due, what is only claimed, and which occasion it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nudge_xblock.triggers import (
    CLAIM_SECONDS,
    DAY,
    FRESH_SECONDS,
    RIGHT,
    WHENS,
    WRONG,
    Claim,
    Facts,
    Row,
    Trigger,
    due,
    moment,
    window,
)

NOW = 1_795_000_000.0
QUIZ, OTHER = "block-v1:X+Y+Z+type@problem+block@quiz", "block-v1:X+Y+Z+type@problem+block@other"
VIDEO = "block-v1:X+Y+Z+type@video+block@film"
FAILED = Claim("problem_failed", QUIZ, 1)


def facts(*rows: Row, **fields: Any) -> Facts:
    return Facts(sorted(rows), NOW, **fields)


def wrong(ago: float = 1.0, item: str = QUIZ) -> Row:
    return Row(NOW - ago, WRONG, item, 0.0)


def right(ago: float = 1.0, item: str = QUIZ) -> Row:
    return Row(NOW - ago, RIGHT, item, 1.0)


def test_a_unit_is_seen_once_and_only_when_the_page_says_so() -> None:
    assert due(Trigger("unit_seen"), Claim("unit_seen"), facts()) == "unit_seen"
    assert due(Trigger("unit_seen"), Claim("item_completed", QUIZ), facts()) is None


def test_a_claimed_failure_needs_the_servers_own_record() -> None:
    assert due(Trigger("problem_failed"), FAILED, facts()) is None
    assert due(Trigger("problem_failed"), FAILED, facts(wrong(item=OTHER))) is None
    assert due(Trigger("problem_failed"), FAILED, facts(wrong())) is not None


def test_a_failure_followed_by_success_is_none() -> None:
    assert due(Trigger("problem_failed"), FAILED, facts(wrong(9), right(1))) is None


def test_the_record_of_a_claimed_failure_must_be_recent() -> None:
    assert due(Trigger("problem_failed"), FAILED, facts(wrong(CLAIM_SECONDS))) is not None
    assert due(Trigger("problem_failed"), FAILED, facts(wrong(CLAIM_SECONDS + 1))) is None


def test_asking_twice_is_one_occasion_and_the_next_failed_attempt_another() -> None:
    first = due(Trigger("problem_failed"), FAILED, facts(wrong(30)))
    assert due(Trigger("problem_failed"), FAILED, facts(wrong(30), right(20, OTHER))) == first
    assert due(Trigger("problem_failed"), FAILED, facts(wrong(30), wrong(1))) not in (first, None)


def test_attempts_are_the_servers_or_the_browsers_whichever_saw_more() -> None:
    trigger = Trigger("problem_failed", attempts=3)
    assert due(trigger, FAILED, facts(wrong(9), wrong(1))) is None
    assert due(trigger, FAILED, facts(wrong(20), wrong(9), wrong(1))) is not None
    assert due(trigger, Claim("problem_failed", QUIZ, 3), facts(wrong(1))) is not None
    assert due(trigger, Claim("problem_failed", QUIZ, 3), facts()) is None


def test_a_rule_about_one_problem_ignores_the_others() -> None:
    trigger = Trigger("problem_failed", item=OTHER)
    assert due(trigger, FAILED, facts(wrong())) is None
    assert due(trigger, FAILED, facts(wrong(), wrong(5, OTHER))) is not None


def test_what_failed_in_another_unit_is_found_by_the_next_page_for_a_day() -> None:
    trigger, opened = Trigger("problem_failed", item=QUIZ), Claim("unit_seen")
    assert due(trigger, opened, facts(wrong(FRESH_SECONDS))) is not None
    assert due(trigger, opened, facts(wrong(FRESH_SECONDS + 1))) is None
    asking = Claim("problem_failed", QUIZ, elsewhere=True)
    assert due(trigger, asking, facts(wrong(3600))) is not None


def test_a_rule_of_the_course_takes_the_problem_that_failed_last() -> None:
    rows = (wrong(60, OTHER), wrong(30, QUIZ))
    found = due(Trigger("problem_failed"), Claim("unit_seen"), facts(*rows, course_wide=True))
    assert found is not None
    assert QUIZ in found
    assert due(Trigger("problem_failed"), Claim("unit_seen"), facts(*rows)) is None
    opened = Claim("problem_failed", elsewhere=True)
    assert due(Trigger("problem_failed"), opened, facts(*rows, course_wide=True)) == found
    assert due(Trigger("problem_failed"), opened, facts(*rows)) is None


def test_a_problem_is_passed_once_however_often_it_is_answered() -> None:
    claim = Claim("problem_passed", QUIZ)
    assert due(Trigger("problem_passed"), claim, facts()) is None
    first = due(Trigger("problem_passed"), claim, facts(right(50)))
    assert first == due(Trigger("problem_passed"), claim, facts(right(50), right(1)))


def test_an_item_is_completed_once_by_the_page_that_holds_it_or_the_servers_record() -> None:
    trigger = Trigger("item_completed", item=VIDEO)
    here, elsewhere = Claim("item_completed", VIDEO), Claim("item_completed", VIDEO, elsewhere=True)
    assert due(trigger, here, facts()) == f"item_completed:{VIDEO}"
    assert due(trigger, elsewhere, facts()) is None
    watched = facts(Row(NOW - 5, "stop_video", VIDEO))
    assert (
        due(trigger, elsewhere, watched)
        == due(trigger, Claim("unit_seen"), watched)
        == due(trigger, here, facts())
    )
    assert due(Trigger("item_completed", item=QUIZ), here, facts()) is None
    assert due(Trigger("item_completed"), Claim("item_completed"), facts()) is None


def test_a_rule_of_the_course_takes_the_item_that_was_completed_last() -> None:
    rows = (Row(NOW - 60, "stop_video", VIDEO), right(30), Row(NOW - 5, "play_video", VIDEO))
    opened = Claim("item_completed", elsewhere=True)
    found = due(Trigger("item_completed"), opened, facts(*rows, course_wide=True))
    assert found == f"item_completed:{QUIZ}"
    assert due(Trigger("item_completed"), opened, facts(*rows)) is None


def test_a_low_score_anywhere_in_the_course_is_due_on_the_next_page() -> None:
    trigger = Trigger("score_below", threshold=0.5)
    low, high = Row(NOW - 60, WRONG, QUIZ, 0.4), Row(NOW - 30, RIGHT, OTHER, 0.5)
    assert due(trigger, Claim("unit_seen"), facts(low)) is not None
    assert due(trigger, Claim(), facts(low, high)) is None
    assert due(Trigger("score_below", item=QUIZ, threshold=0.5), Claim(), facts(low, high)) is not None
    assert due(trigger, Claim(), facts(Row(NOW - FRESH_SECONDS - 1, WRONG, QUIZ, 0.0))) is None


def test_a_return_is_one_occasion_whether_or_not_the_visits_first_event_is_in() -> None:
    trigger, before = Trigger("return_after_absence", days=6), Row(NOW - 6.5 * DAY, "page_close")
    empty = due(trigger, Claim("unit_seen"), facts(before))
    assert empty is not None
    assert due(trigger, Claim("unit_seen"), facts(before, Row(NOW - 20, "play_video"))) == empty
    assert due(trigger, Claim("unit_seen"), facts(last_seen=before.time)) == empty


def test_a_return_is_noticed_early_in_the_visit_or_not_at_all() -> None:
    trigger, before = Trigger("return_after_absence", days=6), Row(NOW - 7 * DAY, "page_close")
    assert due(trigger, Claim(), facts(before, Row(NOW - 1700, "play_video"))) is not None
    assert due(trigger, Claim(), facts(before, Row(NOW - 1900, "play_video"))) is None


def test_someone_never_seen_has_not_returned() -> None:
    assert due(Trigger("return_after_absence", days=1), Claim("unit_seen"), facts()) is None


def test_inactivity_is_coming_without_working() -> None:
    trigger, looking = Trigger("inactivity", days=3), Row(NOW - DAY, "seq_next")
    worked = Row(NOW - 4 * DAY, "play_video")
    assert due(trigger, Claim(), facts(worked, looking)) is not None
    assert due(trigger, Claim(), facts(worked, Row(NOW - 2 * DAY, WRONG, QUIZ))) is None
    assert due(trigger, Claim(), facts(looking)) is None
    assert due(trigger, Claim(), facts(looking, since=NOW - 5 * DAY)) is not None
    assert due(trigger, Claim(), facts(looking, since=NOW - 2 * DAY)) is None


def test_inactivity_for_longer_than_events_are_kept_looks_as_far_back_as_they_are() -> None:
    trigger = Trigger("inactivity", days=60)
    assert due(trigger, Claim(), facts(since=NOW - 14 * DAY)) is not None
    assert due(trigger, Claim(), facts(Row(NOW - 5 * DAY, RIGHT, QUIZ), since=NOW - 14 * DAY)) is None


def test_a_deadline_is_near_until_it_has_passed() -> None:
    trigger = Trigger("deadline_near", hours=24)
    dates = ((QUIZ, NOW + 23 * 3600), (OTHER, NOW + 90 * DAY), ("past", NOW - 1))
    found = due(trigger, Claim(), facts(deadlines=dates))
    assert found == f"deadline_near:{int(NOW + 23 * 3600)}"
    assert due(Trigger("deadline_near", item=OTHER, hours=24), Claim(), facts(deadlines=dates)) is None
    assert due(trigger, Claim(), facts(deadlines=dates[2:])) is None


@settings(max_examples=400, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.dictionaries(st.text(), inner)
    )
)
def test_whatever_a_browser_sends_is_read_without_an_error(sent: Any) -> None:
    for claim in (Claim.parse(sent), Claim.parse({"when": "problem_failed", "item": sent, "attempts": sent})):
        for when in WHENS:
            due(Trigger(when), claim, facts(wrong()))


def test_a_stored_trigger_takes_defaults_for_what_it_lacks() -> None:
    assert Trigger.parse({"when": "inactivity", "days": "2.5", "attempts": None}) == Trigger(
        "inactivity", days=2.5
    )
    with pytest.raises(ValueError, match="use one of unit_seen"):
        Trigger.parse({"when": "full_moon"})


def test_moments_differ_by_learner_placement_and_occasion() -> None:
    digests = {
        moment(user, key, occasion) for user in (1, 11) for key in ("a", "1\na") for occasion in ("x", "y")
    }
    assert len(digests) == 8
    assert all(len(digest) == 64 for digest in digests)


def test_the_window_reaches_as_far_as_the_rule() -> None:
    assert window(Trigger("inactivity", days=5)) > 5 * DAY
    assert window(Trigger("unit_seen")) == FRESH_SECONDS
