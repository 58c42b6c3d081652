"""Settings become the gate's policy and restraint's limits, or an error that names the setting."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from django.test import override_settings

from nudge_xblock import policy
from nudge_xblock.gate import Policy
from nudge_xblock.restraint import Limits
from nudge_xblock.settings.common import defaults


@override_settings(NUDGE_SPARED_SHARE=defaults()["NUDGE_SPARED_SHARE"])
def test_the_defaults_of_the_settings_are_those_of_the_gate() -> None:
    assert policy.current() == Policy()
    assert policy.limits() == Limits()


def test_the_control_group_is_drawn_by_the_sites_own_key() -> None:
    def members(**changes: Any) -> set[int]:
        with override_settings(NUDGE_CONTROL_SHARE=0.2, **changes):
            return {user for user in range(2000) if policy.is_control(user, "course")}

    assert members() == members(NUDGE_CONTROL_KEY="only for tests")
    assert members() != members(SECRET_KEY="another")
    assert members(SECRET_KEY="another", NUDGE_CONTROL_KEY="only for tests") == members()
    assert not policy.is_control(7, "course")


@override_settings(
    NUDGE_QUIET_HOURS=["22:00", "07:30"], NUDGE_COOL_DOWN_MINUTES=5, NUDGE_KIND_COOL_DOWN_MINUTES=90
)
def test_quiet_hours_and_minutes_are_read() -> None:
    assert policy.limits() == Limits(cool_down=300.0, kind_cool_down=5400.0, quiet=(time(22), time(7, 30)))


@pytest.mark.parametrize("hours", [["22:00"], ["22", "lunch"], "22:00-07:00", [1, 2], 5])
def test_quiet_hours_that_are_none_are_refused_by_name(hours: Any) -> None:
    with override_settings(NUDGE_QUIET_HOURS=hours), pytest.raises(ValueError, match="NUDGE_QUIET_HOURS"):
        policy.limits()


@pytest.mark.parametrize("share", [-0.1, 1.0, 30])
def test_a_hold_back_share_that_is_none_is_refused_by_name(share: float) -> None:
    with override_settings(NUDGE_HOLD_BACK_SHARE=share), pytest.raises(ValueError, match="HOLD_BACK_SHARE"):
        policy.current()
