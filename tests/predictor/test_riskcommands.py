"""`train` and `predict` of the risk model on the command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")

from predictor.__main__ import main
from predictor.factors import GROUPS
from predictor.moments import DAY
from predictor.risk import KIND
from predictor.store import ModelStore
from tests.predictor.study_world import BEGIN, world

Run = Callable[..., int]
AT = str(int(BEGIN + 6 * DAY))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a world of events and outcomes, a feature table, and a store with a model of them."""
    folder = tmp_path_factory.mktemp("risk")
    found = world(courses=3, learners=80, seed=1)
    found.write(folder)
    lines = [f"{row['course_id']},{row['learner_id']},{row['passed']}" for row in found.rows]
    (folder / "facts.csv").write_text("\n".join(["course_id,learner_id,grades.grade", *lines]) + "\n")
    assert main(command(folder, "train", "--target", "passed")) == 0
    return folder


def command(folder: Path, name: str, *more: str, store: str = "store") -> list[str]:
    tables = ["--events", str(folder / "events.csv"), "--outcomes", str(folder / "outcomes.csv")]
    return [name, "--model", "risk", *tables, "--store", str(folder / store), *more]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_first_model_serves_and_keeps_its_figures(trained: Path) -> None:
    manifest = ModelStore(trained / "store").manifest(KIND)
    assert manifest["targets"] == ["passed"]
    assert manifest["metrics"]["passed"]["auc"] > 0.6


def test_everyone_is_told_with_what_adds_up_to_the_log_odds(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert main(command(trained, "predict", "--at", AT, "--out", str(out))) == 0
    found = rows(out)
    assert len(found) == 80
    assert any(row["partial"] == "1" for row in found)
    for row in found:
        groups = sum(float(row[group]) for group in GROUPS)
        assert float(row["baseline"]) + groups == pytest.approx(float(row["logit"]), abs=1e-9)
        assert float(row["passed"]) == pytest.approx(1 - float(row["risk"]))
        assert all(reason["group"] in GROUPS and reason["numbers"] for reason in json.loads(row["reasons"]))


def test_a_parquet_table_holds_the_same(trained: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    for name in ("out.csv", "out.parquet"):
        assert main(command(trained, "predict", "--at", AT, "--out", str(tmp_path / name))) == 0
    table = parquet.read_table(tmp_path / "out.parquet").to_pydict()
    np.testing.assert_allclose(table["risk"], [float(row["risk"]) for row in rows(tmp_path / "out.csv")])


def test_a_feature_table_is_learned_from_and_asked_with(trained: Path, tmp_path: Path) -> None:
    facts = ("--features", str(trained / "facts.csv"))
    assert main(command(trained, "train", "--target", "passed", *facts, store="told")) == 0
    for name, more in (("with.csv", facts), ("without.csv", ())):
        out = str(tmp_path / name)
        assert main(command(trained, "predict", "--at", AT, "--out", out, *more, store="told")) == 0
    told, plain = rows(tmp_path / "with.csv"), rows(tmp_path / "without.csv")
    assert max(float(row["grades"]) for row in told) > 1
    assert [row["grades"] for row in told] != [row["grades"] for row in plain]


def test_a_protected_attribute_is_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "facts.csv"
    path.write_text("course_id,learner_id,enrolment.gender\nC,a,1\n")
    assert main(command(trained, "train", "--target", "passed", "--features", str(path))) == 2
    assert "protected attribute" in capsys.readouterr().err


def test_two_targets_are_refused(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(trained, "train", "--target", "passed", "--target", "other")) == 2
    assert "one --target" in capsys.readouterr().err


def test_without_a_model_it_says_what_to_do(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out.csv")
    assert main(command(trained, "predict", "--at", AT, "--out", out, store="nothing")) == 2
    assert "no risk model has been promoted" in capsys.readouterr().err
