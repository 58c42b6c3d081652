"""Gradient boosting on counts: a classifier per horizon."""

from __future__ import annotations

from pathlib import Path

import pytest

from predictor.metrics import auc
from predictor.moments import DAY
from tests.predictor.study_world import world

pytestmark = pytest.mark.train
boosting = pytest.importorskip("predictor.boosting")


def test_it_answers_with_the_model_of_the_nearest_horizon(tmp_path: Path) -> None:
    data = world(courses=8, learners=150, seed=3).training_data(tmp_path)
    model = boosting.Boosting()
    model.fit(data)
    predicted = model.predict(data.source, data.enrolments, 6.5 * DAY)
    assert auc(data.labels, predicted) > 0.7
