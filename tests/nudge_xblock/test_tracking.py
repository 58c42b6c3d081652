"""Live events: one insert per request, nothing lost, nothing twice, nothing raised."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import path
from eventtracking.django.django_tracker import DjangoTracker
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from nudge_xblock import afterwards, tracking
from nudge_xblock.models import InboxEvent
from nudge_xblock.settings.wiring import add_live_events
from predictor.events import Skipped

COURSE = "course-v1:Org+Course+Run"
VIDEO = "block-v1:Org+Course+Run+type@video+block@v1"
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def live(name: str = "play_video", second: int = 0, user_id: Any = 7, **data: Any) -> dict[str, Any]:
    """An event as eventtracking hands it to a backend."""
    return {
        "name": name,
        "timestamp": NOW + timedelta(seconds=second),
        "data": {"id": "v1", "currentTime": second, **data},
        "context": {"user_id": user_id, "course_id": COURSE, "event_source": "browser"},
    }


def logged(name: str = "play_video", second: int = 0) -> dict[str, Any]:
    """The same as a line of the tracking log."""
    return {
        "event_type": name,
        "event": json.dumps({"id": "v1", "currentTime": second}),
        "event_source": "browser",
        "time": (NOW + timedelta(seconds=second)).isoformat(),
        "context": {"user_id": 7, "course_id": COURSE},
        "username": "ada",
    }


def send(*events: dict[str, Any]) -> None:
    for event in events:
        tracking.InboxBackend().send(event)


def watching(request: HttpRequest) -> HttpResponse:
    send(*(live(second=second) for second in range(5)))
    return HttpResponse("watched")


def failing(request: HttpRequest) -> HttpResponse:
    send(live(second=50))
    raise RuntimeError("the view broke")


async def watching_async(request: HttpRequest) -> HttpResponse:
    send(*(live(second=second) for second in range(5)))
    return HttpResponse("watched")


urlpatterns = [
    path("watch", watching),
    path("watch-async", watching_async),
    path("fail", failing),
]


@pytest.fixture
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture(autouse=True)
def no_request() -> Iterator[None]:
    """Other tests may have sent signals of their own; begin and end outside any request."""
    afterwards._collected.set(None)
    yield
    afterwards._collected.set(None)


def inserts(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries if "nudge_xblock_inboxevent" in query["sql"]]


@pytest.mark.django_db
def test_a_request_writes_its_events_with_one_insert(urls: None, client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get("/watch")
    assert InboxEvent.objects.count() == 5
    assert len(inserts(queries)) == 1


@pytest.mark.django_db
def test_a_request_without_events_writes_nothing(urls: None, client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get("/nowhere")
    assert inserts(queries) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["/watch", "/watch-async"])
def test_a_request_under_asgi_loses_no_event(urls: None, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[InboxEvent] = []
    monkeypatch.setattr(tracking, "_insert", kept.extend)  # a database in memory has one connection

    async def ask() -> HttpResponse:
        return await AsyncClient().get(where)

    assert asyncio.run(ask()).status_code == 200
    assert len({row.digest for row in kept}) == 5


@pytest.mark.django_db
def test_a_failing_view_still_keeps_what_happened_before(urls: None) -> None:
    Client(raise_request_exception=False).get("/fail")
    assert InboxEvent.objects.count() == 1


@pytest.mark.django_db
def test_a_request_that_never_ended_does_not_leak_into_the_next() -> None:
    afterwards.begin_request()
    send(live(second=1))
    with CaptureQueriesContext(connection) as queries:
        afterwards.begin_request()
    assert len(inserts(queries)) == 1, "what it left is written on its own"
    send(live(second=2))
    with CaptureQueriesContext(connection) as queries:
        afterwards.finish_request()
    assert len(inserts(queries)) == 1
    assert InboxEvent.objects.count() == 2


@pytest.mark.django_db
def test_outside_a_request_an_event_is_written_at_once() -> None:
    send(live())
    assert InboxEvent.objects.count() == 1


@pytest.mark.django_db
def test_repeats_are_dropped_in_a_batch_and_across_batches() -> None:
    afterwards.begin_request()
    send(live(second=1), live(second=1), live(second=2))
    afterwards.finish_request()
    send(live(second=2))
    assert InboxEvent.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("shape", [live, logged])
def test_both_shapes_of_an_event_become_the_same_row(shape: Callable[..., dict[str, Any]]) -> None:
    send(shape(second=3))
    row = InboxEvent.objects.get()
    assert (row.user_id, str(row.course_key), row.token, row.item_id) == (7, COURSE, "play_video", VIDEO)
    assert row.time == NOW + timedelta(seconds=3)


@pytest.mark.django_db
def test_a_graded_problem_keeps_its_share_of_points() -> None:
    block = "block-v1:Org+Course+Run+type@problem+block@p1"
    event = live("problem_check", problem_id=block, success="incorrect", grade=1, max_grade=4)
    event["context"]["event_source"] = "server"
    send(event)
    row = InboxEvent.objects.get()
    assert (row.token, row.item_id, row.score) == ("problem_check_incorrect", block, 0.25)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"context": {"user_id": "ada", "course_id": COURSE}}, tracking.NO_USER_ID),
        ({"timestamp": "yesterday"}, "unreadable time"),
        ({"context": {"user_id": 7}}, "outside any course"),
        ({"name": ""}, "no event type"),
    ],
)
def test_what_cannot_be_kept_is_counted_by_its_reason(change: dict[str, Any], reason: str) -> None:
    before = tracking.COUNTS[reason]
    send(live() | change)
    assert tracking.COUNTS[reason] == before + 1
    assert not InboxEvent.objects.exists()


@pytest.mark.django_db
def test_an_item_too_long_for_its_column_costs_the_item_not_the_event() -> None:
    send(live(id="v" * 300))
    assert InboxEvent.objects.get().item_id == ""


def test_a_database_that_is_away_costs_the_events_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(rows: Any) -> None:
        raise DatabaseError("gone away")

    monkeypatch.setattr(tracking, "_insert", away)
    before = tracking.COUNTS[tracking.NOT_WRITTEN]
    with caplog.at_level(logging.ERROR):
        afterwards.begin_request()
        send(live(second=1), live(second=2))
        afterwards.finish_request()
    assert tracking.COUNTS[tracking.NOT_WRITTEN] == before + 2
    assert "2 live events were not stored" in caplog.text


@pytest.mark.django_db
def test_a_deadlock_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    insert, failures = tracking._insert, [OperationalError(1213, "Deadlock found")]

    def sometimes(rows: list[InboxEvent]) -> None:
        if failures:
            raise failures.pop()
        insert(rows)

    monkeypatch.setattr(tracking, "_insert", sometimes)
    send(live())
    assert InboxEvent.objects.count() == 1


def test_the_digest_knows_the_whole_event_and_not_the_order_of_its_keys() -> None:
    event = live(second=1)
    backwards = dict(reversed(list(copy.deepcopy(event).items())))
    assert tracking.digest(event) == tracking.digest(backwards)
    assert tracking.digest(event) != tracking.digest(live(second=1, extra=1))
    assert len(tracking.digest(event)) == 32


@given(st.floats(946684800, 4102444800))
def test_times_go_to_the_microsecond_and_back(seconds: float) -> None:
    kept = tracking.moment(seconds)
    assert abs(kept.timestamp() - seconds) <= 1e-6
    assert tracking.moment(kept.timestamp()) == kept


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(
    ["name", "data", "timestamp", "context", "event", "event_type", "time", "event_source", "username"]
)


odd_contexts = st.fixed_dictionaries({"user_id": json_values, "course_id": json_values})


@given(st.dictionaries(keys, json_values | odd_contexts))
@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_event_however_odd_is_an_error(event: dict[str, Any]) -> None:
    afterwards._collected.set({})  # a request, so that nothing is written
    tracking.InboxBackend().send(event)


@pytest.mark.django_db
def test_the_tracker_built_from_the_platforms_settings_reaches_the_inbox(settings: Any) -> None:
    settings.EVENT_TRACKING_BACKENDS = {}
    add_live_events(settings)
    tracker = DjangoTracker()
    context = {"user_id": 7, "course_id": COURSE, "event_source": "browser"}
    with tracker.context("test", context):
        tracker.emit("play_video", {"id": "v1"})
        tracker.emit("some.other.event", {"id": "v1"})
    assert [row.token for row in InboxEvent.objects.all()] == ["play_video"]


def test_a_skipped_event_says_why() -> None:
    assert tracking.row_of(live(user_id="ada")) == Skipped(tracking.NO_USER_ID)
