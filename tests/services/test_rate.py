"""The site's rate on a real MariaDB: workers at several letters at once do not exceed it together."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from django.test import override_settings
from django.utils import timezone

from nudge_xblock.communicator import claims
from nudge_xblock.communicator.models import Delivery, Letter
from nudge_xblock.models import Learner
from tests.nudge_xblock.moments import COURSE

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("on_mariadb")]
LETTERS, LEARNERS, RATE = 6, 10, 7


def at_once(count: int, work: Callable[[int], int]) -> list[int]:
    barrier = Barrier(count)

    def one(number: int) -> int:
        try:
            barrier.wait()
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_workers_at_several_letters_together_keep_to_the_rate() -> None:
    Learner.objects.bulk_create(Learner(user_id=n) for n in range(LEARNERS))
    learners = list(Learner.objects.all())
    letters = [Letter.objects.create(course_key=COURSE, state="sending") for _letter in range(LETTERS)]
    rows = [Delivery(letter=letter, learner=learner) for letter in letters for learner in learners]
    Delivery.objects.bulk_create(rows)
    now = timezone.now()
    with override_settings(NUDGE_MAIL_PER_MINUTE=RATE):
        found = at_once(LETTERS, lambda place: len(claims.claim(letters[place].pk, f"w{place}", now, 5)))
    assert sum(found) == RATE
    assert Delivery.objects.filter(state="claimed").count() == RATE
