"""What staff did is written down and can be looked at, course by course."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.communicator import audit
from nudge_xblock.communicator.models import Audit, Letter

from ..moments import COURSE, NOW

pytestmark = pytest.mark.django_db
OTHER = CourseKey.from_string("course-v1:Elsewhere+X+1")


def test_the_newest_come_first_with_who_and_what_in_words() -> None:
    get_user_model().objects.create_user("tutor", pk=21)
    audit.record(COURSE, 21, "learners_counted", query="pass=0-40", matched=3)
    audit.record(COURSE, 99, "selection_saved")
    audit.record(OTHER, 21, "learners_seen")
    newest, older = audit.newest(COURSE)
    assert (newest["what"], newest["who"]) == ("selection_saved", "")
    assert (older["who"], older["words"]) == ("tutor", "Counted a selection")
    assert older["detail"] == {"query": "pass=0-40", "matched": 3}


def test_no_more_than_the_last_ones_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "NEWEST", 3)
    for number in range(5):
        audit.record(COURSE, 21, "selection_saved", number=number)
    assert [each["detail"]["number"] for each in audit.newest(COURSE)] == [4, 3, 2]


def test_a_look_that_is_repeated_is_one_line_which_says_how_often() -> None:
    letter = Letter.objects.create(course_key=COURSE)
    for number in range(100):
        audit.record(COURSE, 21, "letter_previewed", letter.pk, matched=number)
    audit.record(COURSE, 22, "letter_previewed", letter.pk)
    audit.record(COURSE, 21, "letter_previewed")
    mine = Audit.objects.get(user_id=21, letter=letter)
    assert (mine.times, mine.detail) == (100, {"matched": 99})
    assert mine.last > mine.at
    assert Audit.objects.count() == 3
    assert {row["times"] for row in audit.newest(COURSE)} == {1, 100}


def test_another_query_is_another_line() -> None:
    for query in ("pass=0-40", "pass=0-40", "pass=0-50"):
        audit.record(COURSE, 21, "learners_counted", query=query)
    assert [(row["times"], row["detail"]["query"]) for row in audit.newest(COURSE)] == [
        (1, "pass=0-50"),
        (2, "pass=0-40"),
    ]


def test_a_look_hours_later_is_another_line() -> None:
    audit.record(COURSE, 21, "letters_seen")
    Audit.objects.update(at=timezone.now() - audit.FOLDED - timedelta(seconds=1))
    audit.record(COURSE, 21, "letters_seen")
    assert [row["times"] for row in audit.newest(COURSE)] == [1, 1]


@pytest.mark.parametrize("what", sorted(set(audit.WORDS) - audit.LOOKS))
def test_what_changes_something_or_takes_it_away_is_a_line_each_time(what: str) -> None:
    audit.record(COURSE, 21, what)
    audit.record(COURSE, 21, what)
    assert [(row["what"], row["times"]) for row in audit.newest(COURSE)] == [(what, 1)] * 2


def test_looks_do_not_bury_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "NEWEST", 3)
    audit.record(COURSE, 21, "letter_sent", matched=9)
    for user_id in range(30, 60):
        audit.record(COURSE, user_id, "letters_seen")
    assert "letter_sent" not in {row["what"] for row in audit.newest(COURSE)}
    assert [row["what"] for row in audit.newest(COURSE, looks=False)] == ["letter_sent"]


def test_older_lines_are_told_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "NEWEST", 2)
    for number in range(5):
        audit.record(COURSE, 21, "letter_sent", number=number)
    Audit.objects.update(at=NOW)  # all at the same moment
    told: list[int] = []
    before = None
    while rows := audit.newest(COURSE, before=before):
        told += [row["detail"]["number"] for row in rows]
        before = rows[-1]["n"]
    assert told == [4, 3, 2, 1, 0]
    assert audit.newest(OTHER, before=before) == []
