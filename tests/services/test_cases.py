"""Cases on a real MariaDB: nights, people and senders that work at the same time, each thing once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.test import override_settings

from nudge_xblock.atrisk import desk, listing, notices, planning
from nudge_xblock.atrisk.asked import Asked
from nudge_xblock.atrisk.casework import Settled, settle
from nudge_xblock.atrisk.models import Case, CaseEvent, Notice, Risk
from tests.nudge_xblock.atrisk.receiver import SECRET, listening
from tests.nudge_xblock.atrisk.somebody import DAY, NOW, at_risk, flagged
from tests.nudge_xblock.moments import COURSE
from tests.services.racing import at_once

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("on_mariadb")]
WORKERS = 4


def test_nights_that_settle_at_once_open_and_close_each_case_once() -> None:
    for user_id in range(1, 61):
        at_risk(user_id, 0.9)
    done = at_once(lambda _worker: settle(COURSE, NOW), range(WORKERS))
    assert sum(done, Settled()) == Settled(opened=60)
    assert Case.objects.filter(state="open").count() == 60
    Risk.objects.filter(enrolment__learner__user_id__gt=30).update(chance=0.1)
    Risk.objects.filter(enrolment__learner__user_id__lte=30).update(chance=0.6)
    done = at_once(lambda _worker: settle(COURSE, NOW + DAY), range(WORKERS))
    assert sum(done, Settled()) == Settled(closed=30, moved=30)
    told = Counter(CaseEvent.objects.values_list("what", flat=True))
    assert told == {"opened": 60, "closed": 30, "tier": 30}


def test_of_people_who_resolve_a_case_at_once_one_does() -> None:
    case = flagged(1)

    def resolve(user_id: int) -> bool:
        try:
            desk.resolve(COURSE, user_id, case.pk, "helped", "", 0, NOW)
        except (desk.Changed, desk.NotPossible):
            return False
        return True

    assert sum(at_once(resolve, range(1, WORKERS + 1))) == 1
    assert case.events.filter(what="resolved").count() == 1


def test_a_case_opened_again_while_the_night_opens_another_leaves_one_open() -> None:
    numbers = [flagged(user_id, 0.75).pk for user_id in range(1, 11)]
    for number in numbers:
        desk.resolve(COURSE, 21, number, "other", "", 0, NOW)
    Risk.objects.update(chance=0.95)

    def work(worker: int) -> Any:
        if worker == 0:
            return settle(COURSE, NOW + DAY)
        for number in numbers:
            try:
                desk.reopen(COURSE, 21, number, 1, NOW + DAY)
            except desk.NotPossible:
                continue
        return None

    at_once(work, range(2))
    still = Case.objects.filter(state="open").values_list("enrolment", flat=True)
    assert len(still) == len(set(still)) == 10


def test_workers_who_send_at_once_tell_each_thing_once() -> None:
    with (
        listening() as receiver,
        override_settings(NUDGE_CASE_WEBHOOK_URL=receiver.url, NUDGE_CASE_WEBHOOK_SECRET=SECRET),
    ):
        for user_id in range(1, 31):
            at_risk(user_id, 0.9)
        settle(COURSE, NOW)
        assert Notice.objects.count() == 30
        sent = at_once(lambda _worker: notices.send(), range(WORKERS))
        assert sum(each.taken for each in sent) == 30
        assert len({told["id"] for told in receiver.told}) == len(receiver.told) == 30


def test_lists_tables_and_limits_are_the_same_as_elsewhere() -> None:
    for user_id, chance in ((1, 0.55), (2, 0.9), (3, 0.72)):
        flagged(user_id, chance, partial=user_id == 3)
    scope = listing.of_course(21, COURSE)
    told = listing.listed(scope, Asked(), NOW)
    assert [each["chance"] for each in told["cases"]] == [90, 72, 55]
    assert (told["counts"]["never_came"], told["counts"]["assessed"]) == (1, 3)
    assert listing.table(scope, Asked(), NOW)[0].count("\r\n") == 4
    assert [each["open"] for each in listing.courses(scope)] == [3]
    planning.change(COURSE, 21, {"version": 0, "limits": {"marginal": 60, "moderate": 80, "high": 85}}, NOW)
    tiers = Risk.objects.order_by("chance").values_list("tier", flat=True)
    assert list(tiers) == ["", "marginal", "high"]
