"""The risk model among its rivals in a study: trained, published, loaded and asked just as in production."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .moments import Enrolments, FloatArray, TrainingData, empty
from .risk import KIND, RiskModel
from .risktraining import train
from .sequences import EventSource
from .store import ModelStore


class Risk:
    """The varying-coefficient model of what events tell, everyone kept, calibrated on held-out courses."""

    name = "risk"

    def fit(self, data: TrainingData) -> None:
        """Train on the data's courses and publish into the data's folder."""
        train(data).publish(ModelStore(data.folder))
        self.load(data.folder, data.target)

    def load(self, folder: Path, target: str) -> None:
        """What the newest fit in the folder published."""
        store = ModelStore(folder)
        self._model = RiskModel.load(store, store.versions(KIND)[-1])

    def predict(self, source: EventSource, enrolments: Enrolments, at: float) -> FloatArray:
        """Probabilities [n] of the target at `at`."""
        chances = np.empty(len(enrolments))
        for course_id in np.unique(enrolments.courses).tolist():
            sequences = source.sequences(course_id) if course_id in source.courses else empty(course_id)
            rows = np.flatnonzero(enrolments.courses == course_id)
            assessed = self._model.assess(sequences, enrolments.take(rows), np.full(len(rows), at))
            chances[rows] = assessed.chances if self._model.adverse else 1 - assessed.chances
        return chances
