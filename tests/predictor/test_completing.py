"""How much of a course run a learner has completed by any moment."""

from __future__ import annotations

import numpy as np

from predictor.completing import COLUMN, Completed
from predictor.events import Event
from predictor.moments import DAY
from predictor.sequences import EventTable


def done(learner: str, day: float, item: str, token: str = "complete_video") -> Event:
    return Event("C", learner, day * DAY, token, item, None)


TABLE = EventTable.of(
    [
        done("1", 1, "a"),
        done("1", 3, "a"),
        done("1", 4, "b"),
        done("2", 2, "c"),
        done("2", 2.5, "d", "play_video"),
        done("2", 9, "d"),
    ]
)


def shares(*days: float, learners: tuple[str, ...] = ("1", "2", "never")) -> list[list[float]]:
    told = Completed(TABLE)
    return [
        told.at("C", np.array(learners), np.full(len(learners), day * DAY))[COLUMN].tolist() for day in days
    ]


def test_items_count_once_and_from_when_anybody_completed_them() -> None:
    early, later, late = shares(1.5, 5.0, 10.0)
    assert early == [1.0, 0.0, 0.0]
    np.testing.assert_allclose(later, [2 / 3, 1 / 3, 0.0])
    np.testing.assert_allclose(late, [2 / 4, 2 / 4, 0.0])


def test_an_event_at_the_moment_is_not_known_before_it() -> None:
    assert np.isnan(shares(1.0)).all()


def test_each_learner_has_a_moment_of_their_own() -> None:
    one = Completed(TABLE).at("C", np.array(["2", "1"]), np.array([10.0, 1.5]) * DAY)[COLUMN]
    np.testing.assert_allclose(one, [0.5, 1.0])


def test_of_a_course_without_events_nothing_is_known() -> None:
    assert np.isnan(Completed(TABLE).at("D", np.array(["1"]), np.array([DAY]))[COLUMN]).all()
