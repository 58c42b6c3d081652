"""Who a model serves well and whom less so: AUC, calibration and ABROCA by group.

A group with fewer than ten scored learners is hidden, and so is the next smallest if otherwise the hidden
figures could be had by subtraction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .evaluation import Findings, Study
from .fairness import Scores, Served
from .figures import SMALL_CELL, plain, scored
from .groups import Groups
from .significance import holm

Row = dict[str, Any]

TESTS = ("abroca_p", "calibration_p")


def slices(study: Study, findings: Findings, groups: Groups) -> Iterator[Row]:
    """A row per model, horizon, division and group; a hidden group keeps only its name."""
    for place, at in enumerate(study.horizons):
        rows = np.flatnonzero(scored(findings, at))
        for model in study.models:
            probabilities = findings.answers.probabilities[model][rows, place]
            scores = Scores(findings.cohort.labels[rows], probabilities, study.seed)
            found = list(_divided(findings, groups, rows, scores))
            _correct([row for row in found if "n" in row])
            for row in found:
                yield plain({"model": model, "at": study.at[place], **row})


def _divided(findings: Findings, groups: Groups, rows: NDArray[np.int64], scores: Scores) -> Iterator[Row]:
    """Every group of every division, for one model and horizon."""
    learners = findings.cohort.enrolments.learners[rows]
    for division, values in groups.items():
        here = values[rows]
        names = np.unique(here).tolist()
        hidden = hidden_groups([len(np.unique(learners[here == name])) for name in names])
        for index, name in enumerate(names):
            row = {"column": division, "group": name}
            yield {**row, "hidden": True} if index in hidden else {**row, **_figures(scores.of(here == name))}


def hidden_groups(sizes: Sequence[int], least: int = SMALL_CELL) -> set[int]:
    """Indices of groups to hide: small ones, then the next smallest until subtraction tells nothing."""
    order = sorted(range(len(sizes)), key=lambda index: sizes[index])
    hidden = [index for index in order if sizes[index] < least]
    rest = order[len(hidden) :]
    while hidden and rest and (len(hidden) < 2 or sum(sizes[index] for index in hidden) < least):
        hidden.append(rest.pop(0))
    return set(hidden)


def _figures(served: Served) -> Row:
    return {
        "n": served.n,
        "predicted": served.predicted,
        "observed": served.observed,
        "auc": served.auc.value,
        "auc_low": served.auc.low,
        "auc_high": served.auc.high,
        "ece": served.ece.value,
        "ece_low": served.ece.low,
        "ece_high": served.ece.high,
        "abroca": served.area.value,
        "abroca_low": served.area.low,
        "abroca_high": served.area.high,
        "abroca_chance": served.ranking.chance,
        "abroca_p": served.ranking.p,
        "calibration_gap": served.calibration.value,
        "calibration_chance": served.calibration.chance,
        "calibration_p": served.calibration.p,
    }


def _correct(rows: Sequence[Row]) -> None:
    """Adds p-values corrected for all groups and both kinds of gap of one model and horizon."""
    corrected = holm([row[name] for row in rows for name in TESTS])
    for place, row in enumerate(rows):
        for offset, name in enumerate(TESTS):
            row[f"{name}_holm"] = corrected[len(TESTS) * place + offset]
