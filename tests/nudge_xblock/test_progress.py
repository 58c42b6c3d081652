"""How far learners are, and whose chances fell within a week."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock import progress
from nudge_xblock.models import Enrolment, PredictionDay
from predictor.events import Event
from predictor.sequences import EventTable, Sequences

from .moments import COURSE, enrolled

TODAY = date(2026, 11, 20)
DONE = "edx.completion.block_completion.changed"


def events(*rows: tuple[str, str, str]) -> Sequences:
    """Events of one course run: learner, token, item."""
    table = EventTable.of(
        Event(str(COURSE), who, float(at), token, item) for at, (who, token, item) in enumerate(rows)
    )
    return table.sequences(str(COURSE))


def test_progress_is_the_share_of_what_anybody_completed() -> None:
    found = events(
        ("1", DONE, "a"), ("1", DONE, "b"), ("1", DONE, "a"), ("1", "problem_check_correct", "c"),
        ("2", "complete_video", "a"), ("2", "play_video", "d"), ("3", "play_video", "a"),
    )  # fmt: skip
    assert progress.completed(found) == {"1": 100, "2": 33}


def test_where_nothing_was_completed_nothing_is_said() -> None:
    assert progress.completed(events(("1", "play_video", "a"))) == {}


@given(st.lists(st.tuples(st.sampled_from("123"), st.just(DONE), st.sampled_from("abcd")), min_size=1))
def test_progress_is_what_counting_gives(rows: list[tuple[str, str, str]]) -> None:
    everything = {item for _, _, item in rows}
    for who, percent in progress.completed(events(*rows)).items():
        mine = {item for learner, _, item in rows if learner == who}
        assert percent == int(100 * len(mine) / len(everything) + 0.5)


@pytest.mark.parametrize(
    ("before", "now", "fell"),
    [
        ({"pass": 0.60}, {"pass": 0.45}, 15),
        ({"pass": 0.60, "complete": 0.8}, {"pass": 0.70, "complete": 0.5}, 30),
        ({"pass": 0.4}, {"pass": 0.5}, 0),
        ({"leave": 0.9}, {"leave": 0.1}, 0),
        ({}, {"pass": 0.5}, 0),
        ({"pass": 0.5}, {}, 0),
    ],
)
def test_a_fall_is_the_worst_of_the_good_chances(
    before: Mapping[str, float], now: Mapping[str, float], fell: int
) -> None:
    assert progress.points(before, now) == fell


@pytest.mark.django_db
def test_it_is_measured_from_the_oldest_of_the_last_seven_days() -> None:
    row, other = enrolled(7), enrolled(8)
    for ago, chance in ((9, 0.99), (6, 0.8), (1, 0.5), (0, 0.1)):
        day = TODAY - timedelta(days=ago)
        PredictionDay.objects.create(enrolment=row, day=day, predictions={"pass": chance})
    row.predictions = other.predictions = {"pass": 0.45}
    progress.compare(COURSE, [row, other], TODAY)
    assert (row.fell, other.fell) == (35, 0)


@pytest.mark.django_db
def test_another_course_of_the_learner_is_left_out() -> None:
    elsewhere = enrolled(7)
    Enrolment.objects.filter(pk=elsewhere.pk).update(course_key="course-v1:Other+X+1")
    PredictionDay.objects.create(
        enrolment=elsewhere, day=TODAY - timedelta(days=3), predictions={"pass": 0.9}
    )
    row = enrolled(7)
    row.predictions = {"pass": 0.2}
    progress.compare(COURSE, [row], TODAY)
    assert row.fell == 0
