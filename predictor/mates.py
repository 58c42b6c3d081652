"""Progress relative to course mates: unlabelled, so legitimate in a course that no model has ever seen.

Everything about mates stems from their events before the learner's own moment. Mates are all who have events
in the course run by then, whether or not they are to be predicted: who else is asked about changes nothing.
On clocks of the learners' own, a learner is compared with those who began no later, at the same age.

Course-level columns make differences between courses visible: how busy a course is around the moment tells
much about how many will drop out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .moments import DAY, FloatArray, IntArray
from .sequences import Sequences
from .signals import Columns, Stream

RANKED = (
    "events", "events 7", "fading 3", "fading 7", "fading 14", "active days", "active days 7", "effort",
    "effort fading 7", "away", "delay", "span", "kinds", "busiest day", "events per active day", "mean gap",
)  # fmt: skip
"""Columns whose percentile among mates is a column."""
COMPARED = ("events", "events 7", "active days 7", "fading 7", "effort fading 7")
"""Columns that are compared with their mean over mates."""
STAY = 7 * DAY
"""Who had an event within so many seconds counts as active."""
FEW_CLOCKS = 64
"""Groups of learners who began together for which sorting the mates once each is quickest."""
KEEN = 20
"""Share of mates with so many events is a column."""
OF_COURSE = "course: "
"""What the names of columns begin with that are the same for everyone in a course run."""
OF_MATES = (": rank", ": rank among active", ": relative")
"""What the names of columns end with that compare with mates; beside them these:"""
MISSED = ("missed", "missed of week", "joined", "missed days", "days above mates")


def of_course(name: str) -> bool:
    """Whether a column is the same for everyone in a course run."""
    return name.startswith(OF_COURSE)


def of_mates(name: str) -> bool:
    """Whether a column compares a learner with mates."""
    return name.endswith(OF_MATES) or name in MISSED


def ranks(values: FloatArray, starts: FloatArray, counted: NDArray[np.bool_]) -> FloatArray:
    """Percentile [n], 0 to 1, ties in the middle, of each value among the counted who started no later.

    NaN for a NaN, and where nobody counts. Values that are NaN are not counted.
    """
    found = np.full(len(values), np.nan)
    mates = np.flatnonzero(counted & np.isfinite(values))
    mates = mates[np.argsort(starts[mates], kind="stable")]
    ends = np.searchsorted(starts[mates], starts, side="right")
    mine = np.flatnonzero(np.isfinite(values) & (ends > 0))
    distinct = np.unique(ends[mine])
    if len(distinct) > FEW_CLOCKS:
        found[mine] = _among_first(values[mates], ends[mine], values[mine])
    else:
        for end in distinct.tolist():
            rows = mine[ends[mine] == end]
            below, upto = _placed(values[rows], np.sort(values[mates[:end]]))
            found[rows] = (below + upto) / 2
    ranks: FloatArray = found / np.where(ends > 0, ends, np.nan)
    return ranks


def _placed(values: FloatArray, ordered: FloatArray) -> tuple[IntArray, IntArray]:
    below = np.searchsorted(ordered, values, side="left").astype(np.int64)
    return below, np.searchsorted(ordered, values, side="right").astype(np.int64)


def _among_first(mates: FloatArray, ends: IntArray, values: FloatArray) -> FloatArray:
    """How many of the first `ends` [n] mates [m] have less than each value [n], ties counting half."""
    ordered = np.unique(mates)
    places = np.searchsorted(ordered, mates)
    below, upto = _placed(values, ordered)
    found: FloatArray = (_fewer(places, ends, below) + _fewer(places, ends, upto)) / 2
    return found


def _fewer(places: IntArray, ends: IntArray, limits: IntArray) -> IntArray:
    """How many of the first `ends` [n] of the places [m] are below each limit [n].

    The first e places are blocks of falling sizes 2^k, one for each 1 in e's binary digits; blocks of a size
    are sorted all at once. So it takes m log² m, not m².
    """
    span = int(places.max(initial=0)) + 2
    found = np.zeros(len(ends), dtype=np.int64)
    for digit in range(int(ends.max(initial=0)).bit_length()):
        rows = np.flatnonzero(ends >> digit & 1)
        block = (ends[rows] >> digit) - 1  # the digits above tell how many blocks of this size lie before
        keys = np.sort((np.arange(len(places)) >> digit) * span + places)
        below = np.searchsorted(keys, block * span + limits[rows])
        found[rows] += below - (block << digit)
    return found


def among_mates(
    columns: Mapping[str, FloatArray], starts: FloatArray, extra: tuple[str, ...] = ()
) -> Columns:
    """Ranks among mates seen so far and among those active this week, and ratios to the mates' mean.

    `columns` [m] of everyone at one age, `starts` [m] the zeros of their clocks; `extra` names more columns
    to rank.
    """
    seen, active = columns["events"] > 0, columns["events 7"] > 0
    found: Columns = {}
    for name in (*RANKED, *extra):
        found[f"{name}: rank"] = ranks(columns[name], starts, seen)
        found[f"{name}: rank among active"] = ranks(columns[name], starts, active)
    order = np.argsort(starts, kind="stable")
    ends = np.searchsorted(starts[order], starts, side="right")
    mates = np.append(0, np.cumsum(seen[order]))[ends]
    for name in COMPARED:
        total = np.append(0.0, np.cumsum((columns[name] * seen)[order]))[ends]
        found[f"{name}: relative"] = np.log1p(columns[name]) - np.log1p(total / np.maximum(mates, 1))
    return found


@dataclass(frozen=True)
class Activity:
    """A course run's activity over time; everything is counted up to a moment, exclusive.

    Sorted times: `events`; `days` of each learner's first event on each day since the run began; `firsts` of
    each learner's first event, `seconds` of the first event on a second day, `keen` of the twentieth event;
    `came` and `went` of becoming and ceasing to be active.

    Neither a course's size nor its mix of event types is a column: with a few dozen courses to learn from,
    they tell one from another rather than what to expect of it.
    """

    events: FloatArray
    days: FloatArray
    firsts: FloatArray
    seconds: FloatArray
    keen: FloatArray
    came: FloatArray
    went: FloatArray

    @classmethod
    def of(cls, sequences: Sequences, begin: float) -> Activity:
        """From a whole course run, whose days are counted from `begin`."""
        times = np.asarray(sequences.times, dtype=np.float64)
        offsets = np.asarray(sequences.offsets, dtype=np.int64)
        sizes = np.diff(offsets)
        begins = np.repeat(offsets[:-1], sizes)
        place = np.arange(len(times)) - begins
        day = np.floor((times - begin) / DAY)
        new_day = (place == 0) | (np.diff(day, prepend=-np.inf) > 0)
        ordinal = np.cumsum(new_day)
        second = new_day & (ordinal == ordinal[begins] + 1) if len(times) else new_day
        gone = np.append(place[1:] == 0, True)[: len(times)]
        away = np.diff(times, prepend=-np.inf) > STAY
        came = (place == 0) | away
        went = gone | np.append(away[1:], True)[: len(times)]
        return cls(
            np.sort(times),
            np.sort(times[new_day]),
            np.sort(times[place == 0]),
            np.sort(times[second]),
            np.sort(times[place == KEEN - 1]),
            np.sort(times[came]),
            np.sort(times[went]) + STAY,
        )

    def columns(self, moments: FloatArray) -> Columns:
        """What the course run as a whole was up to at moments [n]."""
        seen = np.maximum(_before(self.firsts, moments), 1)
        events, week = _before(self.events, moments), _before(self.events, moments - 7 * DAY)
        fortnight = _before(self.events, moments - 14 * DAY)
        active = _before(self.came, moments) - _before(self.went, moments)
        return {
            "course: events per learner": np.log1p(events / seen),
            "course: active days per learner": _before(self.days, moments) / seen,
            "course: active 7": active / seen,
            "course: events 7 per active": np.log1p((events - week) / np.maximum(active, 1)),
            "course: trend": np.log1p(events - week) - np.log1p(week - fortnight),
            "course: new 7": 1 - _before(self.firsts, moments - 7 * DAY) / seen,
            "course: second day": _before(self.seconds, moments) / seen,
            "course: keen": _before(self.keen, moments) / seen,
        }

    def missed(self, stream: Stream, active_days: FloatArray) -> Columns:
        """What went on in the course run while each learner [n] was away or not yet there."""
        moments, first, last = stream.moments, stream.first, stream.last
        events = np.maximum(_before(self.events, moments), 1)
        week = np.maximum(events - _before(self.events, moments - 7 * DAY), 1)
        since = events - _upto(self.events, last)
        seen = np.maximum(_before(self.firsts, moments), 1)
        days = _before(self.days, moments)
        return {
            "missed": since / events,
            "missed of week": since / week,
            "joined": _upto(self.events, first) / events,
            "missed days": (days - _upto(self.days, last)) / seen,
            "days above mates": active_days - days / seen + stream.nothing,
        }


def _before(ordered: FloatArray, moments: FloatArray) -> FloatArray:
    return np.searchsorted(ordered, moments, side="left").astype(np.float64)


def _upto(ordered: FloatArray, moments: FloatArray) -> FloatArray:
    """Times up to and including each moment; NaN at a NaN."""
    count = np.searchsorted(ordered, moments, side="right").astype(np.float64)
    return np.where(np.isfinite(moments), count, np.nan)
