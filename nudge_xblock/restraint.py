"""Restraint: what forbids a nudge however promising it looks.  Checked after the gate, and above it.

Pure and without Django.  Times are unix seconds, UTC.  Caps count sends in the last 24 hours and the last
seven days, over all courses, so that no choice of midnight lets a learner receive more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .reasons import Reason

MINUTE = 60.0
DAY = 86400.0
WEEK = 7 * DAY


class Send(NamedTuple):
    """One earlier nudge to the same learner."""

    time: float
    kind: str
    placement: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The site's limits.  `quiet` is a start and an end on the learner's clock; it may span midnight."""

    per_day: int = 2
    per_week: int = 5
    cool_down: float = 60 * MINUTE
    kind_cool_down: float = 0.0
    quiet: tuple[time, time] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What restraint needs to know of the learner and the course at this moment."""

    sends: Sequence[Send] = ()
    fewer: int = 0
    opted_out: bool = False
    staff: bool = False
    certified: bool = False
    starts: float | None = None
    ends: float | None = None
    due: float | None = None
    time_zone: str = "UTC"
    control: bool = False


def forbids(standing: Standing, limits: Limits, kind: str, now: float) -> Reason | None:
    """Why no nudge of this kind may be sent now, or None.  The most lasting reason comes first.

    But for the control group, which comes last: its moments are then just those at which others could have
    been nudged, and may be compared with them.
    """
    found = _person(standing) or _course(standing, now) or _clock(standing, limits, kind, now)
    return found or (Reason.CONTROL if standing.control else None)


def caps(limits: Limits, fewer: int) -> tuple[int, int]:
    """Most sends a day and a week for a learner who asked `fewer` times for fewer.

    Each wish halves both, down to one a week; only a site's own limit of zero goes below.
    """
    shift = min(max(fewer, 0), 31)
    return tuple(min(cap, max(1, cap >> shift)) for cap in (limits.per_day, limits.per_week))  # type: ignore[return-value]


def recent(sends: Sequence[Send], now: float) -> list[Send]:
    """The sends that a cap can still count.  A clock that ran ahead counts as now."""
    return [send for send in sends if send.time > now - WEEK]


def is_quiet(quiet: tuple[time, time], time_zone: str, now: float) -> bool:
    """Whether the learner's wall clock shows a quiet hour; the end is not quiet any more.

    The wall clock is derived from UTC, so an hour that daylight saving repeats is quiet both times and one
    that it skips does not occur.
    """
    wall = datetime.fromtimestamp(now, UTC).astimezone(_zone(time_zone)).time()
    start, end = quiet
    return start <= wall < end if start <= end else wall >= start or wall < end


def _person(standing: Standing) -> Reason | None:
    if standing.opted_out:
        return Reason.OPTED_OUT
    if standing.staff:
        return Reason.STAFF
    return Reason.CERTIFIED if standing.certified else None


def _course(standing: Standing, now: float) -> Reason | None:
    if standing.ends is not None and now >= standing.ends:
        return Reason.ENDED
    if standing.starts is not None and now < standing.starts:
        return Reason.NOT_STARTED
    if standing.due is not None and now >= standing.due:
        return Reason.PAST_DUE
    return None


def _clock(standing: Standing, limits: Limits, kind: str, now: float) -> Reason | None:
    if limits.quiet is not None and is_quiet(limits.quiet, standing.time_zone, now):
        return Reason.QUIET
    per_day, per_week = caps(limits, standing.fewer)
    week = recent(standing.sends, now)
    if len(week) >= per_week:
        return Reason.CAP_WEEK
    if sum(send.time > now - DAY for send in week) >= per_day:
        return Reason.CAP_DAY
    if any(send.time > now - limits.cool_down for send in week):
        return Reason.COOL_DOWN
    if any(send.kind == kind and send.time > now - limits.kind_cool_down for send in week):
        return Reason.COOL_DOWN
    return None


def _zone(name: str) -> ZoneInfo:
    """The named zone; UTC for a name that the system does not know."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
