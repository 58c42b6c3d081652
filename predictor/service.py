"""The predictor behind HTTP, for hosts that cannot import it.

Stateless: a caller sends an enrolment's packed state with its new events and gets the new state with the
probabilities back; without a state, the events are taken from the beginning. Or it sends a whole course run's
events, and everyone in it is foreseen. Nothing about learners is kept or logged.

A live event is answered by the LSTM alone, at constant cost; a course run by the stack, which needs
everyone's events at once, as `predict` does. Every answer says which in `by`: "lstm" or "stack". Where the
model that serves has no stack, that is "lstm" throughout.

- `GET /health`: {"status": "ok", "model": version}; needs no token.
- `GET /v1/model`: version, targets, when it was trained and on what.
- `POST /v1/advance`: {"enrolments": [{"course_start": time, "state": base64 or null, "now": time, "events":
  [{"event_type", "time", "item_id"?}]}]}; the answer has a result for each, in order: {"state",
  "probabilities"} or {"error"}. Times are unix seconds or ISO text. Events need not be sorted, but may not
  precede the state.
- `POST /v1/course`: {"course_start"?, "now"?, "learners"?: [id], "events": [{"learner_id", "event_type",
  "time", "item_id"?}]} of one course run; the answer has "learners": {id: {"state", "probabilities"}} of
  those asked for, by default everyone with an event before `now`. Without a start the run begins with its
  first event.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import logging
import threading
import time as clock
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from . import answering
from .answering import Refusal
from .foresight import Foreseer
from .stack import Stack
from .store import BrokenModel, ModelStore, NoModel
from .streaming import KIND, Streamer

LOG = logging.getLogger(__name__)

LARGEST_BODY = 8 * 1024 * 1024
LARGEST_COURSE = 64 * 1024 * 1024
SOCKET_TIMEOUT = 15.0
MOST_AT_ONCE = 32
MOST_COURSES_AT_ONCE = 1
"""A course run takes a core for seconds, and some ten times the memory of its body."""
ROUTES = "there are GET /health, GET /v1/model, POST /v1/advance and POST /v1/course"
RECHECK_SECONDS = 30.0


class CurrentModel:
    """The model that the store serves now; looked up again every 30 s, the old one kept if that fails."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._checked = clock.monotonic()
        self._foreseer, self._manifest = self._load()

    def _load(self) -> tuple[Foreseer, Mapping[str, Any]]:
        tensors, manifest = self._store.load(KIND)
        streamer = Streamer(tensors, manifest)
        try:
            return Foreseer(streamer, Stack.load(self._store, streamer.version)), manifest
        except (BrokenModel, NoModel, ValueError) as error:
            LOG.warning("the stack of %s is left out, the LSTM alone answers: %s", streamer.version, error)
            return Foreseer(streamer), manifest

    def get(self) -> tuple[Foreseer, Mapping[str, Any]]:
        """The model with its stack, and its manifest."""
        with self._lock:
            if clock.monotonic() - self._checked > RECHECK_SECONDS:
                self._checked = clock.monotonic()
                self._follow()
            return self._foreseer, self._manifest

    def _follow(self) -> None:
        try:
            if self._store.current(KIND) != self._foreseer.streamer.version:
                self._foreseer, self._manifest = self._load()
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
        self.courses = threading.BoundedSemaphore(MOST_COURSES_AT_ONCE)
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
        self._answer({"/health": self._health, "/v1/model": self._describe}, ("/v1/advance", "/v1/course"))

    def do_POST(self) -> None:
        """New events of enrolments, or a course run's events."""
        routes = {"/v1/advance": self._advance, "/v1/course": self._course}
        self._answer(routes, ("/health", "/v1/model"))

    def _answer(self, routes: Mapping[str, Any], elsewhere: tuple[str, ...]) -> None:
        path = self.path.partition("?")[0]
        try:
            if path not in routes:
                status = HTTPStatus.METHOD_NOT_ALLOWED if path in elsewhere else HTTPStatus.NOT_FOUND
                raise Refusal(status, ROUTES)
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
        return {"status": "ok", "model": self.server.model.get()[0].streamer.version}

    def _describe(self) -> dict[str, Any]:
        foreseer, manifest = self.server.model.get()
        told = {
            key: manifest[key]
            for key in ("created", "code_version", "metrics", "data_span")
            if key in manifest
        }
        streamer, stacked = foreseer.streamer, foreseer.stack is not None
        return {"version": streamer.version, "targets": list(streamer.targets), "stack": stacked, **told}

    def _advance(self) -> dict[str, Any]:
        enrolments = answering.enrolments(self._body(LARGEST_BODY, "send fewer enrolments at once"))
        streamer = self.server.model.get()[0].streamer
        answers = [answering.advance(streamer, each) for each in enrolments]
        return {"model": streamer.version, "by": "lstm", "enrolments": answers}

    def _course(self) -> dict[str, Any]:
        if not self.server.courses.acquire(blocking=False):
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE, "other course runs are being foreseen; try again in a while"
            )
        try:
            body = self._body(LARGEST_COURSE, "let `predict` read so large a course run from the event store")
            foreseer = self.server.model.get()[0]
            found = answering.course(foreseer, body)
            return {"model": foreseer.streamer.version, "by": foreseer.by, "learners": found}
        finally:
            self.server.courses.release()

    def _body(self, largest: int, otherwise: str) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "send the body with a Content-Length")
        if int(length) > largest:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {largest} bytes; {otherwise}")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Refusal(HTTPStatus.BAD_REQUEST, "the body is shorter than its Content-Length")
        return body


def read_token(path: Path) -> str:
    """The token in a file, without the line's end; ValueError where it is empty or short."""
    token = path.read_text(encoding="utf-8").strip()
    if len(token) < 16:
        raise ValueError(f"{path} must hold a token of at least 16 characters, on one line")
    return token
