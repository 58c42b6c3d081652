"""What staff did is written down and can be looked at, course by course."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.communicator import audit

from ..moments import COURSE

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
        audit.record(COURSE, 21, "learners_seen", number=number)
    assert [each["detail"]["number"] for each in audit.newest(COURSE)] == [4, 3, 2]
