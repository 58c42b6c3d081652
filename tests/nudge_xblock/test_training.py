"""Training in a process of its own: what it is told, what it says, and what it must not see."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nudge_xblock import courses, labels, trainer, training
from nudge_xblock.holdout import is_held_out
from nudge_xblock.night import ENGAGEMENT, Run, Skipped, models
from predictor import stack

from . import engagement, nighttime
from .moments import COURSE
from .nighttime import NOW, event, store

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]


def some_events() -> None:
    for user_id in range(1, 31):
        store(*(event(user_id, timedelta(hours=hours), item=f"v{hours}") for hours in range(20, 400, 30)))


@pytest.mark.train
def test_without_events_there_is_nothing_to_train_on() -> None:
    with pytest.raises(Skipped, match="there are no events yet"):
        training.train(nighttime.run())


def test_without_torch_the_words_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(training, "find_spec", lambda name: None)
    with pytest.raises(Skipped, match=r'pip install "nudge-xblock\[train\]"'):
        training.train(nighttime.run())


@pytest.mark.train
def test_a_model_is_trained_and_published_but_serves_only_when_promoted(settings: Any) -> None:
    some_events()
    settings.NUDGE_TRAINING = {"hidden": 8, "embedding": 4, "width": 4, "epochs": 1}
    job = nighttime.run()
    said: list[str] = []
    job.reporter = lambda step, progress, words: said.append(words)
    labels.collect(job)
    words = training.train(job)
    version = job.candidates[ENGAGEMENT]
    assert words == f"Trained {version} to foresee leave."
    assert models().current(ENGAGEMENT) is None
    assert models().manifest(ENGAGEMENT, version)["config"]["hidden"] == 8
    assert any(one.startswith("epoch 1 of 1") for one in said)

    job.candidates.clear()
    assert "before the last night was killed" in training.train(job), "not judged yet: it is taken up"
    assert job.candidates[ENGAGEMENT] == version
    training.mark_judged()
    with pytest.raises(Skipped, match=f"nothing is new since {version} was"):
        training.train(job)
    store(event(99, timedelta(hours=1)))
    labels.collect(job)
    training.train(job)
    assert job.candidates[ENGAGEMENT] != version


@pytest.mark.train
def test_a_stack_is_trained_beside_the_model_where_the_site_wants_one(settings: Any) -> None:
    some_events()
    settings.NUDGE_STACK = True
    settings.NUDGE_TRAINING = {"hidden": 8, "embedding": 4, "width": 4, "epochs": 1}
    job = nighttime.run()
    said: list[str] = []
    job.reporter = lambda step, progress, words: said.append(words)
    labels.collect(job)
    training.train(job)
    found = stack.Stack.load(models(), job.candidates[ENGAGEMENT])
    assert found is not None
    assert set(found.trees) == {"leave"}
    assert any(one.startswith("part 3 of 3") for one in said)


@pytest.fixture
def wanted(settings: Any) -> Run:
    """A night of a site that wants stacks."""
    some_events()
    settings.NUDGE_STACK = True
    settings.NUDGE_TRAINING = {"hidden": 8, "embedding": 4, "width": 4, "epochs": 1}
    job = nighttime.run()
    labels.collect(job)
    return job


@pytest.mark.train
def test_killed_while_the_stack_is_trained_the_next_night_trains_that_alone(
    wanted: Run, settings: Any
) -> None:
    settings.NUDGE_STACK = False
    training.train(wanted)
    version = wanted.candidates.pop(ENGAGEMENT)
    settings.NUDGE_STACK = True
    training.remember(training._order(wanted)["digest"], version, whole=False)
    training.train(wanted)
    assert wanted.candidates[ENGAGEMENT] == version
    assert models().versions(ENGAGEMENT) == [version]
    assert stack.Stack.load(models(), version) is not None
    assert "before the last night was killed" in training.train(wanted)


BLOCKER = """
import sys

class NoTrees:
    def find_spec(self, name, path=None, target=None):
        if name == "lightgbm":
            {how}

sys.meta_path.insert(0, NoTrees())
"""


@pytest.mark.train
@pytest.mark.parametrize(
    "how", ["raise ModuleNotFoundError('no trees')", "import os; os.kill(os.getpid(), 9)"]
)
def test_a_stack_that_cannot_be_trained_leaves_the_engagement_model(
    wanted: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(BLOCKER.format(how=how))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    training.train(wanted)
    version = wanted.candidates[ENGAGEMENT]
    assert models().versions(ENGAGEMENT) == [version]
    assert models().versions(stack.KIND) == []
    assert [each["code"] for each in wanted.told] == ["no_stack"]
    assert wanted.figures["error"]


def test_nothing_that_a_web_process_or_a_worker_imports_brings_torch() -> None:
    code = (
        "import sys, django; django.setup()\n"
        "from nudge_xblock import api, nightly, starting, tasks, training\n"
        "from nudge_xblock.rest.v1 import urls\n"
        "sys.exit('torch' in sys.modules)"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


@pytest.mark.train
def test_a_setting_that_training_does_not_know_fails_in_words(settings: Any) -> None:
    some_events()
    settings.NUDGE_TRAINING = {"hiden": 8}
    job = nighttime.run()
    labels.collect(job)
    with pytest.raises(training.TrainingFailed, match=r"unknown training settings \['hiden'\]"):
        training.train(job)
    assert ENGAGEMENT not in job.candidates


@pytest.mark.train
def test_a_training_process_that_dies_tells_its_last_words(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    some_events()
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.exit('no memory left')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    job = nighttime.run()
    labels.collect(job)
    with pytest.raises(training.TrainingFailed, match=r"Training stopped: .*no memory left"):
        training.train(job)


def test_held_out_learners_and_the_nights_future_are_hidden_from_training() -> None:
    some_events()
    store(event(1, -timedelta(hours=5)))
    seen = trainer.TrainingEvents(courses.event_store(), 0.3, NOW.timestamp()).sequences(str(COURSE))
    whole = courses.event_store().sequences(str(COURSE))
    expected = [learner for learner in whole.learners if not is_held_out(learner, 0.3)]
    assert seen.learners == expected
    assert 0 < len(expected) < 30
    for place, learner in enumerate(seen.learners):
        mine = seen.times[seen.offsets[place] : seen.offsets[place + 1]]
        there = whole.learners.index(learner)
        theirs = whole.times[whole.offsets[there] : whole.offsets[there + 1]]
        assert np.array_equal(mine, theirs[theirs <= NOW.timestamp()])


def test_a_course_of_held_out_learners_alone_is_no_course_to_train_on() -> None:
    store(event(1, timedelta(hours=1)))
    assert trainer.TrainingEvents(courses.event_store(), 1.0, NOW.timestamp()).courses == ()


def test_the_order_does_not_ask_for_more_courses_than_there_are(settings: Any) -> None:
    some_events()
    job = nighttime.run()
    labels.collect(job)
    assert training._order(job)["config"]["min_courses"] == 1
    settings.NUDGE_TRAINING = {"min_courses": 2}
    assert training._order(job)["config"]["min_courses"] == 2, "an operator's word counts"


@pytest.mark.train
def test_a_model_that_was_deleted_is_trained_anew(settings: Any) -> None:
    engagement.publish(settings.NUDGE_MODEL_DIR)
    some_events()
    job = nighttime.run()
    labels.collect(job)
    settings.NUDGE_TRAINING = {"hidden": 0}
    training.remember(training._order(job)["digest"], "gone", judged=True)
    with pytest.raises(training.TrainingFailed, match="hidden must be at least 1"):
        training.train(job)
