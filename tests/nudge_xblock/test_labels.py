"""Labels from the platform's tables, only once they are final."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings

from nudge_xblock import labels
from nudge_xblock.compat import CourseDates, Platform, Result
from nudge_xblock.holdout import is_held_out
from predictor.outcomes import read_outcomes

from . import nighttime
from .moments import COURSE
from .nighttime import NOW, event, store

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
DAY = timedelta(days=1)


class School(Platform):
    """A platform with one course run, whose dates a test sets."""

    dates = CourseDates()
    results: list[Result] = []

    def course_dates(self, course_key: Any) -> CourseDates:
        return self.dates

    def outcomes(self, course_key: Any) -> list[Result]:
        return self.results


@pytest.fixture(autouse=True)
def school(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(School, "dates", CourseDates(start=NOW - 90 * DAY, end=NOW - DAY))
    monkeypatch.setattr(School, "results", [result(1, 30), result(2, None)])
    with override_settings(NUDGE_COMPAT=f"{__name__}.School", NUDGE_HELD_OUT_SHARE=0.0):
        yield


def result(user_id: int, passed_days_ago: float | None, enrolled_days_ago: float = 90) -> Result:
    when = None if passed_days_ago is None else NOW - passed_days_ago * DAY
    return Result(
        user_id, when is not None, when is not None, when, when, "audit", NOW - enrolled_days_ago * DAY
    )


def rows() -> dict[str, dict[str, Any]]:
    return {row["learner_id"]: row for row in labels.rows_of(COURSE, NOW)}


def test_an_ended_run_labels_everyone_it_enrolled() -> None:
    found = rows()
    assert (found["1"]["pass"], found["1"]["complete"], found["1"]["pass_at"]) == (1, 1, NOW - 30 * DAY)
    assert (found["2"]["pass"], found["2"]["complete"], found["2"]["pass_at"]) == (0, 0, None)
    assert found["1"]["course_start"] == (NOW - 90 * DAY).timestamp()


def test_a_running_course_labels_nobody_not_even_who_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(School, "dates", CourseDates(start=NOW - 90 * DAY, end=NOW + DAY))
    assert [row["pass"] for row in rows().values()] == [None, None]


def test_a_self_paced_run_labels_each_learner_in_their_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(School, "dates", CourseDates(start=NOW - 900 * DAY, end=NOW - DAY, self_paced=True))
    monkeypatch.setattr(School, "results", [result(1, None, 61), result(2, 3, 59)])
    assert [row["pass"] for row in rows().values()] == [0, None]


def test_a_night_that_looks_back_does_not_know_what_came_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(School, "results", [result(1, -2)])
    assert rows()["1"]["pass"] == 0


def test_learners_with_events_alone_have_a_row_so_that_leaving_is_learned_of_them() -> None:
    store(event(3, DAY), event("someone", DAY))
    found = rows()
    assert found["3"]["pass"] is None
    assert found["someone"]["course_start"] == found["1"]["course_start"]


def test_the_step_writes_two_tables_that_share_no_learner_and_counts_completions(settings: Any) -> None:
    settings.NUDGE_HELD_OUT_SHARE = 0.5
    store(event(3, DAY))
    School.results = [result(user_id, 30) for user_id in range(1, 41)]
    job = nighttime.run()
    assert labels.collect(job) == "40 enrolments of 1 of 1 course runs are labelled."
    train, held = read_outcomes(labels.trained_on()), read_outcomes(labels.held_out())
    mine, others = set(train.of(str(COURSE)).learners), set(held.of(str(COURSE)).learners)
    assert mine
    assert others
    assert not mine & others
    assert len(mine | others) == 40
    assert all(is_held_out(learner, 0.5) for learner in others)
    assert job.completed is not None
    assert job.completed[1] == 1
    assert labels.trained_on().parent.stat().st_mode & 0o077 == 0, "outcomes are for nobody else to read"


def test_no_events_and_no_ended_course_are_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    job = nighttime.run()
    assert "no events of any course yet" in labels.collect(job)
    store(event(3, DAY))
    monkeypatch.setattr(School, "dates", CourseDates())
    monkeypatch.setattr(School, "results", [])
    assert "passing and completing cannot be learned yet; leaving can" in labels.collect(job)


def test_the_held_out_share_is_met_and_the_same_on_every_night() -> None:
    held = {learner for learner in map(str, range(20_000)) if is_held_out(learner, 0.1)}
    assert 0.09 < len(held) / 20_000 < 0.11
    assert held == {learner for learner in map(str, range(20_000)) if is_held_out(learner, 0.1)}
    assert held < {learner for learner in map(str, range(20_000)) if is_held_out(learner, 0.2)}, (
        "it only grows"
    )
