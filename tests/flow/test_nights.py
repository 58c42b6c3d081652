"""Nights as cron runs them: processes of their own, killed, without torch, beside broken models."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nudge_xblock import remarks
from predictor.store import ModelStore
from tests.nudge_xblock import engagement

from . import campus
from .conftest import manage, process, shell

NOW = campus.NOW.isoformat()
FILL = "from tests.flow import campus; campus.write_logs(); campus.live()"
TORN_NIGHTS = ("train", "refresh")
BLOCKER = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, NoTorch())
"""
ROWS = """
import json
from nudge_xblock.atrisk.models import Case, Risk
from nudge_xblock.models import *
enrolments = [
    [str(e.course_key), e.learner.user_id, e.mode, str(e.started), str(e.last_seen), str(e.state_through),
     e.needs_rebuild, e.predictions, e.learner.profile]
    for e in Enrolment.objects.select_related("learner").order_by("course_key", "learner__user_id")
]
days = [
    [str(d.enrolment.course_key), d.enrolment.learner.user_id, str(d.day), d.predictions]
    for d in PredictionDay.objects.order_by("enrolment__course_key", "enrolment__learner__user_id")
]
risks = [
    [r.enrolment.learner.user_id, r.chance, r.group, r.tier, r.contributions]
    for r in Risk.objects.select_related("enrolment__learner").order_by("enrolment__learner__user_id")
]
cases = [
    [c.enrolment.learner.user_id, c.group, c.tier, c.state, c.events.count()]
    for c in Case.objects.select_related("enrolment__learner").order_by("enrolment__learner__user_id")
]
inbox = sorted(InboxEvent.objects.values_list("digest", flat=True))
night = Night.objects.filter(promoted=True).get()
targets = night.metrics["engagement"]["targets"]
print(json.dumps([enrolments, days, risks, cases, inbox, targets, night.steps["promote"]["state"]]))
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with a database and events, before its first night."""
    folder = tmp_path_factory.mktemp("site")
    assert manage(folder, "migrate", "--verbosity", "0")[0] == 0
    shell(folder, FILL)
    return folder


@pytest.fixture
def site(filled: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(filled, tmp_path / "site"))


