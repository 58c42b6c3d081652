"""The study's benchmark on data of its own: what it prints and the page it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import evaluation
from predictor.tables import parquet
from tests.predictor.study_world import world

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sklearn")
    arrow = pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("data")
    made = world(courses=6, learners=40, days=30, seed=3)
    _, outcomes = made.write(folder)
    outcomes.write_text(outcomes.read_text().replace("passed", "dropped_out"))
    events = [(e.course_id, e.learner_id, e.time, e.token) for e in made.events]
    names = ("course_id", "learner_id", "time", "event_type")
    table = arrow.table(dict(zip(names, map(list, zip(*events, strict=True)), strict=True)))
    parquet().write_table(table, folder / "events.parquet")
    return folder


def test_it_prints_figures_and_writes_the_page(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "study.md"
    asked = ["--data", str(data), "--kept", str(tmp_path / "kept"), "--folds", "3", "--table", str(page)]
    assert evaluation.main([*asked, "--models", "logistic,knn,boosting", "--inflation"]) == 0
    shown = capsys.readouterr().out
    assert "240 learners of 6 courses, 3 folds of whole courses" in shown
    assert "boosting − logistic" in shown
    text = page.read_text()
    aucs = ("AUC, all learners pooled", "AUC, all learners of a fold, mean of folds", "AUC, mean of courses")
    places = [text.index(f"\n## {heading}\n") for heading in aucs]
    assert places == sorted(places)
    for heading in ("Expected calibration error", "What it costs", "feign"):
        assert heading in text
    assert "the scores of 3 models are compared with each other" in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("| logistic")}
    assert widths == {6, 3}
    assert "- After 30d, boosting is" in text


def test_a_second_run_takes_what_is_kept_and_fewer_courses_are_the_smallest(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        "--data",
        str(data),
        "--kept",
        str(tmp_path),
        "--folds",
        "2",
        "--models",
        "logistic",
        "--courses",
        "3",
    ]
    assert evaluation.main(asked) == evaluation.main(asked) == 0
    assert capsys.readouterr().err.count("taken from an earlier run") == 2
    assert {path.suffix for path in tmp_path.iterdir()} == {".npz"}


def test_without_the_data_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluation.main(["--data", str(tmp_path)]) == 0
    assert "skipped" in capsys.readouterr().out
