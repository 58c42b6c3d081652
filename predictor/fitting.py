"""One model fitted on some courses and asked about others: a single trial of a study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .cohort import Cohort
from .moments import FloatArray, Model, TrainingData


@dataclass(frozen=True)
class Trial:
    """Who trains a model, whom it is asked about, and when.

    Args:
        name: of the model.
        train: everyone in the training courses.
        test: everyone who is to be predicted.
        horizons: seconds of each one's clock, in the order of the columns wanted.
        target: name of the outcome.
        clock: "course" or "learner".
        ratio: of undersampling, for the models that do.
        seed: of everything random.
    """

    name: str
    train: Cohort
    test: Cohort
    horizons: tuple[float, ...]
    target: str
    clock: str
    ratio: float
    seed: int

    def predictions(self, model: Model, folder: Path, progress: Callable[[str], None]) -> FloatArray:
        """Fit the model; probabilities [test, horizons].

        Raises FloatingPointError where it says something that is no probability.
        """
        model.fit(
            TrainingData(
                source=self.train.source,
                enrolments=self.train.enrolments,
                labels=self.train.labels,
                known_at=self.train.known_at,
                horizons=tuple(sorted(self.horizons)),
                target=self.target,
                clock=self.clock,
                seed=self.seed,
                folder=folder,
                progress=progress,
            )
        )
        columns = [model.predict(self.test.source, self.test.enrolments, at) for at in self.horizons]
        predicted: FloatArray = np.stack(columns, axis=1)
        if not ((predicted >= 0) & (predicted <= 1)).all():
            raise FloatingPointError(f"{self.name} predicted something that is no probability")
        return predicted
