"""One learner's tracking-log records, in the platform's own shapes."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opaque_keys.edx.keys import CourseKey


@dataclass(frozen=True)
class Record:
    """One tracking-log line to be."""

    time: float
    line: dict[str, Any]


class Line:
    """Writes one learner's tracking-log records in the platform's own shapes."""

    def __init__(self, course_key: CourseKey, user_id: int, username: str, mode: str) -> None:
        self.course_key, self.user_id, self.username, self.mode = course_key, user_id, username, mode
        self.session = f"{random.Random(user_id).getrandbits(128):032x}"

    def item(self, kind: str, name: str) -> str:
        return str(self.course_key.make_usage_key(kind, name))

    def url(self, time: float, path: str) -> Record:
        address = f"/courses/{self.course_key}/{path}"
        return self._record(time, address, json.dumps({"GET": {}, "POST": {}}), path=address)

    def browser(self, time: float, name: str, data: Any) -> Record:
        payload = data if isinstance(data, str) else json.dumps(data)
        return self._record(time, name, payload, source="browser", path="/event")

    def video(self, time: float, name: str, item: str, at: float) -> Record:
        return self.browser(
            time, name, {"id": item, "code": "demo", "currentTime": round(at, 3), "duration": 60}
        )

    def checked(self, time: float, item: str, attempt: int, right: bool) -> Record:
        data = {
            "problem_id": item,
            "attempts": attempt,
            "grade": 1 if right else 0,
            "max_grade": 1,
            "success": "correct" if right else "incorrect",
        }
        return self._record(time, "problem_check", data, path=f"{item}/handler/xmodule_handler/problem_check")

    def showed(self, time: float, item: str) -> Record:
        return self._record(time, "showanswer", {"problem_id": item}, path=f"{item}/handler/xmodule_handler")

    def completed(self, time: float, item: str) -> Record:
        name = "edx.completion.block_completion.changed"
        return self._record(time, name, {"block_id": item, "completion": 1.0})

    def enrolled(self, time: float) -> Record:
        data = {"course_id": str(self.course_key), "user_id": self.user_id, "mode": self.mode}
        return self._record(time, "edx.course.enrollment.activated", data)

    def _record(self, time: float, name: str, data: Any, source: str = "server", path: str = "") -> Record:
        line = {
            "name": name,
            "event_type": name,
            "event_source": source,
            "time": datetime.fromtimestamp(time, UTC).isoformat(),
            "username": self.username,
            "session": self.session,
            "ip": "",
            "agent": "",
            "host": "demo",
            "referer": "",
            "accept_language": "en",
            "page": None if source == "server" else f"/courses/{self.course_key}/",
            "event": data,
            "context": {
                "user_id": self.user_id,
                "course_id": str(self.course_key),
                "org_id": self.course_key.org,
                "path": path,
            },
        }
        return Record(time, line)
