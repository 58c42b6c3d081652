"""What was due, handed in, late and graded by any moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.assignments import COLUMNS, Assignment, Assignments, write
from predictor.moments import DAY

times = st.one_of(st.just(np.nan), st.floats(0, 100).map(lambda day: day * DAY))
rows = st.lists(
    st.builds(
        Assignment,
        course_id=st.sampled_from(["C", "D"]),
        learner_id=st.sampled_from(["1", "2", "3"]),
        due=times,
        handed_in=times,
        graded=times,
        earned=st.floats(0, 5),
        possible=st.floats(1, 5),
        passing=st.just(0.5),
    ),
    max_size=12,
)


def at(table: Assignments, day: float, *learners: str, course: str = "C") -> dict[str, list[float]]:
    """Columns of these learners, the same day for all."""
    found = table.at(course, np.array(learners), np.full(len(learners), day * DAY))
    return {name: values.tolist() for name, values in found.items()}


def due(learner: str, day: float, handed_in: float = np.nan, **more: float) -> Assignment:
    return Assignment("C", learner, due=day * DAY, handed_in=handed_in * DAY, **more)


def test_an_assignment_is_missed_from_its_due_date_until_it_is_handed_in_late() -> None:
    table = Assignments.of([due("1", 10, handed_in=13)])
    for day, missed, late in ((9, 0, 0), (11, 1, 0), (14, 0, 1)):
        found = at(table, day, "1")
        assert (found["assignments.missed"], found["assignments.late"]) == ([missed], [late])
    assert at(table, 14, "1")["assignments.days_late"] == [pytest.approx(3.0)]


def test_lateness_is_a_mean_over_what_was_handed_in() -> None:
    table = Assignments.of([due("1", 10, handed_in=14), due("1", 10, handed_in=9), due("1", 20)])
    found = at(table, 30, "1")
    assert found["assignments.days_late"] == [pytest.approx(2.0)]
    assert found["assignments.handed_in"] == [pytest.approx(2 / 3)]


def test_the_next_due_is_the_nearest_that_is_still_open() -> None:
    table = Assignments.of([due("1", 10), due("1", 15, handed_in=2), due("1", 20)])
    assert at(table, 5, "1")["assignments.days_to_next_due"] == [pytest.approx(5.0)]
    assert at(table, 12, "1")["assignments.days_to_next_due"] == [pytest.approx(8.0)]
    assert np.isnan(at(table, 25, "1")["assignments.days_to_next_due"]).all()


def test_points_count_from_when_they_stood_as_they_do() -> None:
    graded = due("1", 10, handed_in=5, graded=6 * DAY, earned=1.0, possible=4.0, passing=0.6)
    found = at(Assignments.of([graded]), 7, "1")
    assert found["grades.grade"] == [0.25]
    assert found["grades.short_of_passing"] == [pytest.approx(0.35)]
    assert np.isnan(at(Assignments.of([graded]), 5.5, "1")["grades.grade"]).all()


def test_of_who_or_what_is_not_in_the_table_nothing_is_known() -> None:
    table = Assignments.of([due("1", 10)])
    for found in (at(table, 20, "9"), at(table, 20, "1", course="E"), at(Assignments.of([]), 20, "1")):
        assert set(found) == set(COLUMNS)
        assert np.isnan(list(found.values())).all()


def test_without_due_dates_nobody_misses_anything() -> None:
    found = at(Assignments.of([Assignment("C", "1", graded=DAY, earned=1, possible=2)]), 5, "1")
    assert found["grades.grade"] == [0.5]
    assert np.isnan(found["assignments.missed"]).all()
    assert np.isnan(found["assignments.handed_in"]).all()


@given(rows, st.floats(0, 110))
def test_what_comes_at_a_moment_or_later_changes_nothing_but_what_is_ahead(
    told: list[Assignment], day: float
) -> None:
    moment = day * DAY
    known = [
        row._replace(
            handed_in=row.handed_in if row.handed_in < moment else np.nan,
            graded=row.graded if row.graded < moment else np.nan,
        )
        for row in told
    ]
    learners = ("1", "2", "3")
    np.testing.assert_equal(
        at(Assignments.of(told), day, *learners), at(Assignments.of(known), day, *learners)
    )


@given(told=rows)
def test_a_table_is_read_as_it_was_written(
    told: list[Assignment], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("table") / "assignments.csv"
    assert write(path, iter(told)) == len(told)
    learners = ("3", "1", "2")
    for course in ("C", "D"):
        np.testing.assert_equal(
            at(Assignments.read(path), 50, *learners, course=course),
            at(Assignments.of(told), 50, *learners, course=course),
        )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("course_id,learner_id,due\nC,1,3\n", "lacks the columns handed_in"),
        ("course_id,learner_id,due,handed_in,graded,earned,possible,passing\nC,1,soon,,,,,\n", "row 1.*soon"),
        ("course_id,learner_id,due,handed_in,graded,earned,possible,passing\nC,1\n", "row 1 is cut short"),
    ],
)
def test_a_table_that_is_wrong_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "assignments.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        Assignments.read(path)
