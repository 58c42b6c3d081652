"""Our model among its rivals: trained and asked just as in production.

One model serves every moment of a course: it is fitted once, published to a store of its own, loaded from it
with numpy alone, and asked at each horizon.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from .moments import Enrolments, FloatArray, TrainingData, empty
from .outcomes import CourseOutcomes, Outcomes
from .plan import studied
from .progress import Progress
from .sequences import EventSource
from .stack import Stack
from .stacking import fit as fit_stack
from .store import ModelStore
from .streaming import KIND, Streamer
from .training import TrainConfig, fit


class LSTM:
    """The LSTM over raw events alone, everyone kept, calibrated on held-out courses."""

    name = "lstm"

    def fit(self, data: TrainingData) -> None:
        """Train on the data's courses; the folder keeps what an interrupted training needs to go on."""
        self._target = data.target
        settings = studied(data.clock, data.horizons, len(data.enrolments), data.seed)
        self._config = scaled(TrainConfig.from_json(settings), data.source)
        self._store = ModelStore(data.folder)

        def report(progress: Progress) -> None:
            if progress.message:
                data.progress(progress.message)

        outcomes = as_outcomes(data)
        fit(data.source, outcomes, (data.target,), self._config, self._store, report)
        self.load(data.folder, data.target)

    def load(self, folder: Path, target: str) -> None:
        """What the newest fit in the folder published."""
        self._target, self._store = target, ModelStore(folder)
        self._streamer = Streamer.load(self._store, self._store.versions(KIND)[-1])

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


class Ours(LSTM):
    """The LSTM stacked with boosting over what learners and their mates did; see `stack`."""

    name = "ours"

    def fit(self, data: TrainingData) -> None:
        """Train the LSTM, and the stack beside it, on the data's courses."""
        super().fit(data)
        version = self._streamer.version
        outcomes = as_outcomes(data)
        fit_stack(data.source, outcomes, self._config, self._store, version, data.progress, data.horizons)
        self.load(data.folder, data.target)

    def load(self, folder: Path, target: str) -> None:
        """What the newest fit in the folder published, and the stack beside it."""
        super().load(folder, target)
        self._stack = Stack.load(self._store, self._streamer.version)

    def predict(self, source: EventSource, enrolments: Enrolments, at: float) -> FloatArray:
        """Probabilities [n] at `at`."""
        sequence = super().predict(source, enrolments, at)
        assert self._stack is not None
        return self._stack.foresee(source, enrolments, at, {self._target: sequence})[self._target]


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
