"""A learner came in on a day where any course run has an event of that day."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock import courses
from nudge_xblock.presence import AWAY, DAY, Presence, day_of
from predictor.events import Event
from predictor.sequences import EventTable, Sequences

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
TODAY = day_of(NOW)
FIRST = TODAY - 20
ONE, TWO = "course-v1:Harbour+NUM101+2026", "course-v1:Harbour+NUM102+2026"


def run(course: str, *happened: tuple[str, float]) -> Sequences:
    """A course run in which learners had an event each so many days after 1970."""
    events = [Event(course, learner, day * DAY, "play_video", "v1") for learner, day in happened]
    return EventTable.of(events).sequences(course)


def days(presence: Presence) -> dict[str, list[int]]:
    return {learner: found.tolist() for learner, found in presence.came().items()}


def test_days_are_those_of_utc() -> None:
    assert day_of(datetime(1970, 1, 2, tzinfo=UTC)) == 1
    assert day_of(datetime(1970, 1, 1, 23, 59, 59, tzinfo=UTC)) == 0
    assert day_of(NOW) == day_of(NOW + timedelta(hours=20)) == day_of(NOW + timedelta(hours=22)) - 1
    presence = Presence(["a", "b"], FIRST, NOW)
    presence.add(run(ONE, ("a", FIRST + 3), ("a", FIRST + 5.9999), ("b", FIRST + 6)))
    assert days(presence) == {"a": [FIRST + 3, FIRST + 5], "b": [FIRST + 6]}


def test_course_runs_are_taken_together() -> None:
    presence = Presence(["a", "b"], FIRST, NOW)
    presence.add(run(ONE, ("a", FIRST + 1), ("b", FIRST + 1)))
    presence.add(run(TWO, ("a", FIRST + 1.5), ("a", FIRST + 4)))
    presence.add(courses.nothing("course-v1:Harbour+EMPTY+2026"))
    assert days(presence) == {"a": [FIRST + 1, FIRST + 4], "b": [FIRST + 1]}


def test_who_goes_on_after_midnight_has_not_come_back() -> None:
    presence = Presence(["a", "b"], FIRST, NOW)
    hour = 1 / 24
    sitting = [("a", FIRST + 3 - hour), ("a", FIRST + 3 + hour), ("a", FIRST + 3 + 2 * hour)]
    presence.add(run(ONE, *sitting, ("b", FIRST + 2.5), ("b", FIRST + 3.5)))
    assert days(presence) == {"a": [FIRST + 2], "b": [FIRST + 2, FIRST + 3]}


def test_what_others_did_about_a_learner_is_no_sign_of_them() -> None:
    seen = Event(ONE, "a", (FIRST + 1) * DAY, "play_video", "v1")
    graded = [
        Event(ONE, learner, (FIRST + 6) * DAY, kind, "")
        for learner in "ab"
        for kind in ("edx.certificate.created", "edx.grades.subsection.grade_calculated")
    ]
    presence = Presence(["a", "b"], FIRST, NOW)
    presence.add(EventTable.of([seen, *graded]).sequences(ONE))
    assert days(presence) == {"a": [FIRST + 1]}
    assert presence.end() == FIRST + 1


def test_other_learners_and_earlier_days_are_left_out() -> None:
    presence = Presence(["a", "never"], FIRST, NOW)
    presence.add(run(ONE, ("a", FIRST - 1), ("a", FIRST), ("somebody else", FIRST + 1)))
    assert days(presence) == {"a": [FIRST]}
    assert days(Presence([], FIRST, NOW)) == {}


def test_today_is_not_over_nor_is_a_day_since_which_there_is_no_event_of_anybody() -> None:
    presence = Presence(["a"], FIRST, NOW)
    assert presence.end() == FIRST  # nothing is known yet
    presence.add(run(ONE, ("a", FIRST + 3), ("somebody else", FIRST + 12)))
    presence.add(run(TWO, ("a", FIRST + 7)))
    assert presence.end() == FIRST + 12
    presence.add(run(ONE, ("a", TODAY + 0.1)))
    assert presence.end() == TODAY
    presence.add(run(ONE, ("a", TODAY + 4)))  # a clock that is wrong
    assert presence.end() == TODAY
    assert days(presence)["a"][-1] == TODAY


HAPPENED = st.lists(
    st.tuples(
        st.sampled_from([ONE, TWO]), st.sampled_from("abcd"), st.floats(FIRST - 5, TODAY + 0.1, width=64)
    ),
    max_size=30,
)


@given(HAPPENED)
def test_it_is_what_counting_one_by_one_finds(happened: list[tuple[str, str, float]]) -> None:
    presence = Presence("abc", FIRST, NOW)
    for course in (ONE, TWO):
        if own := [(learner, day) for run_, learner, day in happened if run_ == course]:
            presence.add(run(course, *own))
    expected: dict[str, set[int]] = {}
    for course in (ONE, TWO):
        for learner in "abc":
            times = sorted(day * DAY for run_, whose, day in happened if (run_, whose) == (course, learner))
            for before, time in zip([-math.inf, *times], times, strict=False):
                if time - before >= AWAY and time >= FIRST * DAY:
                    expected.setdefault(learner, set()).add(int(round(time, 6) // DAY))
    assert days(presence) == {learner: sorted(found) for learner, found in sorted(expected.items())}
