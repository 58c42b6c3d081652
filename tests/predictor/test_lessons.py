"""Lessons: who is described when, and which outcomes may be learned from then."""

from __future__ import annotations

import numpy as np

from predictor import lessons
from predictor.description import Description
from predictor.events import Event
from predictor.lessons import Everyone
from predictor.moments import DAY
from predictor.outcomes import Outcomes
from predictor.sequences import EventTable
from predictor.trainset import LEAVE, call_roll

BEGIN = 1_600_041_600.0
EVENTS = [
    Event("plain", "early", BEGIN + 0.5 * DAY, "play_video", ""),
    Event("plain", "early", BEGIN + 5.5 * DAY, "play_video", ""),
    Event("plain", "late", BEGIN + 3.5 * DAY, "play_video", ""),
    Event("itemed", "early", BEGIN + 1.5 * DAY, "play_video", "one"),
    Event("itemed", "end", BEGIN + 20 * DAY, "play_video", "two"),
]
ROWS = [
    {
        "course_id": "plain",
        "learner_id": "early",
        "course_start": BEGIN,
        "passed": 1,
        "passed_at": BEGIN + 4 * DAY,
    },
    {"course_id": "plain", "learner_id": "late", "course_start": BEGIN, "passed": 0, "passed_at": ""},
    {"course_id": "itemed", "learner_id": "early", "course_start": BEGIN, "passed": "", "passed_at": ""},
]


def learned(clock: str = "course", when: tuple[float, ...] = (3 * DAY, 5 * DAY)) -> lessons.Lessons:
    source = EventTable.of(EVENTS)
    targets = ("passed", LEAVE)
    rolls = call_roll(source, Outcomes.from_rows(ROWS), targets, source.courses)
    everyone = Everyone.of(source, rolls, targets, clock)
    return lessons.learn(source, everyone, Description(("play_video",), clock), when, 2.0, 0)


def of(found: lessons.Lessons, course: str, learner: str, at: float, target: int) -> float:
    people = found.everyone.enrolments
    mine = (people.courses[found.who] == course) & (people.learners[found.who] == learner) & (found.at == at)
    (label,) = found.labels[mine, target]
    return float(label)


def test_an_outcome_is_learned_from_only_until_it_is_known() -> None:
    found = learned()
    assert of(found, "plain", "early", 3 * DAY, 0) == 1
    assert np.isnan(of(found, "plain", "early", 5 * DAY, 0))
    assert of(found, "plain", "late", 5 * DAY, 0) == 0
    assert np.isnan(of(found, "itemed", "early", 3 * DAY, 0))


def test_leaving_is_told_for_each_moment_and_not_past_the_data() -> None:
    found = learned()
    assert of(found, "plain", "late", 3 * DAY, 1) == 0
    assert of(found, "plain", "early", 3 * DAY, 1) == 1
    assert np.isnan(of(found, "plain", "late", 5 * DAY, 1))
    assert of(found, "itemed", "early", 5 * DAY, 1) == 1


def test_a_course_without_items_has_nan_where_others_have_their_pace() -> None:
    found = learned()
    column = found.names.index("furthest")
    people = found.everyone.enrolments
    plain = people.courses[found.who] == "plain"
    assert np.isnan(found.table[plain, column]).all()
    assert np.isfinite(found.table[~plain, column]).all()


def test_by_their_own_clocks_learners_begin_with_their_first_events() -> None:
    people = learned("learner").everyone.enrolments
    starts = dict(
        zip(zip(people.courses.tolist(), people.learners.tolist(), strict=True), people.starts, strict=True)
    )
    assert starts["plain", "late"] == BEGIN + 3.5 * DAY
    assert people.begins[0] == BEGIN


def test_moments_lie_up_to_the_last_horizon_and_hold_every_horizon() -> None:
    found = learned()
    when = lessons.moments(EventTable.of(EVENTS), found.everyone, (3 * DAY, 9.5 * DAY))
    assert when == tuple(day * DAY for day in (1, 2, 3, 5, 7, 9.5))


def test_without_horizons_moments_go_on_while_events_come() -> None:
    found = learned()
    when = lessons.moments(EventTable.of(EVENTS), found.everyone, ())
    assert list(when) == sorted(when)
    assert 5 * DAY < when[-1] < 20 * DAY


def test_too_many_rows_are_thinned_at_every_moment() -> None:
    source = EventTable.of([Event("c", f"l{n}", BEGIN + n * 60, "play_video", "") for n in range(100)])
    rolls = call_roll(source, Outcomes.from_rows([]), (LEAVE,), source.courses)
    everyone = Everyone.of(source, rolls, (LEAVE,), "course")
    found = lessons.learn(source, everyone, Description((), "course"), (DAY, 2 * DAY), 2.0, 0, most=50)
    assert 25 < len(found.table) < 75
    assert set(found.at.tolist()) == {DAY, 2 * DAY}
