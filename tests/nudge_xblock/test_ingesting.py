"""Live events and logs into the store: each once, and nothing lost."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nudge_xblock import api, courses, ingesting
from nudge_xblock.models import InboxEvent
from predictor.sequences import EventStore

from . import nighttime
from .moments import COURSE, NOW, happened

pytestmark = [pytest.mark.django_db]


@pytest.fixture(autouse=True)
def logs(stores: Path) -> Path:
    folder = stores / "logs"
    folder.mkdir()
    return folder


def line(user_id: int, second: int) -> str:
    return json.dumps(
        {
            "event_type": "play_video",
            "event_source": "browser",
            "event": json.dumps({"id": "v1"}),
            "time": f"2026-11-01T10:00:{second:02}+00:00",
            "context": {"course_id": str(COURSE), "user_id": user_id},
        }
    )


def stored() -> int:
    return sum(len(courses.event_store().sequences(course).times) for course in courses.event_store().courses)


def test_live_events_reach_the_store_with_their_score_and_only_once() -> None:
    happened("problem_check_incorrect", 60, score=0.25)
    happened("play_video", 30)
    job = nighttime.run()
    assert ingesting.read_inbox(job).added == 2
    assert ingesting.read_inbox(job).added == 0
    sequences = courses.event_store().sequences(str(COURSE))
    assert sequences.learners == ["7"]
    assert sequences.times.tolist() == [(NOW - timedelta(seconds=ago)).timestamp() for ago in (60, 30)]
    assert sequences.scores.tolist()[0] == 0.25


def test_an_event_in_the_inbox_and_in_the_log_is_one_event(logs: Path) -> None:
    from nudge_xblock.tracking import InboxBackend

    (logs / "tracking.log").write_text(line(7, 1) + "\n")
    InboxBackend().send(json.loads(line(7, 1)))
    ingesting.ingest(nighttime.run())
    assert stored() == 1


def test_rows_that_came_while_the_inbox_was_last_read_are_read_now() -> None:
    job = nighttime.run()
    ingesting.read_inbox(job)
    row = happened("play_video", 5)
    InboxEvent.objects.filter(pk=row.pk).update(arrived=ingesting.Memory().inbox - timedelta(minutes=30))
    assert ingesting.read_inbox(job).added == 1


def test_a_new_store_is_filled_from_the_beginning(stores: Path, settings: Any) -> None:
    happened("play_video", 5)
    job = nighttime.run()
    ingesting.read_inbox(job)
    settings.NUDGE_EVENTS_DIR = str(stores / "another")
    assert ingesting.read_inbox(job).added == 1


def test_a_log_is_read_again_only_when_it_has_changed_and_not_for_being_rotated(logs: Path) -> None:
    log = logs / "tracking.log"
    log.write_text(line(7, 1) + "\n")
    job = nighttime.run()
    assert "1 events from 1 log files" in ingesting.ingest(job)
    log.rename(logs / "tracking.log-1")
    assert "0 events from 0 log files" in ingesting.ingest(job)
    log.write_text(line(7, 2) + "\n")
    assert "1 events from 1 log files" in ingesting.ingest(job)
    with log.open("a") as more:
        more.write(line(8, 3) + "\n")
    assert "1 events from 1 log files" in ingesting.ingest(job)
    assert stored() == 3


def test_what_a_torn_file_still_holds_is_kept_and_the_step_fails_once(logs: Path) -> None:
    whole = gzip.compress("\n".join(line(user_id, 1) for user_id in range(1, 4000)).encode(), 1)
    (logs / "tracking.log-1.gz").write_bytes(whole[: len(whole) // 2])
    (logs / "tracking.log").write_text(line(5000, 1) + "\nno json\n")
    job = nighttime.run()
    with pytest.raises(
        ingesting.Unread, match=r"Not read to the end: .*tracking.log-1.gz \(file cut short\)"
    ):
        ingesting.ingest(job)
    assert stored() > 100
    assert "5000" in EventStore(courses.event_store().path).sequences(str(COURSE)).learners
    assert sum(job.figures["malformed"].values()) == 2
    assert "0 events from 0 log files" in ingesting.ingest(job), "it has not changed since"


def test_logs_are_read_by_hand_too_and_reported_in_words(logs: Path) -> None:
    (logs / "x.log").write_text(line(7, 1) + "\nno json\n")
    report = api.ingest_logs([logs / "x.log"])
    assert report["added"] == 1
    assert report["broken_files"] == []
    assert "1 malformed lines" in report["words"]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        api.ingest_logs([logs / "nowhere"])
