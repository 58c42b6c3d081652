"""The learners' figures on a real MariaDB, which keeps JSON and times in ways of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nudge_xblock.communicator import export, figures, saved
from nudge_xblock.communicator.selection import NEVER
from nudge_xblock.models import Night
from tests.nudge_xblock.communicator.learners import DAY, learner
from tests.nudge_xblock.moments import COURSE, NOW, happened

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("on_mariadb")]


def test_predictions_and_times_are_read_as_elsewhere() -> None:
    learner(7, chances={"pass": 0.115, "leave": 0.6}, seen=timedelta(days=6, hours=23), progress=20)
    learner(8, chances={"pass": 0.994999}, seen=None, mode="verified")
    learner(9, seen=30 * DAY, fell=20)
    Night.objects.create(started=NOW - DAY, finished=NOW - DAY / 2)
    happened("play_video", 3 * 3600.0, user_id=9)
    found = figures.learners(COURSE, NOW)
    told = {user_id: found.why(row) for row, user_id in enumerate(found.user_ids.tolist())}
    assert told == {
        7: {"pass": 12, "leave": 60, "progress": 20, "seen": 6, "mode": "audit", "reasons": []},
        8: {"pass": 99, "seen": "never", "mode": "verified", "reasons": ["never_came"]},
        9: {"seen": 0, "mode": "audit", "reasons": ["fell"]},
    }
    assert (found.figures.columns["seen"] == NEVER).sum() == 1
    assert found.reachable.all()
    assert export.count(COURSE, "pass=0-40") == {"matched": 1, "reachable": 1}


def test_a_name_that_is_taken_is_told_and_nothing_is_lost() -> None:
    row = saved.save(COURSE, 21, "Mine", "pass=0-40")
    with pytest.raises(saved.Taken):
        saved.save(COURSE, 21, "Mine", "pass=0-50")
    assert saved.every(COURSE) == [row]
