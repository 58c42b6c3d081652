"""What learners ask of the nudges."""

from __future__ import annotations

import pytest

from nudge_xblock import preferences
from nudge_xblock.models import Learner
from nudge_xblock.preferences import Preferences

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
