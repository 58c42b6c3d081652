"""The ablation of the LSTM's inputs leaves out what it says, and goes on where it was."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from predictor.moments import DAY
from tests.predictor.study_world import world

pytest.importorskip("torch")
lstm_inputs = pytest.importorskip("benchmarks.lstm_inputs")

pytestmark = pytest.mark.train
SMALL = {"epochs": 1, "hidden": 8, "embedding": 4, "width": 4, "min_count": 1, "min_courses": 1}
HORIZONS = (3 * DAY, 7 * DAY)


def run(folder: Path, told: list[str]) -> dict[str, Any]:
    everyone = world(courses=2, learners=20, seed=5).cohort()
    fold = np.unique(everyone.enrolments.courses, return_inverse=True)[1]
    return dict(lstm_inputs.answers(everyone, fold, HORIZONS, "passed", folder, told.append))


def test_variants_answer_differently_and_a_second_run_computes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variants = {
        "all": lstm_inputs.Variant(settings=SMALL),
        "blind": lstm_inputs.Variant(columns=(4, 5, 12), counts=False, settings=SMALL),
        "apart": lstm_inputs.Variant(settings=SMALL, apart=True),
        "pretrained": lstm_inputs.Variant(settings=SMALL, pretrained=1),
    }
    monkeypatch.setattr(lstm_inputs, "VARIANTS", variants)
    found = run(tmp_path, [])
    assert set(found) == set(variants)
    for chances in found.values():
        assert ((chances > 0) & (chances < 1)).all()
    different = {chances.round(9).tobytes() for chances in found.values()}
    assert len(different) == len(variants)
    monkeypatch.setattr(lstm_inputs.Ablated, "fit", None)
    for title, chances in run(tmp_path, []).items():
        np.testing.assert_array_equal(chances, found[title])


def test_the_loss_lies_on_one_day_alone_or_on_none() -> None:
    steps = SimpleNamespace(
        reading_days=np.array([3.0, 7.0, 7.0, 7.5, 14.0]),
        reading_away=np.array([0.0, 0.0, 40.0, 0.0, 0.0]) * DAY,
    )
    scope = lstm_inputs.Only(live_days=28.0, horizon_days=30.0, early=0.0, day=7.0)
    assert scope.covers(steps).tolist() == [False, True, False, False, False]
    assert not lstm_inputs.Only(day=None).covers(steps).any()
