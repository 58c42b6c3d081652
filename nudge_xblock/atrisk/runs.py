"""Course runs as the risk model's clock sees them: when they began, for whom, and how long they last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from django.conf import settings
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import courses, states
from nudge_xblock.compat import CourseDates, Enrolled, platform
from predictor import standing
from predictor.sequences import Sequences

DAY = 86400.0
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CourseRun:
    """One course run.

    Args:
        now: up to when its events count.
        begin: unix seconds at which the run began.
        enrolled: user id to the enrolment, inactive ones too.
    """

    key: CourseKey
    dates: CourseDates
    now: datetime
    begin: float
    enrolled: Mapping[int, Enrolled]

    def sequences(self) -> Sequences:
        """Its events, read anew: many runs are held at once, and their events are large."""
        return courses.sequences_of(self.key, self.now)

    @property
    def length(self) -> float | None:
        """Seconds from a learner's beginning to the end; None where a run has no end."""
        if self.dates.self_paced:
            return float(settings.NUDGE_SELF_PACED_DAYS * DAY) or None
        end = self.dates.end.timestamp() if self.dates.end else None
        return end - self.begin if end is not None and end > self.begin else None

    @property
    def is_live(self) -> bool:
        """Whether the run has begun and is not over."""
        return self.begin <= self.now.timestamp() and not self.dates.is_over(self.now)

    def begins(self, user_ids: Iterable[int]) -> dict[int, float]:
        """When the run began for each of these users: self-paced ones begin with each learner's enrolment."""
        if not self.dates.self_paced:
            return dict.fromkeys(user_ids, self.begin)
        return {
            user_id: max(self.begin, self.enrolled[user_id].enrolled.timestamp())
            if user_id in self.enrolled
            else self.begin
            for user_id in user_ids
        }

    def joined(self, user_ids: Iterable[int]) -> dict[int, float]:
        """When each of these users enrolled, in unix seconds; who has no enrolment is left out."""
        return {
            user_id: self.enrolled[user_id].enrolled.timestamp()
            for user_id in user_ids
            if user_id in self.enrolled
        }


def askable(
    run: CourseRun, sequences: Sequences, user_ids: Sequence[int], moments: Floats
) -> npt.NDArray[np.bool_]:
    """Whether each of these users [n] can be asked about at a moment [n]; see predictor.standing."""
    firsts = dict(zip(sequences.learners, _firsts(sequences), strict=True))
    came = np.array([firsts.get(str(user_id), np.inf) for user_id in user_ids]) <= moments
    begins, joined = run.begins(user_ids), run.joined(user_ids)
    return standing.askable(
        np.array([begins[user_id] for user_id in user_ids]),
        np.array([joined.get(user_id, np.nan) for user_id in user_ids]),
        moments,
        came,
    )


def _firsts(sequences: Sequences) -> list[float]:
    """When each learner was first there; never: infinity."""
    begins, some = sequences.offsets[:-1], np.diff(sequences.offsets) > 0
    firsts = np.full(len(begins), np.inf)
    firsts[some] = np.minimum.reduceat(sequences.times, begins[some]) if some.any() else np.inf
    return list(firsts.tolist())


def of(course_key: CourseKey, now: datetime) -> CourseRun | None:
    """The course run as of `now`; None where nothing tells when it began."""
    begin = states.course_start(course_key)
    if begin is None:  # nobody told it yet: the events are read for it
        begin = courses.start_of(course_key, courses.sequences_of(course_key, now))
    if begin is None:
        return None
    enrolled = {row.user_id: row for row in platform().enrolments(course_key)}
    return CourseRun(course_key, platform().course_dates(course_key), now, begin, enrolled)


def done(course_key: CourseKey, now: datetime) -> set[int]:
    """Who has completed or passed the course run by `now`: nothing of theirs is at risk any more."""
    return {
        row.user_id
        for row in platform().outcomes(course_key)
        if any(at is not None and at <= now for at in (row.completed_at, row.passed_at))
    }
