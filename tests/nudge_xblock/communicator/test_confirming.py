"""What a person confirms is what goes out: these words, to these learners."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from nudge_xblock import api
from nudge_xblock.communicator import automation, confirmed, desk, drafts
from nudge_xblock.communicator.models import Delivery, Letter
from nudge_xblock.models import Enrolment

from .conftest import deliver
from .people import STAFF
from .post_office import PostOffice
from .staffed import DRAFT, call, learners

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("site")]


def test_a_selection_of_as_many_others_is_asked_about_again(staff: Client, launched: list[Any]) -> None:
    learners()
    number = call(staff, "POST", "letters", DRAFT).json()["id"]
    seen = call(staff, "POST", "letters/preview", {**DRAFT, "id": number}).json()
    Enrolment.objects.filter(learner__user_id=4).update(predictions={"pass": 0.1})
    Enrolment.objects.filter(learner__user_id=1).update(predictions={"pass": 0.9})
    asked = {"expected": 3, "digest": seen["digest"]}
    assert call(staff, "POST", f"letters/{number}/send", asked).status_code == 409
    assert Letter.objects.get().state == "draft"
    assert not Delivery.objects.exists()
    again = call(staff, "POST", "letters/preview", {**DRAFT, "id": number}).json()
    assert (again["matched"], again["digest"] == seen["digest"]) == (3, False)
    asked["digest"] = again["digest"]
    assert call(staff, "POST", f"letters/{number}/send", asked).status_code == 200
    assert len(launched) == 1


@pytest.mark.parametrize("more", [{}, {"automatic_until": "2999-01-01"}], ids=["once", "each morning too"])
def test_whom_the_person_confirmed_is_who_gets_it_though_the_predictions_change(
    staff: Client, office: PostOffice, more: dict[str, str]
) -> None:
    learners()
    number = call(staff, "POST", "letters", DRAFT | more).json()["id"]
    seen = call(staff, "POST", "letters/preview", {**DRAFT, **more, "id": number}).json()
    call(staff, "POST", f"letters/{number}/send", {"expected": 3, "digest": seen["digest"]})
    Enrolment.objects.filter(learner__user_id=4).update(predictions={"pass": 0.1})
    Enrolment.objects.filter(learner__user_id=1).update(predictions={"pass": 0.9})
    automation.begin(number, timezone.now())
    deliver(Letter.objects.get(), timezone.now())
    assert office.received == {"learner1@example.org": 1, "learner2@example.org": 1}
    assert Letter.objects.get().deliveries.count() == 3


def test_a_letter_for_later_goes_to_whoever_matches_then(staff: Client, office: PostOffice) -> None:
    learners()
    at = timezone.now() + timedelta(days=1)
    draft = {**DRAFT, "at": at.isoformat()}
    number = call(staff, "POST", "letters", draft).json()["id"]
    seen = call(staff, "POST", "letters/preview", draft).json()
    call(staff, "POST", f"letters/{number}/send", {"expected": 3, "digest": seen["digest"]})
    assert not Delivery.objects.exists()
    Enrolment.objects.filter(learner__user_id=4).update(predictions={"pass": 0.1})
    automation.begin(number, at)
    assert Letter.objects.get().deliveries.count() == 4


def test_a_confirmed_letter_can_be_stopped_before_it_begins(staff: Client, office: PostOffice) -> None:
    learners()
    number = call(staff, "POST", "letters", DRAFT).json()["id"]
    call(staff, "POST", f"letters/{number}/send")
    told = call(staff, "POST", f"letters/{number}/stop").json()
    assert (told["state"], told["matched"]) == ("stopped", 3)
    assert not automation.begin(number, timezone.now())
    deliver(Letter.objects.get(), timezone.now())
    assert office.mails == []
    assert not Delivery.objects.exists()


def test_who_was_confirmed_is_kept_no_longer_than_until_their_rows_are_made(
    staff: Client, office: PostOffice
) -> None:
    learners()
    for ends in ("begun", "stopped"):
        number = call(staff, "POST", "letters", DRAFT).json()["id"]
        call(staff, "POST", f"letters/{number}/send")
        kept = confirmed.unpacked(Letter.objects.get(pk=number))
        assert kept is not None
        assert sorted(kept.user_ids) == [1, 2, 3]
        if ends == "begun":
            automation.begin(number, timezone.now())
            why = Delivery.objects.filter(letter=number).values_list("why", flat=True)
            assert list(why) == [kept.learners.why(row) for row in kept.rows]
        else:
            call(staff, "POST", f"letters/{number}/stop")
        assert Letter.objects.get(pk=number).confirmed_for is None


@pytest.mark.usefixtures("stores")
def test_who_is_retired_between_the_confirmation_and_the_sending_is_not_brought_back(
    staff: Client, office: PostOffice
) -> None:
    learners()
    number = call(staff, "POST", "letters", DRAFT).json()["id"]
    call(staff, "POST", f"letters/{number}/send")
    api.retire(2)
    automation.begin(number, timezone.now())
    assert sorted(Delivery.objects.values_list("learner__user_id", flat=True)) == [1, 3]


def test_a_draft_that_is_changed_while_it_is_confirmed_is_not_sent(
    staff: Client, launched: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    learners()
    number = call(staff, "POST", "letters", DRAFT).json()["id"]
    ready = desk.problems

    def problems(letter: Letter, *rest: Any) -> list[str]:
        found = ready(letter, *rest)
        drafts.change(Letter.objects.get(pk=number), STAFF, {"subject": "Another", "selection": "everyone=1"})
        return found

    monkeypatch.setattr(desk, "problems", problems)
    answer = call(staff, "POST", f"letters/{number}/send", {"expected": 3})
    assert answer.status_code == 409
    assert "changed meanwhile" in answer.json()["error"]["message"]
    assert Letter.objects.get().state == "draft"
    assert launched == []
    assert not Delivery.objects.exists()
