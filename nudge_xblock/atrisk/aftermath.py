"""What was known of a learner at a time, and what followed: seen again, risk two weeks later, completed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import courses
from nudge_xblock.compat import platform
from predictor.factors import GROUPS
from predictor.sequences import Sequences

from . import ended
from .episodes import Episode
from .models import RiskDay

WAIT = timedelta(days=14)
"""After so long it is looked at what followed."""
NEAR = timedelta(days=3)
"""How far from that day an assessment may lie to stand for it."""
BEFORE = timedelta(days=7)
BATCH = 500
SEEN, RISK, COMPLETED = "seen", "risk", "completed"
OUTCOMES = (SEEN, RISK, COMPLETED)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Moment:
    """An episode and the time from which it is looked at what followed."""

    episode: Episode
    at: datetime


class Aftermath:
    """What is known of a course run's learners, read once for all moments that are asked about."""

    def __init__(self, course_key: CourseKey, now: datetime, moments: Sequence[Moment]) -> None:
        self._now = now
        self._over = platform().course_dates(course_key).is_over(now)
        self._completions = ended.completed(course_key, now)
        self._lost = ended.lost(course_key, now)
        self._first = min((moment.at for moment in moments), default=now)
        self._there = set(platform().members(course_key))
        self._sequences = courses.sequences_of(course_key, now)
        self._row = {name: row for row, name in enumerate(self._sequences.learners)}
        self._chances = _chances({moment.episode.enrolment_id for moment in moments})
        self._parts = _parts(self._chances, moments)

    def context(self, moment: Moment) -> list[float]:
        """What was known: log-odds, the part of each reason in them, how long the case was open, and when in
        the course it was, in weeks and their square.
        """
        told = self._newest(moment)
        chance = told[1] if told else moment.episode.chance
        parts = self._parts.get(told[2], {}) if told else {}
        age = (moment.at - moment.episode.start).total_seconds() / 86400.0
        week = (moment.at - self._first).total_seconds() / 604800.0
        shown = min(max(chance, 0.001), 0.999)
        return [
            math.log(shown / (1.0 - shown)),
            *(float(parts.get(group, 0.0)) for group in GROUPS),
            math.log1p(max(0.0, age)),
            week,
            week**2,
        ]

    def outcome(self, moment: Moment, kind: str) -> float | None:
        """What followed, None where that is not known: 0 or 1, or the change of risk in points."""
        if kind == COMPLETED:
            return self._completed(moment)
        if moment.at + WAIT > self._now:
            return None
        return self._seen(moment) if kind == SEEN else self._changed(moment)

    def _completed(self, moment: Moment) -> float | None:
        lost = self._lost.get(moment.episode.user_id)
        return float(not lost) if self._over and lost is not None else None

    def _seen(self, moment: Moment) -> float:
        times = _times(self._sequences, self._row.get(str(moment.episode.user_id)))
        begin, end = moment.at.timestamp(), (moment.at + WAIT).timestamp()
        return float(np.searchsorted(times, end, "right") > np.searchsorted(times, begin, "right"))

    def _changed(self, moment: Moment) -> float | None:
        before = self._newest(moment)
        after = self._nearest(moment)
        if before is None or after is None:
            return None
        return 100.0 * (after - before[1])

    def _newest(self, moment: Moment) -> tuple[date, float, int] | None:
        """The last assessment until then."""
        day, found = moment.at.date(), None
        for each in self._chances.get(moment.episode.enrolment_id, ()):
            if day - BEFORE <= each[0] <= day:
                found = each
        return found

    def _nearest(self, moment: Moment) -> float | None:
        """The risk two weeks later; none is left of who had completed then, and all of who has left."""
        wanted = (moment.at + WAIT).date()
        near = [
            (abs(each[0] - wanted), each[1])
            for each in self._chances.get(moment.episode.enrolment_id, ())
            if abs(each[0] - wanted) <= NEAR
        ]
        if near:
            return min(near)[1]
        at = self._completions.get(moment.episode.user_id)
        if at is not None:
            return 0.0 if at <= moment.at + WAIT else None
        return None if moment.episode.user_id in self._there else 1.0


def _times(sequences: Sequences, row: int | None) -> npt.NDArray[np.float64]:
    if row is None:
        return np.zeros(0)
    times: npt.NDArray[np.float64] = sequences.times[sequences.offsets[row] : sequences.offsets[row + 1]]
    return times


def _chances(enrolment_ids: Iterable[int]) -> dict[int, list[tuple[date, float, int]]]:
    """Enrolment to its days in order: day, chance, number of the row."""
    found: dict[int, list[tuple[date, float, int]]] = {}
    ids = sorted(enrolment_ids)
    for at in range(0, len(ids), BATCH):
        rows = RiskDay.objects.filter(enrolment__in=ids[at : at + BATCH]).order_by("enrolment", "day")
        for enrolment_id, day, chance, pk in rows.values_list("enrolment_id", "day", "chance", "pk"):
            found.setdefault(enrolment_id, []).append((day, chance, pk))
    return found


def _parts(
    chances: dict[int, list[tuple[date, float, int]]], moments: Iterable[Moment]
) -> dict[int, dict[str, float]]:
    """Row of a day to what the risk was made of, for the days that moments look at."""
    wanted = set()
    for moment in moments:
        day = moment.at.date()
        near = [
            each for each in chances.get(moment.episode.enrolment_id, ()) if day - BEFORE <= each[0] <= day
        ]
        wanted |= {each[2] for each in near[-1:]}
    found: dict[int, dict[str, float]] = {}
    ids = sorted(wanted)
    for at in range(0, len(ids), BATCH):
        rows = RiskDay.objects.filter(pk__in=ids[at : at + BATCH])
        found |= dict(rows.values_list("pk", "contributions"))
    return found
