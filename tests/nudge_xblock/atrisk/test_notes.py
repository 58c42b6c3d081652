"""Notes on cases: one that is sent twice by two presses is one, and what is meant twice is there twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings

from nudge_xblock.atrisk import desk
from nudge_xblock.atrisk.models import Case, CaseEvent

from ..moments import COURSE
from .people import STAFF
from .somebody import NOW, flagged

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def case() -> Case:
    with override_settings(NUDGE_COMPAT="tests.nudge_xblock.atrisk.people.Roles"):
        return flagged(1)


def notes() -> list[str]:
    return list(CaseEvent.objects.filter(what="note").values_list("text", flat=True))


def test_the_same_note_within_a_minute_is_one(case: Case) -> None:
    for late, text in ((0, "Called."), (1, "Called."), (59, " Called. ")):
        desk.note(COURSE, STAFF, case.pk, text, NOW + late * SECOND)
    assert notes() == ["Called."]


def test_what_differs_in_words_author_case_or_day_is_another(case: Case) -> None:
    other = flagged(2)
    desk.note(COURSE, STAFF, case.pk, "Called.", NOW)
    desk.note(COURSE, STAFF, case.pk, "Called again.", NOW)
    desk.note(COURSE, 22, case.pk, "Called.", NOW)
    desk.note(COURSE, STAFF, other.pk, "Called.", NOW)
    desk.note(COURSE, STAFF, case.pk, "Called.", NOW + 61 * SECOND)
    assert len(notes()) == 5
