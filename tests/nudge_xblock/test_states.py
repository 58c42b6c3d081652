"""A stored and streamed state equals one computed afresh, whatever came late, twice or was cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import afterwards, refreshing, serving, states, tracking
from nudge_xblock.models import Enrolment, InboxEvent, Learner
from predictor.events import Event
from predictor.sequences import EventStore, EventTable
from predictor.streaming import Reading
from tests.nudge_xblock.engagement import VOCABULARY, publish

pytestmark = pytest.mark.django_db

COURSE = CourseKey.from_string("course-v1:Org+Course+Run")
START = datetime(2026, 11, 1, tzinfo=UTC)
LAG = 300
TOKENS = (*VOCABULARY, "never seen in training")


class Killed(BaseException):
    """The process ends here: nothing catches it."""


@pytest.fixture
def model(stores: Path, settings: Any) -> str:
    settings.NUDGE_STATE_LAG_SECONDS = LAG
    settings.NUDGE_STATE_TAIL = 3
    return publish(settings.NUDGE_MODEL_DIR)


@pytest.fixture
def enrolment(db: None) -> Enrolment:
    return enrol()


def enrol() -> Enrolment:
    learner = Learner.objects.create(user_id=7)
    return Enrolment.objects.create(learner=learner, course_key=COURSE, started=START)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def row(seconds: float, token: str = "play_video", item: str = "v1", mark: str = "") -> InboxEvent:
    return InboxEvent(
        digest=tracking.digest({"time": seconds, "token": token, "item": item, "mark": mark}),
        course_key=COURSE,
        user_id=7,
        time=at(seconds),
        token=token,
        item_id=item,
    )


def ask(now: datetime) -> Reading:
    """Read as a request would, due checkpoints at its end."""
    enrolment = Enrolment.objects.select_related("learner").get()
    afterwards.begin_request()
    outlook = states.outlook(enrolment, states.tail(enrolment, now), now)
    afterwards.finish_request()
    assert outlook.why == ""
    assert outlook.reading is not None
    return outlook.reading


def afresh(now: datetime) -> Reading:
    """What the model says when the event store gives it every event from the first on."""
    streamer = serving.engagement.current().model
    assert streamer is not None
    sequences = EventTable.of(stored()).sequences(str(COURSE))
    just_after = now.timestamp() + 1e-6  # a refresh takes what is before its moment
    return streamer.refresh(sequences, START.timestamp(), just_after)["7"][1]


def stored() -> list[Event]:
    return [
        Event(str(COURSE), "7", found.time.timestamp(), found.token, found.item_id)
        for found in InboxEvent.objects.all()
    ]


def same(one: Reading, other: Reading) -> bool:
    probabilities = [abs(one.probabilities[name] - other.probabilities[name]) for name in one.probabilities]
    return max(probabilities) < 1e-5 and bool(np.abs(one.hidden - other.hidden).max() < 1e-5)


@contextmanager
def killed_after(writes: int) -> Iterator[None]:
    """Kill the process at the write after so many."""
    left = writes

    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        nonlocal left
        if sql.split(" ", 1)[0] in ("INSERT", "UPDATE", "DELETE"):
            if left == 0:
                raise Killed
            left -= 1
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        yield


# One request: seconds since the one before, the events it brings (age in seconds, token, item), whether
# they are brought again, whether a reading is asked for, and the writes after which the process is killed.
requests = st.lists(
    st.tuples(
        st.one_of(st.floats(0, 200), st.floats(0, 4 * 86400)),
        st.lists(
            st.tuples(st.floats(0, LAG - 1), st.sampled_from(TOKENS), st.sampled_from(["", "v1", "p1"])),
            max_size=5,
        ),
        st.booleans(),
        st.booleans(),
        st.one_of(st.none(), st.integers(0, 3)),
    ),
    min_size=1,
    max_size=12,
)


@given(requests)
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_streamed_equals_recomputed_under_lateness_repeats_and_kills(
    model: str, monkeypatch: pytest.MonkeyPatch, history: list[Any]
) -> None:
    Learner.objects.all().delete()
    InboxEvent.objects.all().delete()
    states.forget()
    enrol()
    clock = 0.0
    for pause, brought, twice, asked, kill in history:
        clock += pause
        now = at(clock)
        rows = [row(max(0.0, clock - age), token, item) for age, token, item in brought]
        with monkeypatch.context() as patched:
            patched.setattr(tracking, "datetime", _clock(now))
            try:
                with killed_after(99 if kill is None else kill):
                    if rows:
                        again = [row(max(0.0, clock - age), *what, mark="again") for age, *what in brought]
                        tracking.store([*rows, *rows, *again] if twice else rows)
                    if asked and InboxEvent.objects.exists():
                        ask(now)
            except Killed:
                afterwards._collected.set(None)
        if InboxEvent.objects.filter(time__lte=now).exists():
            assert same(ask(now), afresh(now))


def _clock(now: datetime) -> type:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return now

    return Clock


def test_a_long_tail_becomes_a_checkpoint_that_lags(model: str, enrolment: Enrolment) -> None:
    InboxEvent.objects.bulk_create(row(second) for second in range(0, 1000, 50))
    now = at(1000)
    before = ask(now)
    enrolment.refresh_from_db()
    assert enrolment.state_through == now - timedelta(seconds=LAG)
    assert enrolment.state_model == model
    assert enrolment.last_seen == at(700)
    assert [found.time for found in states.tail(enrolment, now)] == [
        at(second) for second in range(750, 1000, 50)
    ]
    assert same(ask(now), before)


def test_a_short_tail_costs_no_write(
    model: str, enrolment: Enrolment, django_assert_num_queries: Callable[[int], Any]
) -> None:
    InboxEvent.objects.bulk_create(row(second) for second in (0, 1, 2))
    now = at(1000)
    ask(now)
    enrolment = Enrolment.objects.select_related("learner").get()
    found = states.tail(enrolment, now)
    with django_assert_num_queries(0):
        states.outlook(enrolment, found, now)


def test_halved_states_are_smaller_and_say_nearly_the_same(
    model: str, enrolment: Enrolment, settings: Any
) -> None:
    sizes, readings = [], []
    for half in (False, True):
        settings.NUDGE_STATE_HALF = half
        InboxEvent.objects.all().delete()
        Enrolment.objects.update(state=None, state_through=None, state_model="")
        for begin in range(0, 40_000, 1000):
            InboxEvent.objects.bulk_create(row(begin + second) for second in range(0, 1000, 100))
            readings.append(ask(at(begin + 1000)))
        enrolment.refresh_from_db()
        sizes.append(len(enrolment.state or b""))
        EventStore(settings.NUDGE_EVENTS_DIR).append(stored())
        refreshing.refresh_course(COURSE, at(41_000))
        enrolment.refresh_from_db()
        sizes.append(len(enrolment.state or b""))
    assert max(sizes[2:]) < 0.8 * min(sizes[:2])
    for whole, halved in zip(readings[:40], readings[40:], strict=True):
        assert halved.probabilities == pytest.approx(whole.probabilities, abs=5e-3)
    settings.NUDGE_STATE_HALF = False
    assert ask(at(41_100)).probabilities == pytest.approx(afresh(at(41_100)).probabilities, abs=5e-3)


def test_two_processes_cannot_both_move_one_state(model: str, enrolment: Enrolment) -> None:
    due = states.Checkpoint(enrolment.pk, b"one", model, at(100), at(90), None, "")
    assert states.save_checkpoints([due]) == 1
    assert states.save_checkpoints([due._replace(state=b"two", through=at(50))]) == 0
    enrolment.refresh_from_db()
    assert (bytes(enrolment.state or b""), enrolment.state_through) == (b"one", at(100))


def test_what_comes_later_than_the_lag_is_marked_and_mended_by_a_refresh(
    model: str, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = at(2000)
    monkeypatch.setattr(tracking, "datetime", _clock(now))
    InboxEvent.objects.bulk_create(row(second) for second in range(0, 1600, 50))
    ask(now)
    tracking.store([row(25, "problem_check_correct", "p1")])
    enrolment.refresh_from_db()
    assert enrolment.needs_rebuild
    assert not same(ask(now), afresh(now)), "the checkpoint went past it"
    EventStore(settings.NUDGE_EVENTS_DIR).append(stored())
    refreshing.refresh_course(COURSE, now)
    assert same(ask(now), afresh(now))


def test_an_event_within_half_the_lag_marks_nothing(model: str, enrolment: Enrolment) -> None:
    assert states.mark_late([row(2000 - LAG / 2 + 1)], at(2000)) == 0
    assert states.mark_late([row(2000 - LAG / 2 - 1)], at(2000)) == 1


def test_events_ahead_of_the_clock_wait_until_it_is_their_time(model: str, enrolment: Enrolment) -> None:
    InboxEvent.objects.bulk_create([row(10), row(5000, "seq_next")])
    early = ask(at(20))
    InboxEvent.objects.filter(time=at(5000)).delete()
    assert same(early, ask(at(20)))


def test_without_a_model_there_is_a_reason_and_no_error(stores: Path, enrolment: Enrolment) -> None:
    assert states.outlook(enrolment, [row(1)], at(2)) == (None, serving.NO_MODEL, "")


def test_a_broken_model_is_a_reason_and_is_never_served(model: str, enrolment: Enrolment) -> None:
    for file in Path(settings.NUDGE_MODEL_DIR).rglob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:-10])
    serving.engagement.forget()
    assert serving.engagement._served.model is None or serving.engagement._served.version == model
    fresh = serving.Shelf(serving.ENGAGEMENT, serving.Streamer.load)
    assert fresh.current() == (None, "", serving.BROKEN_MODEL)


def test_a_state_of_another_model_is_not_read(model: str, enrolment: Enrolment) -> None:
    InboxEvent.objects.bulk_create(row(second) for second in range(0, 1000, 50))
    ask(at(1000))
    other = publish(settings.NUDGE_MODEL_DIR, seed=2)
    enrolment.refresh_from_db()
    assert states.outlook(enrolment, [], at(1000)) == (None, states.OTHER_MODEL, other)


def test_a_damaged_state_is_a_reason_and_no_error(model: str, enrolment: Enrolment) -> None:
    enrolment.state, enrolment.state_model, enrolment.state_through = b"damaged", model, at(0)
    assert states.outlook(enrolment, [row(1)], at(2)) == (None, states.BROKEN_STATE, model)


def test_a_learner_without_events_has_no_reading(model: str, enrolment: Enrolment) -> None:
    assert states.outlook(enrolment, [], at(2)).why == states.NO_EVENTS


def test_the_course_start_is_the_earliest_known_where_the_platform_has_none(enrolment: Enrolment) -> None:
    assert states.course_start(COURSE) == START.timestamp()
    other = CourseKey.from_string("course-v1:Org+Other+Run")
    assert states.course_start(other) is None
