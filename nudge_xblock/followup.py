"""What followed each decision, sent or held, read off the event store.

`Decision.outcome` becomes {"days", "final", "items", "items_before", "events"}: how many items the learner
completed for the first time, and how many events there were, in the `days` days after the decision (`items`,
`events`) and in as many before it (`items_before`, which makes effects easier to see).  `final` says that all
those days have passed.  Vote and click-through have columns of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db.models import Q

from nudge_xblock import courses
from nudge_xblock.models import Decision
from nudge_xblock.night import Run
from predictor.sequences import Sequences

BATCH = 500
GRACE = timedelta(
    days=3
)  # an outcome is computed again this long after it was final, for events that came late
DAY = 86400.0

# Tokens that tell of an item brought to its end.
COMPLETING = frozenset(
    {"edx.completion.block_completion.changed", "item_completed", "complete_video", "problem_check_correct"}
)

Times = npt.NDArray[np.float64]


class Completions:
    """When each learner of a course run completed each item first, and all their event times."""

    def __init__(self, sequences: Sequences) -> None:
        self._places = {learner: place for place, learner in enumerate(sequences.learners)}
        self._sequences = sequences
        self._completing = np.array([name in COMPLETING for name in sequences.names], dtype=np.bool_)

    def of(self, learner_id: str) -> tuple[Times, Times]:
        """Sorted times of first completions, and sorted times of all events; unix seconds."""
        place = self._places.get(learner_id)
        if place is None:
            return np.zeros(0), np.zeros(0)
        rows = slice(int(self._sequences.offsets[place]), int(self._sequences.offsets[place + 1]))
        times, items = self._sequences.times[rows], self._sequences.items[rows]
        ended = self._completing[self._sequences.tokens[rows]] & (items >= 0)
        _, first = np.unique(items[ended], return_index=True)
        return np.sort(times[ended][first]), times


def fill(job: Run) -> str:
    """The night's step: outcomes of every decision whose days have not long been over."""
    days = settings.NUDGE_OUTCOME_DAYS
    open_since = job.now - timedelta(days=days) - GRACE
    due = Decision.objects.filter(Q(created__gte=open_since) | Q(outcome={}), created__lte=job.now)
    found = due.order_by().values_list("course_key", flat=True).distinct()
    keys = sorted(filter(None, found), key=str)
    filled = 0
    for number, course_key in enumerate(keys):
        completions = Completions(courses.sequences_of(course_key, job.now))
        for batch in _batches(due.filter(course_key=course_key)):
            for decision in batch:
                decision.outcome = _outcome(decision, completions, job.now.timestamp(), days)
            Decision.objects.bulk_update(batch, ["outcome"])
            filled += len(batch)
            job.report(number / len(keys), f"{filled} decisions")
    job.figures["decisions"] = filled
    return (
        f"What followed {filled} decisions was brought up to date." if filled else "No decision to follow up."
    )


def _batches(due: Any) -> Iterator[list[Decision]]:
    """Decisions in batches; by key rather than by offset, as filling one may take it out of the query."""
    ids = list(due.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        rows = Decision.objects.filter(pk__in=ids[start : start + BATCH]).select_related("learner")
        yield list(rows.only("created", "outcome", "learner", "learner__user_id"))


def _outcome(decision: Decision, completions: Completions, now: float, days: float) -> dict[str, Any]:
    at, span = decision.created.timestamp(), days * DAY
    ended, events = completions.of(str(decision.learner.user_id))
    return {
        "days": days,
        "final": now >= at + span,
        "items": _between(ended, at, min(now, at + span)),
        "items_before": _between(ended, at - span, at),
        "events": _between(events, at, min(now, at + span)),
    }


def _between(times: Times, start: float, end: float) -> int:
    """How many times lie after `start` and up to `end`."""
    return int(np.searchsorted(times, end, "right") - np.searchsorted(times, start, "right"))
