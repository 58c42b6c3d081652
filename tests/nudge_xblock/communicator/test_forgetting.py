"""Whoever is retired is named in no selection any more; the audit never named anyone."""

from __future__ import annotations

import pytest

from nudge_xblock import retirement
from nudge_xblock.communicator import audit
from nudge_xblock.communicator.models import Audit, Letter, SavedSelection
from nudge_xblock.communicator.selection import NOBODY, Selection
from nudge_xblock.compat import platform

from ..moments import COURSE
from .learners import learner

pytestmark = pytest.mark.django_db
GONE, STAYS = 7, 8


def name(user_id: int) -> str:
    return platform().anonymous_id(user_id, COURSE)[:16]


@pytest.fixture
def both() -> str:
    """A selection of two learners."""
    for user_id in (GONE, STAYS):
        learner(user_id)
    return f"seen=0-6&who={name(GONE)},{name(STAYS)}"


def test_letters_and_saved_selections_name_a_retired_learner_no_more(both: str) -> None:
    letter = Letter.objects.create(course_key=COURSE, selection=both)
    saved = SavedSelection.objects.create(course_key=COURSE, name="Two", query=both)
    assert retirement.retire(GONE)["named"] == 2
    letter.refresh_from_db()
    saved.refresh_from_db()
    assert letter.selection == saved.query == f"seen=0-6&who={NOBODY},{name(STAYS)}"
    assert Selection.parse(saved.query).who == tuple(sorted((NOBODY, name(STAYS))))
    assert retirement.retire(GONE)["named"] == 0


def test_a_call_is_written_down_without_whom_it_named(both: str) -> None:
    audit.record(COURSE, 21, "learners_exported", query=both, learners=2)
    audit.record_everywhere([COURSE], 21, "learners_exported", query=both)
    for row in Audit.objects.all():
        assert row.detail["query"] == f"seen=0-6&who={NOBODY}"
