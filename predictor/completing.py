"""How much of a course run a learner has completed by any moment, read off the events."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .factors import Factor, of_table
from .moments import FloatArray, IntArray
from .sequences import EventSource, Sequences
from .signals import Columns

COMPLETING = frozenset(
    {"edx.completion.block_completion.changed", "item_completed", "complete_video", "problem_check_correct"}
)
"""Tokens that tell that an item was completed.  A video that was stopped was not."""
COLUMN = "pace.completed"


class _Firsts(NamedTuple):
    """First completions of one course run: whose, when; and when each item was first completed by anybody."""

    owners: IntArray
    times: FloatArray
    of_items: FloatArray


class Completed:
    """Share of the items which anybody in the run had completed by then, that a learner had completed too.

    Items that nobody had completed yet count for nobody: what of a course will matter is not known before.
    """

    factors: tuple[Factor, ...] = of_table([COLUMN])

    def __init__(self, source: EventSource) -> None:
        self._source = source
        self._held: tuple[str, Sequences, _Firsts] | None = None

    def at(self, course_id: str, learners: NDArray[np.str_], moments: FloatArray) -> Columns:
        """The column [n] at each learner's moment [n]; NaN where nobody had completed anything."""
        if course_id not in self._source.courses:
            return {COLUMN: np.full(len(learners), np.nan)}
        sequences, firsts = self._firsts(course_id)
        asked = {learner: place for place, learner in enumerate(learners.tolist())}
        places = np.array([asked.get(learner, -1) for learner in sequences.learners], dtype=np.int64)
        whose = places[firsts.owners] if len(places) else firsts.owners
        mine = whose >= 0
        before = firsts.times[mine] < moments[whose[mine]]
        own = np.bincount(whose[mine][before], minlength=len(learners)).astype(np.float64)
        items = np.searchsorted(firsts.of_items, moments, side="left")
        return {COLUMN: np.where(items > 0, own / np.maximum(items, 1), np.nan)}

    def _firsts(self, course_id: str) -> tuple[Sequences, _Firsts]:
        """Of the course run, kept while the same one is asked about at many moments."""
        if self._held is None or self._held[0] != course_id:
            sequences = self._source.sequences(course_id)
            self._held = course_id, sequences, _first_completions(sequences)
        return self._held[1:]


def _first_completions(sequences: Sequences) -> _Firsts:
    chosen = np.array([name in COMPLETING for name in sequences.names] or [False], dtype=np.bool_)
    rows = np.flatnonzero(chosen[sequences.tokens] & (sequences.items >= 0))
    owners = np.repeat(np.arange(len(sequences.learners)), np.diff(sequences.offsets))[rows]
    items, times = sequences.items[rows].astype(np.int64), sequences.times[rows].astype(np.float64)
    order = np.argsort(times, kind="stable")
    pairs = owners[order] * (int(items.max(initial=0)) + 1) + items[order]
    _, first = np.unique(pairs, return_index=True)
    _, of_items = np.unique(items[order], return_index=True)
    return _Firsts(owners[order][first], times[order][first], np.sort(times[order][of_items]))
