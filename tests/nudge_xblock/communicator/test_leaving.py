"""Learners who are no longer to be written to when their mail's turn comes."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings

from nudge_xblock.communicator import automation
from nudge_xblock.models import Enrolment

from ..moments import COURSE, NOW
from .conftest import deliver, written
from .learners import learner
from .post_office import PostOffice

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("change", ["left the course", "staff of the course", "staff of the site"])
def test_who_left_the_course_or_joined_its_staff_since_gets_no_mail(office: PostOffice, change: str) -> None:
    learner(1)
    learner(2)
    letter = written()
    automation.begin(letter.pk, NOW)
    users = get_user_model().objects.filter(pk=1)
    settings: dict[str, Any] = {"NUDGE_COMPAT": "tests.nudge_xblock.communicator.people.Roles"}
    if change == "left the course":
        Enrolment.objects.filter(learner__user_id=1).delete()
    elif change == "staff of the course":
        users.update(first_name=f"staff-{COURSE}")
    else:
        users.update(is_staff=True)
    with override_settings(**settings):
        deliver(letter)
    assert office.received == {"learner2@example.org": 1}
    rows = letter.deliveries.values_list("learner__user_id", "state", "reason")
    assert set(rows) == {(1, "skipped", "gone"), (2, "sent", "")}
