"""On which days learners came in at all, whichever course run they came for, read off events.

Days are those of UTC, counted from 1970.  A visit belongs to the day on which it begins: midnight is in the
middle of the working day somewhere, and who goes on has not come back.  What staff or a job did about a
learner, such as a grade or a certificate, is no sign of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
import numpy.typing as npt

from predictor.events import ABOUT_SOMEBODY
from predictor.sequences import Sequences

Days = npt.NDArray[np.int64]

DAY = 86400
AWAY = 8 * 3600.0
"""Seconds without an event after which a new visit begins."""
NOT_THEIRS = (*ABOUT_SOMEBODY, "edx.bi.")
"""How events begin that others may cause."""


def day_of(time: datetime) -> int:
    """The day that a moment lies in."""
    return int(time.timestamp() // DAY)


class Presence:
    """The days of some learners, from `first` to that of `now`, filled course run by course run."""

    def __init__(self, learners: Iterable[str], first: int, now: datetime) -> None:
        """`learners`: the ids that events have."""
        self._rows = {learner: row for row, learner in enumerate(learners)}
        self._first = first
        self._there = np.zeros((len(self._rows), max(0, day_of(now) - first + 1)), np.bool_)
        self._newest = first

    def add(self, sequences: Sequences) -> None:
        """Take in the events of one course run."""
        theirs = np.array([not name.startswith(NOT_THEIRS) for name in sequences.names], np.bool_)
        kept = theirs[sequences.tokens]
        if not kept.any():
            return
        rows = np.array([self._rows.get(learner, -1) for learner in sequences.learners], np.int32)
        places = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(sequences.offsets))[kept]
        times = sequences.times[kept]
        begins = np.append(True, (np.diff(places) != 0) | (np.diff(times) >= AWAY))
        owners, days = rows[places], (times // DAY).astype(np.int32) - self._first
        known = begins & (owners >= 0) & (days >= 0) & (days < self._there.shape[1])
        self._there[owners[known], days[known]] = True
        self._newest = max(self._newest, self._first + int(days.max()))

    def came(self) -> dict[str, Days]:
        """By learner, the days on which a visit began; learners without any are left out."""
        found = {learner: np.flatnonzero(self._there[row]) for learner, row in self._rows.items()}
        return {learner: days + self._first for learner, days in found.items() if len(days)}

    def end(self) -> int:
        """The first day of which more may still become known.

        The day of `now`; an earlier one where there is no event since, as where logs arrive late: that of the
        newest event of anybody.
        """
        return min(self._newest, self._first + self._there.shape[1] - 1)
