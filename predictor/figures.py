"""From predictions to figures: AUC with intervals, calibration, significance, spread over courses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .evaluation import Findings, Study
from .metrics import Bin, auc, auc_interval, ece, log_loss, mean_interval, paired, reliability
from .moments import FloatArray

SMALL_CELL = 10

Row = dict[str, Any]


def figures(study: Study, findings: Findings) -> dict[str, Any]:
    """Everything of the JSON file but slices and configuration; what is not defined is None."""
    per_course = {
        (name, place): _course_aucs(findings, findings.probabilities[name][:, place], at)
        for name in study.models
        for place, at in enumerate(study.horizons)
    }
    return {
        "rows": list(_rows(study, findings, per_course)),
        "significance": list(_significance(study, per_course)),
        "per_course": list(_per_course(study, findings, per_course)),
        "reliability": list(_reliability(study, findings)),
        "inflation": list(_inflation(study, findings)),
    }


def scored(findings: Findings, at: float) -> NDArray[np.bool_]:
    """Mask [n] of rows that count at a horizon: the outcome was not yet known."""
    return findings.cohort.open_at(at)


def _course_aucs(findings: Findings, probabilities: FloatArray, at: float) -> dict[str, float]:
    open_rows = scored(findings, at)
    courses = findings.cohort.enrolments.courses
    found = {}
    for course in np.unique(courses):
        rows = open_rows & (courses == course)
        found[str(course)] = auc(findings.cohort.labels[rows], probabilities[rows])
    return found


def _rows(
    study: Study, findings: Findings, per_course: dict[tuple[str, int], dict[str, float]]
) -> Iterator[Row]:
    for name in study.models:
        for place, at in enumerate(study.horizons):
            rows = scored(findings, at)
            labels = findings.cohort.labels[rows]
            probabilities = findings.probabilities[name][rows, place]
            pooled = auc_interval(labels, probabilities, seed=study.seed)
            mean = mean_interval(np.array(list(per_course[name, place].values())), seed=study.seed)
            yield plain(
                {
                    "model": name,
                    "at": study.at[place],
                    "auc": pooled.value,
                    "auc_low": pooled.low,
                    "auc_high": pooled.high,
                    "auc_course_mean": mean.value,
                    "auc_course_low": mean.low,
                    "auc_course_high": mean.high,
                    "ece": ece(labels, probabilities),
                    "log_loss": log_loss(labels, probabilities),
                    "n": int(rows.sum()),
                }
            )


def _significance(study: Study, per_course: dict[tuple[str, int], dict[str, float]]) -> Iterator[Row]:
    """Every pair of models at every horizon, course by course."""
    for place, at in enumerate(study.at):
        for first, second in combinations(study.models, 2):
            left, right = (np.array(list(per_course[name, place].values())) for name in (first, second))
            test = paired(left, right, seed=study.seed)
            yield plain(
                {
                    "at": at,
                    "first": first,
                    "second": second,
                    "difference": test.difference,
                    "low": test.low,
                    "high": test.high,
                    "p": test.p,
                    "courses": test.pairs,
                }
            )


def _per_course(
    study: Study, findings: Findings, per_course: dict[tuple[str, int], dict[str, float]]
) -> Iterator[Row]:
    """AUC of each course with at least ten scored learners; smaller ones count in the mean only."""
    courses = findings.cohort.enrolments.courses
    for place, at in enumerate(study.horizons):
        names, sizes = np.unique(courses[scored(findings, at)], return_counts=True)
        for course, n in zip(names.tolist(), sizes.tolist(), strict=True):
            if n < SMALL_CELL:
                continue
            fold = int(findings.folds[courses == course][0])
            for name in study.models:
                value = per_course[name, place][course]
                yield plain(
                    {
                        "model": name,
                        "at": study.at[place],
                        "course": course,
                        "fold": fold,
                        "auc": value,
                        "n": n,
                    }
                )


def _reliability(study: Study, findings: Findings) -> Iterator[Row]:
    for name in study.models:
        for place, at in enumerate(study.horizons):
            rows = scored(findings, at)
            bars = joined(
                reliability(findings.cohort.labels[rows], findings.probabilities[name][rows, place])
            )
            bins = [{"predicted": bar.predicted, "observed": bar.observed, "n": bar.n} for bar in bars]
            yield {"model": name, "at": study.at[place], "bins": bins}


def joined(bars: list[Bin], least: int = SMALL_CELL) -> list[Bin]:
    """Neighbouring bins joined until each has at least `least` rows; too few rows altogether: none."""
    kept: list[Bin] = []
    for bar in bars:
        if kept and (kept[-1].n < least or bar.n < least):
            bar = _sum(kept.pop(), bar)
        kept.append(bar)
    return [bar for bar in kept if bar.n >= least]


def _sum(first: Bin, second: Bin) -> Bin:
    n = first.n + second.n
    predicted = (first.predicted * first.n + second.predicted * second.n) / n
    return Bin(predicted, (first.observed * first.n + second.observed * second.n) / n, n)


def _inflation(study: Study, findings: Findings) -> Iterator[Row]:
    """How much better a model looks when its test courses were in training too."""
    for name, shared in findings.shared.items():
        for place, at in enumerate(study.horizons):
            rows = scored(findings, at)
            labels = findings.cohort.labels[rows]
            apart = auc(labels, findings.probabilities[name][rows, place])
            together = auc(labels, shared[rows, place])
            yield plain(
                {
                    "model": name,
                    "at": study.at[place],
                    "auc_unseen_courses": apart,
                    "auc_same_courses": together,
                    "inflation": together - apart,
                }
            )


def plain(row: Row) -> Row:
    """JSON has no NaN."""
    return {
        key: None if isinstance(value, float) and not np.isfinite(value) else value
        for key, value in row.items()
    }
