"""The predictor over real HTTP: right answers, and a clear refusal of everything else."""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from predictor import answering, service, stack
from predictor.foresight import Foreseer
from predictor.moments import DAY
from predictor.store import ModelStore, NoModel
from predictor.streaming import KIND, Streamer
from tests.predictor.study_world import BEGIN, world

pytestmark = pytest.mark.train
Answer = tuple[int, dict[str, Any]]


def publish(folder: Path, seed: int = 0) -> ModelStore:
    """A store with a small trained model that serves."""
    training = pytest.importorskip("predictor.training")
    small = world(courses=3, learners=30, seed=6)
    settings = {"epochs": 1, "hidden": 8, "embedding": 8, "width": 8, "min_count": 1, "min_courses": 1}
    config = training.TrainConfig.from_json({**settings, "seed": seed})
    store = ModelStore(folder)
    store.promote(KIND, training.fit(small.source, small.outcomes, ("passed",), config, store))
    return store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return publish(tmp_path_factory.mktemp("models"))


@contextmanager
def serving(store: ModelStore, token: str = "") -> Iterator[service.Server]:
    with service.Server(("127.0.0.1", 0), store, token) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server(store: ModelStore) -> Iterator[service.Server]:
    with serving(store) as running:
        yield running


def ask(
    server: service.Server, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection.request(method, path, content, headers or {})
    response = connection.getresponse()
    found = response.status, json.loads(response.read())
    connection.close()
    return found


def advance(server: service.Server, *enrolments: object) -> list[dict[str, Any]]:
    status, answer = ask(server, "POST", "/v1/advance", {"enrolments": list(enrolments)})
    assert status == 200, answer
    found: list[dict[str, Any]] = answer["enrolments"]
    return found


def event(hours: float, kind: str = "play_video", item: str = "item-1") -> dict[str, object]:
    return {"event_type": kind, "time": BEGIN + hours * 3600, "item_id": item}


NOW = BEGIN + 5 * DAY
FRESH = {"course_start": BEGIN, "state": None, "now": NOW}


def test_health_and_model_name_the_version(server: service.Server, store: ModelStore) -> None:
    assert ask(server, "GET", "/health") == (200, {"status": "ok", "model": store.current(KIND)})
    status, model = ask(server, "GET", "/v1/model")
    assert status == 200
    assert model["version"] == store.current(KIND)
    assert "passed" in model["targets"]
    assert model["data_span"]["courses"] == 3


def test_advance_equals_the_streamer_in_process(server: service.Server, store: ModelStore) -> None:
    (answer,) = advance(server, {**FRESH, "events": [event(1), event(30, "seq_next", "")]})
    streamer = Streamer.load(store)
    state = streamer.begin(BEGIN)
    state = streamer.advance(
        state, ["play_video", "seq_next"], [BEGIN + 3600, BEGIN + 30 * 3600], ["item-1", ""]
    )
    assert answer["probabilities"] == pytest.approx(streamer.at(state, NOW).probabilities)
    assert base64.b64decode(answer["state"]) == streamer.pack(state)


@pytest.fixture(scope="module")
def stacked(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    """A store whose model has a stack."""
    store = publish(tmp_path_factory.mktemp("stacked"))
    stacking = pytest.importorskip("predictor.stacking")
    small, version = world(courses=3, learners=30, seed=6), str(store.current(KIND))
    config = pytest.importorskip("predictor.training").TrainConfig.from_json(store.manifest(KIND)["config"])
    few = stacking.StackConfig(rounds=10, teacher_rounds=5, bag=1)
    stacking.fit(small.source, small.outcomes, config, store, version, str, config=few)
    return store


def whole_course(**more: object) -> dict[str, Any]:
    """A course run as the service is sent it."""
    events = [
        {"learner_id": each.learner_id, "event_type": each.token, "time": each.time, "item_id": each.item_id}
        for each in world(courses=1, learners=30, seed=12).events
    ]
    return {"course_start": BEGIN, "now": NOW, "events": events, **more}


def test_a_course_run_is_foreseen_by_the_stack_and_a_live_event_by_the_lstm(stacked: ModelStore) -> None:
    foreseer, small = Foreseer.load(stacked), world(courses=1, learners=30, seed=12)
    sequences = small.source.sequences(small.source.courses[0])
    expected = foreseer.foresee(sequences, BEGIN, NOW, sequences.learners)
    with serving(stacked) as server:
        assert ask(server, "GET", "/v1/model")[1]["stack"] is True
        status, answer = ask(server, "POST", "/v1/course", whole_course())
        live = ask(server, "POST", "/v1/advance", {"enrolments": [{**FRESH, "events": [event(1)]}]})[1]
    assert (status, answer["by"], live["by"]) == (200, "stack", "lstm")
    assert answer["model"] == stacked.current(KIND)
    begun = {each.learner_id for each in small.events if each.time < NOW}
    assert set(answer["learners"]) == begun
    for learner, told in answer["learners"].items():
        assert told["probabilities"] == pytest.approx(dict(expected[learner].probabilities), abs=1e-9)
        assert base64.b64decode(told["state"]) == foreseer.streamer.pack(expected[learner].state)
    alone = {learner: each.reading.probabilities["passed"] for learner, each in expected.items()}
    assert any(
        abs(answer["learners"][name]["probabilities"]["passed"] - alone[name]) > 1e-4 for name in begun
    )


def test_a_course_run_is_asked_about_whom_one_likes(server: service.Server) -> None:
    some = whole_course()["events"][0]["learner_id"]
    status, answer = ask(server, "POST", "/v1/course", whole_course(learners=[some, "nobody yet", 7]))
    assert (status, answer["by"]) == (200, "lstm")
    assert set(answer["learners"]) == {some, "nobody yet", "7"}


def test_without_a_start_a_course_run_begins_with_its_first_event(server: service.Server) -> None:
    first = round(min(each["time"] for each in whole_course()["events"]), 6)
    asked = [
        ask(server, "POST", "/v1/course", whole_course(course_start=start))[1] for start in (None, first)
    ]
    assert asked[0] == asked[1]


def test_one_course_run_at_a_time(server: service.Server) -> None:
    server.courses.acquire()
    try:
        status, answer = ask(server, "POST", "/v1/course", whole_course())
    finally:
        server.courses.release()
    assert status == 503
    assert "try again" in answer["error"]
    assert ask(server, "POST", "/v1/course", whole_course())[0] == 200


def test_a_broken_stack_leaves_the_lstm_answering(
    stacked: ModelStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copied = ModelStore(shutil.copytree(stacked.path, tmp_path / "models"))
    (version,) = copied.versions("stack")
    (copied.path / "stack" / version / "model.safetensors").write_bytes(b"cut short")
    with serving(copied) as server:
        assert ask(server, "POST", "/v1/course", whole_course())[1]["by"] == "lstm"
    assert "is left out" in caplog.text
    assert stack.drop(copied, str(copied.current(KIND))) == [version]
    assert Foreseer.load(copied).by == "lstm"


def test_a_state_sent_back_goes_on_where_it_was(server: service.Server) -> None:
    whole, first = advance(
        server, {**FRESH, "events": [event(1), event(50)]}, {**FRESH, "events": [event(1)]}
    )
    (second,) = advance(server, {"state": first["state"], "events": [event(50)], "now": NOW})
    assert second["probabilities"] == pytest.approx(whole["probabilities"], abs=1e-6)


def test_events_come_in_any_order_and_by_any_name_of_the_platform(server: service.Server) -> None:
    first, second = advance(
        server,
        {**FRESH, "events": [event(9), event(1)]},
        {**FRESH, "events": [event(1, "edx.video.played"), {**event(9), "time": "2020-09-13T21:26:40Z"}]},
    )
    assert first["probabilities"] == pytest.approx(second["probabilities"])


def test_one_wrong_enrolment_does_not_spoil_the_others(server: service.Server) -> None:
    answers = advance(
        server,
        {**FRESH, "events": [event(1)]},
        {"state": None, "events": []},
        {**FRESH, "state": "no base64!"},
        {**FRESH, "state": base64.b64encode(b"no state").decode()},
        {**FRESH, "events": [{"event_type": "x"}]},
        {**FRESH, "events": "many"},
        {**FRESH, "events": [event(1e9)]},
        {"course_start": "once upon a time"},
        "enrolment",
    )
    assert "probabilities" in answers[0]
    reasons = [answer["error"] for answer in answers[1:]]
    for reason, word in zip(
        reasons,
        ("course_start", "base64", "rebuild", "time", "list", "", "course_start", "object"),
        strict=True,
    ):
        assert word in reason
        assert "\n" not in reason


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/advance", b"{", 400),
        ("POST", "/v1/advance", b"[]", 400),
        ("POST", "/v1/advance", b'{"enrolments": 5}', 400),
        ("POST", "/v1/advance", b"[" * 100_000, 400),
        ("POST", "/v1/course", b"[]", 400),
        ("POST", "/v1/course", b"{}", 400),
        ("POST", "/v1/course", b'{"events": [], "now": 5}', 400),
        ("POST", "/v1/course", b'{"events": [], "now": 5, "course_start": 9}', 400),
        ("POST", "/v1/course", b'{"events": [{"event_type": "x", "time": 5}]}', 400),
        ("POST", "/v1/course", b'{"events": [], "course_start": 5, "learners": "all"}', 400),
        ("POST", "/v1/course", b'{"events": [], "course_start": 5, "learners": [null]}', 400),
        ("GET", "/v1/course", None, 405),
        ("GET", "/v1/advance", None, 405),
        ("POST", "/health", b"{}", 405),
        ("GET", "/elsewhere", None, 404),
    ],
)
def test_a_wrong_request_is_refused_in_json(
    server: service.Server, method: str, path: str, body: bytes | None, status: int
) -> None:
    found, answer = ask(server, method, path, body)
    assert found == status
    assert answer["error"]


def test_too_large_a_body_is_refused_before_it_is_read(server: service.Server) -> None:
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=5) as raw:
        raw.sendall(b"POST /v1/advance HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert b" 413 " in raw.recv(4096)


@pytest.mark.parametrize("length", [b"", b"Content-Length: many\r\n", b"Content-Length: -5\r\n"])
def test_a_body_of_unknown_length_is_refused(server: service.Server, length: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=5) as raw:
        raw.sendall(b"POST /v1/advance HTTP/1.1\r\nHost: x\r\n" + length + b"\r\n")
        assert b" 411 " in raw.recv(4096)


def test_a_client_that_stalls_is_dropped(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.Handler, "timeout", 0.3)
    with (
        serving(store) as server,
        socket.create_connection(("127.0.0.1", server.server_address[1]), 5) as raw,
    ):
        raw.sendall(b"POST /v1/advance HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert b" 408 " in raw.recv(4096)
        assert ask(server, "GET", "/health")[0] == 200


def test_a_token_is_required_where_one_is_set(store: ModelStore) -> None:
    with serving(store, token="secret-of-the-house") as server:
        assert ask(server, "GET", "/health")[0] == 200
        assert ask(server, "GET", "/v1/model")[0] == 401
        for value in ("Bearer wrong", "secret", "Bearer grün"):
            assert (
                ask(server, "GET", "/v1/model", headers={"Authorization": value.encode().decode("latin-1")})[
                    0
                ]
                == 401
            )
        assert (
            ask(server, "GET", "/v1/model", headers={"Authorization": "Bearer secret-of-the-house"})[0] == 200
        )


def test_an_address_open_to_others_needs_a_token(store: ModelStore) -> None:
    with pytest.raises(ValueError, match="--token-file"):
        service.Server(("0.0.0.0", 0), store)


def test_too_many_at_once_are_sent_away(store: ModelStore) -> None:
    with serving(store) as server:
        for _ in range(service.MOST_AT_ONCE):
            server.slots.acquire()
        assert ask(server, "GET", "/health")[0] == 503
        server.slots.release()
        assert ask(server, "GET", "/health")[0] == 200


def test_a_promoted_model_is_taken_up_and_a_broken_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = publish(tmp_path / "models")
    first = store.current(KIND)
    monkeypatch.setattr(service, "RECHECK_SECONDS", -1.0)
    with serving(store) as server:
        publish(tmp_path / "models", seed=1)
        second = store.current(KIND)
        assert second != first
        assert ask(server, "GET", "/health")[1]["model"] == second
        third = publish(tmp_path / "models", seed=2).current(KIND)
        (tmp_path / "models" / KIND / str(third) / "model.safetensors").write_bytes(b"cut short")
        assert ask(server, "GET", "/health") == (200, {"status": "ok", "model": second})


def test_nothing_to_serve_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoModel, match="promote"):
        service.Server(("127.0.0.1", 0), ModelStore(tmp_path))


def test_a_token_file_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("a-token-that-is-long-enough\n")
    assert service.read_token(path) == "a-token-that-is-long-enough"
    path.write_text("short")
    with pytest.raises(ValueError, match="at least 16 characters"):
        service.read_token(path)


def test_events_that_are_no_learner_action_are_left_out(store: ModelStore) -> None:
    streamer = Streamer.load(store)
    plain = answering.advance(streamer, {**FRESH, "events": [event(1)]})
    asset = answering.advance(streamer, {**FRESH, "events": [event(1), event(2, "/static/page.js")]})
    assert plain == asset
