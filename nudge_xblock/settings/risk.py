"""The settings of what is done about learners at risk."""

from __future__ import annotations

from typing import Any


def risk() -> dict[str, Any]:
    """Return the name and default of every setting about learners at risk."""
    return {
        # .. setting_name: NUDGE_RISK_TIERS
        # .. setting_default: {"marginal": 50, "moderate": 70, "high": 85}
        # .. setting_description: From which percent on, that a learner will not complete, the risk is
        #    marginal, moderate and high, in courses whose team sets no limits of its own.
        "NUDGE_RISK_TIERS": {"marginal": 50, "moderate": 70, "high": 85},
        # .. setting_name: NUDGE_CASE_WEBHOOK_URL
        # .. setting_default: ""
        # .. setting_description: Address of a system of yours that is told of each case as it is opened,
        #    moved, assigned and ended. https, or http on this machine alone. Empty: nobody is told. Course
        #    teams cannot set it.
        "NUDGE_CASE_WEBHOOK_URL": "",
        # .. setting_name: NUDGE_CASE_WEBHOOK_SECRET
        # .. setting_default: ""
        # .. setting_description: The secret that calls to NUDGE_CASE_WEBHOOK_URL are signed with, at least 16
        #    characters. Without it nothing is sent.
        "NUDGE_CASE_WEBHOOK_SECRET": "",
    }
