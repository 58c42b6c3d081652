"""How far a learner has come in a course's items, against the order and pace of the mates.

An item's name says nothing to a model. Its place is learned from the mates: the mean position at which they
came to it. So are its completions and how many stopped there. What mates did counts up to the start of the
day (UTC) of the learner's own moment, never later, so that one table a day serves every moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .moments import DAY, WEEK, FloatArray, IntArray
from .sequences import Sequences
from .signals import Columns, Stream

RANKED = ("items", "items 7", "furthest", "items per active day")
"""Columns worth ranking among mates."""
STOPPED = WEEK
"""Who has not come back for so long is taken to have stopped at the last item."""
MOST_CELLS = 20_000_000
"""Days times items in a table; where there are more, a day of the table stands for several."""


@dataclass(frozen=True)
class ItemPace:
    """What mates did with every item up to the start of a day.

    Tables [days, items]: `visitors` distinct learners, `place` their mean position at it (NaN without any),
    `stopped` share of the visitors who stopped at it. `begin` is the first day's start and `step` the seconds
    from one row to the next.
    """

    visitors: FloatArray
    place: FloatArray
    stopped: FloatArray
    begin: float
    step: float

    @classmethod
    def of(cls, sequences: Sequences) -> ItemPace | None:
        """From a whole course run; None where no event has an item."""
        times, items = np.asarray(sequences.times), np.asarray(sequences.items, dtype=np.int64)
        named = items >= 0
        if not named.any():
            return None
        owners = np.repeat(np.arange(len(sequences.learners)), np.diff(sequences.offsets))
        begin = float(np.floor(times.min() / DAY) * DAY)
        width = len(sequences.item_names)
        days = int((times.max() + STOPPED - begin) // DAY) + 2
        step = DAY * max(1, -(-days * width // MOST_CELLS))
        shape = (int(days * DAY // step) + 2, width)
        firsts = _first_visits(owners, items, named)
        positions = _positions(owners[firsts])
        visitors = _cumulative(shape, times[firsts], items[firsts], np.ones(len(firsts)), begin, step)
        place = _cumulative(shape, times[firsts], items[firsts], positions, begin, step)
        stopped = _stopped(shape, owners[named], times[named], items[named], begin, step)
        return cls(
            visitors,
            np.divide(place, visitors, out=np.full(shape, np.nan), where=visitors > 0),
            stopped / np.maximum(visitors, 1),
            begin,
            step,
        )

    def rows(self, moments: FloatArray) -> IntArray:
        """The row of each moment [n]: what was known at the start of its day."""
        row: IntArray = np.clip((moments - self.begin) // self.step, 0, len(self.visitors) - 1).astype(
            np.int64
        )
        return np.clip(row, 0, len(self.visitors) - 1)


def _first_visits(owners: IntArray, items: IntArray, named: NDArray[np.bool_]) -> IntArray:
    """Places of every learner's first event with each item, by learner and time."""
    places = np.flatnonzero(named)
    span = int(items.max()) + 1
    _, first = np.unique(owners[places] * span + items[places], return_index=True)
    return np.sort(places[first])


def _positions(owners: IntArray) -> FloatArray:
    """1, 2, 3 … within each owner."""
    begins = np.flatnonzero(np.append(True, owners[1:] != owners[:-1]))
    return np.arange(len(owners)) - np.repeat(begins, np.diff(np.append(begins, len(owners)))) + 1.0


def _cumulative(
    shape: tuple[int, int], times: FloatArray, items: IntArray, weights: FloatArray, begin: float, step: float
) -> FloatArray:
    """Sums of weights by item of what came before the start of each row's day."""
    table = np.zeros(shape)
    row = np.minimum(np.floor((times - begin) / step).astype(np.int64) + 1, shape[0] - 1)
    np.add.at(table, (row, items), weights)
    summed: FloatArray = np.cumsum(table, axis=0)
    return summed


def _stopped(
    shape: tuple[int, int], owners: IntArray, times: FloatArray, items: IntArray, begin: float, step: float
) -> FloatArray:
    """How many had stopped at each item: away for a week, and not yet back."""
    back = np.append(times[1:], np.inf)
    back[:-1][owners[1:] != owners[:-1]] = np.inf
    stops = back - times > STOPPED
    came, at = times[stops] + STOPPED, items[stops]
    back = back[stops]
    again = np.isfinite(back)
    gone = _cumulative(shape, came, at, np.ones(len(at)), begin, step)
    return gone - _cumulative(shape, back[again], at[again], np.ones(int(again.sum())), begin, step)


def progress(stream: Stream, pace: ItemPace) -> Columns:
    """Columns [n] of learners in a course run with items."""
    n, named = stream.n, stream.items >= 0
    owners, items, times = stream.owners[named], stream.items[named], stream.times[named]
    days = np.maximum(1.0, np.ceil((stream.moments - stream.first) / DAY))
    row = pace.rows(stream.moments)
    place = pace.place[row[owners], items]
    reached = np.where(np.isfinite(place), place, 0.0)
    furthest = np.zeros(n)
    np.maximum.at(furthest, owners, reached)
    end = np.append(np.nanmax(np.where(pace.visitors > 0, pace.place, 0.0), axis=1), 0.0)[row]
    latest = np.full(n, -1, dtype=np.int64)
    latest[owners] = np.arange(len(owners))
    last, there = np.append(items, 0)[latest], latest >= 0
    distinct = stream.distinct(stream.items, named)
    week = stream.distinct(stream.items, named & (stream.age <= 7))
    columns: Columns = {
        "items": distinct,
        "items 1": stream.distinct(stream.items, named & (stream.age <= 1)),
        "items 3": stream.distinct(stream.items, named & (stream.age <= 3)),
        "items 7": week,
        "items per day": distinct / days,
        "items per active day": distinct / np.maximum(stream.distinct(*_days(stream)), 1),
        "events per item": stream.count(named) / np.maximum(distinct, 1) + stream.nothing,
        "furthest": furthest,
        "furthest of all": furthest / np.maximum(end, 1),
        "left": end - furthest,
        "days left at this pace": (end - furthest) * days / np.maximum(furthest, 0.5),
        "last item's place": np.where(there, np.append(reached, np.nan)[latest], np.nan),
        "last item behind": np.where(there, furthest - np.append(reached, np.nan)[latest], np.nan),
        "last item's stops": np.where(there, pace.stopped[row, last], np.nan),
        "last item's visitors": np.where(there, pace.visitors[row, last], np.nan),
        "events at last item": np.bincount(owners[items == last[owners]], minlength=n).astype(np.float64),
    }
    since = np.full(n, np.nan)
    mine = items == last[owners]
    since[owners[mine][::-1]] = times[mine][::-1]
    columns["since last item's first"] = (stream.moments - since) / DAY
    for kind, token in enumerate(stream.tokens):
        done = stream.distinct(stream.items, named & (stream.kinds == kind))
        columns[f"{token}: items"] = done
        columns[f"{token}: items' share"] = done / np.maximum(distinct, 1) + stream.nothing
        at_last = owners[mine & (stream.kinds[named] == kind)]
        columns[f"{token}: at last item"] = np.bincount(at_last, minlength=n).astype(np.float64)
    return columns


def _days(stream: Stream) -> tuple[IntArray, NDArray[np.bool_]]:
    day = np.floor(stream.age).astype(np.int64)
    return day, stream.age >= 0
