"""A course team's own selections."""

from __future__ import annotations

import pytest
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.communicator import saved
from nudge_xblock.communicator.selection import Unreadable

from ..moments import COURSE

pytestmark = pytest.mark.django_db
OTHER = CourseKey.from_string("course-v1:Elsewhere+X+1")


def test_a_selection_is_kept_as_it_is_always_spelt() -> None:
    row = saved.save(COURSE, 21, "Nearly there", "seen=7-&pass=40-")
    assert row == {"n": row["n"], "name": "Nearly there", "query": "pass=40-100&seen=7-"}
    assert saved.every(COURSE) == [row]
    assert saved.every(OTHER) == []


def test_a_name_stands_for_one_selection_in_a_course() -> None:
    saved.save(COURSE, 21, "Mine", "pass=0-40")
    with pytest.raises(saved.Taken, match="choose another name"):
        saved.save(COURSE, 22, "Mine", "pass=0-50")
    saved.save(OTHER, 21, "Mine", "pass=0-40")
    assert [row["query"] for row in saved.every(COURSE)] == ["pass=0-40"]


def test_what_cannot_be_read_is_not_kept() -> None:
    with pytest.raises(Unreadable):
        saved.save(COURSE, 21, "Mine", "pass=40")
    assert saved.every(COURSE) == []


def test_there_are_no_more_than_anybody_can_look_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "MOST", 2)
    for name in "ab":
        saved.save(COURSE, 21, name, "pass=0-40")
    with pytest.raises(saved.Taken, match="2 selections at most"):
        saved.save(COURSE, 21, "c", "pass=0-40")


def test_only_the_course_it_belongs_to_can_delete_it() -> None:
    row = saved.save(COURSE, 21, "Mine", "pass=0-40")
    assert not saved.delete(OTHER, row["n"])
    assert saved.delete(COURSE, row["n"])
    assert not saved.delete(COURSE, row["n"])
