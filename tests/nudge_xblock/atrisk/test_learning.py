"""The risk model learns from course runs that are over, in a process of its own, and keeps nobody."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from nudge_xblock import apart, api, labels, promotion, remarks, retirement
from nudge_xblock.atrisk import learning
from nudge_xblock.holdout import is_held_out
from nudge_xblock.models import Night
from nudge_xblock.night import RISK, Run, Skipped, models
from nudge_xblock.training import TrainingFailed
from predictor.assignments import Assignments
from predictor.outcomes import read_outcomes
from predictor.risk import RiskModel

from .. import nighttime
from . import term
from .term import PAST, School

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]


@pytest.fixture(autouse=True)
def school() -> Iterator[None]:
    School.forget()
    with override_settings(NUDGE_COMPAT=f"{term.__name__}.School", NUDGE_HELD_OUT_SHARE=0.25):
        yield


def night() -> Run:
    """A night that knows how enrolments ended, after any before it."""
    Night.objects.update(slot=None)
    job = nighttime.run()
    labels.collect(job)
    return job


def skipped(job: Run) -> list[dict[str, Any]]:
    with pytest.raises(Skipped) as found:
        learning.gather(job)
    return found.value.remarks


def test_too_few_finished_runs_are_said_in_words() -> None:
    term.finished()
    School.dates.pop(PAST[0])
    told = skipped(night())
    assert told == [{"code": "no_risk_runs", "n": 2, "enough": 3}]
    assert remarks.sentence(told[0]) == (
        "No risk model was trained: 2 course runs are over of which enough is known, 3 are needed."
    )


def test_runs_of_whom_nearly_everybody_completes_teach_nothing() -> None:
    term.finished()
    for course_key in PAST:
        start = School.dates[course_key].start
        assert start is not None
        everybody = [row.user_id for row in School.enrolled[course_key]]
        School.completed[course_key] = dict.fromkeys(everybody, start + 39 * term.DAY)
    assert [each["code"] for each in skipped(night())] == ["no_risk_learners"]


def test_without_events_there_are_no_runs() -> None:
    assert [each["code"] for each in skipped(night())] == ["no_risk_runs"]


def test_without_scipy_the_words_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "find_spec", lambda name: None)
    with pytest.raises(Skipped, match=r'pip install "nudge-xblock\[train\]"'):
        learning.learn(nighttime.run())


@pytest.mark.train
def test_a_model_is_trained_serves_and_keeps_nobody(stores: Path) -> None:
    term.finished()
    job = night()
    said: list[str] = []
    job.reporter = lambda step, progress, words: said.append(words)
    words = learning.learn(job)
    version = job.candidates[RISK]
    assert words.startswith(f"{version}: complete: AUC 0.")
    assert any("described at" in one for one in said)
    assert models().current(RISK) is None, "only the verdict lets it serve"
    promotion.settle(job)
    assert models().current(RISK) == version

    with pytest.raises(Skipped, match=f"nothing is new since {version} was"):
        learning.learn(night())
    _knows_nobody(stores / "models" / RISK / version)
    assert not [*(stores / "models" / "work").glob("risk_*.csv")], "the tables name learners"
    retirement.retire(1003)

    digest = learning._remembered()["digest"]
    assert learning._digest(learning.gather(night())) != digest, "tonight another is trained, without them"
    assert api.models()[RISK]["serving"] == version


def _knows_nobody(folder: Path) -> None:
    """No file of a model holds the id of a learner of the finished runs."""
    told = (folder / "manifest.json").read_text()
    ids = {str(row.user_id) for course_key in PAST for row in School.enrolled[course_key]}
    assert not ids & set(re.findall(r'"(\d+)"', told))
    tensors = RiskModel.load(models(), folder.name)
    assert tensors.weights.size + tensors.typical.size < 2000, "curves, and no row a learner"


@pytest.mark.train
def test_tables_that_training_reads_lose_a_retired_learner_and_do_not_outlast_it(
    stores: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    term.finished()
    mine = next(user_id for user_id in range(1000, 1050) if not is_held_out(str(user_id), 0.25))
    seen: list[str] = []

    def named() -> bool:
        tables = sorted((stores / "models" / "work").glob("risk_*.csv"))
        seen[:] = [path.name for path in tables]
        return any(re.search(rf",{mine}[,\n]", path.read_text()) for path in tables)

    def stopped(*_told: Any) -> Any:
        assert named()
        retirement.retire(mine)
        assert not named()
        assert seen == ["risk_assignments.csv", "risk_facts.csv", "risk_outcomes.csv"]
        raise OSError("no process")

    monkeypatch.setattr(apart, "run", stopped)
    with pytest.raises(OSError, match="no process"):
        learning.learn(night())
    assert not named()
    assert not seen, "they are gone however training ended"
    (stores / "models" / "work" / "risk_facts.csv").write_text(f"course_id,learner_id\nc,{mine}\n")
    monkeypatch.setattr(learning, "has_scipy", lambda: False)
    with pytest.raises(Skipped):
        learning.learn(night())
    assert not named(), "so is what a night that was killed has left"


def test_tables_hold_no_learner_who_is_kept_out(stores: Path) -> None:
    term.finished()
    late = next(number for number in range(50) if not is_held_out(str(1000 + number), 0.25))
    came = School.enrolled[PAST[0]][late].enrolled + 9 * term.DAY
    School.enrolled[PAST[0]][late] = School.enrolled[PAST[0]][late]._replace(enrolled=came)
    job = night()
    lessons = learning.gather(job)
    order = learning._order(lessons, job)
    taught = read_outcomes(order["outcomes"], ["complete"])
    names = {name for course in taught.by_course.values() for name in course.learners}
    assert names
    assert not any(is_held_out(name, 0.25) for name in names)
    held = {name for course in lessons.held_out.by_course.values() for name in course.learners}
    assert held
    assert not held & names
    for path in (*order["facts"], order["assignments"]):
        told = set(re.findall(r",(\d+),", Path(path).read_text()))
        assert not told & held
    assert order["lengths"] == dict.fromkeys(map(str, PAST), term.LENGTH.total_seconds())
    assert order["joined"] == {
        str(key): {str(1000 + late): came.timestamp()} if key == PAST[0] else {} for key in PAST
    }
    Assignments.read(order["assignments"])


def test_the_newest_runs_count_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    term.finished()
    monkeypatch.setattr(learning, "MOST_LEARNERS", 60)
    with override_settings(NUDGE_RISK_MIN_RUNS=2), monkeypatch.context() as patch:
        patch.setattr(learning, "LEAST_LEARNERS", 50)
        patch.setattr(learning, "LEAST_OF_A_KIND", 10)
        lessons = learning.gather(night())
    assert [run.key for run in lessons.runs] == [PAST[1], PAST[0]], "oldest first"


@pytest.mark.train
def test_a_training_process_that_dies_tells_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    term.finished()
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.exit('no memory left')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(TrainingFailed, match=r"Training the risk model stopped: .*no memory left"):
        learning.learn(night())


@pytest.mark.train
def test_one_killed_before_the_verdict_is_judged_the_next_night(settings: Any) -> None:
    term.finished()
    job = night()
    version = term.made().publish(models())
    learning._remember(learning._digest(learning.gather(job)), version, judged=False)
    learning.learn(job)
    assert job.metrics[RISK]["version"] == version, "it is not trained again"
    assert models().versions(RISK) == [version]


def test_a_rollback_lets_the_one_before_serve_again(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    first = term.serve(settings.NUDGE_MODEL_DIR)
    second = term.serve(settings.NUDGE_MODEL_DIR)
    assert models().current(RISK) == second
    call_command("nudge_rollback", "--kind", "risk")
    assert models().current(RISK) == first
    assert f"risk model {first} serves again" in capsys.readouterr().out
    call_command("nudge_promote", second, "--kind", "risk")
    assert models().current(RISK) == second


def test_a_broken_model_that_serves_is_mended_in_words(settings: Any) -> None:
    first = term.serve(settings.NUDGE_MODEL_DIR)
    second = term.serve(settings.NUDGE_MODEL_DIR)
    (models().path / RISK / second / "model.safetensors").write_bytes(b"half a file")
    job = nighttime.run()
    assert job.serving[RISK] == first
    assert "The file of the risk model that served is broken." in remarks.text(job.told)
