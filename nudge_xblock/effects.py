"""What nudges changed in what learners did afterwards, by every way there is to know.

*Sends*: the moments at which chance decided between sending and holding back.  *Group*: learners who may be
nudged against the control group, from the first moment at which either could have been.  *Runs*: where there
is neither, course runs in which nudges began against those without any, week by week.

Each learner's moments count together, and each comparison is made once, for whoever asks: intervals here hold
for one look.  Those of the staff tab (`comparison`) may be looked at every day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db.models import Min, QuerySet
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import courses, windows
from nudge_xblock.followup import Completions
from nudge_xblock.gate import HOLD
from nudge_xblock.models import Decision
from nudge_xblock.reasons import GATED, RESTRAINED, Reason
from predictor.effects import Effect, Trials, Unanswerable, doubly_robust, ipw
from predictor.panels import Panel, difference_in_differences, synthetic_control
from predictor.panels import Unanswerable as NoPanel

WEEK = 7 * 86400.0
WEEKS = 26
BATCH = 500

Floats = npt.NDArray[np.float64]


class Row(NamedTuple):
    """One moment whose days are over."""

    learner: int
    sent: bool
    chance: float  # of being sent, or of belonging to those who may be
    outcome: Mapping[str, Any]
    created: datetime


class Votes:
    """Every vote of a set of decisions, by learner and time."""

    def __init__(self, decisions: QuerySet[Decision]) -> None:
        self._votes: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
        cast = decisions.filter(helpful__isnull=False).order_by("created")
        for learner, created, helpful in cast.values_list("learner_id", "created", "helpful"):
            self._votes[learner].append((created, 1 if helpful else -1))

    def after(self, row: Row) -> float:
        """Helpful less not helpful, of the nudges after this moment within the days that count."""
        mine, days = self._votes.get(row.learner, []), timedelta(days=row.outcome["days"])
        first = bisect_right(mine, row.created, key=lambda vote: vote[0])
        last = bisect_right(mine, row.created + days, key=lambda vote: vote[0])
        return float(sum(value for _, value in mine[first:last]))


def estimates(course_key: CourseKey | None, now: datetime) -> dict[str, Any]:
    """Every effect that can be told, in one course run or (None) on the whole site.

    {"sends": {"items": {"ipw": …, "doubly_robust": …}, "returned": …, "votes": …}, "group": likewise,
    "runs": {…}}; {"unknown": why} where one cannot be told.
    """
    known = Decision.objects.filter(created__lte=now)
    if course_key is not None:
        known = known.filter(course_key=course_key)
    votes = Votes(known)
    found = {"sends": _measured(sends(known), votes), "group": _measured(group(known), votes)}
    if all("unknown" in told for way in found.values() for told in way.values()):
        found["runs"] = runs(now)
    return found


def sends(known: QuerySet[Decision]) -> list[Row]:
    """The moments at which chance decided between sending and holding back."""
    chosen = known.filter(windows.over(), reason__in=GATED, propensity__lt=1.0).order_by("created", "pk")
    columns = ("learner_id", "variant_id", "propensities", "outcome", "created")
    rows = [
        Row(learner, variant is not None, 1.0 - propensities[HOLD], outcome, created)
        for learner, variant, propensities, outcome, created in chosen.values_list(*columns).iterator(2000)
    ]
    return [row for row in rows if 0.0 < row.chance < 1.0]


def group(known: QuerySet[Decision]) -> list[Row]:
    """Each learner's first moment in a course run at which nothing but the control group forbade a nudge."""
    share = float(settings.NUDGE_CONTROL_SHARE)
    # Also where a model was missing or slow: of the control group nobody would know.
    eligible = known.exclude(reason__in=RESTRAINED - {Reason.CONTROL})
    if not 0.0 < share < 1.0 or not eligible.filter(reason=Reason.CONTROL).exists():
        return []
    firsts = eligible.order_by().values("learner_id", "course_key").annotate(first=Min("created"))
    wanted = {(row["learner_id"], row["course_key"]): row["first"] for row in firsts}
    found = []
    for batch in _batches(sorted(set(wanted.values()))):
        rows = eligible.filter(windows.over(), created__in=batch)
        columns = ("learner_id", "course_key", "reason", "outcome", "created")
        for learner, course_key, reason, outcome, created in rows.values_list(*columns):
            if wanted.get((learner, course_key)) == created:
                del wanted[learner, course_key]  # of two at the very same time one counts
                found.append(Row(learner, reason != Reason.CONTROL, 1.0 - share, outcome, created))
    return found


