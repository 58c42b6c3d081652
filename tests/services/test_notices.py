"""Notices of cases by a real worker over a real Redis to a real server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Server
from tests.nudge_xblock.atrisk.receiver import Receiver, listening

from .test_celery import Site, until, worker

__all__ = ["worker"]
pytestmark = pytest.mark.services
FLAGGED = """
import json
from django.utils import timezone
from tests.nudge_xblock.atrisk.somebody import at_risk
from tests.nudge_xblock.moments import COURSE
from nudge_xblock import api
for user_id in %s:
    at_risk(user_id, 0.9, now=timezone.now())
print(json.dumps(api.atrisk.settle(COURSE)["opened"]))
"""
WAITING = "from nudge_xblock.atrisk.models import Notice; print(Notice.objects.filter(taken=None).count())"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as server:
        yield server


@pytest.fixture
def site(redis_server: Server, tmp_path: Path, receiver: Receiver) -> Site:
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.services.settings",
        "NUDGE_TEST_BROKER": redis_server.url,
        "NUDGE_TEST_RECEIVER": receiver.url,
    }
    found = Site(tmp_path, environment)
    assert found.manage("migrate", "--verbosity", "0")[0] == 0
    return found


def test_a_worker_tells_what_the_night_finds_and_comes_back_for_what_was_not_taken(
    site: Site, worker: subprocess.Popen[str], receiver: Receiver
) -> None:
    log = site.folder / "worker.log"
    assert site.shell(FLAGGED % "range(1, 4)") == 3
    until(lambda: "'taken': 3" in log.read_text(), log)
    assert {told["what"] for told in receiver.told} == {"opened"}
    assert len({told["id"] for told in receiver.told}) == len(receiver.told) == 3
    receiver.status = 503
    assert site.shell(FLAGGED % "[4, 5]") == 2
    until(lambda: "'put_off': 2" in log.read_text(), log)
    until(lambda: log.read_text().count("Task nudge_xblock.tasks.case_notices[") >= 5, log)
    assert site.shell(WAITING) == 2, "received again, for later"
