"""Boosted trees from lessons: one model for all moments, its labels softened by a teacher.

A label says what became of a learner, luck included. Of that luck a model that asks early can learn nothing,
so labels are mixed with what a teacher says, who knows the learner's course up to the last moment but was
grown on other courses (distillation, Hinton et al. 2015). How many of a course come through is no luck of
theirs: the teacher's answers are shifted to the share that the course's own labels have.

Boosters that are averaged take turns at three views of a learner: beside mates and in the course as a whole,
beside mates, alone. What a course is like tells most early on, but a few dozen courses are soon known by
heart, and a booster that has not seen them errs elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import lightgbm
import numpy as np

from .calibration import sigmoid
from .lessons import Lessons
from .mates import of_course, of_mates
from .moments import FloatArray, IntArray
from .trees import Trees

VIEWS = 3
"""Boosters that are averaged at least, so that each view is among them."""


@dataclass(frozen=True)
class StackConfig:
    """How a stack is trained.

    Args:
        parts: parts that the courses (or, below so many, the learners) are dealt into for cross-fitting.
        softness: share of the teacher in the labels, 0 to 1.
        rounds: trees of each booster, `teacher_rounds` of the teacher's.
        leaves, learning_rate, least_rows, columns, ridge: of LightGBM.
        bag: boosters averaged, `VIEWS` or a multiple.
        seed: of everything random.
        threads: of LightGBM.
    """

    parts: int = 3
    softness: float = 0.75
    rounds: int = 250
    teacher_rounds: int = 120
    leaves: int = 16
    learning_rate: float = 0.06
    least_rows: int = 200
    columns: float = 0.3
    ridge: float = 5.0
    bag: int = 2 * VIEWS
    seed: int = 0
    threads: int = 1


class Grower:
    """Grows trees from lessons whose learners are dealt into parts: `parts` [enrolments]."""

    def __init__(self, lessons: Lessons, parts: IntArray, config: StackConfig) -> None:
        self._lessons, self._parts, self._config = lessons, parts, config

    def grown(
        self, place: int, bag: int, without: int | None = None, only: float | None = None
    ) -> tuple[Trees, ...]:
        """Boosters for the target in that place, from all parts or all but one, all moments or `only` one."""
        known = np.isfinite(self._lessons.labels[:, place])
        if without is not None:
            known &= self._parts[self._lessons.who] != without
        rows = np.flatnonzero(known)
        labels = self._softened(rows, place)
        if only is not None:
            mine = self._lessons.at[rows] == only
            rows, labels = rows[mine], labels[mine]
        rounds, seed = self._config.rounds, self._config.seed
        return tuple(
            self._boost(rows, labels, rounds, seed + number, self._view(number % VIEWS))
            for number in range(bag)
        )

    def _view(self, number: int) -> IntArray:
        """Places of the columns that a booster of that number sees."""
        seen = [
            (number < 1 or not of_course(name)) and (number < 2 or not of_mates(name))
            for name in self._lessons.names
        ]
        return np.flatnonzero(seen)

    def _softened(self, rows: IntArray, place: int) -> FloatArray:
        """Labels of training rows, mixed with what a teacher of other courses says at the last moment."""
        lessons = self._lessons
        hard, whole = lessons.labels[rows, place], self._view(0)
        last = rows[lessons.at[rows] == lessons.last]
        parts = self._parts[lessons.who[last]]
        told = np.full(len(lessons.everyone.enrolments), np.nan)
        if len(np.unique(parts)) > 1 and self._lasting(place):
            for part in np.unique(parts).tolist():
                learned, asked = last[parts != part], last[parts == part]
                taught = lessons.labels[learned, place]
                trees = self._boost(learned, taught, self._config.teacher_rounds, 0, whole)
                told[lessons.who[asked]] = trees.score(lessons.table[asked])
            told = self._levelled(told, lessons.who[last], lessons.labels[last, place])
        teacher = told[lessons.who[rows]]
        soft = hard + self._config.softness * (teacher - hard)
        return np.where(np.isfinite(soft), soft, hard)

    def _levelled(self, scores: FloatArray, who: IntArray, labels: FloatArray) -> FloatArray:
        """Probabilities [enrolments] from log-odds; in each course as many as its own labels [who] say."""
        found = np.full(len(scores), np.nan)
        courses = self._lessons.everyone.enrolments.courses[who]
        for course in np.unique(courses).tolist():
            inside = courses == course
            found[who[inside]] = levelled(scores[who[inside]], float(labels[inside].mean()))
        return found

    def _lasting(self, place: int) -> bool:
        """Whether the outcome is one for all moments, so that a late teacher may speak of early ones."""
        return bool(np.isfinite(self._lessons.everyone.labels[:, place]).any())

    def _boost(self, rows: IntArray, labels: FloatArray, rounds: int, seed: int, columns: IntArray) -> Trees:
        if not len(rows):
            return Trees.even()
        config = self._config
        parameters = {
            "objective": "cross_entropy",
            "learning_rate": config.learning_rate,
            "num_leaves": config.leaves,
            "min_data_in_leaf": max(5, min(config.least_rows, len(rows) // 50)),
            "lambda_l2": config.ridge,
            "feature_fraction_bynode": config.columns,
            "bagging_fraction": 0.5,
            "bagging_freq": 1,
            "max_bin": 63,
            "seed": seed,
            "num_threads": config.threads,
            "deterministic": True,
            "force_row_wise": True,
            "feature_pre_filter": False,
            "verbose": -1,
        }
        data = lightgbm.Dataset(self._lessons.table[np.ix_(rows, columns)], labels, params=parameters)
        trees = Trees.from_lightgbm(lightgbm.train(parameters, data, rounds))
        return replace(trees, features=np.where(trees.features < 0, -1, columns[trees.features]))


def levelled(scores: FloatArray, share: float) -> FloatArray:
    """Probabilities from log-odds, all shifted alike so that their mean is `share`, or nearly 0 or 1."""
    low, high = -20.0, 20.0
    for _ in range(40):
        shift = (low + high) / 2
        low, high = (shift, high) if sigmoid(scores + shift).mean() < share else (low, shift)
    return sigmoid(scores + (low + high) / 2)