def _batches(times: list[datetime]) -> Iterable[list[datetime]]:
    return (times[start : start + BATCH] for start in range(0, len(times), BATCH))


def _measured(rows: list[Row], votes: Votes) -> dict[str, Any]:
    """The effect on each outcome, by both estimators."""
    outcomes: dict[str, Callable[[Row], float]] = {
        "items": lambda row: float(row.outcome["items"]),
        "returned": lambda row: float(row.outcome.get("returned", row.outcome["events"] > 0)),
        "votes": votes.after,
    }
    return {name: _told(rows, outcome) for name, outcome in outcomes.items()}


def _told(rows: list[Row], outcome: Callable[[Row], float]) -> dict[str, Any]:
    before = np.array([float(row.outcome["items_before"]) for row in rows])
    trials = Trials(
        np.array([outcome(row) for row in rows], np.float64),
        np.array([row.sent for row in rows], np.bool_),
        np.array([row.chance for row in rows], np.float64),
        np.array([row.learner for row in rows], np.int64),
        np.stack([before, np.log1p(before)], axis=1),
    )
    try:
        return {each.method: _effect(each) for each in (ipw(trials), doubly_robust(trials))}
    except Unanswerable as reason:
        return {"unknown": str(reason)}


def _effect(found: Effect) -> dict[str, Any]:
    numbers = {name: round(getattr(found.estimate, name), 4) for name in ("value", "low", "high")}
    return {**numbers, "with": found.treated, "without": found.others, "learners": found.learners}


# Without a random group


def runs(now: datetime) -> dict[str, Any]:
    """Items completed a learner and week, in course runs where nudges began against runs without any."""
    try:
        panel = weekly(now)
        if int((panel.starts >= 0).sum()) == 1:
            alone = synthetic_control(panel)
            return {
                "method": "synthetic_control",
                "value": round(alone.effect, 4),
                "low": round(alone.low, 4),
                "high": round(alone.high, 4),
                "level": round(alone.level, 3),
                "p_value": round(alone.p_value, 4),
                "with": 1,
                "without": len(alone.weights),
            }
        change = difference_in_differences(panel)
    except NoPanel as reason:
        return {"unknown": str(reason)}
    return {
        "method": "difference_in_differences",
        **{name: round(getattr(change.effect, name), 4) for name in ("value", "low", "high")},
        "before": {name: round(getattr(change.before, name), 4) for name in ("value", "low", "high")},
        "parallel": change.parallel,
        "with": change.treated,
        "without": change.others,
    }


def weekly(now: datetime, weeks: int = WEEKS) -> Panel:
    """Items completed per learner in each of the last weeks, of every run with events before and until then.

    A run begins to be treated in the week of its first nudge; runs nudged before the first week are left out.
    """
    end = now.timestamp() // WEEK * WEEK
    edges = end - WEEK * np.arange(weeks, -1, -1)
    firsts = Decision.objects.filter(variant__isnull=False, created__lte=now).order_by()
    begun = dict(firsts.values_list("course_key").annotate(first=Min("created")))
    rows, starts = [], []
    for course_key in courses.with_events():
        sequences = courses.sequences_of(course_key, now)
        times, first = sequences.times, begun.get(course_key)
        if not len(times) or times.min() > edges[1] or times.max() < edges[-2]:
            continue
        start = -1 if first is None else int(np.searchsorted(edges, first.timestamp(), "right")) - 1
        if start >= weeks or (first is not None and start < 0):
            continue
        completions = Completions(sequences)
        ended = np.concatenate([completions.of(learner)[0] for learner in sequences.learners])
        rows.append(np.histogram(ended, edges)[0] / max(1, len(sequences.learners)))
        starts.append(start)
    if not rows:
        raise NoPanel(f"no course run has events in all of the last {weeks} weeks")
    return Panel(np.array(rows, np.float64), np.array(starts, np.int64))
