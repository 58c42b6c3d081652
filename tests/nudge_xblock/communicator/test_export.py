"""The learners as they leave the server: counted, as a table, and with the phrases to choose by."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from nudge_xblock.communicator import export
from nudge_xblock.communicator.presets import PRESETS, REASONS
from nudge_xblock.communicator.selection import REASONS as BITS
from nudge_xblock.communicator.selection import Selection, Unreadable
from nudge_xblock.compat import platform
from nudge_xblock.models import Learner

from ..moments import COURSE, NOW
from .learners import learner


@pytest.mark.parametrize("key", PRESETS)
def test_a_ready_phrase_stands_for_a_selection_spelt_as_always(key: str) -> None:
    assert Selection.parse(PRESETS[key].query).query() == PRESETS[key].query


def test_every_reason_has_words() -> None:
    assert tuple(REASONS) == BITS


@pytest.mark.django_db
def test_a_selection_is_counted_with_whom_a_mail_may_reach() -> None:
    for user_id, chance in ((7, 0.1), (8, 0.2), (9, 0.9)):
        learner(user_id, chances={"pass": chance})
    Learner.objects.filter(user_id=8).update(opted_out=True)
    assert export.count(COURSE, "pass=0-40") == {"matched": 2, "reachable": 1}
    assert export.count(COURSE, "") == {"matched": 0, "reachable": 0}
    assert export.count(COURSE, "everyone=1") == {"matched": 3, "reachable": 2}
    with pytest.raises(Unreadable):
        export.count(COURSE, "pass=x")


@pytest.mark.django_db
def test_the_table_holds_the_chosen_under_pseudonyms() -> None:
    learner(7, chances={"pass": 0.1}, seen=None, mode="=cmd")
    learner(8, chances={"pass": 0.9}, seen=timedelta(days=3), now=NOW, progress=20)
    rows = list(csv.DictReader(io.StringIO(export.table(COURSE, "pass=0-40"))))
    assert rows == [
        {
            "learner": platform().anonymous_id(7, COURSE)[:16], "pass": "10", "complete": "", "leave": "",
            "progress": "", "days_since_seen": "", "mode": "'=cmd", "reasons": "never_came", "tier": "",
            "risk": "", "reachable": "1",
        }
    ]  # fmt: skip


@pytest.mark.django_db
def test_the_payload_brings_its_words() -> None:
    told = export.payload(COURSE, NOW)
    assert [each["key"] for each in told["reasons"]] == list(BITS)
    assert {each["query"] for each in told["presets"]} == {preset.query for preset in PRESETS.values()}
    assert all(each["words"] for each in [*told["reasons"], *told["presets"]])
