"""From predictions to figures: AUC with intervals, calibration, significance, spread over courses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .evaluation import Findings, Study
from .foldmean import fold_interval, told_apart
from .metrics import Bin, auc, auc_interval, ece, log_loss, mean_interval, reliability
from .moments import FloatArray
from .roster import PAPERS
from .significance import Paired, holm, paired

SMALL_CELL = 10
SIGNIFICANT = 0.05

Row = dict[str, Any]
PerCourse = dict[tuple[str, int], dict[str, float]]
"""AUC by course, of a model's name and the place of a horizon."""


def figures(study: Study, findings: Findings) -> dict[str, Any]:
    """Everything of the JSON file but slices and configuration; what is not defined is None."""
    per_course = {
        (name, place): _course_aucs(findings, findings.answers.probabilities[name][:, place], at)
        for name in study.models
        for place, at in enumerate(study.horizons)
    }
    lead = list(_lead(study, per_course))
    return {
        "rows": list(_rows(study, findings, per_course)),
        "lead": lead,
        "verdicts": list(_verdicts(study, lead)),
        "significance": list(_significance(study, per_course)),
        "per_course": list(_per_course(study, findings, per_course)),
        "reliability": list(_reliability(study, findings)),
        "inflation": list(_inflation(study, findings, per_course)),
    }


def scored(findings: Findings, at: float) -> NDArray[np.bool_]:
    """Mask [n] of rows that count at a horizon: the outcome not yet known, the course not yet over."""
    return findings.cohort.scored_at(at)


def _course_aucs(findings: Findings, probabilities: FloatArray, at: float) -> dict[str, float]:
    open_rows = scored(findings, at)
    courses = findings.cohort.enrolments.courses
    found = {}
    for course in np.unique(courses):
        rows = open_rows & (courses == course)
        found[str(course)] = auc(findings.cohort.labels[rows], probabilities[rows])
    return found


def _rows(study: Study, findings: Findings, per_course: PerCourse) -> Iterator[Row]:
    for name in study.models:
        for place, at in enumerate(study.horizons):
            rows = scored(findings, at)
            labels, folds = findings.cohort.labels[rows], findings.folds[rows]
            probabilities = findings.answers.probabilities[name][rows, place]
            pooled = auc_interval(labels, probabilities, seed=study.seed)
            within = fold_interval(labels, probabilities, folds, seed=study.seed)
            mean = mean_interval(np.array(list(per_course[name, place].values())), seed=study.seed)
            yield plain(
                {
                    "model": name,
                    "at": study.at[place],
                    "auc": pooled.value,
                    "auc_low": pooled.low,
                    "auc_high": pooled.high,
                    "auc_fold_mean": within.value,
                    "auc_fold_low": within.low,
                    "auc_fold_high": within.high,
                    "auc_course_mean": mean.value,
                    "auc_course_low": mean.low,
                    "auc_course_high": mean.high,
                    "ece": ece(labels, probabilities),
                    "log_loss": log_loss(labels, probabilities),
                    "n": int(rows.sum()),
                    "courses": int(np.isfinite(list(per_course[name, place].values())).sum()),
                    "folds": len(told_apart(labels, folds)),
                }
            )


def _significance(study: Study, per_course: PerCourse) -> Iterator[Row]:
    """Every pair of models at every horizon, course by course; p-values corrected for the horizon's pairs."""
    for place, at in enumerate(study.at):
        pairs = list(combinations(study.models, 2))
        tests = [_paired(study, per_course, place, *pair) for pair in pairs]
        for (first, second), row in zip(pairs, _tested(tests), strict=True):
            yield {"at": at, "first": first, "second": second, **row}


def _lead(study: Study, per_course: PerCourse) -> Iterator[Row]:
    """Ours (or else the last model) over each other; p-values corrected for these comparisons only."""
    ours = "ours" if "ours" in study.models else study.models[-1]
    others = [name for name in study.models if name != ours]
    for place, at in enumerate(study.at):
        tests = [_paired(study, per_course, place, ours, other) for other in others]
        for other, row in zip(others, _tested(tests), strict=True):
            yield {"at": at, "model": ours, "over": other, "papers_own": other in PAPERS, **row}


def _verdicts(study: Study, lead: list[Row]) -> Iterator[Row]:
    """Per horizon: which of the paper's own models the leading one is significantly above, and which not."""
    for at in study.at:
        rows = [row for row in lead if row["at"] == at and row["papers_own"]]
        above = [row["over"] for row in rows if significant(row)]
        if rows:
            rest = [row["over"] for row in rows if not significant(row)]
            yield {"at": at, "model": rows[0]["model"], "above": above, "not_above": rest}


def significant(row: Mapping[str, Any]) -> bool:
    """The first model is better, and it is more than luck after correction."""
    return row["p_holm"] is not None and row["difference"] > 0 and row["p_holm"] < SIGNIFICANT


def _paired(study: Study, per_course: PerCourse, place: int, first: str, second: str) -> Paired:
    left, right = (np.array(list(per_course[name, place].values())) for name in (first, second))
    return paired(left, right, seed=study.seed)


def _tested(tests: list[Paired]) -> Iterator[Row]:
    """The tests of one family as rows."""
    flips, ranks = holm([test.p for test in tests]), holm([test.p_wilcoxon for test in tests])
    for test, flip, rank in zip(tests, flips, ranks, strict=True):
        yield plain(
            {
                "difference": test.difference,
                "low": test.low,
                "high": test.high,
                "p": test.p,
                "p_holm": flip,
                "p_wilcoxon": test.p_wilcoxon,
                "p_wilcoxon_holm": rank,
                "courses": test.pairs,
            }
        )


def _per_course(study: Study, findings: Findings, per_course: PerCourse) -> Iterator[Row]:
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
                reliability(findings.cohort.labels[rows], findings.answers.probabilities[name][rows, place])
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


def _inflation(study: Study, findings: Findings, per_course: PerCourse) -> Iterator[Row]:
    """How much better a model looks when its test courses were in training too; paired over courses."""
    if findings.shared is None:
        return
    for name, shared in findings.shared.probabilities.items():
        for place, at in enumerate(study.horizons):
            rows = scored(findings, at)
            labels = findings.cohort.labels[rows]
            apart = auc(labels, findings.answers.probabilities[name][rows, place])
            together = auc(labels, shared[rows, place])
            seen = np.array(list(_course_aucs(findings, shared[:, place], at).values()))
            unseen = np.array(list(per_course[name, place].values()))
            test = paired(seen, unseen, seed=study.seed)
            yield plain(
                {
                    "model": name,
                    "at": study.at[place],
                    "auc_unseen_courses": apart,
                    "auc_same_courses": together,
                    "inflation": together - apart,
                    "inflation_course_mean": test.difference,
                    "inflation_low": test.low,
                    "inflation_high": test.high,
                    "p": test.p,
                }
            )


def plain(row: Row) -> Row:
    """JSON has no NaN."""
    return {
        key: None if isinstance(value, float) and not np.isfinite(value) else value
        for key, value in row.items()
    }
