"""A description uses nothing of the future and nothing of who else is asked about."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.description import Description
from predictor.events import Event
from predictor.moments import DAY, Enrolments
from predictor.sequences import EventTable
from predictor.stack import alike
from tests.predictor.study_world import TOKENS, World, world


@pytest.fixture(scope="module")
def small() -> World:
    return world(courses=1, learners=60, seed=4)


def described(small: World, source: EventTable, people: Enrolments, clock: str, at: float) -> dict:
    description = Description(TOKENS[:3], clock)
    return description.course(source, str(people.courses[0]), people).columns(at)


@pytest.mark.parametrize("clock", ["course", "learner"])
def test_events_at_or_after_each_ones_moment_change_nothing(small: World, clock: str) -> None:
    people = small.cohort(clock).enrolments
    latest = people.starts.max() + 4 * DAY
    kept = [event for event in small.events if event.time < latest]
    later = [*kept, *(Event(e.course_id, e.learner_id, latest + 60, "play_video", "new") for e in kept[:90])]
    before = described(small, EventTable.of(kept), people, clock, 4 * DAY)
    after = described(small, EventTable.of(later), people, clock, 4 * DAY)
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name], err_msg=name)


def test_by_their_own_clocks_later_starters_change_nothing_for_earlier_ones(small: World) -> None:
    people = small.cohort("learner").enrolments
    order = np.argsort(people.starts, kind="stable")
    first = people.take(order[:30])
    cutoff = float(first.starts.max() + 2 * DAY)
    kept = [event for event in small.events if event.time < cutoff]
    whole = described(small, EventTable.of(small.events), first, "learner", 2 * DAY)
    cut = described(small, EventTable.of(kept), first, "learner", 2 * DAY)
    for name, values in whole.items():
        np.testing.assert_array_equal(values, cut[name], err_msg=name)


@pytest.mark.parametrize("clock", ["course", "learner"])
def test_asking_about_fewer_gives_them_the_same_rows(small: World, clock: str) -> None:
    people = small.cohort(clock).enrolments
    some = np.array([3, 11, 40])
    everyone = described(small, small.source, people, clock, 5 * DAY)
    few = described(small, small.source, people.take(some), clock, 5 * DAY)
    for name, values in few.items():
        np.testing.assert_allclose(values, everyone[name][some], err_msg=name)


def test_every_course_has_the_same_columns_whether_or_not_it_has_events(small: World) -> None:
    people = small.cohort().enrolments
    bare = [event._replace(item_id="") for event in small.events]
    full = described(small, EventTable.of(bare), people, "course", DAY)
    empty = described(small, EventTable.of([]), people, "course", DAY)
    assert list(full) == list(empty)
    assert all(values.shape == (len(people),) for values in empty.values())


def test_ages_of_their_own_give_the_same_own_signals(small: World) -> None:
    people = small.cohort().enrolments
    course = Description(TOKENS, "course").course(small.source, str(people.courses[0]), people)
    ages = np.where(np.arange(len(people)) % 2, 3 * DAY, 6 * DAY)
    mixed, early, late = course.columns(ages), course.columns(3 * DAY), course.columns(6 * DAY)
    for name in ("events", "away", "active days", "mean gap", "hours"):
        np.testing.assert_array_equal(mixed[name][1::2], early[name][1::2])
        np.testing.assert_array_equal(mixed[name][::2], late[name][::2])


def test_asked_at_one_time_nobodys_later_events_are_used(small: World) -> None:
    people = small.cohort("learner").enrolments
    now = float(np.median(people.starts) + 6 * DAY)
    people = people.take(people.starts < now)
    asked, ages = people.take(np.arange(0, len(people), 2)), (now - people.starts)[::2]
    found = []
    for events in (small.events, [event for event in small.events if event.time < now]):
        course = Description(TOKENS, "learner").course(EventTable.of(events), str(people.courses[0]), asked)
        names = tuple(course.columns(ages))
        found.append([course.table(ages, names, rows) for rows in alike(ages)])
    assert len(found[0]) > 1
    for whole, cut in zip(*found, strict=True):
        np.testing.assert_array_equal(whole, cut)
