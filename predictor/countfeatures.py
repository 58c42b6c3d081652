"""Counts of what a learner did and when: the features behind the gradient-boosting rival.

Course-general by construction: tokens are looked up by name in the vocabulary of the training courses, an
unseen one counts as "other"; nothing depends on ids, row order or the calendar year.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .handfeatures import SESSION_PAUSE
from .moments import DAY, HOUR, Enrolments, Past, commonest_tokens, past
from .sequences import EventSource

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

WINDOWS = (1, 2, 3, 5, 7, 14)
RECENT_DAYS = 10
MOST_TOKENS = 40


def vocabulary(source: EventSource, enrolments: Enrolments, most: int = MOST_TOKENS) -> tuple[str, ...]:
    """The commonest tokens of the enrolments' streams, commonest first."""
    return commonest_tokens(source, enrolments, most)


def names(tokens: Sequence[str]) -> tuple[str, ...]:
    """What the columns of `counts` mean."""
    kinds = [*tokens, "other"]
    return (
        *(f"{kind}, ever" for kind in kinds),
        *(f"{kind}, last 7 days" for kind in kinds),
        *(f"events, last {days} days" for days in WINDOWS),
        *(f"active days, last {days}" for days in WINDOWS),
        *(f"events, day -{day + 1}" for day in range(RECENT_DAYS)),
        *(
            "events",
            "active days",
            "sessions",
            "kinds of events",
            "items",
            "active span",
            "events per active day",
        ),
        *("busiest day", "days since last", "days since first", "delay of first", "gap before last"),
        *("mean hour", "night share", "weekend share", "days gone"),
    )


def counts(source: EventSource, enrolments: Enrolments, at: float, tokens: Sequence[str]) -> FloatArray:
    """The features [n, d] at `at` seconds of each one's clock; NaN where a time has no event to speak of."""
    table = np.zeros((len(enrolments), len(names(tokens))))
    for known in past(source, enrolments, at):
        table[known.rows] = _counts_of(known, tokens, at)
    return table


def _counts_of(known: Past, tokens: Sequence[str], at: float) -> FloatArray:
    n = len(known.rows)
    owners = known.owners
    age = (known.moments[owners] - known.times) / DAY
    day = np.floor(age).astype(np.int64)
    kind = _kinds(known, tokens)
    return np.column_stack(
        (
            _table(owners, kind, n, len(tokens) + 1),
            _table(owners[age <= 7], kind[age <= 7], n, len(tokens) + 1),
            *(np.bincount(owners[age <= days], minlength=n) for days in WINDOWS),
            *(_active_days(owners[age <= days], day[age <= days], n) for days in WINDOWS),
            _table(owners[day < RECENT_DAYS], day[day < RECENT_DAYS], n, RECENT_DAYS),
            _volume(known, owners, day, kind, n),
            _timing(known, owners, at, n),
        )
    )


def _kinds(known: Past, tokens: Sequence[str]) -> IntArray:
    place = {name: index for index, name in enumerate(tokens)}
    lookup = np.array([place.get(name, len(tokens)) for name in known.names], dtype=np.int64)
    return lookup[known.tokens] if len(lookup) else np.zeros(0, dtype=np.int64)


def _table(owners: IntArray, columns: IntArray, n: int, width: int) -> FloatArray:
    """Counts [n, width] of (owner, column) pairs."""
    return np.bincount(owners * width + columns, minlength=n * width).reshape(n, width).astype(np.float64)


def _distinct(owners: IntArray, values: IntArray, n: int) -> IntArray:
    if not len(owners):
        return np.zeros(n, dtype=np.int64)
    span = int(values.max()) + 1
    return np.bincount(np.unique(owners * span + values) // span, minlength=n)


def _active_days(owners: IntArray, day: IntArray, n: int) -> IntArray:
    return _distinct(owners, np.maximum(day, 0), n)


def _volume(known: Past, owners: IntArray, day: IntArray, kind: IntArray, n: int) -> FloatArray:
    """Events, active days, sessions, kinds, items, active span, events per active day, busiest day."""
    total = np.diff(known.offsets).astype(np.float64)
    active = _active_days(owners, day, n)
    same = owners[1:] == owners[:-1]
    new = np.append(True, ~same | (np.diff(known.times) > SESSION_PAUSE)) if len(owners) else same
    itemed = known.items >= 0
    span = np.where(total > 0, _last(known) - _first(known), 0.0) / DAY
    busiest = np.zeros(n)
    if len(owners):
        width = int(day.max()) + 1
        pairs, sizes = np.unique(owners * width + day, return_counts=True)
        np.maximum.at(busiest, pairs // width, sizes)
    return np.column_stack(
        (
            total,
            active,
            np.bincount(owners[new], minlength=n),
            _distinct(owners, kind, n),
            _distinct(owners[itemed], known.items[itemed], n),
            span,
            total / np.maximum(active, 1),
            busiest,
        )
    )


def _first(known: Past) -> FloatArray:
    """Time of the first event [m], NaN without events."""
    return _times_at(known, known.offsets[:-1])


def _last(known: Past) -> FloatArray:
    """Time of the last event [m], NaN without events."""
    return _times_at(known, known.offsets[1:] - 1)


def _times_at(known: Past, places: IntArray) -> FloatArray:
    silent = np.diff(known.offsets) == 0
    times: FloatArray = np.append(known.times, np.nan)[np.where(silent, len(known.times), places)]
    return times


def _timing(known: Past, owners: IntArray, at: float, n: int) -> FloatArray:
    """Days since last and first, delay of the first, gap before the last, hours and weekdays, days gone."""
    size = np.diff(known.offsets)
    before_last = np.where(size > 1, known.offsets[1:] - 2, len(known.times))
    gap = _last(known) - np.append(known.times, np.nan)[before_last]
    hour = known.times % DAY / HOUR
    weekday = (known.times // DAY + 3) % 7
    share = np.maximum(size, 1)
    silent = np.where(size > 0, 0.0, np.nan)
    start = known.moments - at
    return np.column_stack(
        (
            (known.moments - _last(known)) / DAY,
            (known.moments - _first(known)) / DAY,
            (_first(known) - start) / DAY,
            gap / DAY,
            np.bincount(owners, hour, minlength=n) / share + silent,
            np.bincount(owners, (hour < 6) | (hour >= 22), minlength=n) / share + silent,
            np.bincount(owners, weekday >= 5, minlength=n) / share + silent,
            np.full(n, at / DAY),
        )
    )
