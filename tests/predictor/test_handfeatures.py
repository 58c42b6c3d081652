"""The paper's twelve features, one learner at a time, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.events import Event
from predictor.handfeatures import NAMES, Scale, course_length, twelve
from predictor.moments import DAY, Enrolments
from predictor.sequences import EventTable

SCRIPT = [
    # a session: 100 s of video, 60 s of reading, a problem tried twice, then an hour's pause
    (1000.0, "play_video", "video-1"),
    (1100.0, "courseware_load", ""),
    (1160.0, "problem_check_incorrect", "problem-1"),
    (1200.0, "problem_check_correct", "problem-1"),
    (4900.0, "problem_check_incorrect", "problem-2"),
    (5000.0, "seq_next", ""),
    (5300.0, "seq_next", ""),
]


def one(
    script: list[tuple[float, str, str]], at: float = 10_000.0, length: float = 40_000.0
) -> dict[str, float]:
    source = EventTable.of([Event("c", "a", time, token, item) for time, token, item in script])
    people = Enrolments(np.array(["c"]), np.array(["a"]), np.zeros(1), np.zeros(1))
    return dict(zip(NAMES, twelve(source, people, at, length)[0].tolist(), strict=True))


def test_all_twelve_of_one_learner() -> None:
    found = one(SCRIPT)
    # non-problem events: 1000-1100, then a pause of over half an hour to 5000-5300
    assert found["time on learning resources"] == 100 + 300
    assert found["distinct problems attempted"] == 2
    assert found["attempts per problem"] == 1.5
    assert found["distinct problems correct"] == 1
    assert found["time on learning resources per correct problem"] == 400
    assert found["time since last action"] == 10_000 - 5300
    assert found["time from submission to deadline"] == 0
    # learning events last 100 (video), 60 (until the problem), 300, 0
    assert found["longest learning event"] == 300
    assert found["time on videos"] == 100
    assert found["spread of learning event durations"] == pytest.approx(np.std([100, 60, 300, 0]))
    assert found["problems attempted per correct problem"] == 2
    assert found["share of the course gone"] == 0.25


def test_what_comes_after_the_moment_does_not_count() -> None:
    assert one(SCRIPT, at=1150.0) == one(SCRIPT[:2], at=1150.0)


def test_totals_add_up_from_week_to_week() -> None:
    early, late = one(SCRIPT, at=4000.0), one(SCRIPT, at=9000.0)
    for name in ("time on learning resources", "distinct problems attempted", "distinct problems correct"):
        assert early[name] <= late[name]


def test_a_learner_without_events_has_only_waited() -> None:
    found = one([], at=5000.0)
    assert found.pop("time since last action") == 5000.0
    assert found.pop("share of the course gone") == 0.125
    assert set(found.values()) == {0.0}


def test_problems_without_items_count_one_by_one() -> None:
    found = one([(10.0, "problem", ""), (20.0, "problem", "")])
    assert found["distinct problems attempted"] == 2
    assert found["attempts per problem"] == 1
    assert found["problems attempted per correct problem"] == 2


def test_the_same_item_of_two_learners_is_two_problems() -> None:
    source = EventTable.of([Event("c", who, 5.0, "problem_check_correct", "p") for who in "ab"])
    people = Enrolments(np.array(["c", "c"]), np.array(["b", "a"]), np.zeros(2), np.zeros(2))
    assert twelve(source, people, 10.0, 100.0)[:, 3].tolist() == [1, 1]


def test_the_length_of_a_course_is_the_median_span() -> None:
    events = [Event(course, "a", days * DAY, "x") for course, days in (("c", 10), ("d", 20), ("e", 90))]
    people = Enrolments(np.array(["c", "d", "e"]), np.array(["a"] * 3), np.zeros(3), np.zeros(3))
    assert course_length(EventTable.of(events), people) == 20 * DAY
    assert course_length(EventTable.of([]), people) == 0


def test_scaling_keeps_to_the_training_limits() -> None:
    scale = Scale(np.array([[0.0, 5.0], [10.0, 5.0]]))
    np.testing.assert_array_equal(scale(np.array([[5.0, 9.0], [20.0, 5.0]])), [[0.5, 0.0], [2.0, 0.0]])
