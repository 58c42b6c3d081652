"""What became of learners, as far as it is known: who completed, and once a run is over who did not."""

from __future__ import annotations

from datetime import datetime

from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import platform
from nudge_xblock.night import models
from predictor.records import family
from predictor.risk import RiskModel
from predictor.store import BrokenModel, NoModel

PASSING = "pass"


def lost(course_key: CourseKey, now: datetime) -> dict[int, bool]:
    """User id to whether the learner did not complete; left out where that is not known yet."""
    over = platform().course_dates(course_key).is_over(now)
    times = _completed(course_key, now)
    return {user_id: at is None for user_id, at in times.items() if over or at is not None}


def completed(course_key: CourseKey, now: datetime) -> dict[int, datetime]:
    """User id to when the learner completed, of those who did by now."""
    return {user_id: at for user_id, at in _completed(course_key, now).items() if at is not None}


def _completed(course_key: CourseKey, now: datetime) -> dict[int, datetime | None]:
    passing = _target() == PASSING
    times = {
        each.user_id: each.passed_at if passing else each.completed_at
        for each in platform().outcomes(course_key)
    }
    return {user_id: at if at is not None and at <= now else None for user_id, at in times.items()}


def earlier(course_key: CourseKey, now: datetime) -> list[CourseKey]:
    """Runs of the same course that are over, the newest first."""
    mine = family(str(course_key))
    others = [key for key in platform().course_keys() if key != course_key and family(str(key)) == mine]
    ends = {key: platform().course_dates(key).end for key in others}
    past = [(end, str(key), key) for key, end in ends.items() if end is not None and end <= now]
    return [key for _end, _name, key in sorted(past, reverse=True, key=lambda each: each[:2])]


def _target() -> str:
    """What the model that serves foresees not to happen."""
    try:
        return RiskModel.load(models()).target
    except (NoModel, BrokenModel, ValueError):
        return ""
