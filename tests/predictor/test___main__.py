"""The command line as other programs call it: every command once for real, every mistake in one line."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from predictor.__main__ import main
from predictor.store import ModelStore
from predictor.streaming import KIND
from tests.predictor.study_world import BEGIN, world

SMALL = ("--set", "epochs=1", "--set", "hidden=8", "--set", "embedding=8", "--set", "width=8")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    events, outcomes = world(courses=4, learners=30, seed=7).write(tmp_path_factory.mktemp("tables"))
    return str(events), str(outcomes)


@pytest.fixture(scope="module")
def store(tables: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("torch")
    folder = str(tmp_path_factory.mktemp("models"))
    events, outcomes = tables
    asked = ("--events", events, "--outcomes", outcomes, "--target", "passed", "--store", folder)
    assert main(["train", *asked, *SMALL, "--threads", "1"]) == 0
    return folder


@pytest.fixture(autouse=True)
def _same_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a wrong call prints; whatever progress came before it is dropped."""
    try:
        status = main(arguments)
    except SystemExit as exit_:
        status = int(exit_.code or 0)
    assert status == 2
    lines = capsys.readouterr().err.rstrip("\n").split("\n")
    assert lines[-1].startswith("python -m predictor")
    assert not any("Traceback" in line for line in lines)
    return lines[-1]


def evaluate(tables: tuple[str, str], out: Path, *more: str) -> list[str]:
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


def test_ingest_reads_a_table_into_a_store(tables: tuple[str, str], tmp_path: Path) -> None:
    assert main(["ingest", tables[0], "--out", str(tmp_path / "store"), "--workers", "1"]) == 0
    assert main(["ingest", tables[0], "--out", str(tmp_path / "store"), "--workers", "1"]) == 0


