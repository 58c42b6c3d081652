"""The twelve hand-made features of Le & Pardos (their Table 2), from event streams alone.

All are totals up to the moment, as in the paper, whose weekly features add up from week to week. Where a
stream tells less than an edX log, an estimate degrades like this:

- Event streams carry no session tag. A session ends where the learner pauses for more than half an hour, and
  an event lasts until the learner's next one in the session, the last one of a session 0 s.
- Problems are told apart by item; an attempt without item counts as a problem of its own.
- Correctness comes from `problem_check_correct`. Without it features 4 is 0, and 5 and 11 divide by 1.
- Streams carry no deadlines: feature 7 is 0 for everyone and drops out.
- The length of a course (feature 12) is the median span of the training courses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .moments import HOUR, Enrolments, Past, past
from .sequences import EventSource

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

NAMES = (
    "time on learning resources",
    "distinct problems attempted",
    "attempts per problem",
    "distinct problems correct",
    "time on learning resources per correct problem",
    "time since last action",
    "time from submission to deadline",
    "longest learning event",
    "time on videos",
    "spread of learning event durations",
    "problems attempted per correct problem",
    "share of the course gone",
)
SESSION_PAUSE = HOUR / 2
_PROBLEM_WORDS = ("problem", "showanswer", "openassessment", "hint")


def twelve(source: EventSource, enrolments: Enrolments, at: float, length: float) -> FloatArray:
    """The features [n, 12] at `at` seconds of each one's clock, in seconds and counts, not yet scaled.

    `length` is the length of a course in seconds.
    """
    table = np.zeros((len(enrolments), len(NAMES)))
    for known in past(source, enrolments, at):
        table[known.rows] = _twelve_of(known)
    silent = table[:, 5] < 0
    table[silent, 5] = at
    table[:, 11] = min(1.0, at / length) if length > 0 else 1.0
    return table


def _twelve_of(known: Past) -> FloatArray:
    n = len(known.rows)
    owners = known.owners
    attempt, correct, learning, video = _kinds(known)
    pause = _until_next(owners, known.times)
    rest = np.flatnonzero(learning)
    time = np.bincount(owners[rest], _until_next(owners[rest], known.times[rest]), minlength=n)
    attempts = np.bincount(owners[attempt], minlength=n).astype(np.float64)
    tried = _distinct(owners[attempt], known.items[attempt], n)
    solved = _distinct(owners[correct], known.items[correct], n)
    count = np.bincount(owners[rest], minlength=n)
    mean = np.bincount(owners[rest], pause[rest], minlength=n) / np.maximum(count, 1)
    square = np.bincount(owners[rest], (pause[rest] - mean[owners[rest]]) ** 2, minlength=n)
    longest = np.zeros(n)
    np.maximum.at(longest, owners[rest], pause[rest])
    return np.column_stack(
        (
            time,
            tried,
            attempts / np.maximum(tried, 1),
            solved,
            time / np.maximum(solved, 1),
            _since_last(known),
            np.zeros(n),
            longest,
            np.bincount(owners[video], pause[video], minlength=n),
            np.sqrt(square / np.maximum(count, 1)),
            tried / np.maximum(solved, 1),
            np.zeros(n),
        )
    )


def _kinds(known: Past) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks over events: attempt at a problem, correct attempt, learning event (any but problems), video."""

    def mask(chosen: list[bool]) -> NDArray[np.bool_]:
        return np.asarray(chosen, dtype=np.bool_)[known.tokens] if chosen else np.zeros(0, dtype=np.bool_)

    names = known.names
    return (
        mask([name == "problem" or name.startswith("problem_check") for name in names]),
        mask([name == "problem_check_correct" for name in names]),
        mask([not any(word in name for word in _PROBLEM_WORDS) for name in names]),
        mask(["video" in name for name in names]),
    )


def _until_next(owners: IntArray, times: FloatArray) -> FloatArray:
    """Seconds until the learner's next event of those given, 0 at the end of a session."""
    gap = np.diff(times, append=times[-1:])
    same = np.append(owners[1:] == owners[:-1], False) if len(owners) else np.zeros(0, dtype=np.bool_)
    return np.where(same & (gap <= SESSION_PAUSE), gap, 0.0)


def _distinct(owners: IntArray, items: IntArray, n: int) -> FloatArray:
    """Distinct items per enrolment [n]; an event without item counts as one more."""
    named = items >= 0
    pairs = np.unique(np.stack((owners[named], items[named])), axis=1)
    total = np.bincount(pairs[0], minlength=n) + np.bincount(owners[~named], minlength=n)
    return total.astype(np.float64)


def _since_last(known: Past) -> FloatArray:
    """Seconds from the last event to the moment, -1 where there is no event."""
    sizes = np.diff(known.offsets)
    last = np.append(known.times, np.nan)[np.where(sizes > 0, known.offsets[1:] - 1, -1)]
    return np.where(sizes > 0, known.moments - last, -1.0)


def course_length(source: EventSource, enrolments: Enrolments) -> float:
    """Median over courses of the seconds from the earliest start to the last event; 0 without events."""
    spans = []
    for known in past(source, enrolments, np.inf):
        if len(known.times):
            spans.append(float(known.times.max() - enrolments.starts[known.rows].min()))
    return float(np.median(spans)) if spans else 0.0


class Scale:
    """Min-max scaling with the limits of the training rows, as in the paper; a constant column becomes 0."""

    def __init__(self, table: FloatArray) -> None:
        self.low = table.min(axis=0)
        span = table.max(axis=0) - self.low
        self.factor = np.divide(1.0, span, out=np.zeros_like(span), where=span > 0)

    def __call__(self, table: FloatArray) -> FloatArray:
        """Scaled copy; values beyond the training limits go beyond 0 to 1."""
        scaled: FloatArray = (table - self.low) * self.factor
        return scaled
