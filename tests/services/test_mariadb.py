"""The plugin's tables on a real MariaDB: migrations, live events under concurrency, exact times."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, connections

from nudge_xblock import afterwards, tracking
from nudge_xblock.models import Enrolment, InboxEvent, Learner

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("on_mariadb")]

COURSE = "course-v1:Org+Course+Run"


def video_event(user_id: int, second: int, microsecond: int = 0) -> dict[str, Any]:
    return {
        "name": "play_video",
        "timestamp": datetime(2026, 11, 20, 10, 0, second, microsecond, tzinfo=UTC),
        "data": {"id": "v1", "currentTime": second},
        "context": {"user_id": user_id, "course_id": COURSE, "event_source": "browser"},
    }


def test_migrations_leave_nothing_to_migrate_and_every_table_in_place() -> None:
    assert connection.vendor == "mysql"
    tables = set(connection.introspection.table_names())
    assert {model._meta.db_table for model in apps.get_app_config("nudge_xblock").get_models()} <= tables
    call_command("makemigrations", "nudge_xblock", check=True, dry_run=True, verbosity=0)


def test_migrations_can_be_undone() -> None:
    call_command("migrate", "nudge_xblock", "zero", verbosity=0)
    try:
        left = [name for name in connection.introspection.table_names() if name.startswith("nudge_xblock_")]
    finally:
        call_command("migrate", verbosity=0)
    assert left == []


def test_repeated_events_are_stored_once() -> None:
    rows = [tracking.row_of(video_event(1, second)) for second in (1, 2, 2, 3)]
    tracking.store(rows)
    tracking.store([tracking.row_of(video_event(1, 2))])
    assert InboxEvent.objects.count() == 3


def test_the_same_batch_from_many_threads_at_once_is_stored_once_and_whole() -> None:
    events = [video_event(user, second) for user in range(1, 6) for second in range(40)]

    def request(number: int) -> None:
        afterwards.begin_request()
        mine = events if number % 2 else list(reversed(events))
        for event in mine:
            tracking.InboxBackend().send(event)
        afterwards.finish_request()
        connections.close_all()

    before = tracking.COUNTS[tracking.NOT_WRITTEN]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(request, range(16)))
    assert InboxEvent.objects.count() == len(events)
    assert tracking.COUNTS[tracking.NOT_WRITTEN] == before


def test_microseconds_survive() -> None:
    tracking.store([tracking.row_of(video_event(1, 1, 123457))])
    assert InboxEvent.objects.get().time.microsecond == 123457


def test_a_checkpoint_is_found_again_by_its_time_to_the_microsecond() -> None:
    from nudge_xblock.states import Checkpoint, save_checkpoints

    was = datetime(2026, 11, 20, 10, 0, 1, 999999, tzinfo=UTC)
    enrolment = Enrolment.objects.create(
        learner=Learner.objects.create(user_id=1), course_key=COURSE, state_model="m", state_through=was
    )
    due = Checkpoint(enrolment.pk, b"state", "m", was + timedelta(minutes=1), was, was, "m")
    assert save_checkpoints([due]) == 1
    assert save_checkpoints([due]) == 0, "the row has moved on"
    enrolment.refresh_from_db()
    assert bytes(enrolment.state) == b"state"


def test_a_late_event_marks_its_enrolment_in_the_same_transaction() -> None:
    enrolment = Enrolment.objects.create(learner=Learner.objects.create(user_id=7), course_key=COURSE)
    tracking.store([tracking.row_of(video_event(7, 1))])
    enrolment.refresh_from_db()
    assert enrolment.needs_rebuild


def test_text_beyond_the_basic_plane_is_kept() -> None:
    event = video_event(1, 1) | {"data": {"id": "v1", "note": "🙂"}}
    tracking.store([tracking.row_of(event)])
    assert InboxEvent.objects.count() == 1
