"""A small seeded world to study: courses in which learners fade at their own pace and some come through.

What a learner does depends on a hidden zeal; the outcome depends on the zeal and on chance, so that a model
can do well but not perfectly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from predictor.cohort import Cohort, cohort
from predictor.events import Event
from predictor.moments import DAY, TrainingData
from predictor.outcomes import Outcomes
from predictor.sequences import EventTable

BEGIN = 1_600_000_000.0
TOKENS = ("play_video", "courseware_load", "problem_check_correct", "problem_check_incorrect", "seq_next")
HORIZONS = (3 * DAY, 7 * DAY)


@dataclass(frozen=True)
class World:
    """Events and outcomes of it."""

    events: list[Event]
    rows: list[dict[str, str]]

    @property
    def source(self) -> EventTable:
        return EventTable.of(self.events)

    @property
    def outcomes(self) -> Outcomes:
        return Outcomes.from_rows(self.rows)

    def cohort(self, clock: str = "course") -> Cohort:
        return cohort(self.source, self.outcomes, "passed", clock)

    def training_data(self, folder: Path, clock: str = "course", seed: int = 0) -> TrainingData:
        everyone = self.cohort(clock)
        return TrainingData(
            source=everyone.source,
            enrolments=everyone.enrolments,
            labels=everyone.labels,
            known_at=everyone.known_at,
            horizons=HORIZONS,
            target="passed",
            clock=clock,
            seed=seed,
            folder=folder,
            progress=lambda line: None,
        )

    def write(self, folder: Path) -> tuple[Path, Path]:
        """An event table and an outcome table in CSV."""
        events, outcomes = folder / "events.csv", folder / "outcomes.csv"
        lines = [f"{e.course_id},{e.learner_id},{e.time},{e.token},{e.item_id}" for e in self.events]
        events.write_text("\n".join(["course_id,learner_id,time,event_type,item_id", *lines]) + "\n")
        columns = list(self.rows[0])
        texts = [",".join(row[column] for column in columns) for row in self.rows]
        outcomes.write_text("\n".join([",".join(columns), *texts]) + "\n")
        return events, outcomes


def world(courses: int = 4, learners: int = 40, days: int = 10, seed: int = 0) -> World:
    """`learners` per course; about one in five never shows up."""
    rng = np.random.default_rng(seed)
    events: list[Event] = []
    rows: list[dict[str, str]] = []
    for number in range(courses):
        course, start = f"course-{seed}-{number}", BEGIN + 40 * DAY * number
        for place in range(learners):
            learner = f"learner-{rng.integers(1_000_000_000):09d}-{place}"
            zeal = rng.normal()
            if rng.random() > 0.2:
                events += _stream(rng, course, learner, start, zeal, days)
            rows.append(
                {
                    "course_id": course,
                    "learner_id": learner,
                    "course_start": str(start),
                    "passed": str(int(zeal + rng.normal(0, 0.5) > 0.4)),
                    "gender": rng.choice(["f", "m"]),
                }
            )
    return World(events, rows)


def _stream(
    rng: np.random.Generator, course: str, learner: str, start: float, zeal: float, days: int
) -> list[Event]:
    found = []
    fade = np.exp(-np.arange(days) / max(0.5, 4 + 3 * zeal))
    for day in range(days):
        for moment in np.sort(rng.random(rng.poisson(3 * fade[day]))):
            kind = rng.integers(len(TOKENS)) if rng.random() < 0.5 + 0.1 * zeal else 1
            item = f"item-{rng.integers(12)}" if kind in (0, 2, 3) else ""
            found.append(Event(course, learner, float(start + (day + moment) * DAY), TOKENS[kind], item))
    return found
