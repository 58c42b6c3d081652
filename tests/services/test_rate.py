"""The site's rate on a real MariaDB: workers at several letters at once do not exceed it together."""

from __future__ import annotations

import pytest
from django.test import override_settings
from django.utils import timezone

from nudge_xblock.communicator import claims
from nudge_xblock.communicator.models import Delivery, Letter
from nudge_xblock.models import Learner
from tests.nudge_xblock.moments import COURSE
from tests.services.racing import at_once

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("on_mariadb")]
LETTERS, LEARNERS, RATE = 6, 10, 7


def test_workers_at_several_letters_together_keep_to_the_rate() -> None:
    Learner.objects.bulk_create(Learner(user_id=n) for n in range(LEARNERS))
    learners = list(Learner.objects.all())
    letters = [Letter.objects.create(course_key=COURSE, state="sending") for _letter in range(LETTERS)]
    rows = [Delivery(letter=letter, learner=learner) for letter in letters for learner in learners]
    Delivery.objects.bulk_create(rows)
    now = timezone.now()
    with override_settings(NUDGE_MAIL_PER_MINUTE=RATE):
        found = at_once(
            lambda place: len(claims.claim(letters[place].pk, f"w{place}", now, 5)), range(LETTERS)
        )
    assert sum(found) == RATE
    assert Delivery.objects.filter(state="claimed").count() == RATE
