"""The stack is trained beside an LSTM, kept without a pickle, and asked with numpy alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from predictor import stack
from predictor.foresight import Foresight
from predictor.metrics import auc
from predictor.moments import DAY
from predictor.stack import Stack, alike
from predictor.store import ModelStore
from predictor.streaming import KIND, Streamer
from predictor.surprise import Lift
from tests.predictor.study_world import World, world

pytestmark = pytest.mark.train
pytest.importorskip("torch")
stacking = pytest.importorskip("predictor.stacking")
training = pytest.importorskip("predictor.training")

QUICK = {
    "epochs": 2,
    "hidden": 8,
    "embedding": 8,
    "width": 8,
    "batch_learners": 16,
    "min_count": 2,
    "min_courses": 1,
}
SMALL = stacking.StackConfig(rounds=30, teacher_rounds=15, bag=2)


@pytest.fixture(scope="module")
def small() -> World:
    return world(courses=4, learners=60, seed=21)


@pytest.fixture(scope="module")
def store(small: World, tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    """With an LSTM that also foresees who leaves, and its stack."""
    found = ModelStore(tmp_path_factory.mktemp("store"))
    config = training.TrainConfig.from_json({**QUICK, "leave_days": 2.0})
    version = training.fit(small.source, small.outcomes, ("passed",), config, found)
    told: list[str] = []
    stacking.fit(small.source, small.outcomes, config, found, version, told.append, config=SMALL)
    assert any("part 3 of 3" in line for line in told)
    return found


@pytest.fixture(scope="module")
def streamer(store: ModelStore) -> Streamer:
    return Streamer.load(store, store.versions(KIND)[-1])


@pytest.fixture(scope="module")
def stacked(store: ModelStore, streamer: Streamer) -> Stack:
    found = Stack.load(store, streamer.version)
    assert found is not None
    return found


def test_it_learns_every_target_of_its_model_and_leaves_only_itself_behind(
    store: ModelStore, stacked: Stack
) -> None:
    assert set(stacked.trees) == {"passed", "leave"}
    assert not (store.path / stacking.WORK_FOLDER).exists()
    measured = store.manifest(stack.KIND, store.versions(stack.KIND)[-1])["metrics"]["passed"]
    assert measured[-1]["auc"] > 0.6


def test_it_ranks_learners_of_a_new_course(stacked: Stack, streamer: Streamer) -> None:
    tested = world(courses=1, learners=150, seed=5)
    people = tested.cohort().enrolments
    course_id = str(people.courses[0])
    learners, begin = people.learners.tolist(), float(people.begins[0])
    sequences = tested.source.sequences(course_id)
    read = streamer.refresh(sequences, begin, begin + 7 * DAY, learners)
    readings = {name: reading for name, (_, reading) in read.items()}
    told = Foresight.of(stacked, sequences, begin, begin + 7 * DAY, learners).probabilities(readings)
    chances = np.array([told[name]["passed"] for name in learners])
    assert auc(tested.cohort().labels, chances) > 0.65


def test_what_is_published_and_loaded_says_the_same(stacked: Stack, small: World, tmp_path: Path) -> None:
    again = ModelStore(tmp_path)
    stacked.publish(again, {})
    loaded = Stack.load(again, stacked.engagement)
    assert loaded is not None
    people = small.cohort().enrolments
    sequence = {target: np.full(len(people), 0.3) for target in stacked.trees}
    first = stacked.foresee(small.source, people, 9 * DAY, sequence)
    second = loaded.foresee(small.source, people, 9 * DAY, sequence)
    for target, chances in first.items():
        np.testing.assert_allclose(second[target], chances, atol=1e-9)


def test_surprises_of_a_course_run_shift_its_learners_alike(stacked: Stack, small: World) -> None:
    people = small.cohort().enrolments
    mine = people.take(np.flatnonzero(people.courses == people.courses[0]))
    course = stacked.description.course(small.source, str(people.courses[0]), mine)
    always = {target: Lift(np.array([1.0, 0.0]), 0.0, 9 * DAY) for target in stacked.trees}
    never = replace(stacked, lifts={})
    ages = np.full(len(mine), 9 * DAY)
    shifts = replace(stacked, lifts=always).scores(course, ages) - never.scores(course, ages)
    assert stacked.expectation is not None
    expected = stacked.expectation.of(*course.run)(mine.starts + ages)
    assert expected[0] != 0
    np.testing.assert_allclose(shifts, np.tile(expected[:, None], 2))


def test_a_model_without_a_stack_has_none(store: ModelStore) -> None:
    assert Stack.load(store, "20200101T000000Z-00000000") is None


def test_a_manifest_of_something_else_is_refused(store: ModelStore) -> None:
    tensors, manifest = store.load(stack.KIND, store.versions(stack.KIND)[-1])
    with pytest.raises(ValueError, match="not the manifest of a stack"):
        Stack.read(tensors, {key: value for key, value in manifest.items() if key != "columns"})
    with pytest.raises(ValueError, match="lacks the tensor"):
        Stack.read({name: value for name, value in tensors.items() if "roots" not in name}, manifest)


def test_stacks_go_with_their_models(stacked: Stack, store: ModelStore, tmp_path: Path) -> None:
    other = ModelStore(tmp_path)
    tensors, manifest = store.load(KIND, stacked.engagement)
    version = other.publish(KIND, tensors, manifest)
    kept = replace(stacked, engagement=version).publish(other, {})
    gone = stacked.publish(other, {})
    assert stack.prune(other) == [gone]
    assert other.versions(stack.KIND) == [kept]


def test_one_batch_or_many_foresee_the_same(stacked: Stack, streamer: Streamer, small: World) -> None:
    people = small.cohort().enrolments
    course_id, now = str(people.courses[0]), float(people.begins[0] + 6 * DAY)
    learners = people.learners[people.courses == course_id].tolist()
    sequences = small.source.sequences(course_id)
    read = streamer.refresh(sequences, float(people.begins[0]), now, learners)
    readings = {name: reading for name, (_, reading) in read.items()}
    foresight = Foresight.of(stacked, sequences, float(people.begins[0]), now, learners)
    whole = foresight.probabilities(readings)
    for some in (learners[:7], learners[7:]):
        part = foresight.probabilities({name: readings[name] for name in some})
        for name in some:
            assert part[name] == pytest.approx(whole[name], abs=1e-12)


def test_training_twice_gives_the_same_stack(small: World, tmp_path: Path) -> None:
    config = training.TrainConfig.from_json({**QUICK, "epochs": 1, "leave_days": 0.0})
    people = small.cohort().enrolments
    found = []
    for name in ("first", "second"):
        store = ModelStore(tmp_path / name)
        version = training.fit(small.source, small.outcomes, ("passed",), config, store)
        stacking.fit(small.source, small.outcomes, config, store, version, str, (4 * DAY,), SMALL)
        loaded = Stack.load(store, version)
        assert loaded is not None
        sequence = {"passed": np.full(len(people), 0.4)}
        found.append(loaded.foresee(small.source, people, 4 * DAY, sequence)["passed"])
    np.testing.assert_array_equal(found[0], found[1])


def test_courses_too_few_to_hold_out_are_parted_by_learner(tmp_path: Path) -> None:
    one = world(courses=1, learners=90, seed=9)
    config = training.TrainConfig.from_json({**QUICK, "epochs": 1, "leave_days": 0.0, "clock": "learner"})
    store = ModelStore(tmp_path)
    version = training.fit(one.source, one.outcomes, ("passed",), config, store)
    stacking.fit(one.source, one.outcomes, config, store, version, str, (), SMALL)
    loaded = Stack.load(store, version)
    assert loaded is not None
    people = one.cohort("learner").enrolments
    chances = loaded.foresee(one.source, people, 3 * DAY, {"passed": np.full(len(people), 0.5)})["passed"]
    assert ((chances > 0) & (chances < 1)).all()


def test_learners_of_one_age_are_one_group_and_others_at_most_a_dozen() -> None:
    assert [len(rows) for rows in alike(np.full(50, 7 * DAY))] == [50]
    groups = alike(np.arange(500) * DAY)
    assert len(groups) == 12
    assert sorted(np.concatenate(groups).tolist()) == list(range(500))
    assert list(alike(np.zeros(0))) == []
