"""Feature tables: what was known of whom, and when."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.facts import Facts, Together

LEARNERS = np.array(["a", "b", "c", "nobody"])


def row(learner: str, time: object = None, course: str = "C", **values: object) -> dict[str, object]:
    """A row of a feature table."""
    told = {"course_id": course, "learner_id": learner, "assignments.missed": values.get("missed")}
    return told | ({} if time is None else {"time": time})


def missed(facts: Facts, moment: float, course: str = "C") -> list[float]:
    found = facts.at(course, LEARNERS, np.full(len(LEARNERS), moment))
    return found["assignments.missed"].tolist()


def test_a_later_row_takes_the_place_of_an_earlier_one_from_its_time_on() -> None:
    facts = Facts.of([row("a", 20.0, missed=2), row("a", 10.0, missed=1), row("b", 15.0, missed=7)])
    np.testing.assert_equal(missed(facts, 10.0), [np.nan] * 4)
    np.testing.assert_equal(missed(facts, 10.5), [1, np.nan, np.nan, np.nan])
    np.testing.assert_equal(missed(facts, 25.0), [2, 7, np.nan, np.nan])


def test_without_a_time_a_row_always_counts() -> None:
    np.testing.assert_equal(missed(Facts.of([row("c", missed="3")]), 0.0), [np.nan, np.nan, 3, np.nan])


def test_another_course_has_facts_of_its_own() -> None:
    facts = Facts.of([row("a", missed=1), row("a", missed=2, course="D")])
    assert missed(facts, 1.0, "D")[0] == 2
    np.testing.assert_equal(missed(facts, 1.0, "E"), [np.nan] * 4)


rows = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 99)), max_size=12)


@given(rows, st.lists(st.floats(-1, 11), min_size=4, max_size=4))
def test_everyone_has_the_newest_row_before_their_own_moment(
    told: list[tuple[str, int, int]], moments: list[float]
) -> None:
    unique = {(learner, time): value for learner, time, value in told}
    facts = Facts.of([row(learner, float(time), missed=value) for (learner, time), value in unique.items()])
    expected = []
    for learner, moment in zip(LEARNERS.tolist(), moments, strict=True):
        mine = [(time, value) for (who, time), value in unique.items() if who == learner and time < moment]
        expected.append(float(max(mine)[1]) if mine else np.nan)
    if unique:
        found = facts.at("C", LEARNERS, np.array(moments))["assignments.missed"]
        np.testing.assert_equal(found, expected)


def test_it_is_read_from_a_file_with_dates_and_gaps(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text(
        "course_id,learner_id,time,assignments.missed,grades.grade\nC,a,1970-01-02,2,\nC,b,,,0.5\n"
    )
    facts = Facts.read(path)
    assert facts.columns == ("assignments.missed", "grades.grade")
    found = facts.at("C", LEARNERS[:2], np.full(2, 86401.0))
    np.testing.assert_equal(found["assignments.missed"], [2, np.nan])
    np.testing.assert_equal(found["grades.grade"], [np.nan, 0.5])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("learner_id,grades.grade\na,1\n", "lacks the column course_id"),
        ("course_id,learner_id,grades.grade\nC,a,good\n", "row 1: grades.grade is 'good'"),
        ("course_id,learner_id,grades.grade\nC,a,inf\n", "finite number"),
        ("course_id,learner_id,grades.grade\nC,,1\n", "row 1: learner_id is empty"),
        ("course_id,learner_id,time,grades.grade\nC,a,soon,1\n", "'soon', which is no date"),
        ("course_id,learner_id,enrolment.gender\nC,a,1\n", "protected attribute"),
    ],
)
def test_what_is_wrong_is_told_with_its_row(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "facts.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=complaint):
        Facts.read(path)


def test_of_two_tables_that_tell_the_same_the_first_counts() -> None:
    first, second = Facts.of([row("a", missed=1)]), Facts.of([{**row("a", missed=5), "help.tutor": 2}])
    both = Together([first, second])
    assert [factor.name for factor in both.factors] == ["assignments_missed", "help_tutor"]
    found = both.at("C", LEARNERS[:1], np.zeros(1))
    assert {name: values.tolist() for name, values in found.items()} == {
        "assignments.missed": [1.0],
        "help.tutor": [2.0],
    }
