"""Earlier runs of a course, earlier courses of a learner."""

from __future__ import annotations

import json

import numpy as np
import pytest

from predictor.moments import DAY
from predictor.outcomes import Outcomes
from predictor.records import MONTH, CourseRecords, LearnerRecords, family

LENGTH = 30 * DAY


@pytest.mark.parametrize(
    ("course_id", "expected"),
    [
        ("course-v1:Org+Algebra+2024", "Org+Algebra"),
        ("Org/Algebra/2023", "Org+Algebra"),
        ("1187A", "1187A"),
        ("course-v1:Org+Algebra", "course-v1:Org+Algebra"),
    ],
)
def test_runs_of_one_course_are_a_family(course_id: str, expected: str) -> None:
    assert family(course_id) == expected


def records() -> CourseRecords:
    courses = np.repeat(["course-v1:O+A+1", "course-v1:O+A+2", "course-v1:O+B+1"], (20, 10, 9))
    begins = np.repeat([0.0, 100 * DAY, 0.0], (20, 10, 9))
    lost = np.concatenate((np.arange(20) < 5, np.arange(10) < 5, np.ones(9))).astype(float)
    return CourseRecords.of(courses, begins, lost, LENGTH)


def test_only_runs_that_were_over_count() -> None:
    found = records()
    assert np.isnan(found.lost_before("course-v1:O+A+1", 0.0))
    assert np.isnan(found.lost_before("course-v1:O+A+2", 29 * DAY))
    assert found.lost_before("course-v1:O+A+2", 100 * DAY) == 0.25
    assert found.lost_before("course-v1:O+A+3", 200 * DAY) == pytest.approx(10 / 30)


def test_a_run_of_few_learners_tells_nothing() -> None:
    assert np.isnan(records().lost_before("course-v1:O+B+2", 200 * DAY))


def test_records_of_courses_come_back_from_a_manifest() -> None:
    assert CourseRecords.from_json(json.loads(json.dumps(records().to_json()))) == records()


def outcomes() -> Outcomes:
    rows = [
        ("A", "ann", 0.0, "1"),
        ("B", "ann", 40 * DAY, "0"),
        ("C", "ann", 80 * DAY, "1"),
        ("C", "bob", 80 * DAY, "1"),
    ]
    return Outcomes.from_rows(
        {"course_id": course, "learner_id": learner, "course_start": str(start), "passed": passed}
        for course, learner, start, passed in rows
    )  # fmt: skip


def test_a_learners_earlier_courses_count_once_they_were_over() -> None:
    known = LearnerRecords.of(outcomes(), "passed", False, LENGTH)
    names, begins = np.array(["ann", "ann", "ann", "bob", "eve"]), np.array([0.0, 40, 80, 80, 80]) * DAY
    columns = known.columns(names, begins)
    np.testing.assert_equal(columns["courses before"], [0, 1, 2, 0, np.nan])
    np.testing.assert_equal(columns["completed before"], [np.nan, 0.75, 0.5, np.nan, np.nan])
    np.testing.assert_allclose(columns["months here"], [0, 40 * DAY / MONTH, 80 * DAY / MONTH, 0, np.nan])


def test_a_course_that_still_ran_tells_nothing_of_completing() -> None:
    known = LearnerRecords.of(outcomes(), "passed", False, 60 * DAY)
    assert np.isnan(known.columns(np.array(["ann"]), np.array([40 * DAY]))["completed before"][0])


def test_where_one_means_lost_the_share_is_turned() -> None:
    known = LearnerRecords.of(outcomes(), "passed", True, LENGTH)
    assert known.columns(np.array(["ann"]), np.array([40 * DAY]))["completed before"][0] == 0.25


def test_nobody_asked_is_answered() -> None:
    known = LearnerRecords.of(outcomes(), "passed", False, LENGTH)
    assert known.columns(np.zeros(0, dtype=np.str_), np.zeros(0))["courses before"].shape == (0,)
