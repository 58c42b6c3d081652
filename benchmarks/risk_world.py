"""A simulated programme in which it is known why learners are lost: the ground truth for reasons.

Courses are units in order, each with a video and a problem; learners come on some days and work on. Some of
them have a cause, from some day on, that is planted in what they do and in what becomes of them:

- absence: hardly comes any more; works as before when there.
- assignments: comes and watches, and hands in hardly anything.
- grades: comes and hands in, and most answers are wrong.
- pace: comes as often, and gets through far less each time.
- help: keeps out of the forum, where others ask.
- difficulty: nothing of the learner's own; the course has lost most of its learners in earlier runs too.

Whoever has a cause is mostly lost, whoever has none mostly not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from predictor.events import Event
from predictor.moments import DAY, Enrolments
from predictor.outcomes import Outcomes
from predictor.sequences import EventTable

BEGIN = 1_600_000_000.0
DAYS = 42
UNITS = 60
CAUSES = ("absence", "assignments", "grades", "pace", "help", "difficulty")
LOST = 0.85
"""Share lost of those with a cause; of the others, one in ten."""
SICK = 0.4
"""Share of learners with a cause of their own."""


@dataclass(frozen=True)
class World:
    """Runs of courses: their events and outcomes, and the causes planted in everyone."""

    source: EventTable
    outcomes: Outcomes
    causes: dict[tuple[str, str], tuple[str, ...]]

    def enrolments(self, course_id: str) -> Enrolments:
        """Everyone in one run."""
        course = self.outcomes.of(course_id)
        learners = np.asarray(course.learners, dtype=np.str_)
        return Enrolments(np.full(len(learners), course_id), learners, course.starts, course.starts)


@dataclass(frozen=True)
class _Habits:
    """How a learner works: chances to come on a day, hand in, be right, visit the forum; units a day."""

    comes: float
    hands_in: float
    right: float
    forum: float
    units: float

    def with_cause(self, cause: str) -> _Habits:
        """The same learner under a cause."""
        comes, hands_in, right, forum, units = self.comes, self.hands_in, self.right, self.forum, self.units
        if cause == "absence":
            comes = 0.05
        if cause == "assignments":
            hands_in = 0.08
        if cause == "grades":
            right = 0.2
        if cause == "pace":
            units = 0.25 * units
        if cause == "help":
            forum = 0.0
        return _Habits(comes, hands_in, right, forum, units)


def world(families: int = 8, runs: int = 2, learners: int = 150, seed: int = 0, never: float = 0.08) -> World:
    """`families` courses with so many runs one after the other; every fourth course is a hard one."""
    rng = np.random.default_rng(seed)
    events: list[Event] = []
    rows: list[dict[str, str]] = []
    causes: dict[tuple[str, str], tuple[str, ...]] = {}
    for number in range(families):
        for run in range(runs):
            course_id = f"course-v1:Campus+S{seed}C{number}+R{run}"
            start = BEGIN + run * 2 * DAYS * DAY
            for place in range(learners):
                learner = f"s{seed}c{number}r{run}-{place:04d}"
                hard = number % 4 == 3
                cause = str(rng.choice(CAUSES[:-1])) if rng.random() < SICK else ""
                onset = 0.0 if cause == "help" else float(rng.uniform(1, 7))
                planted = (*([cause] if cause else []), *(["difficulty"] if hard else []))
                causes[course_id, learner] = planted
                if rng.random() > never:
                    events += stream(rng, course_id, learner, start, cause, onset)
                lost = rng.random() < (LOST if planted else 0.1)
                rows.append(
                    {
                        "course_id": course_id,
                        "learner_id": learner,
                        "course_start": str(start),
                        "completed": str(int(not lost)),
                    }
                )
    return World(EventTable.of(events), Outcomes.from_rows(rows), causes)


def stream(
    rng: np.random.Generator, course: str, learner: str, start: float, cause: str, onset: float
) -> Iterator[Event]:
    """Day by day: units in order, each with its page, video, perhaps its problem; then perhaps the forum."""
    habits = _Habits(
        comes=float(rng.uniform(0.35, 0.7)),
        hands_in=float(rng.uniform(0.8, 1.0)),
        right=float(rng.uniform(0.65, 0.9)),
        forum=float(rng.uniform(0.5, 0.9)),
        units=float(rng.uniform(2.0, 4.0)),
    )
    troubled, unit = habits.with_cause(cause), 0.0
    first = int(rng.integers(0, 3))
    for day in range(first, DAYS):
        now = troubled if day >= onset else habits
        if day > first and rng.random() > now.comes:
            continue
        clock = start + (day + rng.uniform(0.3, 0.8)) * DAY
        until = min(float(UNITS), unit + rng.gamma(4.0, now.units / 4.0))
        for token, item, score, pause in _work(rng, now, int(unit), int(until)):
            clock += pause
            yield Event(course, learner, float(clock), token, item, score)
        unit = until


def _work(
    rng: np.random.Generator, habits: _Habits, first: int, last: int
) -> Iterator[tuple[str, str, float | None, float]]:
    """(token, item, score, seconds since the one before) of one day's work, which ends at unit `last`."""
    if first == last:
        yield "courseware_load", f"unit-{first}", None, float(rng.uniform(5, 60))
        yield "play_video", f"video-{first}", None, float(rng.uniform(5, 60))
    for unit in range(first, last):
        yield "courseware_load", f"unit-{unit}", None, float(rng.uniform(5, 60))
        yield "play_video", f"video-{unit}", None, float(rng.uniform(5, 60))
        if rng.random() < habits.hands_in:
            right = rng.random() < habits.right
            token = "problem_check_correct" if right else "problem_check_incorrect"
            yield token, f"problem-{unit}", float(right), float(rng.uniform(60, 400))
    if rng.random() < habits.forum:
        yield "thread discussion", "", None, float(rng.uniform(5, 60))
        if rng.random() < 0.3:
            yield "edx.forum.response.created", "", None, float(rng.uniform(30, 200))
