"""Restraint against random histories: no cap, cool-down, quiet hour or wish is ever breached."""

from __future__ import annotations

import os
from bisect import bisect_right
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nudge_xblock.reasons import Reason
from nudge_xblock.restraint import DAY, WEEK, Limits, Send, Standing, caps, forbids, is_quiet, recent

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC).timestamp()
MOMENTS = int(os.environ.get("NUDGE_RESTRAINT_MOMENTS", "100000"))
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo")
ALWAYS = Limits(per_day=1000, per_week=1000, cool_down=0.0)


def why(limits: Limits = ALWAYS, kind: str = "review", now: float = NOW, **standing: object) -> Reason | None:
    return forbids(Standing(**standing), limits, kind, now)  # type: ignore[arg-type]


def test_no_rule_is_breached_over_many_random_moments() -> None:
    """Learners with random limits live through random moments; every send is checked by brute force."""
    chance, done = np.random.default_rng(20261122), 0
    while done < MOMENTS:
        done += _life(chance)


def _life(chance: np.random.Generator) -> int:
    """One learner's moments, several weeks of them, across daylight saving's changes."""
    quiet = (time(22), time(7)) if chance.random() < 0.5 else (time(13), time(14, 30))
    limits = Limits(
        per_day=int(chance.integers(0, 4)),
        per_week=int(chance.integers(0, 7)),
        cool_down=float(chance.choice([0, 600, 3600, 7200])),
        kind_cool_down=float(chance.choice([0, 7200, 3 * DAY])),
        quiet=quiet if chance.random() < 0.6 else None,
    )
    zone, fewer = str(chance.choice(ZONES)), int(chance.integers(0, 4))
    begin = datetime(2026, 10, 1, tzinfo=UTC).timestamp() + chance.random() * 60 * DAY
    times = np.sort(begin + chance.random(500) * 21 * DAY)
    ends = begin + chance.random() * 30 * DAY
    starts = begin + chance.random() * 4 * DAY
    due = begin + chance.random() * 40 * DAY if chance.random() < 0.3 else None
    control, staff = bool(chance.random() < 0.1), bool(chance.random() < 0.05)
    certified_at = begin + chance.random() * 60 * DAY
    stops = begin + chance.random() * 40 * DAY
    sends: list[Send] = []
    for now in times:
        kind = str(chance.choice(["review", "plan"]))
        standing = Standing(
            sends=recent(sends, now),
            fewer=fewer,
            opted_out=bool(now >= stops),
            staff=staff,
            certified=bool(now >= certified_at),
            starts=starts,
            ends=ends,
            due=due,
            time_zone=zone,
            control=control,
        )
        if forbids(standing, limits, kind, float(now)) is None:
            _check(sends, limits, fewer, zone, kind, float(now))
            assert starts <= now < min(ends, stops, certified_at)
            assert due is None or now < due
            assert not control
            assert not staff
            sends.append(Send(float(now), kind, 1))
    return len(times)


def _check(sends: list[Send], limits: Limits, fewer: int, zone: str, kind: str, now: float) -> None:
    times = [send.time for send in sends]
    halvings = 2**fewer
    day = len(times) - bisect_right(times, now - DAY) + 1
    week = len(times) - bisect_right(times, now - WEEK) + 1
    assert day <= max(limits.per_day // halvings, min(1, limits.per_day))
    assert week <= max(limits.per_week // halvings, min(1, limits.per_week))
    assert not times or now - times[-1] >= limits.cool_down
    same = [send.time for send in sends if send.kind == kind]
    assert not same or now - same[-1] >= limits.kind_cool_down
    if limits.quiet is not None:
        wall = datetime.fromtimestamp(now, ZoneInfo(zone)).time()
        start, end = limits.quiet
        assert not (start <= wall < end if start < end else wall >= start or wall < end)


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        ({"opted_out": True}, Reason.OPTED_OUT),
        ({"staff": True}, Reason.STAFF),
        ({"certified": True}, Reason.CERTIFIED),
        ({"ends": NOW}, Reason.ENDED),
        ({"starts": NOW + 1}, Reason.NOT_STARTED),
        ({"due": NOW - 1}, Reason.PAST_DUE),
        ({"ends": NOW + 1, "starts": NOW - 1, "due": NOW + 1}, None),
    ],
)
def test_whoever_must_not_be_nudged_is_not(standing: dict[str, object], reason: Reason | None) -> None:
    assert why(**standing) is reason


