"""Our model among its rivals: the sequence model, trained and asked just as in production.

One model serves every moment of a course: it is fitted once, published to a store of its own, loaded into the
numpy cell that serves, and read at each horizon.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .moments import Enrolments, FloatArray, TrainingData, empty
from .outcomes import CourseOutcomes, Outcomes
from .progress import Progress
from .sequences import EventSource
from .store import ModelStore
from .streaming import Streamer
from .training import TrainConfig, fit


class Ours:
    """The LSTM over raw events, everyone kept, calibrated on held-out courses."""

    name = "ours"

    def fit(self, data: TrainingData) -> None:
        """Train on the data's courses; the folder keeps what an interrupted training needs to go on."""
        self._target = data.target
        store = ModelStore(data.folder)
        settings = {"clock": data.clock, "leave_days": 0.0, "seed": data.seed}
        config = scaled(TrainConfig.from_json(settings), data.source)

        def report(progress: Progress) -> None:
            if progress.message:
                data.progress(progress.message)

        version = fit(data.source, as_outcomes(data), (data.target,), config, store, report)
        self._streamer = Streamer.load(store, version)

    def predict(self, source: EventSource, enrolments: Enrolments, at: float) -> FloatArray:
        """Probabilities [n] at `at`, by the cell that serves in production."""
        probabilities = np.empty(len(enrolments))
        for course_id in np.unique(enrolments.courses).tolist():
            sequences = source.sequences(course_id) if course_id in source.courses else empty(course_id)
            inside = enrolments.courses == course_id
            for begin in np.unique(enrolments.begins[inside]).tolist():
                rows = np.flatnonzero(inside & (enrolments.begins == begin))
                moments = enrolments.starts[rows] + at
                learners = enrolments.learners[rows].tolist()
                readings = self._streamer.refresh(sequences, begin, moments, learners).values()
                probabilities[rows] = [reading.probabilities[self._target] for _, reading in readings]
        return probabilities


def scaled(config: TrainConfig, source: EventSource) -> TrainConfig:
    """The configuration with thresholds of the vocabulary that fit a small collection of courses.

    The published thresholds (1,000 events, more than three courses) are for some millions of events in twenty
    courses; on a few courses they would leave no token at all.
    """
    events = sum(len(source.sequences(course_id).times) for course_id in source.courses)
    return replace(
        config,
        min_count=min(config.min_count, max(2, events // 2000)),
        min_courses=min(config.min_courses, max(1, len(source.courses) // 4)),
    )


def as_outcomes(data: TrainingData) -> Outcomes:
    """The training data's labels as an outcome table of its one target."""
    by_course = {}
    for course_id in np.unique(data.enrolments.courses).tolist():
        rows = np.flatnonzero(data.enrolments.courses == course_id)
        rows = rows[np.argsort(data.enrolments.learners[rows], kind="stable")]
        by_course[course_id] = CourseOutcomes(
            course_id=course_id,
            learners=data.enrolments.learners[rows].tolist(),
            starts=data.enrolments.begins[rows],
            labels={data.target: data.labels[rows].astype(np.float32)},
            known_at={data.target: data.known_at[rows]},
        )
    return Outcomes(by_course, (data.target,))
