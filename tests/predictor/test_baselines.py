"""What the paper's models learn from, and what the ensemble makes of the three."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from predictor.metrics import ece
from predictor.moments import DAY, TrainingData
from tests.predictor.study_world import HORIZONS, world

pytestmark = pytest.mark.train
baselines = pytest.importorskip("predictor.baselines")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return world(courses=8, learners=150, seed=3).training_data(tmp_path_factory.mktemp("data"))


def test_a_row_per_learner_and_horizon_whose_outcome_is_open(data: TrainingData) -> None:
    known_at = np.where(np.arange(len(data.labels)) < 10, data.enrolments.starts + 5 * DAY, np.nan)
    table, rows = baselines.hand_rows(replace(data, known_at=known_at), np.arange(30), length=10 * DAY)
    assert table.shape == (30 + 20, 12)
    assert rows.tolist() == [*range(30), *range(10, 30)]
    assert set(table[:30, 11]) == {0.3}
    assert set(table[30:, 11]) == {0.7}


def test_the_ensembles_weights_are_shares(data: TrainingData) -> None:
    model = baselines.Ensemble(2.0)
    model.fit(data)
    assert model.weights.shape == (3,)
    assert model.weights.sum() == pytest.approx(1)
    assert (model.weights >= 0).all()


def test_the_ensemble_of_one_course_weighs_all_three_alike(data: TrainingData) -> None:
    one = data.enrolments.courses == data.enrolments.courses[0]
    alone = replace(
        data, enrolments=data.enrolments.take(one), labels=data.labels[one], known_at=data.known_at[one]
    )
    model = baselines.Ensemble(2.0)
    model.fit(alone)
    np.testing.assert_allclose(model.weights, 1 / 3)


def test_undersampling_does_not_spoil_calibration(data: TrainingData) -> None:
    rng = np.random.default_rng(0)
    rare = data.labels * (rng.random(len(data.labels)) < 0.3)
    skewed = replace(data, labels=rare.astype(np.int64))
    model = baselines.logistic(1.0)
    model.fit(skewed)
    predicted = model.predict(data.source, data.enrolments, HORIZONS[1])
    assert ece(skewed.labels, predicted) < 0.05
    assert predicted.mean() == pytest.approx(rare.mean(), abs=0.03)


def test_a_classifier_that_saw_one_class_says_that_class() -> None:
    class One:
        classes_ = np.array([1])

    assert baselines.positive(One(), np.zeros((2, 3))).tolist() == [1.0, 1.0]


def test_models_do_not_touch_the_folder_they_do_not_need(data: TrainingData, tmp_path: Path) -> None:
    baselines.logistic(2.0).fit(replace(data, folder=tmp_path / "unused"))
    assert not (tmp_path / "unused").exists()
