"""The rival that everyone should beat first: gradient boosting on counts.

Needs scikit-learn (the `train` extra).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from .baselines import positive
from .countfeatures import counts, vocabulary
from .moments import DAY, Enrolments, FloatArray, TrainingData
from .sequences import EventSource


class Boosting:
    """Gradient boosting on count features, a model of its own for every horizon, everyone kept."""

    name = "boosting"

    def fit(self, data: TrainingData) -> None:
        """Learn one classifier per horizon."""
        self._tokens = vocabulary(data.source, data.enrolments)
        self._classifiers: dict[float, Any] = {}
        for at in data.horizons:
            rows = np.flatnonzero(data.open_at(at))
            table = counts(data.source, data.enrolments.take(rows), at, self._tokens)
            data.progress(f"{len(rows)} learners at day {at / DAY:g}")
            self._classifiers[at] = _boosting(data.seed).fit(table, data.labels[rows])

    def predict(self, source: EventSource, enrolments: Enrolments, at: float) -> FloatArray:
        """Probabilities [n] at `at`, by the classifier of the nearest horizon it learned."""
        nearest = min(self._classifiers, key=lambda horizon: abs(horizon - at))
        return positive(self._classifiers[nearest], counts(source, enrolments, at, self._tokens))


def _boosting(seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=150,
        max_leaf_nodes=12,
        min_samples_leaf=60,
        l2_regularization=5.0,
        max_features=0.5,
        early_stopping=False,
        random_state=seed,
    )
