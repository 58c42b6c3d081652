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


@dataclass(frozen=True)
class Counts:
    """Amounts that items came to over days, to be summed up to the start of any day.

    Args:
        keys: [M] ascending, item times `span` plus day.
        sums: [M + 1, amounts] of the amounts so far.
        span: days told apart; all later ones are as the last.
    """

    keys: IntArray
    sums: FloatArray
    span: int

    @classmethod
    def of(cls, items: IntArray, days: IntArray, amounts: FloatArray) -> Counts:
        """From items [M], days from 0 on [M] and amounts [M, amounts]."""
        span = int(days.max(initial=0)) + 2
        keys = items * span + days
        order = np.argsort(keys, kind="stable")
        sums = np.concatenate((np.zeros((1, amounts.shape[1])), np.cumsum(amounts[order], axis=0)))
        return cls(keys[order], sums, span)

    def before(self, items: IntArray, days: IntArray) -> FloatArray:
        """Sums [n, amounts] over each item's days before a day [n]."""
        first = items * self.span
        low, high = (np.searchsorted(self.keys, first + day) for day in (0, np.clip(days, 0, self.span - 1)))
        found: FloatArray = self.sums[high] - self.sums[low]
        return found


@dataclass(frozen=True)
class ItemPace:
    """What mates did with every item up to the start of any day.

    `visits` sums distinct visitors and their positions, `stops` those who stopped at an item, less those who
    came back. `begin` is the first day's start, `width` the number of items. What is known of a day does not
    depend on what comes later, nor does the memory on how far the days reach.
    """

    visits: Counts
    stops: Counts
    begin: float
    width: int

    @classmethod
    def of(cls, sequences: Sequences) -> ItemPace | None:
        """From a whole course run; None where no event has an item."""
        times, items = np.asarray(sequences.times), np.asarray(sequences.items, dtype=np.int64)
        named = items >= 0
        if not named.any():
            return None
        owners = np.repeat(np.arange(len(sequences.learners)), np.diff(sequences.offsets))
        begin = float(np.floor(times.min() / DAY) * DAY)
        firsts = _first_visits(owners, items, named)
        positions = _positions(owners[firsts])
        amounts = np.stack((np.ones(len(firsts)), positions), axis=1)
        visits = Counts.of(items[firsts], _days_of(times[firsts], begin), amounts)
        stops = _stops(owners[named], times[named], items[named], begin)
        return cls(visits, stops, begin, len(sequences.item_names))

    def days(self, moments: FloatArray) -> IntArray:
        """The day of each moment [n]: known is what came before its start."""
        return _days_of(moments, self.begin)

    def of_items(self, items: IntArray, days: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Visitors of each item [n], their mean position at it (NaN without any) and who stopped, a share."""
        visitors, positions = self.visits.before(items, days).T
        place = np.divide(positions, visitors, out=np.full(len(items), np.nan), where=visitors > 0)
        return visitors, place, self.stops.before(items, days)[:, 0] / np.maximum(visitors, 1)

    def end(self, days: IntArray) -> FloatArray:
        """The furthest item's place by the start of each day [n]."""
        asked, places = np.unique(days, return_inverse=True)
        items = np.arange(self.width)
        found = np.zeros(len(asked))
        for row, day in enumerate(asked.tolist()):
            _, place, _ = self.of_items(items, np.full(self.width, day))
            found[row] = np.nanmax(place, initial=0.0)
        ends: FloatArray = found[np.ravel(places)]
        return ends


def _days_of(times: FloatArray, begin: float) -> IntArray:
    days: IntArray = np.maximum(np.floor((times - begin) / DAY), 0).astype(np.int64)
    return days


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


def _stops(owners: IntArray, times: FloatArray, items: IntArray, begin: float) -> Counts:
    """Who stopped at each item: away for a week, and not yet back."""
    back = np.append(times[1:], np.inf)
    back[:-1][owners[1:] != owners[:-1]] = np.inf
    stops = back - times > STOPPED
    came, at, back = times[stops] + STOPPED, items[stops], back[stops]
    again = np.isfinite(back)
    amounts = np.concatenate((np.ones(len(at)), np.full(int(again.sum()), -1.0)))[:, None]
    days = _days_of(np.concatenate((came, back[again])), begin)
    return Counts.of(np.concatenate((at, at[again])), days, amounts)


def progress(stream: Stream, pace: ItemPace) -> Columns:
    """Columns [n] of learners in a course run with items."""
    n, named = stream.n, stream.items >= 0
    owners, items, times = stream.owners[named], stream.items[named], stream.times[named]
    days = np.maximum(1.0, np.ceil((stream.moments - stream.first) / DAY))
    day = pace.days(stream.moments)
    _, place, _ = pace.of_items(items, day[owners])
    reached = np.where(np.isfinite(place), place, 0.0)
    furthest = np.zeros(n)
    np.maximum.at(furthest, owners, reached)
    end = pace.end(day)
    latest = np.full(n, -1, dtype=np.int64)
    latest[owners] = np.arange(len(owners))
    last, there = np.append(items, 0)[latest], latest >= 0
    visitors, _, stopped = pace.of_items(last, day)
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
        "last item's stops": np.where(there, stopped, np.nan),
        "last item's visitors": np.where(there, visitors, np.nan),
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
