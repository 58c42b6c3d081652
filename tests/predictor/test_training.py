"""Training: it learns, it resumes exactly, and it says what is wrong with what it is given."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from predictor.events import Event
from predictor.inputs import DAY
from predictor.metrics import auc
from predictor.outcomes import Outcomes, read_outcomes
from predictor.progress import Progress, silent
from predictor.sequences import EventTable, open_events
from predictor.store import ModelStore
from predictor.streaming import Streamer
from predictor.vocabulary import shared_items
from tests.predictor.study_world import BEGIN, World, world

torch = pytest.importorskip("torch")

from predictor.training import Diverged, NothingToLearn, TrainConfig, Training, fit  # noqa: E402

pytestmark = pytest.mark.train

SMALL = TrainConfig(
    hidden=16, embedding=8, width=8, epochs=3, batch_learners=32, min_count=5, min_courses=1, held_out=0.25
)


@pytest.fixture(scope="module")
def small_world() -> World:
    return world(courses=4, learners=100, seed=3)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


def tensors_of(store: ModelStore, version: str) -> dict[str, np.ndarray]:
    return store.load("engagement", version)[0]


def test_it_ranks_the_learners_of_a_course_it_has_not_seen(small_world: World, store: ModelStore) -> None:
    config = replace(SMALL, epochs=8, learning_rate=1e-2)
    version = fit(small_world.source, small_world.outcomes, ["passed"], config, store)
    streamer = Streamer.load(store, version)
    assert streamer.targets == ("passed", "leave")
    fresh = world(courses=1, learners=200, seed=9)
    course = fresh.outcomes.of(fresh.outcomes.courses[0])
    found = streamer.refresh(
        fresh.source.sequences(course.course_id), BEGIN, BEGIN + 7 * DAY, course.learners
    )
    scores = np.array([found[learner][1].probabilities["passed"] for learner in course.learners])
    assert auc(course.labels["passed"], scores) > 0.7
    metrics = store.manifest("engagement", version)["metrics"]
    assert metrics["passed"]["auc"] > 0.65
    assert metrics["leave"]["auc"] > 0.6
    assert metrics["passed"]["ece"] < 0.2
    assert set(metrics["passed"]["auc_by_week"]) == {"1"}


def test_the_manifest_says_all_that_serving_and_judging_need(small_world: World, store: ModelStore) -> None:
    version = fit(small_world.source, small_world.outcomes, ["passed"], replace(SMALL, epochs=1), store)
    manifest = store.manifest("engagement", version)
    assert manifest["targets"] == ["passed", "leave"]
    assert set(manifest["vocabulary"]) == set(manifest["inputs"]["vocabulary"]) != set()
    assert set(manifest["calibration"]) == {"passed", "leave"}
    assert manifest["config"]["hidden"] == 16
    assert manifest["data_span"]["courses"] == 4
    assert manifest["data_span"]["events"] == len(small_world.events)
    assert manifest["data_span"]["learners"] == 400
    assert manifest["data_span"]["first_event"] < manifest["data_span"]["last_event"]
    assert len(manifest["training"]["epochs"]) == 1
    learners = {event.learner_id for event in small_world.events}
    text = (store.path / "engagement" / version / "manifest.json").read_text()
    assert not any(learner in text for learner in learners)


def test_the_same_seed_gives_the_same_model_and_another_seed_another(
    small_world: World, tmp_path: Path
) -> None:
    models = []
    for number, seed in enumerate((1, 1, 2)):
        own = ModelStore(tmp_path / str(number))
        config = replace(SMALL, epochs=1, seed=seed)
        models.append(tensors_of(own, fit(small_world.source, small_world.outcomes, ["passed"], config, own)))
    for name in models[0]:
        np.testing.assert_array_equal(models[0][name], models[1][name])
    assert any((models[0][name] != models[2][name]).any() for name in models[0])


def test_items_that_runs_share_are_known_and_survive_the_store(small_world: World, store: ModelStore) -> None:
    version = fit(small_world.source, small_world.outcomes, ["passed"], replace(SMALL, epochs=1), store)
    streamer = Streamer.load(store, version)
    known = streamer.inputs.known_items
    assert known == shared_items(small_world.source, TrainConfig.known_items)
    assert set(known) < {f"item-{number}" for number in range(12)}
    assert store.manifest("engagement", version)["config"]["known_items"] == 2000
    learned = tensors_of(store, version)["item_gates"]
    assert learned.shape == (len(known), 4 * SMALL.hidden)
    assert known
    assert learned.any(axis=1).all()

    def read(item: str) -> float:
        state = streamer.advance(streamer.begin(BEGIN), ["play_video"], [BEGIN + 60], [item])
        return streamer.at(state, BEGIN + DAY).probabilities["passed"]

    assert read(known[0]) != read("item-unheard-of") == read("item-12")


def test_where_no_item_is_shared_the_model_is_as_if_none_could_be_known(
    small_world: World, tmp_path: Path
) -> None:
    own = [
        event._replace(item_id=event.item_id and event.course_id + event.item_id)
        for event in small_world.events
    ]
    models = []
    for known in (2000, 0):
        store, config = ModelStore(tmp_path / str(known)), replace(SMALL, epochs=2, known_items=known)
        version = fit(EventTable.of(own), small_world.outcomes, ["passed"], config, store)
        models.append(tensors_of(store, version))
        assert Streamer.load(store, version).inputs.known_items == ()
    for name, tensor in models[0].items():
        np.testing.assert_array_equal(tensor, models[1][name])


def test_training_leaves_torchs_random_numbers_and_threads_alone(
    small_world: World, store: ModelStore
) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    fit(small_world.source, small_world.outcomes, ["passed"], replace(SMALL, epochs=1), store)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


class Killed(Exception):
    """Raised by a report in the place of a kill."""


def test_a_training_broken_off_goes_on_and_ends_in_the_same_model(small_world: World, tmp_path: Path) -> None:
    source, outcomes = small_world.source, small_world.outcomes
    whole, broken = ModelStore(tmp_path / "whole"), ModelStore(tmp_path / "broken")
    expected = tensors_of(whole, fit(source, outcomes, ["passed"], SMALL, whole))
    reports: list[Progress] = []

    def break_off(progress: Progress) -> None:
        if progress.epoch == 2 and not progress.message:
            raise Killed

    with pytest.raises(Killed):
        fit(source, outcomes, ["passed"], SMALL, broken, break_off)
    version = fit(source, outcomes, ["passed"], SMALL, broken, reports.append)
    assert "going on after epoch 1." in [report.message for report in reports]
    assert reports[-1].share == 1
    for name, tensor in tensors_of(broken, version).items():
        np.testing.assert_array_equal(tensor, expected[name])


TRAINER = """
import sys
from predictor.outcomes import read_outcomes
from predictor.sequences import open_events
from predictor.store import ModelStore
from predictor.training import TrainConfig, fit
def report(progress):
    print(progress.epoch, progress.message, flush=True)
