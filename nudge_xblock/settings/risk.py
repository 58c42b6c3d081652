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
        # .. setting_name: NUDGE_RISK_MIN_RUNS
        # .. setting_default: 3
        # .. setting_description: Course runs that must be over, with enough learners of whom it is known
        #    whether they completed, for a risk model to be trained; at least 2.
        "NUDGE_RISK_MIN_RUNS": 3,
        # .. setting_name: NUDGE_RISK_SHARDED
        # .. setting_default: False
        # .. setting_description: The night leaves each course run's assessment to a Celery worker
        #    (nudge_xblock.tasks.assess_course) instead of assessing one after the other itself: for
        #    programmes of many course runs, which workers then share.
        "NUDGE_RISK_SHARDED": False,
        # .. setting_name: NUDGE_RISK_FEATURES
        # .. setting_default: ""
        # .. setting_description: Path of a feature table of your own (CSV or Parquet), which all workers see:
        #    course_id, learner_id (the platform's user id), optionally time, and numbers in columns named
        #    group.name, such as help.tutor_meetings; docs/reference/risk.md says more. Attributes such as age
        #    or gender are refused. Who is retired must be erased from it by whoever writes it. Empty: none.
        "NUDGE_RISK_FEATURES": "",
        # .. setting_name: NUDGE_CASE_DAYS
        # .. setting_default: 730
        # .. setting_description: Days after its end at which the night deletes an at-risk case with its
        #    history and what staff wrote in it.
        "NUDGE_CASE_DAYS": 730,
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