@pytest.mark.train
def test_evaluate_writes_figures_and_a_page(
    tables: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
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
    tables: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    arguments = evaluate(tables, tmp_path / "out.json", "--folds", "2", "--models", "logistic")
    assert main(arguments) == 0
    first = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert main(arguments) == 0
    assert json.loads((tmp_path / "out.json").read_text())["rows"] == first
    assert capsys.readouterr().err.count("taken from an earlier run") == 2


@pytest.mark.train
def test_evaluate_on_test_tables_by_the_learners_clock(tables: tuple[str, str], tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    events, outcomes = world(courses=2, learners=30, seed=8).write(tmp_path)
    more = ("--test-events", str(events), "--test-outcomes", str(outcomes), "--clock", "learner")
    assert main(evaluate(tables, tmp_path / "out.json", *more, "--models", "logistic")) == 0
    result = json.loads((tmp_path / "out.json").read_text())
    assert {row["n"] for row in result["rows"]} == {60}
    assert "folds" not in result["config"]


@pytest.mark.train
def test_train_promotes_the_first_and_a_worse_one_not(store: str, tables: tuple[str, str]) -> None:
    models = ModelStore(store)
    (first,) = models.versions(KIND)
    assert models.current(KIND) == first
    assert set(models.manifest(KIND)["targets"]) == {"passed", "leave"}
    events, outcomes = tables
    asked = (
        "train",
        "--events",
        events,
        "--outcomes",
        outcomes,
        "--target",
        "passed",
        "--store",
        store,
        *SMALL,
    )
    assert main([*asked, "--leave-days", "0", "--seed", "1"]) == 0
    assert models.current(KIND) == first
    assert len(models.versions(KIND)) == 2


@pytest.mark.train
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_predict_writes_a_row_per_enrolment(
    store: str, tables: tuple[str, str], tmp_path: Path, ending: str
) -> None:
    pytest.importorskip("pyarrow")
    out = tmp_path / f"out.{ending}"
    asked = ("predict", "--events", tables[0], "--store", store, "--at", "2021-06-01", "--out", str(out))
    assert main([*asked, "--outcomes", tables[1]]) == 0
    if ending == "csv":
        rows = list(csv.DictReader(out.read_text().splitlines()))
    else:
        rows = __import__("pyarrow.parquet").parquet.read_table(out).to_pylist()
    assert list(rows[0]) == ["course_id", "learner_id", "at", "passed", "leave", "model"]
    assert len(rows) == 120
    assert all(0 <= float(row["passed"]) <= 1 for row in rows)
    assert {row["model"] for row in rows} == {ModelStore(store).current(KIND)}


@pytest.mark.train
def test_predict_without_a_roster_knows_who_has_come(
    store: str, tables: tuple[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    moment = np.datetime64(int(BEGIN + 5 * 86400), "s").astype(str)
    assert main(["predict", "--events", tables[0], "--store", store, "--at", moment, "--out", str(out)]) == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert {row["course_id"] for row in rows} == {"course-7-0"}
    came = {e.learner_id for e in world(courses=4, learners=30, seed=7).events if e.time < BEGIN + 5 * 86400}
    assert {row["learner_id"] for row in rows} == came


def test_offpolicy_writes_values_and_refuses_what_the_log_cannot_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = tmp_path / "d.csv", tmp_path / "o.json"
    rows = [f"{i},{'send' if i % 2 else 'hold'},0.5,{int(i % 4 == 1)},0.5,0.5" for i in range(200)]
    table.write_text("\n".join(["decision_id,arm,propensity,reward,p_send,p_hold", *rows]) + "\n")
    assert main(["offpolicy", "--decisions", str(table), "--json", str(out)]) == 0
    policies = {row["policy"]: row for row in json.loads(out.read_text())["policies"]}
    assert set(policies) == {"logged", "target", "always send", "always hold"}
    assert policies["always send"]["snips"]["value"] == pytest.approx(0.5)
    assert "always send" in capsys.readouterr().out
    table.write_text(table.read_text().replace("p_hold", "p_mail"))
    line = complaint(capsys, "offpolicy", "--decisions", str(table), "--json", str(out))
    assert "'mail', which was never logged" in line
    assert json.loads(out.read_text())["policies"][1]["refused"]


@pytest.mark.train
def test_serve_answers_until_it_is_told_to_stop(store: str) -> None:
    command = [sys.executable, "-m", "predictor", "serve", "--store", store, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            address = line.split(" at ")[1].split(";")[0]
            with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
                assert json.loads(answer.read())["status"] == "ok"
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("COMMAND", "--help")),
        (("fly",), ("invalid choice", "evaluate")),
        (("evaluate",), ("--events", "required")),
        (("ingest", "none.log", "--out", "{tmp}/s"), ("none.log",)),
        (("offpolicy", "--decisions", "none.csv", "--json", "{tmp}/o"), ("none.csv does not exist",)),
        (("predict", "--events", "{e}", "--store", "{tmp}", "--at", "soon", "--out", "{tmp}/p"), ("ISO",)),
        (
            ("predict", "--events", "{e}", "--store", "{tmp}", "--at", "2026-01-01", "--out", "{tmp}/p"),
            ("promote",),
        ),
        (
            ("predict", "--events", "{e}", "--store", "{tmp}", "--at", "2026-01-01", "--out", "{tmp}"),
            ("is a folder",),
        ),
        (("serve", "--store", "{tmp}"), ("no engagement model",)),
        (("serve", "--store", "{tmp}", "--token-file", "none"), ("none", "No such file")),
    ],
)
def test_a_wrong_call_is_told_in_one_line(
    arguments: tuple[str, ...],
    words: tuple[str, ...],
    tables: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = [text.format(e=tables[0], o=tables[1], tmp=tmp_path) for text in arguments]
    line = complaint(capsys, *filled)
    assert all(word in line for word in words), line


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
        (("--json", "{tmp}"), ("is a folder",)),
    ],
)
def test_a_wrong_study_is_told_in_one_line(
    more: tuple[str, ...],
    words: tuple[str, ...],
    tables: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("sklearn")
    filled = [text.format(e=tables[0], o=tables[1], tmp=tmp_path) for text in more]
    line = complaint(capsys, *evaluate(tables, tmp_path / "out.json"), *filled)
    assert all(word in line for word in words), line


@pytest.mark.train
@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--set", "epochs"), ("NAME=VALUE",)),
        (("--set", "speed=9"), ("speed", "hidden")),
        (("--set", "epochs=0"), ("epochs must be at least 1",)),
        (("--target", "graduated"), ("graduated",)),
    ],
)
def test_a_wrong_training_is_told_in_one_line(
    more: tuple[str, ...],
    words: tuple[str, ...],
    tables: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = (
        "train",
        "--events",
        tables[0],
        "--outcomes",
        tables[1],
        "--target",
        "passed",
        "--store",
        str(tmp_path),
    )
    line = complaint(capsys, *asked, *more)
    assert all(word in line for word in words), line


@pytest.mark.parametrize("package", ["torch", "sklearn"])
def test_without_the_train_extra_a_study_says_what_to_install(
    package: str, tables: tuple[str, str], tmp_path: Path
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
def test_an_interruption_says_how_to_go_on(tables: tuple[str, str], tmp_path: Path) -> None:
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
