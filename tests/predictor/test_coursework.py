"""Submissions, grades, help and pace from a stream."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.coursework import coursework, first_submission, is_attempt, is_forum, is_hint, is_visit
from predictor.events import Event
from predictor.moments import DAY, cut, empty
from predictor.sequences import EventTable
from predictor.signals import Columns

START = 1_600_000_000.0
HOUR = 3600.0


def event(learner: str, day: float, token: str, item: str = "", score: float | None = None) -> Event:
    return Event("C", learner, START + day * DAY, token, item, score)


def columns(events: list[Event], day: float = 10.9, learners: tuple[str, ...] = ("a",)) -> Columns:
    sequences = EventTable.of(events).sequences("C") if events else empty("C")
    names = np.array(learners)
    known = cut(sequences, np.arange(len(names)), names, np.full(len(names), START + day * DAY))
    return coursework(known, first_submission(sequences))


def test_kinds_of_events_are_told_by_their_names() -> None:
    assert is_attempt("problem_check_incorrect")
    assert is_attempt("openassessmentblock.create_submission")
    assert not is_attempt("problem_show")
    assert is_forum("thread discussion")
    assert is_forum("edx.forum.searched")
    assert is_hint("showanswer")
    assert is_hint("edx.problem.hint.feedback_displayed")
    assert not is_visit("edx.course.enrollment.activated")


def test_who_was_only_enrolled_never_came() -> None:
    found = columns(
        [event("a", 1, "edx.course.enrollment.activated"), event("b", 1, "seq_next")], 10, ("a", "b", "c")
    )
    assert found["never"].tolist() == [1, 0, 1]


def test_submissions_are_counted_per_active_day_and_problems_once() -> None:
    found = columns(
        [
            event("a", 1.0, "problem_check_incorrect", "p1"),
            event("a", 1.1, "problem_check_correct", "p1"),
            event("a", 3.0, "problem_check_correct", "p2"),
            event("a", 5.0, "seq_next", "s1"),
            event("a", 6.5, "play_video", "v1"),
        ]
    )
    assert found["submitted per active day"] == pytest.approx(2 / 4)
    assert found["tries"] == pytest.approx(3 / 2)
    assert found["submitted of visited"] == pytest.approx(2 / 4)
    assert found["days there without submitting"] == 2


def test_before_anybody_submitted_nobody_is_blamed() -> None:
    found = columns([event("a", 1, "seq_next"), event("b", 8, "problem_check_correct", "p")], 5, ("a",))
    assert np.isnan(found["submitted per active day"][0])
    assert np.isnan(found["days there without submitting"][0])


def test_in_a_course_with_problems_who_hands_in_nothing_is_seen() -> None:
    found = columns([event("a", 1, "seq_next"), event("b", 2, "problem_check_correct", "p")], 5, ("a",))
    assert found["submitted per active day"][0] == 0
    assert found["days there without submitting"][0] == 1


def test_grades_come_from_answers_and_scores() -> None:
    found = columns(
        [
            event("a", 1.0, "problem_check_correct", "p1", 1.0),
            event("a", 1.1, "problem_check_incorrect", "p2", 0.0),
            event("a", 9.0, "problem_check_incorrect", "p3", 0.5),
        ],
        16.0,
    )
    assert found["right"] == pytest.approx(1 / 3)
    assert found["wrong in a row"] == 2
    assert found["score"] == pytest.approx(0.5)
    assert found["recent score"] == pytest.approx(0.5)


def test_without_a_graded_answer_grades_are_unknown() -> None:
    found = columns([event("a", 1, "seq_next")])
    assert all(np.isnan(found[name][0]) for name in ("right", "wrong in a row", "score", "recent score"))


def test_hours_are_those_between_events_of_a_sitting() -> None:
    day = [event("a", 1 + minute * 60 / DAY, "seq_next", f"s{minute}") for minute in (0, 20, 40, 100)]
    assert columns(day)["hours per active day"] == pytest.approx(40 / 60)
    assert columns(day)["items per active day"] == 4


def test_lately_is_a_fortnight_and_unknown_to_who_was_away() -> None:
    found = columns([event("a", 1, "seq_next", "s1"), event("b", 18, "seq_next", "s2")], 20, ("a", "b"))
    np.testing.assert_equal(found["items per active day 14"], [np.nan, 1])


def test_help_is_the_forum_and_hints() -> None:
    found = columns(
        [
            event("a", 1.0, "thread discussion"),
            event("a", 1.1, "edx.forum.response.created"),
            event("a", 1.2, "problem_check_incorrect", "p"),
            event("a", 1.3, "showanswer", "p"),
        ]
    )
    assert (found["forum per active day"], found["posts"], found["hints per attempt"]) == (2, 1, 1)


def test_events_at_or_after_the_moment_are_not_seen() -> None:
    late = [event("a", 1, "seq_next"), event("a", 10.9, "problem_check_correct", "p")]
    assert np.isnan(columns(late)["right"][0])
