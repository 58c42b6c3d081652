"""Whom letters of the tiers go to: once for each case, by the tier of the case, and again where needed."""

from __future__ import annotations

import pytest

from nudge_xblock.atrisk import casework
from nudge_xblock.atrisk.models import Case, Risk
from nudge_xblock.communicator import automation
from nudge_xblock.communicator.models import Delivery

from ..communicator.conftest import launched, office
from ..communicator.post_office import PostOffice
from ..moments import COURSE
from .nights import DAY, FIRST, night, on, site
from .somebody import at_risk

__all__ = ["launched", "office", "site"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stores")]


def test_reasons_that_change_places_bring_one_letter_of_a_kind_a_case(office: PostOffice) -> None:
    on()
    for day, group in enumerate(("absence", "grades", "pace", "absence", "help", "grades")):
        at_risk(4, 0.55 if day < 3 else 0.75, group=group, now=FIRST + day * DAY)
        night(FIRST + day * DAY)
    rows = Delivery.objects.order_by("letter__channel", "pk")
    places = rows.values_list("letter__channel", "letter__intervention__tier", "letter__intervention__group")
    mails = [("mail", "marginal", "absence"), ("mail", "moderate", "absence")]
    assert list(places) == [*mails, ("nudge", "moderate", "absence")]
    at_risk(4, 0.1, now=FIRST + 7 * DAY)
    night(FIRST + 7 * DAY)
    at_risk(4, 0.55, group="grades", now=FIRST + 20 * DAY)
    night(FIRST + 20 * DAY)
    assert rows.filter(letter__intervention__group="grades").count() == 1, "a new case, for another reason"


def test_who_stands_between_two_limits_is_written_to_by_the_tier_of_the_case(office: PostOffice) -> None:
    at_risk(4, 0.72, now=FIRST)
    casework.settle(COURSE, FIRST)
    at_risk(5, 0.52, now=FIRST)
    casework.settle(COURSE, FIRST)
    at_risk(4, 0.68, now=FIRST + DAY)
    at_risk(5, 0.48, now=FIRST + DAY)
    assert set(Risk.objects.values_list("enrolment__learner__user_id", "tier")) == {(4, "marginal"), (5, "")}
    on(FIRST + DAY)
    night(FIRST + DAY)
    assert Case.objects.filter(state=Case.State.OPEN).count() == 2
    columns = ("learner__user_id", "letter__channel", "letter__intervention__tier")
    assert set(Delivery.objects.values_list(*columns)) == {
        (4, "mail", "moderate"),
        (4, "nudge", "moderate"),
        (5, "mail", "marginal"),
    }


def test_who_was_better_before_it_went_out_is_written_to_once_it_is_needed_again(office: PostOffice) -> None:
    at_risk(4, 0.55, now=FIRST)
    on()
    casework.settle(COURSE, FIRST)
    assert automation.daily(FIRST) == 1
    at_risk(4, 0.1, now=FIRST + DAY)
    night(FIRST + DAY)
    assert (Delivery.objects.get().state, office.received.total()) == ("skipped", 0)
    at_risk(4, 0.55, now=FIRST + 8 * DAY)
    casework.settle(COURSE, FIRST + 8 * DAY)
    assert automation.daily(FIRST + 8 * DAY) == 1
    night(FIRST + 8 * DAY)
    night(FIRST + 9 * DAY)
    assert office.received == {"learner4@example.org": 1}
    assert Delivery.objects.get().state == "sent"
