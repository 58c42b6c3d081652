"""The operator's own system: a real HTTP server that takes notices, or does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

SECRET = "a secret of sixteen letters or more"


class Receiver(HTTPServer):
    """Keeps what it was sent.  `status`: what it answers; `elsewhere`: where it redirects to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.elsewhere = ""
        self.calls: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/cases"

    @property
    def told(self) -> list[dict[str, Any]]:
        """The bodies of all calls."""
        return [json.loads(body) for _headers, body in self.calls]


class Handler(BaseHTTPRequestHandler):
    """One call."""

    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append((dict(self.headers), body))
        self.send_response(self.server.status)
        if self.server.elsewhere:
            self.send_header("Location", self.server.elsewhere)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def listening() -> Iterator[Receiver]:
    """A receiver that runs until the block ends."""
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
