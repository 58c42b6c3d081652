"""Who is studied, and where each one's clock begins."""

from __future__ import annotations

import pytest

from predictor.cohort import cohort, duration
from predictor.events import Event
from predictor.moments import DAY
from predictor.outcomes import Outcomes
from predictor.sequences import EventTable

DAY_ONE = "2026-01-01T00:00:00+00:00"
ONE = 1767225600.0
EVENTS = EventTable.of([Event("c", "b", ONE + 2 * DAY, "x"), Event("c", "a", ONE + 5 * DAY, "x")])


def outcomes(**columns: list[str]) -> Outcomes:
    table = {
        "course_id": ["c", "c", "c"],
        "learner_id": ["a", "b", "silent"],
        "passed": ["1", "0", "0"],
        **columns,
    }
    return Outcomes.from_rows(
        [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    )


def test_a_course_begins_where_the_table_says() -> None:
    found = cohort(EVENTS, outcomes(course_start=[DAY_ONE] * 3), "passed", "course")
    assert found.enrolments.starts.tolist() == [ONE] * 3
    assert found.labels.tolist() == [1, 0, 0]


def test_a_course_without_a_start_begins_with_its_first_event() -> None:
    assert cohort(EVENTS, outcomes(), "passed", "course").enrolments.starts.tolist() == [ONE + 2 * DAY] * 3


def test_the_learners_clock_begins_with_the_first_event_of_each() -> None:
    found = cohort(EVENTS, outcomes(course_start=[DAY_ONE] * 3), "passed", "learner")
    assert found.enrolments.starts.tolist() == [ONE + 5 * DAY, ONE + 2 * DAY, ONE]
    assert found.enrolments.begins.tolist() == [ONE] * 3


def test_unknown_outcomes_are_left_out_and_counted() -> None:
    found = cohort(EVENTS, outcomes(passed=["1", "", "0"]), "passed", "course")
    assert found.enrolments.learners.tolist() == ["a", "silent"]
    assert found.left_out == 1


def test_who_is_known_by_then_is_not_open() -> None:
    known = outcomes(course_start=[DAY_ONE] * 3, passed_at=["2026-01-08", "2026-01-09", ""])
    found = cohort(EVENTS, known, "passed", "course")
    assert found.open_at(7 * DAY).tolist() == [False, True, True]


def test_a_course_with_neither_start_nor_events_is_named() -> None:
    with pytest.raises(ValueError, match="course d has neither events nor a course_start"):
        cohort(EVENTS, outcomes(course_id=["c", "c", "d"]), "passed", "course")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"course_id": ["x", "x", "x"]}, "course 'c', learner 'a', the outcomes of course 'x', learner 'a'"),
        ({"learner_id": ["1", "2", "3"]}, "course 'c', learner 'a', the outcomes of course 'c', learner '1'"),
    ],
)
def test_tables_without_a_common_learner_show_how_each_writes_its_ids(
    changed: dict[str, list[str]], words: str
) -> None:
    with pytest.raises(ValueError, match="no learner of the outcomes has an event") as raised:
        cohort(EVENTS, outcomes(**changed), "passed", "course")
    assert words in str(raised.value)


def test_no_events_at_all_are_an_error() -> None:
    with pytest.raises(ValueError, match="the events are none"):
        cohort(EventTable.of([]), outcomes(course_start=[DAY_ONE] * 3), "passed", "course")


def test_a_course_counts_while_it_had_an_event_in_the_week_before() -> None:
    found = cohort(EVENTS, outcomes(course_start=[DAY_ONE] * 3), "passed", "course")
    assert found.running_at(12 * DAY).all()
    assert not found.running_at(12.1 * DAY).any()
    assert cohort(EVENTS, outcomes(), "passed", "learner").running_at(100 * DAY).all()


def test_a_course_without_events_never_ran() -> None:
    told = outcomes(course_id=["c", "c", "silent course"], course_start=[DAY_ONE] * 3)
    found = cohort(EVENTS, told, "passed", "course")
    assert found.running_at(7 * DAY).tolist() == [True, True, False]
    assert found.running_at(100 * DAY).tolist() == [False, False, False]
    assert cohort(EVENTS, told, "passed", "learner").running_at(100 * DAY).all()


def test_other_events_outcomes_or_clocks_have_another_digest() -> None:
    usual = cohort(EVENTS, outcomes(), "passed", "course")
    later = EventTable.of([Event("c", "b", ONE + 2 * DAY, "x"), Event("c", "a", ONE + 6 * DAY, "x")])
    others = [
        cohort(later, outcomes(), "passed", "course"),
        cohort(EVENTS, outcomes(passed=["1", "1", "0"]), "passed", "course"),
        cohort(EVENTS, outcomes(), "passed", "learner"),
        usual.take(usual.labels == 0),
    ]
    assert len({usual.digest, *(other.digest for other in others)}) == 5
    assert cohort(EVENTS, outcomes(), "passed", "course").digest == usual.digest


def test_no_known_outcome_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="no learner has a known passed"):
        cohort(EVENTS, outcomes(passed=["", "", ""]), "passed", "course")


@pytest.mark.parametrize(("text", "days"), [("7d", 7), ("2w", 14), ("36h", 1.5), ("0.5d", 0.5)])
def test_spans_are_read(text: str, days: float) -> None:
    assert duration(text) == days * DAY


@pytest.mark.parametrize("text", ["", "d", "7", "7x", "-1d", "0d", "nand", "infd"])
def test_a_span_that_is_none_says_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="time span"):
        duration(text)
