"""What the service answers, without HTTP: JSON in, plain data out."""

from __future__ import annotations

import base64
import binascii
import json
import math
import time as clock
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from .events import Event, read_time
from .foresight import Foreseer
from .moments import empty
from .sequences import EventTable, Sequences
from .streaming import State, Streamer
from .tokens import fold

MOST_ENROLMENTS = 10_000
COURSE = "the course run"


class Refusal(Exception):
    """A request that cannot be answered: an HTTP status, and a message that says what to do."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def enrolments(body: bytes) -> list[Any]:
    """The enrolments of a request, each still to be checked by `advance`."""
    found = _object(body).get("enrolments")
    if not isinstance(found, list):
        raise Refusal(HTTPStatus.BAD_REQUEST, 'the body must be {"enrolments": [...]}')
    if len(found) > MOST_ENROLMENTS:
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MOST_ENROLMENTS} enrolments at once")
    return found


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
    return {"state": _packed(streamer, state), "probabilities": reading.probabilities}


def _state(streamer: Streamer, enrolment: Mapping[str, Any]) -> State:
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
    found = (_event(event) for event in events)
    return [event for event in found if event[1]]


def _event(event: object) -> tuple[float, str, str]:
    """Time, token ("" for what is no learner action) and item ("" for none)."""
    if not isinstance(event, dict) or not isinstance(event.get("event_type"), str):
        raise ValueError("an event is an object with event_type, time and, if there is one, item_id")
    token = fold(event["event_type"]).token
    return _time(event.get("time"), "time"), token, str(event.get("item_id") or "")


def _time(value: object, name: str) -> float:
    seconds = read_time(value)
    if seconds is None or not math.isfinite(seconds):
        raise ValueError(f"{name} must be unix seconds or ISO text, not {value!r}")
    return seconds


def course(foreseer: Foreseer, body: bytes) -> dict[str, dict[str, Any]]:
    """State and probabilities by learner of a course run, from its events before `now`."""
    content = _object(body)
    try:
        sequences = _sequences(content.get("events"))
        now = _time(content["now"], "now") if "now" in content else clock.time()
        begun = sequences.times.min() if len(sequences.times) else None
        told = content.get("course_start")
        start = begun if told is None else _time(told, "course_start")
        if start is None:
            raise ValueError("give course_start where there are no events")
        if start > now:
            raise ValueError("the course run has not begun by `now`")
        learners = _learners(content, sequences, now)
    except ValueError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, str(error)) from None
    found = foreseer.foresee(sequences, float(start), now, learners)
    return {
        learner: {
            "state": _packed(foreseer.streamer, each.state),
            "probabilities": dict(each.probabilities),
        }
        for learner, each in found.items()
    }


def _learners(content: Mapping[str, Any], sequences: Sequences, now: float) -> list[str]:
    """Who is asked for, each once; by default everyone with an event before `now`."""
    asked = content.get("learners")
    if asked is None:
        begun = sequences.times[sequences.offsets[:-1]] < now
        return [learner for learner, there in zip(sequences.learners, begun, strict=True) if there]
    if not isinstance(asked, list):
        raise ValueError("learners must be a list of ids")
    return sorted({_learner(each) for each in asked})


def _sequences(events: object) -> Sequences:
    if not isinstance(events, list):
        raise ValueError("events must be a list")
    rows = ((_event(event), _learner(event.get("learner_id"))) for event in events)
    known = [Event(COURSE, learner, time, token, item) for (time, token, item), learner in rows if token]
    return EventTable.of(known).sequences(COURSE) if known else empty(COURSE)


def _learner(learner: object) -> str:
    if isinstance(learner, bool) or not isinstance(learner, str | int) or learner == "":
        raise ValueError(f"learner_id must be a text or a whole number, not {learner!r}")
    return str(learner)


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise Refusal(HTTPStatus.BAD_REQUEST, "the body must be a JSON object")
    return content


def _packed(streamer: Streamer, state: State) -> str:
    return base64.b64encode(streamer.pack(state)).decode()
