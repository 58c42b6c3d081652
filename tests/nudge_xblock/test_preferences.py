"""What learners ask of the nudges."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from nudge_xblock import decisions, preferences, recording, votes
from nudge_xblock.models import Learner
from nudge_xblock.preferences import Preferences
from nudge_xblock.reasons import Reason

from . import moments

pytestmark = pytest.mark.django_db


def test_a_learner_never_met_asks_for_nothing_and_is_not_written_down() -> None:
    assert preferences.read(5) == Preferences(False, 0)
    assert not Learner.objects.exists()


def test_what_is_left_out_stays_as_it_is() -> None:
    preferences.write(5, opted_out=True)
    assert preferences.write(5, fewer=2) == Preferences(True, 2)
    assert preferences.write(5, opted_out=False) == Preferences(False, 2)
    assert preferences.read(5).as_json() == {"opted_out": False, "fewer": 2}


@pytest.mark.parametrize("fewer", [-1, preferences.FEWEST + 1])
def test_an_impossible_wish_changes_nothing(fewer: int) -> None:
    with pytest.raises(ValueError, match="fewer must be 0 to"):
        preferences.write(5, opted_out=True, fewer=fewer)
    assert preferences.read(5) == Preferences()


@pytest.mark.usefixtures("stores")
@pytest.mark.parametrize("by_card", [True, False])
def test_who_stops_while_a_question_is_under_way_is_sent_nothing(by_card: bool) -> None:
    moments.placed()
    moments.enrolled()
    moments.failed(5)
    first = decisions.ask(7, moments.COURSE, [moments.fields()["key"]], moments.CLAIM, moments.NOW, 0.5)
    assert first.nudge is not None
    Learner.objects.update(sends=[])
    moments.failed(0.5)
    write = recording.record

    def late(*args: Any) -> Any:
        if by_card:
            votes.respond(7, first.nudge.decision, "stop")
        else:
            preferences.write(7, opted_out=True)
        return write(*args)

    with mock.patch.object(recording, "record", late):
        asked = decisions.ask(7, moments.COURSE, [moments.fields()["key"]], moments.CLAIM, moments.NOW, 0.5)
    assert (asked.nudge, asked.reason) == (None, Reason.ANOTHER)
