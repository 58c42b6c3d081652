"""Results on disk: named by all they depend on, whole or not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from predictor import results
from predictor.fitting import Trial
from predictor.results import Result, Results
from tests.predictor.study_world import HORIZONS, world

pytestmark = pytest.mark.train
logistic = pytest.importorskip("predictor.baselines").logistic


@pytest.fixture(scope="module")
def trial() -> Trial:
    everyone = world(courses=2, learners=10).cohort()
    return Trial("logistic", everyone, everyone, HORIZONS, "passed", "course", 2.0, 0)


def test_what_is_put_is_what_is_got(tmp_path: Path) -> None:
    kept = Results(tmp_path / "deep" / "er")
    kept.put("x", Result(np.array([[0.25, 0.5]]), 3.5))
    found = kept.get("x", (1, 2))
    assert found is not None
    np.testing.assert_array_equal(found.probabilities, [[0.25, 0.5]])
    assert found.seconds == 3.5
    assert [path.name for path in kept.folder.iterdir()] == ["x.npz"]


def test_another_shape_or_nothing_is_no_result(tmp_path: Path) -> None:
    kept = Results(tmp_path)
    kept.put("x", Result(np.zeros((1, 2)), 1.0))
    assert kept.get("x", (2, 2)) is None
    assert kept.get("y", (1, 2)) is None


def test_where_a_model_worked_is_cleared_away(tmp_path: Path) -> None:
    kept = Results(tmp_path)
    kept.workplace("x").mkdir()
    (kept.workplace("x") / "weights").write_text("many")
    kept.put("x", Result(np.zeros((1, 1)), 1.0))
    assert not kept.workplace("x").exists()


@pytest.mark.parametrize(
    "change", [{"name": "forest"}, {"seed": 1}, {"ratio": 1.0}, {"clock": "learner"}, {"target": "left"}]
)
def test_another_setting_is_another_name(trial: Trial, tmp_path: Path, change: dict[str, object]) -> None:
    kept, model = Results(tmp_path), logistic(2.0)
    assert kept.name(trial, model) == kept.name(replace(trial), model)
    assert kept.name(replace(trial, **change), model) != kept.name(trial, model)  # type: ignore[arg-type]


def test_another_program_is_another_name(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, model = Results(tmp_path), logistic(2.0)
    before = kept.name(trial, model)
    monkeypatch.setattr(results, "program", lambda modules, aside: "changed")
    assert kept.name(trial, model) != before
