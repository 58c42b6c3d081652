"""Rows are inserted or brought up to date, in batches, and what is not named stays."""

from __future__ import annotations

import pytest

from nudge_xblock.models import Learner
from nudge_xblock.upserts import BATCH, upsert

pytestmark = pytest.mark.django_db


def test_new_rows_are_inserted_and_known_ones_brought_up_to_date() -> None:
    Learner.objects.create(user_id=1, profile={"language": "de"}, opted_out=True)
    rows = [Learner(user_id=user_id, profile={"language": "fr"}) for user_id in range(1, BATCH + 3)]
    upsert(Learner, rows, ("profile",), ("user_id",))
    assert Learner.objects.count() == BATCH + 2
    known = Learner.objects.get(user_id=1)
    assert (known.profile, known.opted_out) == ({"language": "fr"}, True)


def test_nothing_is_a_fine_number_of_rows() -> None:
    upsert(Learner, [], ("profile",), ("user_id",))
    assert not Learner.objects.exists()
