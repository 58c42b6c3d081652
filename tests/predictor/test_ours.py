"""Our model in the study is the model that serves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from predictor.moments import DAY
from predictor.store import ModelStore
from predictor.streaming import KIND, Streamer
from tests.predictor.study_world import World, world

pytestmark = pytest.mark.train
ours = pytest.importorskip("predictor.ours")
training = pytest.importorskip("predictor.training")


@pytest.fixture(scope="module")
def small() -> World:
    return world(courses=4, learners=40, seed=11)


def test_predictions_are_those_of_the_streaming_cell(small: World, tmp_path: Path) -> None:
    model = ours.LSTM()
    model.fit(small.training_data(tmp_path))
    store = ModelStore(tmp_path)
    streamer = Streamer.load(store, store.versions(KIND)[-1])
    tested = small.cohort()
    predicted = model.predict(tested.source, tested.enrolments, 4 * DAY)
    for row in (0, 57, 130):
        course, learner = str(tested.enrolments.courses[row]), str(tested.enrolments.learners[row])
        start = float(tested.enrolments.starts[row])
        events = sorted(
            (event.time, event.token, event.item_id)
            for event in small.events
            if (event.course_id, event.learner_id) == (course, learner) and event.time < start + 4 * DAY
        )
        state = streamer.advance(
            streamer.begin(start), [e[1] for e in events], [e[0] for e in events], [e[2] for e in events]
        )
        expected = streamer.at(state, start + 4 * DAY).probabilities["passed"]
        assert predicted[row] == pytest.approx(expected, abs=1e-5)


def test_labels_reach_training_with_their_learners(small: World, tmp_path: Path) -> None:
    data = small.training_data(tmp_path)
    outcomes = ours.as_outcomes(data)
    people = data.enrolments
    for course_id in outcomes.courses:
        course = outcomes.of(course_id)
        assert course.learners == sorted(course.learners)
        labels = dict(zip(course.learners, course.labels["passed"].tolist(), strict=True))
        inside = people.courses == course_id
        assert labels == dict(
            zip(people.learners[inside].tolist(), data.labels[inside].tolist(), strict=True)
        )


def test_thresholds_shrink_with_a_small_collection_and_never_grow(small: World) -> None:
    config = training.TrainConfig()
    scaled = ours.scaled(config, small.source)
    assert (scaled.min_count, scaled.min_courses) == (2, 1)
    strict = training.TrainConfig(min_count=1, min_courses=1)
    assert ours.scaled(strict, small.source) == strict


def test_courses_that_began_at_different_times_for_their_learners_are_read_each_by_its_own(
    small: World, tmp_path: Path
) -> None:
    model = ours.LSTM()
    model.fit(small.training_data(tmp_path))
    tested = small.cohort()
    people = tested.enrolments.take(tested.enrolments.courses == tested.enrolments.courses[0])
    begins = people.begins - np.where(np.arange(len(people)) % 2, 7 * DAY, 0.0)
    shifted = type(people)(people.courses, people.learners, people.starts, begins)
    plain = model.predict(tested.source, people, 3 * DAY)
    moved = model.predict(tested.source, shifted, 3 * DAY)
    np.testing.assert_allclose(plain[::2], moved[::2], atol=1e-6)
    assert (np.abs(plain[1::2] - moved[1::2]) > 1e-6).any()
