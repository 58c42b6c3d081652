"""What one learner's stream says at a moment: recency, rhythm, volume, kinds of events, trends, absence.

The columns that boosting sees beside those relative to course mates (`mates`) and of course items (`pace`).
Course-general: tokens are looked up by name, nothing depends on an id or on the order of rows. Each function
gives columns [n] by name; NaN stands where there is nothing to speak of, such as a time without any event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .handfeatures import SESSION_PAUSE
from .moments import DAY, HOUR, WEEK, FloatArray, IntArray, Past

Columns = dict[str, FloatArray]
Floats32 = NDArray[np.float32]

WINDOWS = (1, 2, 3, 5, 7, 10, 14, 21)
FADING_DAYS = (1, 3, 7, 14)
FADING_ACTIVE_DAYS = (2, 5, 10)
SINGLE_DAYS = 10
OTHERS = "other"
"""What columns of all event types without columns of their own are named by."""


@dataclass(frozen=True)
class Stream:
    """Events of n enrolments of one course before each one's moment, seen from that moment.

    Args:
        n: enrolments; those without events have no row below.
        owners: [N] place of the enrolment; `times` [N] ascending per owner, `items` [N] -1 for none.
        kinds: [N] index into the model's tokens, the last one for all others; `tokens` names them.
        age: [N] days from the event to the moment.
        moments, first, last: [n] unix seconds; the latter two NaN without events.
        sizes: [n] events.
    """

    n: int
    owners: IntArray
    times: FloatArray
    items: IntArray
    kinds: IntArray
    tokens: tuple[str, ...]
    age: FloatArray
    moments: FloatArray
    first: FloatArray
    last: FloatArray
    sizes: FloatArray

    @classmethod
    def of(cls, known: Past, tokens: Sequence[str]) -> Stream:
        """The view of a cut past."""
        place = {name: index for index, name in enumerate(tokens)}
        lookup = np.array([place.get(name, len(tokens)) for name in known.names] or [0], dtype=np.int64)
        owners, sizes = known.owners, np.diff(known.offsets)
        times = np.append(known.times, np.nan)
        nothing = len(known.times)
        return cls(
            n=len(known.rows),
            owners=owners,
            times=known.times,
            items=known.items,
            kinds=lookup[known.tokens],
            tokens=(*map(_named, tokens), OTHERS),
            age=(known.moments[owners] - known.times) / DAY,
            moments=known.moments,
            first=times[np.where(sizes > 0, known.offsets[:-1], nothing)],
            last=times[np.where(sizes > 0, known.offsets[1:] - 1, nothing)],
            sizes=sizes.astype(np.float64),
        )

    @property
    def nothing(self) -> FloatArray:
        """NaN [n] for who has no event, else 0: added to a column that means nothing without events."""
        return np.where(self.sizes > 0, 0.0, np.nan)

    def count(self, mask: NDArray[np.bool_]) -> FloatArray:
        """Events in a mask over events, per enrolment [n]."""
        return np.bincount(self.owners[mask], minlength=self.n).astype(np.float64)

    def total(self, weights: FloatArray) -> FloatArray:
        """Sum of a weight per event, per enrolment [n]."""
        return np.bincount(self.owners, weights, minlength=self.n).astype(np.float64)

    def distinct(self, values: IntArray, mask: NDArray[np.bool_]) -> FloatArray:
        """Distinct values of the masked events, per enrolment [n]."""
        if not mask.any():
            return np.zeros(self.n)
        span = int(values.max()) + 1
        pairs = np.unique(self.owners[mask] * span + values[mask])
        return np.bincount(pairs // span, minlength=self.n).astype(np.float64)


def _named(token: str) -> str:
    """An event type in the names of columns: one that is called like all others is told apart from them."""
    return f"={token}" if token == OTHERS or token.startswith("=") else token


def signals(stream: Stream, at: FloatArray, starts: FloatArray) -> Columns:
    """All columns at `at` [n] seconds of clocks that began at `starts` [n]."""
    days = ActiveDays.of(stream)
    return {
        **_absence(stream, at, starts),
        **_volume(stream),
        **_kinds(stream),
        **_active_days(stream, days),
        **_rhythm(stream, days),
        **_sessions(stream),
    }


def calendar(stream: Stream, begins: FloatArray) -> Columns:
    """Hours, weekdays (UTC) and days since the course run began, for clocks that began at various times.

    Where everyone's clock is the course's own, these would tell one course from another and nothing else.
    """
    moments, first = stream.moments, stream.first
    parts: Columns = {
        "weekday now": moments // DAY % 7,
        "hour now": moments % DAY / HOUR,
        "weekday of first": first // DAY % 7,
        "hour of first": first % DAY / HOUR,
        "hour of last": stream.last % DAY / HOUR,
        "run's day now": (moments - begins) / DAY,
        "run's day of first": (first - begins) / DAY,
    }
    share = np.maximum(stream.sizes, 1)
    for name, period in (("hours", DAY), ("weekdays", WEEK)):
        angle = stream.times % period / period * 2 * np.pi
        length = np.hypot(stream.total(np.sin(angle)), stream.total(np.cos(angle)))
        parts[f"sameness of {name}"] = length / share + stream.nothing
    weekend = (stream.times // DAY + 3) % 7 >= 5
    parts["weekend share"] = stream.count(weekend) / share + stream.nothing
    return parts


def _absence(stream: Stream, at: FloatArray, starts: FloatArray) -> Columns:
    return {
        "days gone": at / DAY,
        "away": (stream.moments - stream.last) / DAY,
        "since first": (stream.moments - stream.first) / DAY,
        "delay": (stream.first - starts) / DAY,
        "span": (stream.last - stream.first) / DAY,
    }


def _volume(stream: Stream) -> Columns:
    columns: Columns = {"events": stream.sizes}
    for days in WINDOWS:
        columns[f"events {days}"] = stream.count(stream.age <= days)
    for days in FADING_DAYS:
        columns[f"fading {days}"] = stream.total(np.exp(-stream.age / days))
    middle = stream.count((stream.age > 3) & (stream.age <= 6))
    columns["trend 3"] = np.log1p(columns["events 3"]) - np.log1p(middle)
    older = columns["events 14"] - columns["events 7"]
    columns["trend 7"] = np.log1p(columns["events 7"]) - np.log1p(older)
    return columns


def _kinds(stream: Stream) -> Columns:
    columns: Columns = {}
    week = stream.age <= 7
    fading = np.exp(-stream.age / 7)
    for kind, token in enumerate(stream.tokens):
        mask = stream.kinds == kind
        latest = np.full(stream.n, -np.inf)
        np.maximum.at(latest, stream.owners[mask], stream.times[mask])
        columns[f"{token}: events"] = stream.count(mask)
        columns[f"{token}: events 7"] = stream.count(mask & week)
        columns[f"{token}: fading 7"] = stream.total(mask * fading)
        columns[f"{token}: away"] = np.where(latest > 0, (stream.moments - latest) / DAY, np.nan)
        share = columns[f"{token}: events"] / np.maximum(stream.sizes, 1)
        columns[f"{token}: share"] = share + stream.nothing
    columns["kinds"] = stream.distinct(stream.kinds, stream.age >= 0)
    columns["kinds 7"] = stream.distinct(stream.kinds, week)
    last_day = (stream.last[stream.owners] - stream.times) < DAY
    columns["kinds of last day"] = stream.distinct(stream.kinds, last_day)
    return columns


@dataclass(frozen=True)
class ActiveDays:
    """Days with events, counted backwards from each one's moment, in order of time.

    `owners` [D]; `lags` [D] 0 for the last 24 hours; `sizes` [D] events; `gaps` [D] days since the owner's
    active day before, 0 for the first one.
    """

    owners: IntArray
    lags: IntArray
    sizes: FloatArray
    gaps: IntArray

    @classmethod
    def of(cls, stream: Stream) -> ActiveDays:
        """From events."""
        lag = np.floor(stream.age).astype(np.int64)
        width = int(lag.max()) + 1 if len(lag) else 1
        pairs, sizes = np.unique(stream.owners * width + (width - 1 - lag), return_counts=True)
        owners, lags = pairs // width, width - 1 - pairs % width
        gaps = np.zeros(len(pairs), dtype=np.int64)
        gaps[1:] = np.where(owners[1:] == owners[:-1], lags[:-1] - lags[1:], 0)
        return cls(owners, lags, sizes.astype(np.float64), gaps)

    def total(self, weights: FloatArray | NDArray[np.bool_], n: int) -> FloatArray:
        """Sum of a weight per active day, per enrolment [n]."""
        return np.bincount(self.owners, weights, minlength=n).astype(np.float64)

    def largest(self, values: FloatArray, n: int) -> FloatArray:
        """The largest value, at least 0, per enrolment [n]."""
        largest = np.zeros(n)
        np.maximum.at(largest, self.owners, values)
        return largest


def _active_days(stream: Stream, days: ActiveDays) -> Columns:
    n = stream.n
    size = np.log1p(days.sizes)
    active = days.total(days.lags >= 0, n)
    busiest = days.largest(days.sizes, n)
    columns: Columns = {"active days": active}
    for window in WINDOWS:
        columns[f"active days {window}"] = days.total(days.lags < window, n)
    for fade in FADING_ACTIVE_DAYS:
        columns[f"active days fading {fade}"] = days.total(np.exp(-days.lags / fade), n)
    for day in range(SINGLE_DAYS):
        columns[f"day -{day + 1}"] = days.total(days.sizes * (days.lags == day), n)
    entered = np.maximum(1.0, np.ceil((stream.moments - stream.first) / DAY))
    return columns | {
        "effort": days.total(size, n),
        "effort fading 3": days.total(size * np.exp(-days.lags / 3), n),
        "effort fading 7": days.total(size * np.exp(-days.lags / 7), n),
        "active ratio": active / entered,
        "events per active day": stream.sizes / np.maximum(active, 1) + stream.nothing,
        "busiest day": busiest,
        "busiest day's share": busiest / np.maximum(stream.sizes, 1) + stream.nothing,
    }


def _rhythm(stream: Stream, days: ActiveDays) -> Columns:
    """Gaps between active days against the present absence, streaks, first and last day."""
    n, away = stream.n, (stream.moments - stream.last) / DAY
    later = days.gaps > 0
    many = np.bincount(days.owners[later], minlength=n)
    mean = days.total(days.gaps.astype(np.float64), n) / np.maximum(many, 1)
    square = days.total(days.gaps.astype(np.float64) ** 2, n) / np.maximum(many, 1)
    longest = days.largest(days.gaps.astype(np.float64), n)
    latest = np.zeros(n)
    latest[days.owners[later]] = days.gaps[later]
    nothing = np.where(many > 0, 0.0, np.nan)
    run = np.cumsum(days.gaps != 1) - 1
    lengths = np.bincount(run) if len(run) else np.zeros(0)
    streak = np.zeros(n)
    streak[days.owners] = lengths[run]
    first, last = np.full(n, np.nan), np.full(n, np.nan)
    first[days.owners[::-1]] = days.sizes[::-1]
    last[days.owners] = days.sizes
    return {
        "mean gap": mean + nothing,
        "spread of gaps": np.sqrt(np.maximum(square - mean**2, 0)) + nothing,
        "longest gap": longest + nothing,
        "last gap": latest + nothing,
        "away per mean gap": away / (1 + mean),
        "away per longest gap": away / (1 + longest),
        "longest streak": days.largest(lengths[run].astype(np.float64), n),
        "last streak": streak,
        "events of first day": first,
        "events of last day": last,
    }


def _sessions(stream: Stream) -> Columns:
    owners = stream.owners
    pause = np.diff(stream.times, prepend=-np.inf)
    same = np.append(False, owners[1:] == owners[:-1])[: len(owners)]
    inside = same & (pause <= SESSION_PAUSE)
    spent = np.where(inside, pause, 0.0) / HOUR
    week = stream.age <= 7
    return {
        "sessions": stream.count(~inside),
        "sessions 7": stream.count(~inside & week),
        "hours": stream.total(spent),
        "hours 7": stream.total(spent * week),
    }


def stacked(columns: Mapping[str, FloatArray], names: Sequence[str], n: int) -> Floats32:
    """Columns as a table [n, columns] in the order of `names`, NaN where a column is not there."""
    nothing = np.full(n, np.nan)
    return np.stack([columns.get(name, nothing) for name in names], axis=1).astype(np.float32)
