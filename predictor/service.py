"""The predictor behind HTTP, for hosts that cannot import it.

Stateless: a caller sends an enrolment's packed state with its new events and gets the new state with the
probabilities back; without a state, the events are taken from the beginning. Nothing about learners is kept
or logged.

- `GET /health`: {"status": "ok", "model": version}; needs no token.
- `GET /v1/model`: version, targets, when it was trained and on what.
- `POST /v1/advance`: {"enrolments": [{"course_start": time, "state": base64 or null, "now": time, "events":
  [{"event_type", "time", "item_id"?}]}]}; the answer has a result for each, in order: {"state",
  "probabilities"} or {"error"}. Times are unix seconds or ISO text. Events need not be sorted, but may not
  precede the state.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import json
import math
import threading
import time as clock
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .events import read_time
from .store import BrokenModel, ModelStore, NoModel
from .streaming import KIND, Streamer
from .tokens import fold

LARGEST_BODY = 8 * 1024 * 1024
MOST_ENROLMENTS = 10_000
SOCKET_TIMEOUT = 15.0
MOST_AT_ONCE = 32
RECHECK_SECONDS = 30.0


class Refusal(Exception):
    """A request that cannot be answered: an HTTP status, and a message that says what to do."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class CurrentModel:
    """The model that the store serves now; looked up again every 30 s, the old one kept if that fails."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._checked = clock.monotonic()
        self._streamer, self._manifest = self._load()

    def _load(self) -> tuple[Streamer, Mapping[str, Any]]:
        tensors, manifest = self._store.load(KIND)
        return Streamer(tensors, manifest), manifest

    def get(self) -> tuple[Streamer, Mapping[str, Any]]:
        """The streamer and its manifest."""
        with self._lock:
            if clock.monotonic() - self._checked > RECHECK_SECONDS:
                self._checked = clock.monotonic()
                self._follow()
            return self._streamer, self._manifest

    def _follow(self) -> None:
        try:
            if self._store.current(KIND) != self._streamer.version:
                self._streamer, self._manifest = self._load()
        except (BrokenModel, NoModel, ValueError):
            return  # a broken promotion must not stop a service that has a good model


class Server(ThreadingHTTPServer):
    """One thread per connection, a bounded number of requests at work."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], store: ModelStore, token: str = "") -> None:
        """Raises NoModel or BrokenModel where there is nothing to serve, OSError where the port is taken.

        An address that others can reach needs a token: ValueError otherwise.
        """
        if not token and not _is_loopback(address[0]):
            raise ValueError(
                f"{address[0]} can be reached from outside: give --token-file, or serve 127.0.0.1"
            )
        self.model = CurrentModel(store)
        self.token = token
        self.slots = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__(address, Handler)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Handler(BaseHTTPRequestHandler):
    """JSON in, JSON out; every failure is {"error": text} with a fitting status."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "nudge-predictor"
    sys_version = ""
    timeout = SOCKET_TIMEOUT
    error_content_type = "application/json"
    error_message_format = '{"error": "this is no HTTP request that the service understands"}'

    def do_GET(self) -> None:
        """Health and the model's description."""
        self._answer({"/health": self._health, "/v1/model": self._describe}, ("/v1/advance",))

    def do_POST(self) -> None:
        """New events of enrolments."""
        self._answer({"/v1/advance": self._advance}, ("/health", "/v1/model"))

    def _answer(self, routes: Mapping[str, Any], elsewhere: tuple[str, ...]) -> None:
        path = self.path.partition("?")[0]
        try:
            if path not in routes:
                status = HTTPStatus.METHOD_NOT_ALLOWED if path in elsewhere else HTTPStatus.NOT_FOUND
                raise Refusal(status, "there are GET /health, GET /v1/model and POST /v1/advance")
            if path != "/health":
                self._check_token()
            if not self.server.slots.acquire(blocking=False):
                raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests at once; try again")
            try:
                self._send(HTTPStatus.OK, routes[path]())
            finally:
                self.server.slots.release()
        except Refusal as refusal:
            self.close_connection = True
            self._send(refusal.status, {"error": str(refusal)})
        except TimeoutError:
            self.close_connection = True
            self._send(
                HTTPStatus.REQUEST_TIMEOUT, {"error": "the body did not arrive in time; send it at once"}
            )
        except ConnectionError:
            self.close_connection = True

    def _check_token(self) -> None:
        if not self.server.token:
            return
        given = self.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        if not hmac.compare_digest(given, self.server.token.encode()):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "send the header 'Authorization: Bearer TOKEN'")

    def _send(self, status: HTTPStatus, content: Mapping[str, Any]) -> None:
        body = json.dumps(content, allow_nan=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: paths and bodies speak of learners."""

    def _health(self) -> dict[str, Any]:
        return {"status": "ok", "model": self.server.model.get()[0].version}

    def _describe(self) -> dict[str, Any]:
        streamer, manifest = self.server.model.get()
        told = {
            key: manifest[key]
            for key in ("created", "code_version", "metrics", "data_span")
            if key in manifest
        }
        return {"version": streamer.version, "targets": list(streamer.targets), **told}

    def _advance(self) -> dict[str, Any]:
        enrolments = _enrolments(self._body())
        streamer, _ = self.server.model.get()
        return {"model": streamer.version, "enrolments": [advance(streamer, each) for each in enrolments]}

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "send the body with a Content-Length")
        if int(length) > LARGEST_BODY:
            raise Refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"at most {LARGEST_BODY} bytes; send fewer enrolments at once",
            )
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Refusal(HTTPStatus.BAD_REQUEST, "the body is shorter than its Content-Length")
        return body


def _enrolments(body: bytes) -> list[Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {error}") from None
    enrolments = content.get("enrolments") if isinstance(content, dict) else None
    if not isinstance(enrolments, list):
        raise Refusal(HTTPStatus.BAD_REQUEST, 'the body must be {"enrolments": [...]}')
    if len(enrolments) > MOST_ENROLMENTS:
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MOST_ENROLMENTS} enrolments at once")
    return enrolments


def advance(streamer: Streamer, enrolment: object) -> dict[str, Any]:
    """State and probabilities after an enrolment's new events, or {"error"} that says what is wrong."""
    try:
        if not isinstance(enrolment, dict):
            raise ValueError("an enrolment is an object with course_start, state, events and now")
        state = _state(streamer, enrolment)
        events = sorted(_events(enrolment.get("events", [])), key=lambda event: event[0])
        tokens, items = [event[1] for event in events], [event[2] for event in events]
        state = streamer.advance(state, tokens, [event[0] for event in events], items)
        now = _time(enrolment["now"], "now") if "now" in enrolment else clock.time()
        reading = streamer.at(state, now)
    except ValueError as error:
        return {"error": str(error)}
    packed = base64.b64encode(streamer.pack(state)).decode()
    return {"state": packed, "probabilities": reading.probabilities}


def _state(streamer: Streamer, enrolment: Mapping[str, Any]) -> Any:
    packed = enrolment.get("state")
    if packed is None:
        if "course_start" not in enrolment:
            raise ValueError("give course_start for an enrolment without a state")
        return streamer.begin(_time(enrolment["course_start"], "course_start"))
    if not isinstance(packed, str):
        raise ValueError("state must be the base64 text that an earlier answer held, or null")
    try:
        return streamer.unpack(base64.b64decode(packed, validate=True))
    except binascii.Error:
        raise ValueError("state is not base64 text; send back what an earlier answer held") from None


def _events(events: object) -> list[tuple[float, str, str]]:
    """(time, token, item) of the events; those that are no learner action are left out, as in ingestion."""
    if not isinstance(events, list):
        raise ValueError("events must be a list")
    found = []
    for event in events:
        if not isinstance(event, dict) or not isinstance(event.get("event_type"), str):
            raise ValueError("an event is an object with event_type, time and, if there is one, item_id")
        item = event.get("item_id") or ""
        token = fold(event["event_type"]).token
        if token:
            found.append((_time(event.get("time"), "time"), token, str(item)))
    return found


def _time(value: object, name: str) -> float:
    seconds = read_time(value)
    if seconds is None or not math.isfinite(seconds):
        raise ValueError(f"{name} must be unix seconds or ISO text, not {value!r}")
    return seconds


def read_token(path: Path) -> str:
    """The token in a file, without the line's end; ValueError where it is empty or short."""
    token = path.read_text(encoding="utf-8").strip()
    if len(token) < 16:
        raise ValueError(f"{path} must hold a token of at least 16 characters, on one line")
    return token
