"""The tasks in a real worker, over a real Redis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nudge_xblock import tasks
from tests.conftest import Server
from tests.flow.conftest import ROOT, manage, shell
from tests.nudge_xblock import engagement
from tests.nudge_xblock.atrisk import term

pytestmark = pytest.mark.services
PATIENCE = 90.0
ASSESSED = """
import json
from django.utils import timezone
from nudge_xblock.atrisk import runs
from nudge_xblock.atrisk.models import Risk
from tests.flow import campus
now = timezone.now()
everybody = {*campus.learners(campus.RUNNING), campus.quiet(campus.RUNNING)}
live = runs.of(campus.RUNNING, now).is_live
there = everybody - runs.done(campus.RUNNING, now) if live else set()
print(json.dumps({*Risk.objects.values_list("enrolment__learner__user_id", flat=True)} == there))
"""
"""Whether everyone is assessed who takes the running course on the day of this test."""


class Site(NamedTuple):
    """A database, stores and a broker of the test's own; `environment` leads processes to them."""

    folder: Path
    environment: dict[str, str]

    def shell(self, code: str) -> Any:
        celery = "from tests.services.worker import app; app.set_current(); "
        return shell(self.folder, celery + code, **self.environment)

    def manage(self, *arguments: str) -> tuple[int, str, str]:
        return manage(self.folder, *arguments, **self.environment)


@pytest.fixture
def site(redis_server: Server, tmp_path: Path) -> Site:
    environment = {"DJANGO_SETTINGS_MODULE": "tests.services.settings", "NUDGE_TEST_BROKER": redis_server.url}
    found = Site(tmp_path, environment)
    assert found.manage("migrate", "--verbosity", "0")[0] == 0
    return found


@pytest.fixture
def worker(site: Site) -> Iterator[subprocess.Popen[str]]:
    """A worker of the queue that NUDGE_QUEUE names, and of no other."""
    command = [
        "celery",
        "--app",
        "tests.services.worker",
        "worker",
        "--queues",
        "nudges",
        "--concurrency",
        "1",
    ]
    log = site.folder / "worker.log"
    with log.open("w") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", *command, "--loglevel", "INFO"],
            cwd=ROOT,
            env=os.environ | site.environment | {"NUDGE_FLOW_DIR": str(site.folder)},
            stdout=output,
            stderr=output,
            text=True,
        )
    try:
        until(lambda: "ready." in log.read_text(), log)
        yield child
    finally:
        child.terminate()
        child.wait(timeout=30)


def until(holds: Any, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.1)


def status(site: Site, night: int) -> Any:
    return site.shell(
        f"import json; from nudge_xblock import api; print(json.dumps(api.night_status({night})))"
    )


@pytest.mark.train
def test_run_now_queues_the_night_for_a_worker_that_does_it_and_a_second_press_is_the_same_night(
    site: Site, worker: subprocess.Popen[str]
) -> None:
    version = engagement.publish(site.folder / "models")
    site.shell("from tests.flow import campus; campus.live()")
    pressed = site.shell(
        "import json; from nudge_xblock import api; "
        "print(json.dumps([api.start_night().pk, api.start_night().pk]))"
    )
    assert pressed[0] == pressed[1]
    until(lambda: not status(site, pressed[0])["running"], site.folder / "worker.log")
    night = status(site, pressed[0])
    assert night["failed"] is False, night
    assert night["steps"]["refresh"]["state"] == "done"
    assert night["steps"]["train"]["state"] == "done", "the worker trained in a process of its own"
    assert night["steps"]["models"]["words"].startswith(f"The engagement model {version} serves")


def test_courses_and_logs_are_shards_that_workers_take(site: Site, worker: subprocess.Popen[str]) -> None:
    engagement.publish(site.folder / "models")
    site.shell("from tests.flow import campus; campus.write_logs()")
    logs = sorted(map(str, (site.folder / "logs").iterdir()))
    assert site.shell(f"from nudge_xblock import api; print(api.queue_logs({json.dumps(logs)}))") == len(logs)
    log = site.folder / "worker.log"
    until(lambda: log.read_text().count("ingest_log") >= 2 * len(logs), log)
    assert site.shell("from nudge_xblock import api; print(api.queue_refresh())") == 4
    until(lambda: log.read_text().count("refresh_course") >= 8, log)
    until(lambda: " succeeded in " in log.read_text().splitlines()[-1], log)
    count = "from nudge_xblock.models import Enrolment; print(Enrolment.objects.exclude(state=None).count())"
    assert site.shell(count) == 4 * 61
    term.serve(site.folder / "models")
    assert site.shell("from nudge_xblock import api; print(api.queue_assessment())") == 4
    done = "Task nudge_xblock.tasks.assess_course["
    until(
        lambda: sum(done in line and " succeeded in " in line for line in log.read_text().splitlines()) == 4,
        log,
    )
    assert site.shell(ASSESSED) is True


def test_a_night_that_failed_is_a_task_that_failed(site: Site, worker: subprocess.Popen[str]) -> None:
    (site.folder / "logs").mkdir()
    (site.folder / "logs" / "tracking.log-1.gz").write_bytes(b"\x1f\x8b\x08no gzip")
    code = (
        "from nudge_xblock import tasks\n"
        "from django.conf import settings\n"
        "result = tasks.night.apply_async(queue=settings.NUDGE_QUEUE)\n"
        "import json\n"
        "print(json.dumps(str(result.get(timeout=60, propagate=False))))"
    )
    said = site.shell(code)
    assert "This step failed: “Reading new events”" in said
    assert "tracking.log-1.gz" in said


def test_without_a_broker_the_press_of_the_button_says_what_is_wrong(site: Site) -> None:
    broken = Site(site.folder, site.environment | {"NUDGE_TEST_BROKER": "redis://127.0.0.1:1/0"})
    night = broken.shell(
        "import json; from nudge_xblock import api; print(json.dumps(api.night_status(api.start_night().pk)))"
    )
    assert night["failed"] is True
    assert night["running"] is False
    assert "check that the Celery broker is up" in night["verdict"]


def test_every_task_may_be_delivered_twice() -> None:
    mine = (
        tasks.night, tasks.ingest_log, tasks.refresh_course, tasks.assess_course, tasks.settle_cases,
        tasks.case_notices, tasks.retire,
    )  # fmt: skip
    assert all(task.acks_late for task in mine)
