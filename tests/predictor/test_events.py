"""One tracking record becomes one event, or a reason."""

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.events import (
    EARLIEST,
    FUTURE,
    TOO_OLD,
    Event,
    Skipped,
    course_key,
    parse,
    read_payload,
    read_time,
)

FIXTURES = Path(__file__).parent / "fixtures" / "events"
NOW = 1_800_000_000.0
NAMES = sorted(path.stem for path in (FIXTURES / "raw").glob("*.json"))

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner)
)
fields = st.sampled_from(
    [
        "event_type",
        "name",
        "event",
        "data",
        "time",
        "timestamp",
        "context",
        "username",
        "event_source",
        "page",
    ]
)
kinds = st.sampled_from(
    ["problem_check", "play_video", "/courses/a/b/c/info", "/xblock/block-v1:a+b+c+type@x+block@y"]
)
contexts = st.dictionaries(st.sampled_from(["user_id", "course_id", "module", "timestamp", "path"]), trees)
records = st.dictionaries(fields | st.text(max_size=9), trees | contexts | kinds | trees.map(json.dumps))


def sound(**changes: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "event_type": "showanswer",
        "time": "2025-03-04T08:15:30Z",
        "event": {"problem_id": "p"},
        "context": {"user_id": 41, "course_id": "course-v1:a+b+c"},
    }
    return record | changes


def test_every_golden_record_has_its_expectation() -> None:
    assert sorted(path.stem for path in (FIXTURES / "expected").glob("*.json")) == NAMES
    assert len(NAMES) > 80


@pytest.mark.parametrize("name", NAMES)
def test_golden_record(name: str) -> None:
    record = json.loads((FIXTURES / "raw" / f"{name}.json").read_text())
    expected = json.loads((FIXTURES / "expected" / f"{name}.json").read_text())
    found = parse(record, now=NOW)
    assert found._asdict() == expected
    assert isinstance(found, Skipped if "reason" in expected else Event)


@given(records)
def test_parse_never_raises(record: dict[str, Any]) -> None:
    found = parse(record, now=NOW)
    if isinstance(found, Event):
        assert found.course_id
        assert found.learner_id
        assert found.token
        assert EARLIEST <= found.time <= NOW + 86400
    else:
        assert found.reason


@given(st.sampled_from(sorted(sound())), trees)
def test_one_strange_field_is_no_error(field: str, value: Any) -> None:
    assert parse(sound(**{field: value}), now=NOW)


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2027, 1, 1)),
    st.integers(-12 * 60, 14 * 60),
)
def test_time_keeps_its_microsecond_in_every_form(moment: datetime, offset: int) -> None:
    moment = moment.replace(tzinfo=UTC)
    shifted = (moment + timedelta(minutes=offset)).replace(tzinfo=None).isoformat()
    sign, hours, minutes = "-" if offset < 0 else "+", abs(offset) // 60, abs(offset) % 60
    forms = [
        moment,
        moment.replace(tzinfo=None),
        moment.isoformat(),
        moment.isoformat().replace("+00:00", "Z"),
        moment.replace(tzinfo=None).isoformat(" "),
        f"{shifted}{sign}{hours:02d}:{minutes:02d}",
        moment.timestamp(),
        {"$date": moment.isoformat()},
    ]
    for form in forms:
        seconds = read_time(form)
        assert seconds is not None
        assert round(seconds * 1e6) == round(moment.timestamp() * 1e6), form


@pytest.mark.parametrize(
    "number", [1741076130, 1741076130_000, 1741076130_000_000, 1741076130_000_000_000, "1741076130"]
)
def test_epoch_numbers_are_told_apart_by_size(number: Any) -> None:
    assert read_time(number) == 1741076130.0


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 10**400, True, [], "soon", "2025-13-01", "9999-99"]
)
def test_what_is_no_time_is_none(value: Any) -> None:
    assert read_time(value) is None


def test_times_that_cannot_be_are_refused() -> None:
    assert parse(sound(), now=NOW) == Event("course-v1:a+b+c", "41", 1741076130.0, "showanswer", "p")
    day_ahead = datetime.fromtimestamp(NOW + 86400, UTC).isoformat()
    assert isinstance(parse(sound(time=day_ahead), now=NOW), Event)
    later = datetime.fromtimestamp(NOW + 86401, UTC).isoformat()
    assert parse(sound(time=later), now=NOW) == Skipped(FUTURE)
    assert parse(sound(time="1999-12-31T23:59:59Z"), now=NOW) == Skipped(TOO_OLD)
    assert parse(sound(time="0001-01-01T00:00:00+14:00"), now=NOW) == Skipped(TOO_OLD)


def test_the_system_clock_judges_when_none_is_given() -> None:
    ahead = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    assert parse(sound(time=ahead)) == Skipped(FUTURE)
    assert isinstance(parse(sound(time=datetime.now(UTC))), Event)


@pytest.mark.parametrize(
    ("grade", "most", "score"),
    [
        (1, 4, 0.25),
        (0, 3, 0.0),
        (5, 4, 1.0),
        (-1, 4, 0.0),
        (1, 0, None),
        (None, 4, None),
        ("x", 4, None),
        (1, math.nan, None),
    ],
)
def test_score_is_the_share_of_points(grade: Any, most: Any, score: float | None) -> None:
    payload = {"problem_id": "p", "success": "incorrect", "grade": grade, "max_grade": most}
    found = parse(sound(event_type="problem_check", event=payload), now=NOW)
    assert isinstance(found, Event)
    assert found.score == score


def test_a_browser_cannot_claim_a_correct_answer() -> None:
    payload = {"problem_id": "p", "success": "correct", "grade": 1, "max_grade": 1}
    forged = sound(event_type="problem_check", event_source="browser", event=json.dumps(payload))
    assert parse(forged, now=NOW) == Skipped("browser copy of problem_check")


def test_payload_is_decoded_however_often_it_was_encoded() -> None:
    payload: Any = {"id": "x"}
    for _ in range(3):
        assert read_payload(payload) == {"id": "x"}
        payload = json.dumps(payload)
    assert read_payload(payload) == {"id": "x"}
    assert read_payload("input_1=2&input_2=3") == {}
    assert read_payload('{"id": "x') == {}
    assert read_payload(None) == {}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("course-v1:a+b+c", "course-v1:a+b+c"),
        ("course-v1%3Aa%2Bb%2Bc", "course-v1:a+b+c"),
        ("course-v1:a b c", "course-v1:a+b+c"),
        ("ccx-v1:a+b+c+ccx@1", "ccx-v1:a+b+c+ccx@1"),
        ("Org/Course/Run_1", "Org/Course/Run_1"),
        ("library-v1:a+b", ""),
        ("course-v1:a+b", ""),
        ("Org/Course", ""),
        ("", ""),
    ],
)
def test_both_forms_of_course_keys(text: str, key: str) -> None:
    assert course_key(text) == key