fit(open_events(sys.argv[1]), read_outcomes(sys.argv[2]), ["passed"],
    TrainConfig.from_json(eval(sys.argv[3])), ModelStore(sys.argv[4]), report)
"""


def test_a_killed_process_is_resumed_to_the_same_model(small_world: World, tmp_path: Path) -> None:
    paths = [str(path) for path in small_world.write(tmp_path)]
    settings = {
        "hidden": 16, "embedding": 8, "width": 8, "epochs": 4, "batch_learners": 32, "min_count": 5,
        "min_courses": 1, "held_out": 0.25,
    }  # fmt: skip
    broken = ModelStore(tmp_path / "broken")
    process = subprocess.Popen(
        [sys.executable, "-c", TRAINER, *paths, repr(settings), str(broken.path)],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("3 "):
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert broken.versions("engagement") == []
    config = TrainConfig.from_json(settings)
    source, outcomes = open_events(paths[0]), read_outcomes(paths[1])
    reports: list[Progress] = []
    version = fit(source, outcomes, ["passed"], config, broken, reports.append)
    assert "going on after epoch 2." in [report.message for report in reports]
    whole = ModelStore(tmp_path / "whole")
    expected = tensors_of(whole, fit(source, outcomes, ["passed"], config, whole))
    for name, tensor in tensors_of(broken, version).items():
        np.testing.assert_array_equal(tensor, expected[name])


def test_other_data_or_settings_do_not_go_on_from_a_checkpoint(small_world: World, store: ModelStore) -> None:
    def break_off(progress: Progress) -> None:
        if progress.epoch == 2:
            raise Killed

    with pytest.raises(Killed):
        fit(small_world.source, small_world.outcomes, ["passed"], SMALL, store, break_off)
    more = EventTable.of([*small_world.events, Event("course-3-0", "new", BEGIN + 5, "seq_next")])
    other_kind = small_world.events[0]._replace(token="seq_prev")
    edited = EventTable.of([other_kind, *small_world.events[1:]])
    passed, failed = (
        next(place for place, row in enumerate(small_world.rows) if row["passed"] == label) for label in "10"
    )
    rows = list(small_world.rows)
    rows[passed], rows[failed] = rows[passed] | {"passed": "0"}, rows[failed] | {"passed": "1"}
    swapped = Outcomes.from_rows(rows)
    same = small_world.source, small_world.outcomes
    for source, outcomes, config in (
        (more, same[1], SMALL),
        (edited, same[1], SMALL),
        (same[0], swapped, SMALL),
        (*same, replace(SMALL, seed=5)),
    ):
        messages: list[str] = []
        training = Training(
            source,
            outcomes,
            ("passed",),
            config,
            store,
            lambda p, m=messages: m.append(p.message),
        )
        training._resume()
        assert messages == []


def test_a_finished_training_leaves_no_checkpoint(small_world: World, store: ModelStore) -> None:
    fit(small_world.source, small_world.outcomes, ["passed"], replace(SMALL, epochs=1), store)
    assert list((store.path / ".training").iterdir()) == []
    assert len(store.versions("engagement")) == 1


def test_a_loss_that_is_no_number_stops_training_and_publishes_nothing(
    small_world: World, store: ModelStore
) -> None:
    config = replace(SMALL, learning_rate=1e30, gradient_clip=1e30)
    with pytest.raises(Diverged, match="learning_rate"):
        fit(small_world.source, small_world.outcomes, ["passed"], config, store)
    assert store.versions("engagement") == []


def test_training_stops_early_once_the_held_out_loss_no_longer_falls(
    small_world: World, store: ModelStore
) -> None:
    config = replace(SMALL, epochs=40, patience=1, learning_rate=5e-2)
    version = fit(small_world.source, small_world.outcomes, ["passed"], config, store)
    history = [
        epoch["held_out_loss"] for epoch in store.manifest("engagement", version)["training"]["epochs"]
    ]
    assert len(history) < 40
    assert min(history) < min(history[-2:])


@pytest.mark.parametrize(
    ("losses", "kept"), [((0.5, 0.52, 0.9), 1), ((0.5, 0.6, 0.51), 2), ((0.5, 0.6, 0.9), 0)]
)
def test_the_newest_weights_that_are_about_as_good_as_the_best_are_kept(
    losses: tuple[float, ...],
    kept: int,
    small_world: World,
    store: ModelStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = [SimpleNamespace(loss=loss) for loss in losses]
    weights: list[Any] = []
    save = Training._save

    def spied(training: Training) -> None:
        weights.append(training._weights())
        save(training)

    monkeypatch.setattr(Training, "_held_out", lambda training: told.pop(0))
    monkeypatch.setattr(Training, "_save", spied)
    config = replace(SMALL, epochs=3)
    training = Training(small_world.source, small_world.outcomes, ("passed",), config, store, silent)
    training.run()
    found = training._weights()
    same = [all(torch.equal(each[name], found[name]) for name in found) for each in weights]
    assert same == [epoch == kept for epoch in range(3)]


def test_with_nobody_held_out_the_newest_weights_are_kept(small_world: World, tmp_path: Path) -> None:
    models = []
    for epochs in (1, 2):
        own = ModelStore(tmp_path / str(epochs))
        config = replace(SMALL, epochs=epochs, held_out=1e-9)
        models.append(tensors_of(own, fit(small_world.source, small_world.outcomes, ["passed"], config, own)))
    assert all((models[0][name] != models[1][name]).any() for name in models[0])


def test_every_event_of_a_very_long_stream_is_trained_on(store: ModelStore) -> None:
    rng = np.random.default_rng(0)
    events, rows = [], []
    for place in range(8):
        size = 7000 if place == 0 else 20
        times = BEGIN + np.sort(rng.uniform(0, 3 * DAY, size))
        events += [Event("course", f"l{place}", float(time), "play_video") for time in times]
        rows.append({"course_id": "course", "learner_id": f"l{place}", "passed": str(place % 2)})
    config = replace(SMALL, epochs=1, held_out=1e-9, batch_steps=500)
    version = fit(EventTable.of(events), Outcomes.from_rows(rows), ["passed"], config, store)
    training = store.manifest("engagement", version)["training"]
    assert training["events"] == len(events)
    assert training["epochs"][0]["held_out_loss"] is None


def test_leaving_alone_can_be_learned_without_any_outcomes(small_world: World, store: ModelStore) -> None:
    version = fit(small_world.source, Outcomes({}, ()), [], replace(SMALL, epochs=2), store)
    assert Streamer.load(store, version).targets == ("leave",)


def test_without_leave_days_only_the_named_targets_are_learned(small_world: World, store: ModelStore) -> None:
    config = replace(SMALL, epochs=1, leave_days=0)
    version = fit(small_world.source, small_world.outcomes, ["passed"], config, store)
    assert Streamer.load(store, version).targets == ("passed",)
    with pytest.raises(NothingToLearn, match="name a target"):
        fit(small_world.source, small_world.outcomes, [], config, store)


def test_an_unknown_target_is_refused_by_name(small_world: World, store: ModelStore) -> None:
    with pytest.raises(ValueError, match="no outcome is called 'graduated'"):
        fit(small_world.source, small_world.outcomes, ["graduated"], SMALL, store)


def test_outcomes_that_are_all_alike_teach_nothing(small_world: World, store: ModelStore) -> None:
    alike = Outcomes.from_rows([row | {"passed": "1"} for row in small_world.rows])
    with pytest.raises(NothingToLearn, match="not both 0 and 1"):
        fit(small_world.source, alike, ["passed"], SMALL, store)


def test_undersampling_outliers_and_the_next_event_can_be_switched_on(
    small_world: World, store: ModelStore
) -> None:
    config = replace(SMALL, epochs=1, undersample=1.0, outlier_ranges=1.5, next_event=0.2)
    version = fit(small_world.source, small_world.outcomes, ["passed"], config, store)
    assert store.manifest("engagement", version)["training"]["events"] < len(small_world.events) * 0.75


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epoch": 3}, "unknown training settings.*epoch.*epochs"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"held_out": 1.0}, "held_out must lie between"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
    ],
)
def test_impossible_settings_are_refused_by_name(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TrainConfig.from_json(settings)
