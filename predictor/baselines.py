"""The models the paper compares, on its twelve hand-made features.

Needs scikit-learn (the `train` extra); the two recurrent ones need torch and live in `recurrent`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from .folds import prior_shift, shift_odds, undersample
from .handfeatures import Scale, course_length, twelve
from .moments import Enrolments, FloatArray, IntArray, TrainingData
from .sequences import EventSource

VALIDATION_SHARE = 0.25


class HandModel:
    """A classifier on the twelve features; one row per learner and horizon, all in one training table.

    Training courses are undersampled to `ratio` : 1 at most; `predict` gives the odds back what that took.
    """

    def __init__(self, name: str, make: Callable[[int], Any], ratio: float) -> None:
        self.name = name
        self._make = make
        self._ratio = ratio

    def fit(self, data: TrainingData) -> None:
        """Learn from every horizon's rows."""
        self._length = course_length(data.source, data.enrolments)
        kept = undersample(data.labels, data.enrolments.courses, self._ratio, data.seed)
        table, rows = hand_rows(data, kept, self._length)
        self._scale = Scale(table)
        self._shift = prior_shift(data.labels, data.labels[kept])
        self._classifier = self._make(data.seed).fit(self._scale(table), data.labels[rows])

    def predict(self, source: EventSource, enrolments: Enrolments, at: float) -> FloatArray:
        """Probabilities [n] at `at`."""
        table = twelve(source, enrolments, at, self._length)
        return shift_odds(positive(self._classifier, self._scale(table)), self._shift)


def hand_rows(data: TrainingData, kept: IntArray, length: float) -> tuple[FloatArray, IntArray]:
    """Twelve features of the `kept` learners at every horizon, stacked, and the enrolment of each row."""
    open_rows = [kept[data.open_at(at)[kept]] for at in data.horizons]
    tables = [
        twelve(data.source, data.enrolments.take(rows), at, length)
        for at, rows in zip(data.horizons, open_rows, strict=True)
    ]
    return np.concatenate(tables), np.concatenate(open_rows)


def positive(classifier: Any, table: FloatArray) -> FloatArray:
    """Probability of a 1 [n]; of a classifier that saw one class only, that class."""
    if not len(table):
        return np.zeros(0)
    if len(classifier.classes_) == 1:
        return np.full(len(table), float(classifier.classes_[0]))
    probabilities: FloatArray = classifier.predict_proba(table)[:, 1]
    return probabilities


class Ensemble:
    """Logistic regression, forest and k-NN fused by a logistic regression (the paper, after its [9]).

    The three learn on three quarters of the training courses (12 of the paper's 16), the weights on the rest:
    coefficients of a logistic regression on the three predictions, negative ones cut to 0, scaled to sum 1.
    """

    name = "ensemble"

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio

    def fit(self, data: TrainingData) -> None:
        """Learn the three models and their weights; `weights` tells them afterwards."""
        self._length = course_length(data.source, data.enrolments)
        kept = undersample(data.labels, data.enrolments.courses, self._ratio, data.seed)
        self._shift = prior_shift(data.labels, data.labels[kept])
        table, rows = hand_rows(data, kept, self._length)
        held = np.isin(data.enrolments.courses[rows], self._validation_courses(data))
        self._scale = Scale(table[~held])
        self._classifiers = [
            make(data.seed).fit(self._scale(table[~held]), data.labels[rows[~held]])
            for make in (_logistic, _forest, _knn)
        ]
        self.weights = self._fuse(self._scale(table[held]), data.labels[rows[held]])

    def _validation_courses(self, data: TrainingData) -> NDArray[np.str_]:
        courses = np.unique(data.enrolments.courses)
        count = max(1, round(VALIDATION_SHARE * len(courses))) if len(courses) > 1 else 0
        return np.random.default_rng(data.seed).permutation(courses)[:count]

    def _fuse(self, table: FloatArray, labels: IntArray) -> FloatArray:
        if len(np.unique(labels)) < 2:
            return np.full(len(self._classifiers), 1 / len(self._classifiers))
        inputs = np.column_stack([positive(classifier, table) for classifier in self._classifiers])
        weights = np.maximum(LogisticRegression().fit(inputs, labels).coef_[0], 0.0)
        if not weights.any():
            return np.full(len(weights), 1 / len(weights))
        share: FloatArray = weights / weights.sum()
        return share

    def predict(self, source: EventSource, enrolments: Enrolments, at: float) -> FloatArray:
        """Weighted mean of the three probabilities [n] at `at`."""
        table = self._scale(twelve(source, enrolments, at, self._length))
        inputs = np.column_stack([positive(classifier, table) for classifier in self._classifiers])
        return shift_odds(inputs @ self.weights, self._shift)


def _logistic(seed: int) -> LogisticRegression:
    return LogisticRegression(max_iter=1000, random_state=seed)


def _forest(seed: int) -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=100, n_jobs=1, random_state=seed)


def _knn(seed: int) -> KNeighborsClassifier:
    del seed
    return KNeighborsClassifier(n_neighbors=15, n_jobs=1)


def logistic(ratio: float) -> HandModel:
    """Logistic regression with scikit-learn's own settings."""
    return HandModel("logistic", _logistic, ratio)


def forest(ratio: float) -> HandModel:
    """Random forest of 100 trees."""
    return HandModel("forest", _forest, ratio)


def knn(ratio: float) -> HandModel:
    """15 nearest neighbours."""
    return HandModel("knn", _knn, ratio)
