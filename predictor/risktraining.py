"""Training of the risk model on learners of finished runs.

How smooth and how large the curves may be is chosen by log loss on courses that a fit has not seen; on the
same answers the model is calibrated. Needs scipy (the `train` extra).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .basis import scores
from .calibration import fit_calibration, sigmoid
from .factors import OF_EVENTS, OF_RECORDS, Factor
from .folds import course_folds
from .metrics import auc, ece, log_loss
from .moments import DAY, FloatArray, IntArray, TrainingData
from .records import CourseRecords
from .risk import RiskModel, distances
from .risklessons import Lessons, is_adverse, learn, usual, usual_length
from .standing import Known
from .varying import Penalty, Rows, fitted


@dataclass(frozen=True)
class RiskConfig:
    """How a risk model is fitted.

    Args:
        size: weights of each curve.
        smooths, ridges, of_courses: penalties tried, the first of each being where the search begins.
        folds: of courses, on which penalties are compared and the model is calibrated.
        moments: at most so many points of the course beside those asked for.
        most_rows: learners times moments; where there are more, some learners are drawn. `tried_rows` of
            them compare penalties.
        adverse: whether the target's 1 means not completing; None finds out, see `is_adverse`.
    """

    size: int = 8
    smooths: tuple[float, ...] = (1e-3, 1e-4, 1e-2)
    ridges: tuple[float, ...] = (1e-4, 1e-3, 1e-5)
    of_courses: tuple[float, ...] = (10.0, 1.0, 100.0)
    folds: int = 4
    moments: int = 10
    most_rows: int = 320_000
    tried_rows: int = 80_000
    adverse: bool | None = None


def train(data: TrainingData, known: Known | None = None, config: RiskConfig | None = None) -> RiskModel:
    """A fitted and calibrated model, not yet published.

    `known` holds what a feature table and learners' earlier courses tell of those in training.

    Raises:
        ValueError: everyone has the same outcome, so that there is nothing to learn.
    """
    if len(np.unique(data.labels)) < 2:
        raise ValueError(f"everyone in training has the same {data.target}; give courses with both outcomes")
    chosen = config or RiskConfig()
    adverse = chosen.adverse
    if adverse is None:
        adverse = is_adverse(data.source, data.enrolments, data.labels)
    blank, lessons = _described(data, known or Known(), chosen, adverse)
    lost = data.labels.astype(np.float64) if adverse else 1.0 - data.labels
    rows = Rows(_table(lessons, blank), lessons.points[lessons.point], lost[lessons.who])
    fit = _Fit(rows, lessons.who, data, blank.factors, chosen)
    penalty, tried, held = fit.chosen()
    model = replace(blank, weights=fitted(rows, blank.factors, chosen.size, penalty))
    calibration = fit_calibration(held, rows.labels[tried])
    chances = sigmoid(held * calibration.scale + calibration.shift)
    figures = _figures(rows.labels[tried], chances, lessons.take(tried), blank.length)
    told = {**asdict(penalty), "rows": len(rows.labels)}
    return replace(model.calibrated(calibration), metrics={data.target: {**figures, **told}})


def _described(
    data: TrainingData, known: Known, config: RiskConfig, adverse: bool
) -> tuple[RiskModel, Lessons]:
    """A model without curves, and the learners described; of the factors those that are ever known."""
    length, people = usual_length(data), data.enrolments
    lost = data.labels if adverse else 1 - data.labels
    known = replace(
        known, courses=CourseRecords.of(people.courses, people.begins, lost.astype(np.float64), length)
    )
    factors = (*OF_EVENTS, *OF_RECORDS, *(known.facts.factors if known.facts else ()))
    lessons = learn(data, known, factors, length, config.moments, config.most_rows)
    kept = np.flatnonzero(np.isfinite(lessons.scaled).any(axis=0))
    lessons = replace(lessons, scaled=lessons.scaled[:, kept])
    typical, spread = usual(lessons, lost[lessons.who] == 0)
    assert known.courses is not None
    model = RiskModel(
        version="",
        target=data.target,
        adverse=adverse,
        clock=data.clock,
        length=length,
        factors=tuple(factors[place] for place in kept.tolist()),
        weights=np.zeros((len(kept) + 1, config.size)),
        points=lessons.points,
        typical=typical,
        spread=spread,
        courses=known.courses,
        metrics={},
    )
    return model, lessons


def _table(lessons: Lessons, model: RiskModel) -> NDArray[np.float32]:
    """Distances from typical [R, d], point by point."""
    table = np.empty_like(lessons.scaled)
    for point in range(len(lessons.points)):
        rows = lessons.point == point
        table[rows] = distances(lessons.scaled[rows], model.typical[point], model.spread)
    return table


class _Fit:
    """Fits of the same rows with various penalties, compared on courses that they have not seen."""

    def __init__(
        self, rows: Rows, who: IntArray, data: TrainingData, factors: Sequence[Factor], config: RiskConfig
    ) -> None:
        self._rows, self._who, self._data = rows, who, data
        self._factors, self._config = factors, config
        self._courses = data.enrolments.courses[who]
        self._warm: dict[int, FloatArray] = {}

    def chosen(self) -> tuple[Penalty, IntArray, FloatArray]:
        """The best penalty, the rows that it was tried on, and the log-odds of these by fits without them."""
        tried = self._tried()
        rows, parts = self._rows.take(tried), self._parts(tried)
        found: dict[Penalty, tuple[float, FloatArray]] = {}

        def loss(penalty: Penalty) -> float:
            if penalty not in found:
                held = self._held(rows, parts, penalty)
                found[penalty] = log_loss(rows.labels, sigmoid(held)), held
                settings = ", ".join(f"{name} {value:g}" for name, value in asdict(penalty).items())
                self._data.progress(f"{settings}: log loss {found[penalty][0]:.4f}")
            return found[penalty][0]

        config = self._config
        best = Penalty(config.smooths[0], config.ridges[0], config.of_courses[0])
        best = min((replace(best, of_course=each) for each in config.of_courses), key=loss)
        best = min((replace(best, ridge=each) for each in config.ridges), key=loss)
        best = min((replace(best, smooth=each) for each in config.smooths), key=loss)
        return best, tried, found[best][1]

    def _tried(self) -> IntArray:
        """Rows of about as many learners as may be tried, whole learners."""
        share = min(1.0, self._config.tried_rows / max(1, len(self._who)))
        people = np.random.default_rng([self._data.seed, 6]).random(int(self._who.max()) + 1) < share
        rows = np.flatnonzero(people[self._who])
        return rows if len(np.unique(self._rows.labels[rows])) > 1 else np.arange(len(self._who))

    def _parts(self, tried: IntArray) -> IntArray:
        """A fold per row: of courses, or of learners where there are fewer than two courses."""
        names, place, sizes = np.unique(self._courses[tried], return_inverse=True, return_counts=True)
        if len(names) > 1:
            folds = min(self._config.folds, len(names))
            dealt = course_folds(names.tolist(), sizes.tolist(), folds, self._data.seed)
            dealt_to = np.array([dealt[name] for name in names.tolist()], dtype=np.int64)
            found: IntArray = dealt_to[place.ravel()]
            return found
        rng = np.random.default_rng([self._data.seed, 7])
        order = rng.permutation(int(self._who.max()) + 1)
        parts: IntArray = order[self._who[tried]] % self._config.folds
        return parts

    def _held(self, rows: Rows, parts: IntArray, penalty: Penalty) -> FloatArray:
        held = np.zeros(len(rows.labels))
        for part in np.unique(parts).tolist():
            inside = parts == part
            self._warm[part] = fitted(
                rows.take(~inside), self._factors, self._config.size, penalty, self._warm.get(part)
            )
            held[inside] = scores(self._warm[part], rows.table[inside], rows.share[inside])
        return held


def _figures(labels: FloatArray, chances: FloatArray, lessons: Lessons, length: float) -> dict[str, Any]:
    """How good the model is on courses that a fit had not seen: altogether and at each moment."""

    def figures(rows: NDArray[np.bool_]) -> dict[str, Any]:
        values = {"auc": auc(labels[rows], chances[rows]), "ece": ece(labels[rows], chances[rows])}
        told: dict[str, Any] = {
            name: float(value) if np.isfinite(value) else None for name, value in values.items()
        }
        return {**told, "n": int(rows.sum())}

    moments = [
        {"day": float(share * length / DAY), **figures(lessons.point == point)}
        for point, share in enumerate(lessons.points)
    ]
    everyone = figures(np.ones(len(labels), dtype=np.bool_))
    return {**everyone, "log_loss": log_loss(labels, chances), "moments": moments}
