"""Who can be mailed at all: the same answer for one learner and for a whole course."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.communicator import reach, suppression
from nudge_xblock.communicator.models import Suppression
from nudge_xblock.communicator.suppression import mark
from nudge_xblock.models import Learner

from ..moments import COURSE
from .learners import learner

pytestmark = pytest.mark.django_db
OTHER = CourseKey.from_string("course-v1:Elsewhere+X+1")
REACHED, STRANGER, NOBODY = {7, 8}, 90, 91


@pytest.fixture
def course() -> set[int]:
    """Learners of every kind; the ids of them, of a user who is none, and of nobody."""
    for user_id in range(7, 16):
        learner(user_id, address="" if user_id == 9 else None)
    users = get_user_model().objects
    users.filter(pk=10).update(is_active=False)
    Learner.objects.filter(user_id=11).update(opted_out=True)
    rows = {row.user_id: row for row in Learner.objects.all()}
    suppress = Suppression.objects.create
    suppress(address=mark("an-older-one@example.org"), learner=rows[12])
    suppress(address=mark("Learner13@example.org"), scope=str(COURSE))
    suppress(address=mark("learner14@example.org"), why=Suppression.Why.BOUNCED)
    suppress(address=mark("older@example.org"), learner=rows[8], why=Suppression.Why.BOUNCED)
    suppress(address=mark("learner7@example.org"), scope=str(OTHER))
    users.filter(pk=15).update(email="no address")
    users.create_user("stranger", "stranger@example.org", pk=STRANGER)
    return {*range(7, 16), STRANGER, NOBODY}


def test_each_kind_of_learner_who_cannot_be_mailed_is_told_apart(course: set[int]) -> None:
    assert dict(reach.reasons(COURSE, course)) == {
        7: "", 8: "", 9: "no_address", 10: "unverified", 11: "opted_out", 12: "unsubscribed",
        13: "unsubscribed", 14: "bounced", 15: "unverified", STRANGER: "",
    }  # fmt: skip


@pytest.mark.parametrize("many", [1, 5, 2000], ids=["in batches of one", "in batches", "at once"])
def test_the_whole_course_is_reached_as_each_of_its_learners_is(
    course: set[int], many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "MANY", many)
    assert reach.reachable(COURSE, course) == REACHED | {STRANGER}
    assert reach.reachable(COURSE, []) == set()


def test_what_holds_in_another_course_holds_there(course: set[int]) -> None:
    assert reach.reachable(OTHER, [7, 13]) == {13}


def test_a_batch_reads_the_suppressions_of_its_own_learners_alone(course: set[int]) -> None:
    for number in range(50):
        Suppression.objects.create(address=mark(f"stranger{number}@example.org"))
    rows = list(Learner.objects.order_by("user_id"))
    batch = {row.pk: f"learner{row.user_id}@example.org" for row in rows}
    whole, some = suppression.Blocked(COURSE), suppression.Blocked(COURSE, batch)
    for row in rows:
        assert some.why(row.pk, batch[row.pk]) == whole.why(row.pk, batch[row.pk])
    assert not some.has("stranger7@example.org")
    assert whole.has("stranger7@example.org")
