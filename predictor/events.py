"""One tracking record becomes one event, or a reason why it does not."""

import re
import time as clock
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import orjson

from predictor.tokens import AUTHORING, BROWSER_COPIES, OUTSIDE, UNIT_PAGE, Folded, fold, fold_path, usage_key

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
"""Unix seconds; an older tracking record has a broken clock."""
TOLERANCE: Final = 86400.0
"""Seconds that a record may lie ahead of the reader's clock."""

NO_LEARNER: Final = "no learner"
NO_TYPE: Final = "no event type"
NO_TIME: Final = "no time"
BAD_TIME: Final = "unreadable time"
FUTURE: Final = "time in the future"
TOO_OLD: Final = "time before 2000"
BAD_COURSE: Final = "unreadable course key"
NO_RESULT: Final = "problem_check without a result"


class Event(NamedTuple):
    """One learner action in a course run."""

    course_id: str
    learner_id: str
    time: float
    """Unix seconds UTC, to the microsecond."""
    token: str
    """Course-general type of the action."""
    item_id: str = ""
    """Problem, video or block acted on, where the record tells."""
    score: float | None = None
    """Share of the points reached, 0 to 1; only for a problem that the server graded."""


class Skipped(NamedTuple):
    """Why a record is no event of a learner in a course."""

    reason: str


ABOUT_SOMEBODY = (
    "edx.course.enrollment.",
    "edx.course.grade.",
    "edx.certificate.",
    "edx.cohort.",
    "edx.completion.",
    "edx.grades.",
)
"""How events begin that staff or a job may trigger for somebody else, whom the payload names."""
_COURSE_KEY = re.compile(
    r"(?:course|ccx)-v1:[^\s/+?&#]+(?:\+[^\s/+?&#]+){2,3}|[^\s/+?&#:]+(?:/[^\s/+?&#:]+){2}"
)
_BLOCK_COURSE = re.compile(r"^block-v1:([^/+\s]+\+[^/+\s]+\+[^/+\s@]+)\+type@")
_ITEM_FIELDS = ("problem_id", "module_id", "block_id", "usage_key", "usage_id", "component_usage_id")
_OF_VIDEOS = ("_video", "_transcript", "_cc_menu")
_EMPTY: Mapping[str, Any] = {}


def parse(record: Mapping[str, Any], now: float | None = None) -> Event | Skipped:
    """Read one tracking record of any Open edX release, in log or live shape.

    `now` is the clock (unix seconds) against which future times are judged, the system's by default. Never
    raises: a record that cannot be used comes back as `Skipped` with its reason.
    """
    kind = record.get("event_type") or record.get("name")
    if not isinstance(kind, str) or not kind.strip():
        inner = _unwrap(record)
        return parse(inner, now) if inner else Skipped(NO_TYPE)
    context = _mapping(record.get("context"))
    if kind in BROWSER_COPIES and (record.get("event_source") or context.get("event_source")) == "browser":
        return Skipped("browser copy of " + BROWSER_COPIES[kind])
    folded = fold(kind.strip())
    if folded.reason:
        return Skipped(folded.reason)
    payload = read_payload(record.get("event", record.get("data")))
    if folded.token == UNIT_PAGE:
        if "view" not in _mapping(payload.get("GET")):
            return Skipped(AUTHORING)
        folded = folded._replace(token="courseware_load")
    time = _time(record, context, clock.time() if now is None else now)
    if isinstance(time, str):
        return Skipped(time)
    learner = _learner(kind, record, context, payload)
    if not learner:
        return Skipped(NO_LEARNER)
    course, reason = _course(record, context, payload, folded)
    if reason:
        return Skipped(reason)
    item = _item(context, payload, folded, course)
    if folded.token == "problem_check":
        return _graded(course, learner, time, item, payload)
    return Event(course, learner, time, folded.token, item)


