"""What a learner can do next, from their own progress and what mates did."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock import courses
from nudge_xblock.atrisk import trail
from nudge_xblock.atrisk.models import Whereabouts
from nudge_xblock.atrisk.steps import Step, ahead, next_steps
from nudge_xblock.compat import Platform
from predictor.sequences import EventStore

from ..moments import COURSE, NOW, enrolled, happened
from .walkers import page, walked

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
DAY = timedelta(days=1)
MATES = {f"{100 + number}": 12 for number in range(20)}


class Named(Platform):
    """A course whose blocks have names, and where things are due."""

    dues: list[tuple[datetime, str]] = []

    def labels(self, usage_keys: Any) -> dict[str, str]:
        return {str(key): f"Page {key.block_id}" for key in usage_keys}

    def open_dues(self, course_key: Any, user_ids: Any) -> dict[int, list[tuple[datetime, str]]]:
        return {user_id: sorted(self.dues) for user_id in user_ids}


@pytest.fixture(autouse=True)
def host(db: None) -> Any:
    Named.dues = []
    for user_id in (7, 8, 9):
        enrolled(user_id)
    with override_settings(NUDGE_COMPAT=f"{__name__}.Named", NUDGE_SITE_URL="https://learn.example.org"):
        yield


def words(user_id: int = 7) -> list[str]:
    return [step.words for step in next_steps(COURSE, [user_id], NOW)[user_id]]


def homework(name: str, due: datetime) -> tuple[datetime, str]:
    return due, str(COURSE.make_usage_key("sequential", name))


def test_who_stands_in_the_middle_goes_on_and_looks_at_what_was_left_out() -> None:
    walked(MATES | {"7": 5}, {"7": {1, 3}})
    assert words() == [
        "Go on with “Page i05”",
        "Look at “Page i01”, as most others did",
        "Look at “Page i03”, as most others did",
    ]
    (first, *_rest) = next_steps(COURSE, [7], NOW)[7]
    assert first.url == f"https://learn.example.org/courses/{COURSE}/jump_to/{page(5)}"


def test_who_never_came_begins_at_the_beginning() -> None:
    walked(MATES)
    assert words() == ["Begin with “Page i00”"]


def test_who_has_been_everywhere_is_told_to_go_on() -> None:
    walked(MATES | {"7": 12})
    assert words() == ["Go on where you left off"]


def test_what_was_done_since_the_night_counts() -> None:
    walked(MATES | {"7": 5})
    happened("seq_next", 60.0, item=page(5), user_id=7)
    assert words() == ["Go on with “Page i06”"]


def test_who_skips_ahead_after_the_night_has_left_out_what_lies_between() -> None:
    walked(MATES | {"7": 2}, {"7": {0}})
    happened("seq_next", 60.0, item=page(4), user_id=7)
    happened("seq_next", 30.0, item=page(0), user_id=7)
    assert words() == [
        "Go on with “Page i05”",
        "Look at “Page i02”, as most others did",
        "Look at “Page i03”, as most others did",
    ]


def test_no_page_reads_the_event_store(monkeypatch: pytest.MonkeyPatch) -> None:
    walked(MATES | {"7": 5})

    def never(*_told: Any) -> Any:
        raise AssertionError("the event store was read")

    monkeypatch.setattr(EventStore, "sequences", never)
    monkeypatch.setattr(courses, "sequences_of", never)
    assert words() == ["Go on with “Page i05”"]


def test_a_night_writes_what_has_changed_and_drops_who_is_on_the_way_no_more() -> None:
    walked(MATES | {"7": 5, "8": 3}, {"7": {1}})
    rows = Whereabouts.objects.select_related("enrolment__learner")
    places = {row.enrolment.learner.user_id: (row.furthest, row.left_out) for row in rows}
    assert places == {7: (4, [1]), 8: (2, [])}
    walked({"8": 6})
    EventStore(settings.NUDGE_EVENTS_DIR).forget("7")
    with CaptureQueriesContext(connection) as queries:
        trail.write(COURSE, NOW)
    assert not any("INSERT" in each["sql"] for each in queries), "what is the same is not written again"
    assert list(Whereabouts.objects.values_list("enrolment__learner__user_id", "furthest")) == [(8, 5)]


@given(st.lists(st.sets(st.integers(0, trail.KEPT)), max_size=6))
def test_a_spot_after_many_days_is_that_of_all_of_them_at_once(walks: list[set[int]]) -> None:
    spot = trail.START
    for walk in walks:
        spot = spot.after(walk)
    been = set().union(*walks)
    furthest = max(been, default=-1)
    assert spot.furthest == furthest
    assert spot.left_out == tuple(place for place in range(furthest) if place not in been)


def test_what_is_due_comes_first_and_there_are_three_at_most() -> None:
    walked(MATES | {"7": 5}, {"7": {1, 2, 3}})
    Named.dues = [
        homework("late", NOW - 2 * DAY), homework("older", NOW - 9 * DAY),
        homework("next", NOW + 3 * DAY), homework("after", NOW + 5 * DAY),
    ]  # fmt: skip
    assert words() == [
        "Catch up on “Page late”, which was due on Nov. 16, 2026",
        "Hand in “Page next” by Nov. 21, 2026",
        "Go on with “Page i05”",
    ]
    assert ahead(COURSE, [7], NOW)[7].due_words == "“Page next”, Nov. 21, 2026"


def test_what_is_far_off_or_long_gone_is_no_step() -> None:
    Named.dues = [homework("gone", NOW - 31 * DAY), homework("far", NOW + 15 * DAY)]
    assert words() == ["Go on where you left off"]
    assert ahead(COURSE, [7], NOW)[7].due_words == "nothing soon"


def test_an_item_that_few_were_at_is_on_nobodys_way() -> None:
    walked({f"{number}": 3 for number in range(100, 109)})
    assert words() == ["Go on where you left off"], "nine mates are too few to speak of"
    walked({"200": 3})
    assert words() == ["Begin with “Page i00”"]


def test_what_most_left_out_is_on_nobodys_way() -> None:
    walked(MATES | {"7": 5}, {name: {3} for name in list(MATES)[:12]} | {"7": {1, 3}})
    assert words() == ["Go on with “Page i05”", "Look at “Page i01”, as most others did"]


def test_steps_are_each_learners_own() -> None:
    walked(MATES | {"7": 5, "8": 9})
    told = next_steps(COURSE, [7, 8, 9], NOW)
    assert [told[user_id][0].words for user_id in (7, 8, 9)] == [
        "Go on with “Page i05”", "Go on with “Page i09”", "Begin with “Page i00”",
    ]  # fmt: skip


def test_a_block_without_a_name_is_called_by_its_kind_and_words_follow_the_language() -> None:
    assert Step("go_on", "x", "", "video").words == "Go on with the next video"
    assert Step("due", "x", "", "sequential", NOW).words == "Hand in the next assignment by Nov. 18, 2026"
    with translation.override("de"):
        assert "18. November 2026" in Step("due", "x", "Test", "", NOW).words


def test_in_a_course_without_events_there_is_a_step_all_the_same() -> None:
    (step,) = next_steps(COURSE, [7], NOW)[7]
    assert step.url == f"https://learn.example.org/courses/{COURSE}/course/"
