"""The command line as other programs call it: every command once for real, every mistake in one line."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from predictor import commands
from predictor.__main__ import main
from predictor.stack import KIND as STACK
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


def test_ingest_reads_a_table_into_a_store(tables: tuple[str, str], tmp_path: Path) -> None:
    assert main(["ingest", tables[0], "--out", str(tmp_path / "store"), "--workers", "1"]) == 0
    assert main(["ingest", tables[0], "--out", str(tmp_path / "store"), "--workers", "1"]) == 0


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
def test_train_stacks_unless_told_otherwise(store: str, tables: tuple[str, str], tmp_path: Path) -> None:
    stacked = ModelStore(store)
    beside = {stacked.manifest(STACK, version)["engagement"] for version in stacked.versions(STACK)}
    assert stacked.current(KIND) in beside
    asked = ("--events", tables[0], "--outcomes", tables[1], "--target", "passed", "--store", str(tmp_path))
    assert main(["train", *asked, *SMALL, "--threads", "1", "--no-stack"]) == 0
    assert ModelStore(tmp_path).versions(STACK) == []
    assert ModelStore(tmp_path).current(KIND)


def test_a_model_serves_only_when_its_stack_has_earned_it_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models, tensors = ModelStore(tmp_path), {"weight": np.zeros(1)}

    def published(stacked: float) -> str:
        version = models.publish(KIND, tensors, {"targets": ["passed"], "metrics": {"passed": {"auc": 0.8}}})
        moment = {"day": 7.0, "n": 9000, "auc": stacked, "sequence": 0.8, "ece": 0.02}
        models.publish(STACK, tensors, {"engagement": version, "metrics": {"passed": [moment]}})
        return version

    first, worse, better = published(0.85), published(0.8), published(0.86)
    for version, serves in ((first, first), (worse, first), (better, better)):
        commands._promote(models, version, "earned", stacked=True)
        assert models.current(KIND) == serves
    assert "of its stack, its AUC for passed is 0.800, not 0.850" in capsys.readouterr().err
    commands._promote(models, worse, "earned", stacked=False)
    assert models.current(KIND) == worse, "who wants no stack does not compare them"


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
@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_serve_answers_until_it_is_told_to_stop(store: str, told: signal.Signals) -> None:
    command = [sys.executable, "-m", "predictor", "serve", "--store", store, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            address = line.split(" at ")[1].split(";")[0]
            with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
                assert json.loads(answer.read())["status"] == "ok"
            process.send_signal(told)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()


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


@pytest.mark.train
def test_training_tables_without_a_common_learner_are_told_apart(
    tables: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, strangers = world(courses=4, learners=30, seed=8).write(tmp_path)
    asked = ("--events", tables[0], "--outcomes", str(strangers), "--target", "passed")
    line = complaint(capsys, "train", *asked, "--store", str(tmp_path / "models"))
    assert "no learner of the outcomes has an event" in line
    assert "course 'course-7-0'" in line