@pytest.fixture(scope="module")
def undisturbed(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The rows after a night that nothing happened to."""
    folder = shutil.copytree(filled, tmp_path_factory.mktemp("undisturbed") / "site")
    status, out, err = manage(folder, "nudge_nightly", "--now", NOW)
    assert status == 0, out + err
    return shell(folder, ROWS)


def nights(folder: Path) -> list[tuple[Any, ...]]:
    """Step, failed, verdict, finished of every night, read from outside, oldest first."""
    with closing(sqlite3.connect(folder / "db.sqlite3", timeout=30)) as database:
        query = "select step, failed, verdict, finished, progress from nudge_xblock_night order by id"
        rows = database.execute(query)
        return [(step, failed, remarks.text(json.loads(told)), *rest) for step, failed, told, *rest in rows]


def steps(folder: Path) -> Any:
    return shell(
        folder,
        "import json; from nudge_xblock.models import Night; print(json.dumps(Night.objects.first().steps))",
    )


def running(folder: Path) -> Iterator[str]:
    """The steps as they come, until the night is over."""
    while True:
        found = nights(folder)
        if found and found[-1][3] is not None:
            return
        yield found[-1][0] if found else ""
        time.sleep(0.005)


@pytest.mark.train
@pytest.mark.parametrize("torn", TORN_NIGHTS)
def test_a_night_killed_in_the_middle_and_run_again_ends_with_the_same_rows(
    site: Path, undisturbed: Any, torn: str
) -> None:
    with process(site, "nudge_nightly", "--now", NOW) as child:
        for step in running(site):
            if step == torn and (torn != "train" or list(site.glob("models/.training/*/checkpoint*"))):
                break
        child.kill()
        child.communicate()
    assert [night[0] for night in nights(site)] == [torn], "it was killed in that very step"

    status, out, err = manage(site, "nudge_nightly", "--now", NOW)

    assert status == 0, out + err
    first, second = nights(site)
    assert first[1] == 1
    assert f"stopped at “{remarks.STEPS[torn]}”" in first[2]
    assert "is gone" in first[2]
    assert second[1] == 0
    if torn == "train":
        assert "going on after epoch" in out
    assert shell(site, ROWS) == undisturbed


@pytest.mark.train
def test_a_second_night_at_once_leaves_the_work_to_the_first(site: Path) -> None:
    with process(site, "nudge_nightly", "--now", NOW) as child:
        next(step for step in running(site) if step == "train")
        status, _, err = manage(site, "nudge_nightly", "--now", NOW)
        child.kill()
        child.communicate()
    assert status == 1
    assert "Night 1 is already running (step train" in err
    assert "Traceback" not in err


@pytest.mark.train
def test_training_dies_with_its_night(site: Path) -> None:
    with process(site, "nudge_nightly", "--now", NOW) as child:
        for step in running(site):
            if step == "train" and (trainers := children(child.pid)):
                break
        child.kill()
        child.communicate()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}/stat").exists() for pid in trainers):
        assert time.monotonic() < deadline, "the training process outlived its night"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in found.read_text().split()] if found.exists() else []


def test_a_night_without_torch_serves_and_refreshes_and_says_what_to_install(
    site: Path, tmp_path: Path
) -> None:
    version = engagement.publish(site / "models")
    (tmp_path / "sitecustomize.py").write_text(BLOCKER)
    here = str(Path(__file__).resolve().parents[2])

    status, out, err = manage(site, "nudge_nightly", "--now", NOW, PYTHONPATH=f"{tmp_path}:{here}")

    assert status == 0, out + err
    assert 'pip install "nudge-xblock[train]"' in out
    found = steps(site)
    assert (found["train"]["state"], found["refresh"]["state"]) == ("skipped", "done")
    assert found["refresh"]["model"] == version
    assert found["refresh"]["enrolments"] == 4 * (campus.LEARNERS + 1)


def test_a_broken_model_file_gives_way_to_the_one_before_it_and_the_night_says_so(
    site: Path, tmp_path: Path
) -> None:
    old = engagement.publish(site / "models", seed=1)
    new = engagement.publish(site / "models", seed=2)
    file = site / "models" / "engagement" / new / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-7])
    (tmp_path / "sitecustomize.py").write_text(BLOCKER)
    here = str(Path(__file__).resolve().parents[2])

    status, out, err = manage(site, "nudge_nightly", "--now", NOW, PYTHONPATH=f"{tmp_path}:{here}")

    assert status == 0, out + err
    assert f"The one before it, {old}, serves again." in nights(site)[-1][2]
    assert "is broken" in nights(site)[-1][2]
    assert "cut short or edited" in steps(site)["models"]["error"]
    assert ModelStore(site / "models").current("engagement") == old
    assert steps(site)["refresh"]["model"] == old


def test_a_broken_model_with_none_before_it_leaves_the_night_going_without(
    site: Path, tmp_path: Path
) -> None:
    only = engagement.publish(site / "models")
    (site / "models" / "engagement" / only / "model.safetensors").write_bytes(b"")
    (tmp_path / "sitecustomize.py").write_text(BLOCKER)
    here = str(Path(__file__).resolve().parents[2])

    status, out, _ = manage(site, "nudge_nightly", "--now", NOW, PYTHONPATH=f"{tmp_path}:{here}")

    assert "none serves until one is trained and promoted" in nights(site)[-1][2]
    assert steps(site)["refresh"]["state"] == "done"
    assert status == 0, out


def test_run_now_without_a_broker_goes_on_after_the_process_that_started_it_has_ended(
    site: Path, tmp_path: Path
) -> None:
    engagement.publish(site / "models")
    (tmp_path / "sitecustomize.py").write_text(BLOCKER)
    here = str(Path(__file__).resolve().parents[2])
    press = "from nudge_xblock import api; print(api.start_night().pk)"
    assert shell(site, press, PYTHONPATH=f"{tmp_path}:{here}") == 1
    deadline = time.monotonic() + 60
    while nights(site)[0][3] is None:
        assert time.monotonic() < deadline, nights(site)
        time.sleep(0.1)
    assert nights(site)[0][1] == 0, nights(site)
    assert steps(site)["refresh"]["state"] == "done"
