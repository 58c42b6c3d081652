"""What is foreseen at a time rests on what came before it, also for those who have not begun by then."""

from __future__ import annotations

import numpy as np

from predictor.description import Description
from predictor.foresight import Foresight
from predictor.sequences import EventTable
from predictor.stack import Stack
from tests.predictor.study_world import TOKENS, world


def test_by_their_own_clocks_who_has_not_begun_by_then_is_counted_from_the_courses_start() -> None:
    small = world(courses=1, learners=30, seed=4)
    people = small.cohort("learner").enrolments
    begin, now = float(people.begins[0]), float(np.median(people.starts))
    stack = Stack("", Description(TOKENS, "learner"), ("events",), {}, {})
    learners = [*people.learners.tolist(), "nobody"]
    past = EventTable.of([event for event in small.events if event.time < now])
    whole, known = (
        Foresight.of(stack, source.sequences(str(people.courses[0])), begin, now, learners)
        for source in (small.source, past)
    )
    begun = people.starts < now
    assert 0 < begun.sum() < len(people)
    np.testing.assert_array_equal(whole.ages, known.ages)
    np.testing.assert_array_equal(
        whole.ages, [*np.where(begun, now - people.starts, now - begin), now - begin]
    )
