"""`evaluate` from the outside: files in, figures and a page out, one line where something is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from predictor.__main__ import main
from tests.predictor.study_world import world
from tests.predictor.test___main__ import complaint

Tables = tuple[str, str]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    events, outcomes = world(courses=4, learners=30, seed=7).write(tmp_path_factory.mktemp("tables"))
    return str(events), str(outcomes)


@pytest.fixture(autouse=True)
def _same_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def evaluate(tables: Tables, out: Path, *more: str) -> list[str]:
    asked = [
        "evaluate",
        "--events",
        tables[0],
        "--outcomes",
        tables[1],
        "--target",
        "passed",
        "--json",
        str(out),
    ]
    return [*asked, "--at", "3d,7d", *more]


@pytest.mark.train
def test_evaluate_writes_figures_and_a_page(
    tables: Tables, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    out = tmp_path / "deep" / "out.json"
    assert main(evaluate(tables, out, "--folds", "2", "--models", "logistic,knn", "--slices", "gender")) == 0
    result = json.loads(out.read_text())
    assert [(row["model"], row["at"]) for row in result["rows"]] == [
        *(("logistic", "3d"), ("logistic", "7d")),
        *(("knn", "3d"), ("knn", "7d")),
    ]
    for row in result["rows"]:
        assert {"model", "at", "auc", "auc_course_mean", "auc_low", "auc_high", "ece", "n"} <= set(row)
        assert row["auc_fold_low"] <= row["auc_fold_mean"] <= row["auc_fold_high"]
        assert row["folds"] == 2
        assert row["n"] == 120
        assert 0.5 < row["auc"] < 1
    assert {row["group"] for row in result["slices"]} == {"f", "m"}
    assert result["config"]["folds"] == 2
    assert (tmp_path / "deep" / "out.html").read_text().startswith("<!doctype html>")
    shown = capsys.readouterr()
    assert "logistic" in shown.out
    assert "[1/4] logistic, fold 1 of 2" in shown.err


@pytest.mark.train
def test_evaluate_again_takes_what_is_there(
    tables: Tables, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    arguments = evaluate(tables, tmp_path / "out.json", "--folds", "2", "--models", "logistic")
    assert main(arguments) == 0
    first = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert main(arguments) == 0
    assert json.loads((tmp_path / "out.json").read_text())["rows"] == first
    assert capsys.readouterr().err.count("taken from an earlier run") == 2


@pytest.mark.train
def test_evaluate_on_test_tables_by_the_learners_clock(tables: Tables, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    events, outcomes = world(courses=2, learners=30, seed=8).write(tmp_path)
    more = ("--test-events", str(events), "--test-outcomes", str(outcomes), "--clock", "learner")
    assert main(evaluate(tables, tmp_path / "out.json", *more, "--models", "logistic")) == 0
    result = json.loads((tmp_path / "out.json").read_text())
    assert {row["n"] for row in result["rows"]} == {60}
    assert all(row["auc_fold_mean"] == row["auc"] for row in result["rows"])
    assert "mean over folds" not in (tmp_path / "out.html").read_text()
    assert "folds" not in result["config"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--at", "soon"), ("'soon' is no time span",)),
        (("--at", ","), ("names no moment",)),
        (("--models", "svm"), ("choose from logistic",)),
        (("--folds", "1"), ("--folds must be at least 2",)),
        (("--folds", "9", "--models", "logistic"), ("9 folds", "lower --folds")),
        (("--test-events", "x"), ("--test-events and --test-outcomes belong together",)),
        (("--test-events", "x", "--test-outcomes", "y", "--folds", "3"), ("make no sense",)),
        (("--undersample", "-1"), ("--undersample",)),
        (("--threads", "0"), ("--threads must be at least 1",)),
        (("--target", "graduated"), ("graduated",)),
        (("--target", "gender"), ("gender", "only 0, 1")),
        (("--events", "none.csv"), ("none.csv does not exist",)),
        (("--outcomes", "none.csv"), ("none.csv does not exist",)),
        (("--events", "{o}"), ("lacks the columns time, event_type",)),
        (("--slices", "shoe", "--models", "logistic"), ("lacks the column shoe",)),
        (("--slices", "none.csv", "--models", "logistic"), ("none.csv does not exist",)),
        (
            ("--at", "7d,90d", "--models", "logistic", "--folds", "2"),
            ("--at 90d is beyond the data", "10.0 days"),
        ),
        (("--json", "{tmp}"), ("is a folder",)),
    ],
)
def test_a_wrong_study_is_told_in_one_line(
    more: tuple[str, ...],
    words: tuple[str, ...],
    tables: Tables,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("sklearn")
    filled = [text.format(e=tables[0], o=tables[1], tmp=tmp_path) for text in more]
    line = complaint(capsys, *evaluate(tables, tmp_path / "out.json"), *filled)
    assert all(word in line for word in words), line


@pytest.mark.parametrize("package", ["torch", "sklearn"])
def test_without_the_train_extra_a_study_says_what_to_install(
    package: str, tables: Tables, tmp_path: Path
) -> None:
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / f"{package}.py").write_text(
        f"raise ModuleNotFoundError('no', name='{package}')\n"
    )
    models = {"torch": "ours", "sklearn": "logistic"}[package]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path / 'blocked'}{os.pathsep}{os.getcwd()}"}
    command = [sys.executable, "-m", "predictor", *evaluate(tables, tmp_path / "o.json", "--models", models)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert package in done.stderr
    assert 'pip install "nudge-xblock[train]"' in done.stderr.strip().split("\n")[-1]


@pytest.mark.train
def test_an_interruption_says_how_to_go_on(tables: Tables, tmp_path: Path) -> None:
    arguments = evaluate(tables, tmp_path / "o.json", "--models", "logistic,lstm_raw,ours", "--folds", "4")
    with subprocess.Popen(
        [sys.executable, "-m", "predictor", *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "logistic, fold 1 of 4: done" in line:
                break
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(timeout=20) == 130
    assert "goes on where it stopped" in rest.strip().split("\n")[-1]
    assert not (tmp_path / "o.json").exists()


@pytest.mark.train
def test_a_study_killed_at_any_point_goes_on_to_the_very_same_figures(tables: Tables, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    asked = ("--models", "logistic,lstm_raw,lstm_features,boosting", "--folds", "2", "--inflation")
    assert main(evaluate(tables, tmp_path / "whole.json", *asked)) == 0
    killed = tmp_path / "killed.json"
    command = [sys.executable, "-m", "predictor", *evaluate(tables, killed, *asked)]
    for fits in (1, 2):
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stderr is not None
            finished = (line for line in process.stderr if ": done in" in line)
            assert len(list(islice(finished, fits))) == fits
            process.kill()
        assert not killed.exists()
    assert main(evaluate(tables, killed, *asked)) == 0
    assert killed.read_bytes() == (tmp_path / "whole.json").read_bytes()


@pytest.mark.train
def test_inflation_says_what_it_costs_and_what_it_found(
    tables: Tables, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    out = tmp_path / "out.json"
    assert main(evaluate(tables, out, "--models", "logistic", "--folds", "2", "--inflation")) == 0
    shown = capsys.readouterr().err
    assert "--inflation: 4 fits instead of 2" in shown
    assert "courses seen in training: [2/2] logistic, fold 2 of 2" in shown
    rows = json.loads(out.read_text())["inflation"]
    assert [row["at"] for row in rows] == ["3d", "7d"]
    assert all(row["inflation"] == row["auc_same_courses"] - row["auc_unseen_courses"] for row in rows)
    assert "What a course already seen would feign" in (tmp_path / "out.html").read_text()


@pytest.mark.train
def test_a_table_of_learners_gives_slices(tables: Tables, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    people = sorted({row["learner_id"] for row in world(courses=4, learners=30, seed=7).rows})
    lines = [
        f"{name},{1970 + number % 40},{'EG' if number % 2 else 'DE'}" for number, name in enumerate(people)
    ]
    table = tmp_path / "learners.csv"
    table.write_text("\n".join(["learner_id,year_of_birth,country", *lines]) + "\n")
    out = tmp_path / "out.json"
    assert main(evaluate(tables, out, "--models", "logistic", "--folds", "2", "--slices", str(table))) == 0
    rows = json.loads(out.read_text())["slices"]
    assert {row["column"] for row in rows} == {"age", "country group"}
    africa = next(row for row in rows if row["group"] == "Africa")
    assert {"auc", "ece", "ece_low", "abroca", "abroca_low", "abroca_p_holm", "calibration_p_holm"} <= set(
        africa
    )
    assert "country group" in (tmp_path / "out.html").read_text()


@pytest.mark.train
def test_one_course_alone_cannot_be_folded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    events, outcomes = world(courses=1, learners=30, seed=7).write(tmp_path)
    line = complaint(
        capsys, *evaluate((str(events), str(outcomes)), tmp_path / "o.json", "--models", "logistic")
    )
    assert "there is one course only" in line
    assert "--test-events" in line


@pytest.mark.train
def test_tables_without_a_common_learner_are_told_apart(
    tables: Tables, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    _, strangers = world(courses=4, learners=30, seed=8).write(tmp_path)
    line = complaint(
        capsys, *evaluate((tables[0], str(strangers)), tmp_path / "o.json", "--models", "logistic")
    )
    assert "no learner of the outcomes has an event" in line


@pytest.mark.train
def test_the_verdict_on_the_papers_models_is_printed(
    tables: Tables, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    assert main(evaluate(tables, tmp_path / "o.json", "--models", "knn,boosting", "--folds", "4")) == 0
    assert "After 7d, boosting is not significantly above any" in capsys.readouterr().out
