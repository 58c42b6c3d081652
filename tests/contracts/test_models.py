"""One suite that every model passes, the paper's and ours: what holds without knowing which it is."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from predictor import roster
from predictor.cohort import Cohort
from predictor.events import Event
from predictor.metrics import auc
from predictor.moments import DAY, Enrolments, FloatArray, Model
from predictor.sequences import EventSource, EventTable
from tests.predictor.study_world import BEGIN, HORIZONS, World, world

pytestmark = pytest.mark.train

Fitted = Callable[..., Model]


@pytest.fixture(scope="module")
def training_world() -> World:
    return world(courses=5, learners=220, seed=1)


@pytest.fixture(scope="module")
def test_world() -> World:
    return world(courses=1, learners=150, seed=2)


@pytest.fixture(params=roster.NAMES, scope="module")
def name(request: pytest.FixtureRequest) -> str:
    pytest.importorskip("torch").set_num_threads(1)
    return str(request.param)


@pytest.fixture(scope="module")
def folder(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the model that `fitted()` gives back was fitted."""
    return tmp_path_factory.mktemp(name) / "own"


@pytest.fixture(scope="module")
def fitted(name: str, training_world: World, folder: Path) -> Fitted:
    """Fit the model on the training world; the same clock gives the same fitted model back."""
    known: dict[str, Model] = {}

    def fit(clock: str = "course") -> Model:
        if clock not in known:
            known[clock] = roster.make(name, 2.0)
            place = folder if clock == "course" else folder.with_name(clock)
            known[clock].fit(training_world.training_data(place, clock))
        return known[clock]

    return fit


def predict(model: Model, tested: Cohort, at: float = HORIZONS[1]) -> FloatArray:
    return model.predict(tested.source, tested.enrolments, at)


def test_probabilities_are_probabilities_at_every_horizon(fitted: Fitted, test_world: World) -> None:
    tested = test_world.cohort()
    for at in HORIZONS:
        predicted = predict(fitted(), tested, at)
        assert predicted.shape == (len(tested.labels),)
        assert ((predicted >= 0) & (predicted <= 1)).all()


def test_it_ranks_learners_of_a_new_course_better_than_chance(fitted: Fitted, test_world: World) -> None:
    tested = test_world.cohort()
    assert auc(tested.labels, predict(fitted(), tested)) > 0.6


def test_a_fit_depends_on_its_seed_alone_and_leaves_the_world_as_it_was(
    name: str, fitted: Fitted, training_world: World, test_world: World, tmp_path: Path
) -> None:
    """Neither the generators of others nor their threads are touched or listened to; nothing lies about."""
    torch = pytest.importorskip("torch")
    first = predict(fitted(), test_world.cohort())
    data = training_world.training_data(tmp_path / "own")
    before = arrays_of(data.source, data.enrolments)
    for generator in (random.seed, np.random.seed, torch.manual_seed):
        generator(5)
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    twin = roster.make(name, 2.0)
    twin.fit(data)
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])
    assert torch.get_num_threads() == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"own"}
    assert all(map(np.array_equal, before, arrays_of(data.source, data.enrolments)))
    np.testing.assert_allclose(predict(twin, test_world.cohort()), first, atol=1e-6)


def arrays_of(source: EventSource, people: Enrolments) -> list[NDArray[Any]]:
    """Copies of everything that a model is handed."""
    found = [people.courses, people.learners, people.starts, people.begins]
    for course_id in source.courses:
        events = source.sequences(course_id)
        found += [events.offsets, events.tokens, events.times, events.items]
    return [array.copy() for array in found]


def test_asking_changes_nothing(fitted: Fitted, test_world: World) -> None:
    tested = test_world.cohort()
    before = arrays_of(tested.source, tested.enrolments)
    first = predict(fitted(), tested)
    predict(fitted(), tested, HORIZONS[0])
    np.testing.assert_array_equal(predict(fitted(), tested), first)
    assert all(map(np.array_equal, before, arrays_of(tested.source, tested.enrolments)))


def test_a_model_loaded_again_says_what_it_said(
    name: str, fitted: Fitted, folder: Path, test_world: World
) -> None:
    """Of the models that are kept on disk: what was published is all it takes."""
    before = predict(fitted(), test_world.cohort())
    loaded = roster.make(name, 2.0)
    if not hasattr(loaded, "load"):
        assert not folder.exists() or not list(folder.iterdir()), "it keeps files that nothing can load"
        return
    loaded.load(folder, "passed")
    np.testing.assert_array_equal(predict(loaded, test_world.cohort()), before)