def test_the_lasting_reason_is_given_before_the_passing_one() -> None:
    assert why(Limits(per_day=0), opted_out=True, ends=NOW - 1) is Reason.OPTED_OUT
    assert why(Limits(per_day=0), ends=NOW - 1) is Reason.ENDED


def test_the_control_group_is_told_of_last_so_that_its_moments_compare_with_the_others() -> None:
    assert why(control=True) is Reason.CONTROL
    assert why(Limits(per_day=0), control=True) is Reason.CAP_DAY


def test_caps_count_the_last_day_and_week_to_the_second() -> None:
    limits = Limits(per_day=1, per_week=2, cool_down=0.0)
    assert why(limits, sends=[Send(NOW - DAY + 1, "a", 1)]) is Reason.CAP_DAY
    assert why(limits, sends=[Send(NOW - DAY, "a", 1)]) is None
    assert why(limits, sends=[Send(NOW - WEEK + 1, "a", 1), Send(NOW - DAY, "a", 1)]) is Reason.CAP_WEEK
    assert why(limits, sends=[Send(NOW - WEEK, "a", 1), Send(NOW - DAY, "a", 1)]) is None


def test_cool_down_holds_between_any_two_and_longer_within_a_kind() -> None:
    limits = Limits(per_day=9, per_week=9, cool_down=600.0, kind_cool_down=3600.0)
    assert why(limits, sends=[Send(NOW - 599, "plan", 1)]) is Reason.COOL_DOWN
    assert why(limits, sends=[Send(NOW - 600, "plan", 1)]) is None
    assert why(limits, sends=[Send(NOW - 3599, "review", 1)]) is Reason.COOL_DOWN


def test_a_send_from_a_clock_that_runs_ahead_counts() -> None:
    assert why(Limits(per_day=1), sends=[Send(NOW + 60, "a", 1)]) is Reason.CAP_DAY


@pytest.mark.parametrize(
    ("fewer", "expected"), [(0, (4, 10)), (1, (2, 5)), (2, (1, 2)), (3, (1, 1)), (99, (1, 1))]
)
def test_each_wish_for_fewer_halves_the_caps_down_to_one_a_week(
    fewer: int, expected: tuple[int, int]
) -> None:
    assert caps(Limits(per_day=4, per_week=10), fewer) == expected


def test_a_site_that_allows_none_sends_none() -> None:
    assert caps(Limits(per_day=0, per_week=0), 2) == (0, 0)
    assert why(Limits(per_day=0)) is Reason.CAP_DAY


@pytest.mark.parametrize(
    ("utc", "quiet"),
    [
        ("2026-10-24T20:30", True),  # 22:30 in summer time
        ("2026-10-24T19:59", False),
        ("2026-10-25T00:30", True),  # 02:30, the first time
        ("2026-10-25T01:30", True),  # 02:30 again
        ("2026-10-25T05:59", True),  # 06:59 in winter time
        ("2026-10-25T06:00", False),
        ("2026-10-25T20:59", False),  # 21:59 in winter time
        ("2026-10-25T21:00", True),
        ("2026-03-29T00:59", True),  # the last minute before the clocks jump from 02:00 to 03:00
        ("2026-03-29T01:00", True),
        ("2026-03-29T05:00", False),  # 07:00 in summer time
    ],
)
def test_quiet_hours_follow_the_wall_clock_through_daylight_saving(utc: str, quiet: bool) -> None:
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp()
    assert is_quiet((time(22), time(7)), "Europe/Berlin", now) is quiet


def test_equal_start_and_end_are_never_quiet_and_unknown_zones_mean_utc() -> None:
    assert not is_quiet((time(9), time(9)), "UTC", NOW)
    assert is_quiet((time(11), time(13)), "Mars/Olympus", NOW)
    assert is_quiet((time(11), time(13)), "../../etc/passwd", NOW)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 20), max_size=30), st.integers(0, 5))
def test_more_restraint_never_allows_more(days: list[float], fewer: int) -> None:
    sends = [Send(NOW - ago * DAY, "review", 1) for ago in sorted(days, reverse=True)]
    mild = Standing(sends=sends, fewer=fewer)
    strict = Standing(sends=[*sends, Send(NOW - 3 * 3600, "plan", 2)], fewer=fewer + 1)
    if forbids(strict, Limits(), "review", NOW) is None:
        assert forbids(mild, Limits(), "review", NOW) is None


def test_only_what_a_cap_can_count_is_kept() -> None:
    sends = [Send(NOW - timedelta(days=8).total_seconds(), "a", 1), Send(NOW - 5, "b", 2)]
    assert recent(sends, NOW) == sends[1:]
