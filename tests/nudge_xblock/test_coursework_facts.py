"""What was due, handed in and graded, as the platform's tables tell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models.query import FlatValuesListIterable, ValuesListIterable

from nudge_xblock import addressees
from nudge_xblock.compat import platform
from nudge_xblock.coursework_facts import Handed

from .test_compat import COURSE, OTHER, block, day, enrol, make, openedx, user

__all__ = ["openedx"]


def due(name: str, on: float | None = None, after: timedelta | None = None, **more: Any) -> Any:
    """A block of the course with a due date."""
    policy = make("edx_when", "DatePolicy", abs_date=None if on is None else day(on), rel_date=after)
    return make(
        "edx_when", "ContentDate", course_id=COURSE, location=block(name), field="due", policy=policy, **more
    )


def graded(learner: int, name: str, on: float, earned: float = 1.0, **more: Any) -> None:
    told = {"earned_graded": earned, "possible_graded": 2.0, "modified": day(on + 1), **more}
    make(
        "grades",
        "PersistentSubsectionGrade",
        user_id=learner,
        course_id=COURSE,
        usage_key=block(name),
        first_attempted=day(on),
        **told,
    )


def assignments(*learners: int) -> list[Handed]:
    return list(platform().assignments(COURSE, learners))


def dues(*learners: int) -> dict[int, list[datetime | None]]:
    found: dict[int, list[datetime | None]] = {}
    for row in assignments(*learners):
        found.setdefault(row.user_id, []).append(row.due)
    return found


def test_what_somebody_handed_in_is_due_for_everybody(openedx: None) -> None:
    ada, bob = enrol("ada"), enrol("bob")
    due("a", on=10)
    due("untouched", on=12)
    graded(ada, "a", on=4)
    assert assignments(ada, bob) == [
        Handed(ada, day(10), day(4), day(5), 1.0, 2.0),
        Handed(bob, day(10)),
    ]


def test_what_has_no_due_date_is_there_for_its_points(openedx: None) -> None:
    ada, bob = enrol("ada"), enrol("bob")
    graded(ada, "a", on=4)
    assert assignments(ada, bob) == [Handed(ada, None, day(4), day(5), 1.0, 2.0)]


def test_what_does_not_count_for_the_grade_or_was_only_looked_at_is_no_assignment(openedx: None) -> None:
    ada = enrol("ada")
    due("a", on=10)
    due("b", on=10)
    graded(ada, "a", on=4, possible_graded=0.0)
    make(
        "grades", "PersistentSubsectionGrade", user_id=ada, course_id=COURSE, usage_key=block("b"),
        earned_graded=0, possible_graded=2, first_attempted=None, modified=day(3),
    )  # fmt: skip
    assert assignments(ada) == []


def test_extensions_and_withdrawn_dates_count(openedx: None) -> None:
    ada, bob = enrol("ada"), enrol("bob")
    mine, other = due("a", on=10), due("b", on=20)
    due("c", on=5, active=False)
    for name in ("a", "b", "c"):
        graded(ada, name, on=4)
    make("edx_when", "UserDate", user_id=bob, content_date=mine, abs_date=day(12), modified=day(1))
    make("edx_when", "UserDate", user_id=bob, content_date=mine, abs_date=day(15), modified=day(2))
    make("edx_when", "UserDate", user_id=bob, content_date=other, rel_date=timedelta(days=3), modified=day(2))
    assert dues(ada, bob) == {ada: [day(10), day(20), None], bob: [day(15), day(23)]}


def test_relative_dates_count_from_each_learners_own_beginning(openedx: None) -> None:
    from tests.openedx.student.models import CourseEnrollment

    ada, bob = enrol("ada"), enrol("bob")
    due("a", after=timedelta(days=7))
    graded(ada, "a", on=4)
    enrolment = CourseEnrollment.objects.get(user_id=ada)
    make("schedules", "Schedule", enrollment=enrolment, start_date=day(2))
    assert dues(ada, bob) == {ada: [day(9)]}, "without a schedule nothing is due"


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The table of each row that is read."""
    read: list[str] = []
    for kind in (ValuesListIterable, FlatValuesListIterable):
        plain = kind.__iter__

        def counted(self: Any, plain: Any = plain) -> Iterator[Any]:
            for row in plain(self):
                read.append(self.queryset.model.__name__)
                yield row

        monkeypatch.setattr(kind, "__iter__", counted)
    return read


def test_of_one_learner_among_many_no_row_of_another_is_read(openedx: None, rows_read: list[str]) -> None:
    from tests.openedx.student.models import CourseEnrollment

    people = [enrol(f"learner{number}") for number in range(5)]
    early, late = due("a", on=10), due("b", after=timedelta(days=7))
    for learner in people:
        graded(learner, "a", on=4)
        for block_due in (early, late):
            make("edx_when", "UserDate", user_id=learner, content_date=block_due, abs_date=day(12),
                 modified=day(1))  # fmt: skip
        enrolment = CourseEnrollment.objects.get(user_id=learner)
        make("schedules", "Schedule", enrollment=enrolment, start_date=day(2))
    rows_read.clear()
    assert platform().open_dues(COURSE, people[:1]) == {people[0]: [(day(12), str(block("b")))]}
    assert Counter(rows_read) == {
        "PersistentSubsectionGrade": 1, "ContentDate": 2, "UserDate": 2, "Schedule": 1,
    }  # fmt: skip


def test_many_learners_are_read_in_batches_and_each_is_told_once(
    openedx: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [enrol(f"learner{number}") for number in range(5)]
    due("a", on=10)
    due("b", on=12)
    graded(people[4], "a", on=4)
    graded(people[0], "b", on=4)
    whole = assignments(*people), platform().open_dues(COURSE, people)
    monkeypatch.setattr(addressees, "BATCH", 2)
    assert (assignments(*people), platform().open_dues(COURSE, people)) == whole
    assert [row.user_id for row in whole[0]] == sorted([*people, *people])
    assert [len(mine) for mine in whole[1].values()] == [1, 2, 2, 2, 1]


def test_the_passing_grade_is_the_courses_own(openedx: None) -> None:
    make("course_overviews", "CourseOverview", id=COURSE, lowest_passing_grade="0.60")
    assert platform().passing_grade(COURSE) == 0.6
    assert platform().passing_grade(OTHER) is None


def test_who_takes_which_courses_and_since_when_they_are_in_a_programme(openedx: None) -> None:
    ada, bob = enrol("ada", on=3), user("bob")
    for course, who, active in ((OTHER, ada, True), (COURSE, bob, False)):
        make(
            "student", "CourseEnrollment", user_id=who, course_id=course, mode="audit", created=day(5),
            is_active=active,
        )  # fmt: skip
    assert sorted(platform().courses_of([ada, bob])) == [(ada, COURSE, day(3)), (ada, OTHER, day(5))]
    for on in (9, 2):
        make(
            "program_enrollments", "ProgramEnrollment", user_id=ada, program_uuid=UUID(int=on),
            status="enrolled", created=day(on),
        )  # fmt: skip
    assert platform().programme_since([ada, 99]) == {ada: day(2)}


def test_without_a_platform_nothing_is_known() -> None:
    host = platform()
    assert list(host.assignments(COURSE, [7])) == []
    assert host.passing_grade(COURSE) is None
    assert list(host.courses_of([7])) == []
    assert host.programme_since([7]) == {}
