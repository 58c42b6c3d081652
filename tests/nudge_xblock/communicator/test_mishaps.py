"""Errors in the middle of a batch: one mail's, or the whole letter's; nothing is lost or sent twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from nudge_xblock.communicator import automation, delivery
from nudge_xblock.communicator.models import Letter
from nudge_xblock.models import Learner

from ..moments import NOW
from .conftest import deliver, send, written
from .learners import learner
from .post_office import PostOffice

pytestmark = [pytest.mark.django_db(transaction=True)]


def test_a_row_that_breaks_its_batch_waits_alone(office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    for user_id in range(1, 5):
        learner(user_id)
    letter = written()
    automation.begin(letter.pk, NOW)
    first, second, third, fourth = letter.deliveries.select_related("learner").order_by("pk")
    told = delivery.forbids

    def breaking(learner: Learner, *given: Any) -> Any:
        if learner == second.learner:
            raise RuntimeError("no")
        if learner == third.learner:
            fourth.learner.delete()  # retired while the batch is under way
        return told(learner, *given)

    monkeypatch.setattr(delivery, "forbids", breaking)
    deliver(letter)
    assert set(letter.deliveries.values_list("pk", "state", "reason")) == {
        (first.pk, "sent", ""),
        (second.pk, "queued", "broken"),
        (third.pk, "sent", ""),
    }
    assert office.received.total() == 2
    monkeypatch.undo()
    deliver(letter, NOW + timedelta(minutes=31))
    assert office.received.total() == 3
    assert letter.state == Letter.State.SENT


def test_a_letter_whose_mails_cannot_be_prepared_gives_them_back(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner(1)
    letter = written()

    def breaking(*given: Any) -> Any:
        raise RuntimeError("no")

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "Writer", breaking)
        send(letter)
    assert letter.deliveries.get().reason == "broken"
    deliver(letter, NOW + timedelta(minutes=31))
    assert letter.deliveries.get().state == "sent"
