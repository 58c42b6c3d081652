"""The night's tables on a real MariaDB: one slot under concurrency, upserts, exact times, the purge."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.test import override_settings

from nudge_xblock import api, remarks, slots, training
from nudge_xblock.models import Enrolment, InboxEvent, Learner, Night, PredictionDay
from tests.flow import campus
from tests.nudge_xblock import engagement

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("on_mariadb", "stores")]


@pytest.fixture(autouse=True)
def site(stores: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(training, "has_torch", lambda: False)
    with override_settings(NUDGE_COMPAT="tests.flow.campus.Campus"):
        yield stores


def test_of_many_processes_that_come_at_once_exactly_one_gets_the_slot() -> None:
    def claim(number: int) -> str:
        try:
            return slots.claim(campus.NOW).runner
        except slots.Busy:
            return ""
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        runners = [runner for runner in pool.map(claim, range(24)) if runner]
    assert len(runners) == 1
    assert Night.objects.count() == 1


def test_a_night_and_the_next_leave_the_same_rows(settings: Any) -> None:
    assert connection.vendor == "mysql"
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    campus.write_logs()
    campus.live()
    Learner.objects.create(user_id=campus.learners(campus.RUNNING)[0], opted_out=True, answers={"sent": 2})

    first = api.run_night(campus.NOW)
    assert not first.failed, remarks.text(first.verdict)
    rows = list(
        Enrolment.objects.order_by("pk").values_list("pk", "predictions", "state", "last_seen", "started")
    )
    assert len(rows) == 4 * (campus.LEARNERS + 1)
    assert set(Enrolment.objects.values_list("predicted_by", flat=True)) == {version}
    assert InboxEvent.objects.filter(time__lt=campus.NOW - timedelta(days=14)).count() == 0
    assert InboxEvent.objects.exists()

    second = api.run_night(campus.NOW)
    assert not second.failed, remarks.text(second.verdict)
    again = list(
        Enrolment.objects.order_by("pk").values_list("pk", "predictions", "state", "last_seen", "started")
    )
    assert again == rows
    assert PredictionDay.objects.count() == len(rows)
    kept = Learner.objects.get(user_id=campus.learners(campus.RUNNING)[0])
    assert (kept.opted_out, kept.answers) == (True, {"sent": 2})
