"""What the platform does around every request: a tracking context, and a tracking log on disk."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from eventtracking import tracker

from .outline import COURSE_KEY

ROOT_FIELDS = (
    "username",
    "session",
    "ip",
    "agent",
    "host",
    "referer",
    "accept_language",
    "event_source",
    "page",
)


class TrackingMiddleware:
    """Names the learner and the course to every event emitted during a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        context = {
            "user_id": request.user.id,
            "username": request.user.username,
            "session": request.session.session_key or "",
            "ip": request.META.get("REMOTE_ADDR", ""),
            "agent": request.META.get("HTTP_USER_AGENT", ""),
            "host": request.get_host(),
            "referer": request.META.get("HTTP_REFERER", ""),
            "accept_language": request.META.get("HTTP_ACCEPT_LANGUAGE", ""),
            "path": request.path,
            "course_id": str(COURSE_KEY),
            "org_id": COURSE_KEY.org,
            "event_source": "server",
            "page": None,
        }
        with tracker.get_tracker().context("demo.request", context):
            return self.get_response(request)


class LogBackend:
    """Writes events as the platform's tracking log has them, one JSON object a line."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def send(self, event: dict[str, Any]) -> None:
        line = json.dumps(log_record(event), default=_isoformat) + "\n"
        with self.path.open("a", encoding="utf-8") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            log.write(line)


def log_record(event: dict[str, Any]) -> dict[str, Any]:
    """An emitted event in the shape of a tracking-log line: some context fields move to the top."""
    context = dict(event["context"])
    top = {field: context.pop(field, "") for field in ROOT_FIELDS}
    data = event["data"]
    return {
        **top,
        "name": event["name"],
        "event_type": event["name"],
        "time": event["timestamp"],
        "event": json.dumps(data, default=_isoformat) if top["event_source"] == "browser" else data,
        "context": context,
    }


def _isoformat(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"cannot log {value!r}")
