"""What followed each decision, sent or held, read off the event store.

`Decision.outcome` becomes {"days", "final", "items", "items_before", "events", "returned"}: how many items
the learner completed for the first time, and how many events there were, in the `days` days after the
decision (`items`, `events`), how many items in as many days before it (`items_before`, which makes effects
easier to see), and whether the learner came back for another visit.  `final` says that all those days have
passed.  Vote and click-through have columns of their own.

Where a nudge is for what is completed, "objective" beside these holds {"days", "final", "items",
"items_before", "expected", "result"}, over the days that count for it; see `objectives`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import Q, QuerySet
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import courses, objectives, windows
from nudge_xblock.models import Decision, Night, Placement
from nudge_xblock.night import Run
from nudge_xblock.objectives import Expectation
from nudge_xblock.presence import AWAY
from nudge_xblock.reasons import GATED, Reason
from predictor.completing import COMPLETING
from predictor.sequences import Sequences

BATCH = 500
STEP = "outcomes"
"""The night's step that this is; its report says up to when outcomes were brought up to date."""
GRACE = timedelta(
    days=3
)  # an outcome is computed again this long after it was final, for events that came late
LONGEST = timedelta(days=365)  # older moments teach no model, so they need no result over other days
DAY = 86400.0

Times = npt.NDArray[np.float64]
Fill = Callable[[Decision], None]


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
    """The night's step: outcomes of every decision whose days have not long been over.

    Those that an earlier night left final are found without looking at them: that night's report says up to
    when it went.
    """
    days = windows.days()
    due = _due(job, days)
    aimed = list(Placement.objects.filter(objective=objectives.ITEMS))
    keys = set(due.order_by().values_list("course_key", flat=True).distinct())
    keys |= {placement.course_key for placement in aimed}
    filled = 0
    for number, course_key in enumerate(sorted(filter(None, keys), key=str)):
        completions = Completions(courses.sequences_of(course_key, job.now))
        filled += _fill_all(due.filter(course_key=course_key), _follow(completions, job, days))
        _aim([each for each in aimed if each.course_key == course_key], completions, job)
        job.report(number / len(keys), f"{filled} decisions")
    job.figures.update({"decisions": filled, "through": job.now.isoformat(), "days": days})
    return (
        f"What followed {filled} decisions was brought up to date." if filled else "No decision to follow up."
    )


def _due(job: Run, days: float) -> QuerySet[Decision]:
    """The decisions whose outcome may not be final, or may have been completed by late events since."""
    known = Decision.objects.filter(created__lte=job.now)
    settled = _settled(days)
    if settled is None:  # the first night, or the first one with so many days
        recent = Q(created__gte=job.now - timedelta(days=days) - GRACE)
        otherwise = Q(outcome__days__isnull=False) & ~windows.lasting(days) & Q(created__gt=job.now - LONGEST)
        return known.filter(recent | otherwise | Q(outcome={}))
    return known.filter(created__gte=min(settled, job.now) - timedelta(days=days) - GRACE)


def _settled(days: float) -> datetime | None:
    """Up to when an earlier night brought outcomes over as many days up to date; None: none did."""
    for steps in Night.objects.values_list("steps", flat=True)[:30]:
        report = steps.get(STEP, {})
        if report.get("state") == "done" and report.get("days") == days and "through" in report:
            return datetime.fromisoformat(report["through"])
    return None


def _fill_all(due: QuerySet[Decision], work: Fill) -> int:
    """Fill the outcome of each decision, and return how many there were."""
    count = 0
    for batch in _batches(due):
        for decision in batch:
            work(decision)
        Decision.objects.bulk_update(batch, ["outcome"])
        count += len(batch)
    return count


def _batches(due: QuerySet[Decision]) -> Iterator[list[Decision]]:
    """Decisions in batches; by key rather than by offset, as filling one may take it out of the query."""
    ids = list(due.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        rows = Decision.objects.filter(pk__in=ids[start : start + BATCH]).select_related("learner")
        yield list(rows.only("created", "outcome", "learner", "learner__user_id"))


def _follow(completions: Completions, job: Run, days: float) -> Fill:
    """What fills a decision's outcome."""

    def work(decision: Decision) -> None:
        at, now = decision.created.timestamp(), job.now.timestamp()
        ended, events = completions.of(str(decision.learner.user_id))
        aim = {name: decision.outcome[name] for name in ("objective",) if name in decision.outcome}
        decision.outcome = {
            **_counts(ended, at, now, days),
            "events": _between(events, at, min(now, at + days * DAY)),
            "returned": _between(events, at + AWAY, min(now, at + days * DAY)) > 0,
            **aim,
        }

    return work


def _counts(ended: Times, at: float, now: float, days: float) -> dict[str, Any]:
    span = days * DAY
    return {
        "days": days,
        "final": now >= at + span,
        "items": _between(ended, at, min(now, at + span)),
        "items_before": _between(ended, at - span, at),
    }


def _between(times: Times, start: float, end: float) -> int:
    """How many times lie after `start` and up to `end`."""
    return int(np.searchsorted(times, end, "right") - np.searchsorted(times, start, "right"))


# Nudges that are for what is completed


def _aim(placements: Sequence[Placement], completions: Completions, job: Run) -> None:
    """Fill the results of nudges that are for what is completed, of one course run."""
    if not placements:
        return
    usual = expectation(placements[0].course_key, job.now)
    for placement in placements:
        days = placement.objective_days
        recent = Decision.objects.filter(
            placement=placement, created__gt=job.now - LONGEST, created__lte=job.now
        )
        lacking = Q(outcome__objective__isnull=True) | (
            Q(outcome__objective__isnull=False) & ~Q(outcome__objective__days=days)
        )
        unsettled = Q(created__gte=job.now - timedelta(days=days) - GRACE)
        open_ = Q(outcome__objective__final=False)
        _fill_all(recent.filter(lacking | unsettled | open_), _aimed(completions, job, days, usual))


def _aimed(completions: Completions, job: Run, days: float, usual: Expectation) -> Fill:
    """What fills the result of a nudge that is for what is completed."""

    def work(decision: Decision) -> None:
        ended, _ = completions.of(str(decision.learner.user_id))
        found = _counts(ended, decision.created.timestamp(), job.now.timestamp(), days)
        expected = usual.of(found["items_before"], days)
        found["expected"] = round(expected, 3)
        found["result"] = objectives.of_items(found["items"], expected) if found["final"] else None
        decision.outcome = {**decision.outcome, "objective": found}

    return work


def expectation(course_key: CourseKey, now: datetime) -> Expectation:
    """What learners of the course run complete who were shown nothing, as far as outcomes are known."""
    untouched = Decision.objects.filter(
        course_key=course_key,
        variant=None,
        reason__in=[*GATED, Reason.CONTROL],
        created__gt=now - LONGEST,
        created__lte=now,
    ).filter(windows.over())
    rows = [
        (outcome["items_before"] / outcome["days"], outcome["items"] / outcome["days"])
        for outcome in untouched.order_by().values_list("outcome", flat=True).iterator(chunk_size=5000)
    ]
    before, after = np.array(rows, np.float64).reshape(-1, 2).T
    return Expectation.fit(before, after)