def _unwrap(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record inside an envelope of the collector that phones send to (Segment); empty when there is
    none.
    """
    inner = _mapping(record.get("properties"))
    if not isinstance(inner.get("name"), str) or not inner["name"].strip():
        return _EMPTY
    context = {"user_id": record.get("userId"), **_mapping(inner.get("context"))}
    return {
        "name": inner["name"],
        "data": inner.get("data"),
        "timestamp": record.get("timestamp"),
        "context": context,
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, (dict, Mapping)) else _EMPTY


def read_payload(value: object) -> Mapping[str, Any]:
    """The payload as a mapping: browsers send it as JSON text, at times encoded more than once."""
    for _ in range(3):
        if not isinstance(value, str):
            break
        if not value.startswith(("{", '"', " ", "[")):
            return _EMPTY
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return _EMPTY
    return _mapping(value)


def read_time(value: object) -> float | None:
    """Unix seconds of a timestamp: ISO text (no offset means UTC), epoch number or datetime; None if
    unreadable.
    """
    if isinstance(value, str):
        return _time_of_text(value.strip())
    if isinstance(value, datetime):
        return _seconds(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _epoch(value)
    if isinstance(value, Mapping) and "$date" in value:
        return read_time(value["$date"])
    return None


def _time_of_text(text: str) -> float | None:
    try:
        return _seconds(datetime.fromisoformat(text)) if "-" in text else _epoch(float(text))
    except (ValueError, OverflowError):
        return None


def _seconds(moment: datetime) -> float | None:
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _epoch(number: float) -> float | None:
    """Seconds from a number of seconds, milliseconds, microseconds or nanoseconds, told apart by size."""
    try:
        value = float(number)
    except OverflowError:
        return None
    if not isfinite(value):
        return None
    for unit, start in ((1e9, 1e17), (1e6, 1e14), (1e3, 1e11)):
        if value >= start:
            return value / unit
    return value


def _time(record: Mapping[str, Any], context: Mapping[str, Any], now: float) -> float | str:
    """Unix seconds of a record, or the reason why it has none (text)."""
    value = record.get("time") or context.get("timestamp") or record.get("timestamp")
    if value is None or value == "":
        return NO_TIME
    seconds = read_time(value)
    if seconds is None:
        return BAD_TIME
    if EARLIEST <= seconds <= now + TOLERANCE:
        return seconds
    return FUTURE if seconds > now else TOO_OLD


def _identifier(value: object) -> str:
    """A user id as text; nothing for None, blanks, zero and other types."""
    if isinstance(value, int):
        return str(value) if 0 < value < 1 << 63 and value is not True else ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and value.is_integer() and 0 < value < 1 << 53:
        return str(int(value))
    return ""


def _learner(
    kind: str, record: Mapping[str, Any], context: Mapping[str, Any], payload: Mapping[str, Any]
) -> str:
    if kind.startswith(ABOUT_SOMEBODY) and (subject := _identifier(payload.get("user_id"))):
        return subject
    actor = _identifier(context.get("user_id")) or _identifier(payload.get("user_id"))
    return actor or _user_name(record.get("username") or context.get("username"))


def _user_name(value: object) -> str:
    return value.strip() if isinstance(value, str) and value != "anonymous" else ""


@lru_cache(maxsize=4096)
def course_key(text: str) -> str:
    """A course run's key in its plain form; nothing when `text` is none."""
    plain = unquote(text).strip().replace(" ", "+")
    return plain if _COURSE_KEY.fullmatch(plain) else ""


def _course(
    record: Mapping[str, Any], context: Mapping[str, Any], payload: Mapping[str, Any], folded: Folded
) -> tuple[str, str]:
    """The course run's key and nothing, or nothing and the reason why there is none."""
    told = context.get("course_id")
    if isinstance(told, str) and (key := course_key(told)):
        return key, ""
    others = (payload.get("course_id"), payload.get("context_key"), record.get("course_id"), folded.course)
    for value in others:
        if isinstance(value, str) and (key := course_key(value)):
            return key, ""
    for value in (record.get("page"), context.get("page"), context.get("path"), record.get("path")):
        if isinstance(value, str) and (key := _course_of_url(value)):
            return key, ""
    for value in (folded.item, *map(payload.get, _ITEM_FIELDS)):
        if isinstance(value, str) and (match := _BLOCK_COURSE.match(value)):
            return "course-v1:" + match[1], ""
    return "", BAD_COURSE if any((told, *others)) else OUTSIDE


@lru_cache(maxsize=16384)
def _course_of_url(url: str) -> str:
    path = url.partition("://")[2].partition("/")[2] if "://" in url[:8] else url.removeprefix("/")
    return course_key(fold_path("/" + path.partition("?")[0].partition("#")[0]).course)


def _item(context: Mapping[str, Any], payload: Mapping[str, Any], folded: Folded, course: str) -> str:
    for field in _ITEM_FIELDS:
        if field in payload and isinstance(value := payload[field], str) and value:
            return value
    module = context.get("module")
    if isinstance(module, (dict, Mapping)) and isinstance(value := module.get("usage_key"), str):
        return value
    value = payload.get("id")
    if not isinstance(value, str):
        return folded.item
    if folded.token.endswith(_OF_VIDEOS):
        return _video(value, course)
    return usage_key(value)


def _video(name: str, course: str) -> str:
    """The video's usage key; browsers give its last part, in courses with older keys its id in the page."""
    if name and "-" not in name and ":" not in name and course.startswith("course-v1:"):
        return f"block-v1:{course.removeprefix('course-v1:')}+type@video+block@{name}"
    return name


def _graded(course: str, learner: str, time: float, item: str, payload: Mapping[str, Any]) -> Event | Skipped:
    success = payload.get("success")
    if success not in ("correct", "incorrect"):
        return Skipped(NO_RESULT)
    return Event(course, learner, time, f"problem_check_{success}", item, _share(payload))


def _share(payload: Mapping[str, Any]) -> float | None:
    grade, most = payload.get("grade"), payload.get("max_grade")
    try:
        share = float(grade) / float(most)  # type: ignore[arg-type]  # whatever it is, it may fail
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None
    return min(max(share, 0.0), 1.0) if isfinite(share) else None
