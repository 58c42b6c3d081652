"""Each prediction of a few learners over the last month."""

from __future__ import annotations

from datetime import timedelta

import pytest
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.communicator.trends import DAYS, MOST, trends
from nudge_xblock.compat import platform
from nudge_xblock.models import PredictionDay

from ..moments import COURSE, NOW
from .learners import learner

pytestmark = pytest.mark.django_db
OTHER = CourseKey.from_string("course-v1:Elsewhere+X+1")


def name(user_id: int, course: CourseKey = COURSE) -> str:
    return platform().anonymous_id(user_id, course)[:16]


def predicted(user_id: int, ago: int, course: CourseKey = COURSE, **chances: float) -> None:
    enrolment = learner(user_id, course=course).learner.enrolments.get(course_key=course)
    PredictionDay.objects.create(
        enrolment=enrolment, day=(NOW - timedelta(days=ago)).date(), predictions=chances
    )


def test_a_line_has_a_point_for_each_day_that_has_one() -> None:
    row = learner(7)
    for ago, chance in ((0, 0.905), (3, 0.5), (29, 0.1), (30, 0.99)):
        day = (NOW - timedelta(days=ago)).date()
        PredictionDay.objects.create(enrolment=row, day=day, predictions={"pass": chance})
    told = trends(COURSE, [name(7)], NOW)
    line = told["learners"][name(7)]
    assert (len(told["days"]), told["days"][-1]) == (DAYS, NOW.date().isoformat())
    assert {place: value for place, value in enumerate(line["pass"]) if value is not None} == {
        0: 10,
        26: 50,
        29: 91,
    }
    assert line["complete"] == line["leave"] == [None] * DAYS


def test_only_those_asked_for_are_told_and_only_of_this_course() -> None:
    predicted(7, 1, **{"pass": 0.2})
    predicted(8, 1, **{"pass": 0.3})
    predicted(9, 1, OTHER, **{"pass": 0.4})
    told = trends(COURSE, [name(7), name(9), name(9, OTHER), "0" * 16], NOW)
    assert set(told["learners"]) == {name(7)}


def test_a_course_with_nobody_has_no_lines() -> None:
    assert trends(COURSE, [name(7)], NOW)["learners"] == {}


@pytest.mark.parametrize("who", [["7"], ["x" * 16], [""], ["A" * 16], ["0" * 16] * (MOST + 1)])
def test_what_is_no_pseudonym_or_too_many_is_refused_in_words(who: list[str]) -> None:
    with pytest.raises(ValueError, match="at most 100 pseudonyms"):
        trends(COURSE, who, NOW)