def test_events_after_the_moment_change_nothing(fitted: Fitted, test_world: World) -> None:
    tested = test_world.cohort()
    future = [
        Event(str(course), str(learner), float(start + HORIZONS[1] + ahead), token, item)
        for course, learner, start in zip(
            tested.enrolments.courses, tested.enrolments.learners, tested.enrolments.starts, strict=True
        )
        for ahead, token, item in (
            (0.0, "play_video", "item-3"),
            (3 * DAY, "problem_check_correct", "item-77"),
        )
    ]
    later = EventTable.of([*test_world.events, *future])
    predicted = fitted().predict(later, tested.enrolments, HORIZONS[1])
    np.testing.assert_allclose(predicted, predict(fitted(), tested), atol=1e-7)


def test_the_order_of_the_event_table_does_not_matter(fitted: Fitted, test_world: World) -> None:
    tested = test_world.cohort()
    order = np.random.default_rng(0).permutation(len(test_world.events))
    mixed = EventTable.of([test_world.events[place] for place in order])
    predicted = fitted().predict(mixed, tested.enrolments, HORIZONS[1])
    np.testing.assert_allclose(predicted, predict(fitted(), tested), atol=1e-7)


def test_what_happens_in_another_course_does_not_matter(fitted: Fitted, test_world: World) -> None:
    tested = test_world.cohort()
    elsewhere = [event._replace(course_id="elsewhere") for event in test_world.events[::3]]
    predicted = fitted().predict(
        EventTable.of([*test_world.events, *elsewhere]), tested.enrolments, HORIZONS[1]
    )
    np.testing.assert_allclose(predicted, predict(fitted(), tested), atol=1e-7)


def test_who_else_is_asked_about_does_not_matter(fitted: Fitted, test_world: World) -> None:
    tested = test_world.cohort()
    some = np.arange(0, len(tested.labels), 7)
    alone = fitted().predict(tested.source, tested.enrolments.take(some), HORIZONS[1])
    np.testing.assert_allclose(alone, predict(fitted(), tested)[some], atol=1e-5)


def test_the_order_of_learners_does_not_matter(fitted: Fitted, test_world: World) -> None:
    tested = test_world.cohort()
    order = np.random.default_rng(0).permutation(len(tested.labels))
    mixed = fitted().predict(tested.source, tested.enrolments.take(order), HORIZONS[1])
    np.testing.assert_allclose(mixed, predict(fitted(), tested)[order], atol=1e-5)


def test_names_of_learners_and_courses_do_not_matter(fitted: Fitted, test_world: World) -> None:
    tested = test_world.cohort()
    learners = sorted(
        {event.learner_id for event in test_world.events} | set(tested.enrolments.learners.tolist())
    )
    renamed = {old: f"z{len(learners) - place:05d}" for place, old in enumerate(learners)}
    events = [
        event._replace(course_id="elsewhere", learner_id=renamed[event.learner_id])
        for event in test_world.events
    ]
    enrolments = replace(
        tested.enrolments,
        courses=np.full(len(tested.labels), "elsewhere"),
        learners=np.array([renamed[learner] for learner in tested.enrolments.learners.tolist()]),
    )
    predicted = fitted().predict(EventTable.of(events), enrolments, HORIZONS[1])
    np.testing.assert_allclose(predicted, predict(fitted(), tested), atol=1e-5)


def test_an_unseen_event_type_and_an_unseen_course_are_no_obstacle(fitted: Fitted) -> None:
    events = [Event("nowhere", "a", BEGIN + hour * 3600, "edx.brand.new") for hour in range(5)]
    people = enrolments(["a", "b"])
    predicted = fitted().predict(EventTable.of(events), people, HORIZONS[0])
    assert np.isfinite(predicted).all()


def test_empty_and_single_event_streams_are_predicted(fitted: Fitted) -> None:
    one = EventTable.of([Event("nowhere", "a", BEGIN + 60, "play_video", "item-1")])
    for source, people in ((one, enrolments(["a", "b"])), (EventTable.of([]), enrolments(["a"]))):
        predicted = fitted().predict(source, people, HORIZONS[0])
        assert ((predicted >= 0) & (predicted <= 1)).all()


def test_no_learners_no_predictions(fitted: Fitted, test_world: World) -> None:
    tested = test_world.cohort()
    nobody = tested.enrolments.take(np.zeros(0, dtype=np.int64))
    assert fitted().predict(tested.source, nobody, HORIZONS[0]).shape == (0,)


def test_a_moment_it_was_not_fitted_for_is_answered_too(fitted: Fitted, test_world: World) -> None:
    predicted = predict(fitted(), test_world.cohort(), 5.5 * DAY)
    assert np.isfinite(predicted).all()


def test_it_learns_by_the_learners_own_clock(fitted: Fitted, test_world: World) -> None:
    tested = test_world.cohort("learner")
    predicted = fitted("learner").predict(tested.source, tested.enrolments, HORIZONS[1])
    assert auc(tested.labels, predicted) > 0.6


def enrolments(learners: list[str]) -> Enrolments:
    starts = np.full(len(learners), BEGIN)
    return Enrolments(np.full(len(learners), "nowhere"), np.array(learners), starts, starts)
