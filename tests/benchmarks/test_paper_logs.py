"""The made-up logs hold what they say, and `ingest` finds exactly that in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import paper_logs
from benchmarks.paper_logs import (
    COURSES,
    FILES,
    LONGEST,
    OVERLAP,
    Plan,
    kinds,
    plan,
    rendered,
    set_aside,
    write,
)
from predictor import ingestion
from predictor.events import Event, parse
from predictor.outcomes import read_outcomes
from predictor.sequences import EventStore

EVENTS = 12_000
KINDS_OF_EVENTS = 88


@pytest.fixture(scope="module")
def made() -> Plan:
    return plan(EVENTS)


def test_a_plan_has_the_size_the_courses_and_the_longest_stream(made: Plan) -> None:
    assert abs(made.events - EVENTS) < 0.01 * EVENTS
    assert set(made.course.tolist()) == set(range(COURSES))
    assert int(np.bincount(made.owner).max()) == LONGEST
    assert (np.diff(made.time) >= 0).all()
    np.testing.assert_array_equal(made.time, plan(EVENTS).time)


def test_each_kind_of_line_is_read_as_the_plan_says() -> None:
    names, people = kinds(), np.zeros(len(kinds()), np.int32)
    none = np.zeros(len(names), np.uint8)
    times = 1.46e9 + np.arange(len(names)) * 0.25
    every = Plan(none[:1], times[:1], people, np.arange(len(names), dtype=np.uint8), none, times)
    found = [parse(json.loads(line)) for line in rendered(every, 0, len(names))]
    tokens = set()
    for name, event, time in zip(names, found, times, strict=True):
        assert isinstance(event, Event) != set_aside(name), (name, event)
        if isinstance(event, Event):
            assert (event.course_id, event.learner_id, event.time) == (paper_logs.course_id(0), "1", time)
            tokens.add(event.token)
    assert len(tokens) == KINDS_OF_EVENTS - 1  # one line is graded either right or wrong


def test_overlapping_files_read_by_two_helpers_are_one_history(
    made: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingestion, "BLOCK", 1 << 20)
    logs = write(made, tmp_path / "logs", processes=2)
    assert len(logs) == FILES
    report = ingestion.ingest([tmp_path / "logs"], tmp_path / "store", workers=2)
    assert report.added == made.events
    # Files shorter than what they repeat begin with the first line of all.
    bounds = np.linspace(0, len(made.time), FILES + 1).astype(int)[:-1]
    assert report.lines == len(made.time) + int(np.minimum(bounds, OVERLAP).sum())
    assert report.duplicates == report.events - report.added > 0
    store = EventStore(tmp_path / "store")
    assert len(store.courses) == COURSES
    assert len({name for course in store.courses for name in store.sequences(course).names}) > 60


def test_everyone_has_an_outcome_and_both_happen(made: Plan, tmp_path: Path) -> None:
    paper_logs.write_outcomes(made, tmp_path / "outcomes.csv")
    outcomes = read_outcomes(tmp_path / "outcomes.csv", ["certified", "completed"])
    labels = np.concatenate([course.labels["certified"] for course in outcomes.by_course.values()])
    assert len(labels) == len(made.course)
    assert 0.02 < labels.mean() < 0.5
