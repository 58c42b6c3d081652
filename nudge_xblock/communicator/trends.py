"""Each prediction of a few learners, day by day: the small lines beside their rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import platform
from nudge_xblock.models import PredictionDay

from .figures import PREDICTED, Ids, pseudonyms

DAYS = 30
MOST = 100
SHELF_SECONDS = 600
NAME = re.compile(r"[0-9a-f]{16}")


class Roster(NamedTuple):
    """Who is behind the pseudonyms of one course run."""

    names: npt.NDArray[np.uint64]  # sorted
    user_ids: Ids


def trends(course_key: CourseKey, who: Sequence[str], now: datetime) -> dict[str, Any]:
    """Whole percents of each prediction over the last 30 days, null where a day has none.

    who: pseudonyms; one that is nobody's in the course run is left out.  Raises ValueError, in words, for
    more than a hundred or for what is no pseudonym.
    """
    if len(who) > MOST or not all(NAME.fullmatch(name) for name in who):
        raise ValueError(f"who: at most {MOST} pseudonyms of 16 hexadecimal digits, with commas between.")
    today = now.astimezone(UTC).date()
    days = [today - timedelta(days=ago) for ago in range(DAYS - 1, -1, -1)]
    places = {day: place for place, day in enumerate(days)}
    users = behind(course_key, who, now)
    lines: dict[str, dict[str, list[int | None]]] = {
        name: {target: [None] * DAYS for target in PREDICTED} for name in users.values()
    }
    rows = PredictionDay.objects.filter(
        enrolment__course_key=course_key, enrolment__learner__user_id__in=list(users), day__gte=days[0]
    )
    for user_id, day, told in rows.values_list("enrolment__learner__user_id", "day", "predictions"):
        for target in PREDICTED:
            if target in told and day in places:
                lines[users[user_id]][target][places[day]] = int(100 * told[target] + 0.5)
    return {"days": [day.isoformat() for day in days], "learners": lines}


def behind(course_key: CourseKey, who: Iterable[str], now: datetime) -> dict[int, str]:
    """User id to pseudonym, of those who take the course run."""
    roster = _roster(course_key, int(now.timestamp() // SHELF_SECONDS))
    if not len(roster.names):
        return {}
    wanted = np.array(sorted({int(name, 16) for name in who}), np.uint64)
    places = np.minimum(np.searchsorted(roster.names, wanted), len(roster.names) - 1)
    there = roster.names[places] == wanted
    found = roster.user_ids[places[there]].tolist()
    return {user_id: f"{name:016x}" for user_id, name in zip(found, wanted[there].tolist(), strict=True)}


@lru_cache(maxsize=8)
def _roster(course_key: CourseKey, _bucket: int) -> Roster:
    """Kept for ten minutes, since a table that is scrolled asks many times."""
    user_ids = np.fromiter(platform().members(course_key), np.int64)
    names = pseudonyms(course_key, user_ids).astype(np.uint64)
    order = np.argsort(names)
    return Roster(names[order], user_ids[order])


def forget() -> None:
    """Look up afresh who is behind the pseudonyms."""
    _roster.cache_clear()
