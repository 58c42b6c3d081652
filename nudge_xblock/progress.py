"""How far each learner of a run is, and whose chances fell: what the night keeps for staff to choose by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.models import Enrolment, PredictionDay
from predictor.completing import COMPLETING
from predictor.sequences import Sequences

GOOD = ("pass", "complete")
"""The chances whose fall is bad news; that of leaving is left out, since it swings from day to day."""
WEEK = timedelta(days=7)


def completed(sequences: Sequences) -> dict[str, int]:
    """Learner id to the percent, rounded half up, of the items that learners of the run completed.

    Empty where nothing was completed by anybody; who completed nothing is left out.
    """
    completing = np.array([name in COMPLETING for name in sequences.names], dtype=np.bool_)
    ended = completing[sequences.tokens] & (sequences.items >= 0)
    places = np.repeat(np.arange(len(sequences.learners)), np.diff(sequences.offsets))[ended]
    pairs = np.unique(np.stack([places, sequences.items[ended].astype(np.int64)]), axis=1)
    items = len(np.unique(pairs[1]))
    counts = np.bincount(pairs[0], minlength=len(sequences.learners))
    shares = np.floor(100.0 * counts / max(items, 1) + 0.5).astype(int)
    return {sequences.learners[place]: int(shares[place]) for place in np.flatnonzero(counts)}


def compare(course_key: CourseKey, rows: Sequence[Enrolment], today: date) -> None:
    """Set `fell` on just predicted enrolments of a course run: against the oldest day of the last seven."""
    days = PredictionDay.objects.filter(
        enrolment__course_key=course_key,
        enrolment__learner__in=[row.learner_id for row in rows],
        day__gte=today - WEEK,
        day__lt=today,
    )
    before: dict[int, Mapping[str, float]] = {}
    for learner, predictions in days.order_by("day").values_list("enrolment__learner", "predictions"):
        before.setdefault(learner, predictions)
    for row in rows:
        row.fell = points(before.get(row.learner_id, {}), row.predictions)


def points(before: Mapping[str, float], now: Mapping[str, float]) -> int:
    """By how many whole percent points the worst of the good chances fell; 0 when none did."""
    falls = (before[name] - now[name] for name in GOOD if name in before and name in now)
    return max(0, int(np.floor(100.0 * max(falls, default=0.0) + 0.5)))
