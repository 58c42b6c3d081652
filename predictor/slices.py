"""Who a model serves well and whom less so: AUC, calibration and ABROCA by group.

A group with fewer than ten scored learners is hidden, and so is the next smallest if otherwise the hidden
figures could be had by subtraction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cohort import Cohort
from .evaluation import Findings, Study
from .figures import SMALL_CELL, plain, scored
from .metrics import abroca_interval, auc_interval, ece
from .outcomes import COURSE, LEARNER
from .spreadsheet import read_columns

MOST_GROUPS = 12
MOST_VALUES = 20
BANDS = 5
UNKNOWN = "unknown"
OTHER = "other"

Groups = Mapping[str, NDArray[np.str_]]


def read_groups(path: str | Path, columns: Sequence[str], cohort: Cohort) -> Groups:
    """Column -> group of each row of the cohort [n]; empty cells are "unknown".

    A numeric column with many values becomes five bands, a text column with many keeps its commonest twelve.
    Raises ValueError naming the columns that the table lacks.
    """
    table = read_columns(path)
    missing = [name for name in (COURSE, LEARNER, *columns) if name not in table]
    if missing:
        raise ValueError(
            f"{path} lacks the column {', '.join(missing)} for --slices; it has {', '.join(table)}"
        )
    place = {key: row for row, key in enumerate(zip(table[COURSE], table[LEARNER], strict=True))}
    keys = zip(cohort.enrolments.courses.tolist(), cohort.enrolments.learners.tolist(), strict=True)
    rows = [place.get(key, -1) for key in keys]
    return {name: grouped([table[name][row] if row >= 0 else "" for row in rows]) for name in columns}


def grouped(values: Sequence[str]) -> NDArray[np.str_]:
    """Values as groups [n]: bands of numbers, or the commonest texts."""
    texts = np.asarray([value.strip() or UNKNOWN for value in values], dtype=np.str_)
    names, counts = np.unique(texts[texts != UNKNOWN], return_counts=True)
    if len(names) <= MOST_VALUES:
        return texts
    numbers = _numbers(texts)
    if numbers is not None:
        return _banded(numbers)
    kept = names[np.argsort(-counts, kind="stable")[:MOST_GROUPS]]
    return np.where(np.isin(texts, kept) | (texts == UNKNOWN), texts, OTHER)


def _numbers(texts: NDArray[np.str_]) -> NDArray[np.float64] | None:
    try:
        return np.asarray([np.nan if text == UNKNOWN else float(text) for text in texts.tolist()])
    except ValueError:
        return None


def _banded(numbers: NDArray[np.float64]) -> NDArray[np.str_]:
    known = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BANDS + 1)))
    band = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    names = np.asarray([f"{low:g} to {high:g}" for low, high in pairwise(edges)])
    return np.where(np.isfinite(numbers), names[band], UNKNOWN)


def slices(study: Study, findings: Findings, groups: Groups) -> Iterator[dict[str, Any]]:
    """A row per column, group, model and horizon; a hidden group keeps only its name."""
    for place, at in enumerate(study.horizons):
        rows = np.flatnonzero(scored(findings, at))
        for column, values in groups.items():
            names, sizes = np.unique(values[rows], return_counts=True)
            hidden = hidden_groups(sizes.tolist())
            for index, name in enumerate(names.tolist()):
                for model in study.models:
                    row = {"model": model, "at": study.at[place], "column": column, "group": name}
                    if index in hidden:
                        yield {**row, "hidden": True}
                    else:
                        inside = values[rows] == name
                        yield {
                            **row,
                            **_figures(findings, findings.probabilities[model][:, place], rows, inside),
                        }


def hidden_groups(sizes: Sequence[int], least: int = SMALL_CELL) -> set[int]:
    """Indices of groups to hide: small ones, then the next smallest until subtraction tells nothing."""
    order = sorted(range(len(sizes)), key=lambda index: sizes[index])
    hidden = [index for index in order if sizes[index] < least]
    rest = order[len(hidden) :]
    while hidden and rest and (len(hidden) < 2 or sum(sizes[index] for index in hidden) < least):
        hidden.append(rest.pop(0))
    return set(hidden)


def _figures(
    findings: Findings, probabilities: NDArray[np.float64], rows: NDArray[np.int64], inside: NDArray[np.bool_]
) -> dict[str, Any]:
    labels, scores = findings.cohort.labels[rows], probabilities[rows]
    area = auc_interval(labels[inside], scores[inside], rounds=200)
    gap = abroca_interval(labels, scores, inside, rounds=100)
    return plain(
        {
            "n": int(inside.sum()),
            "auc": area.value,
            "auc_low": area.low,
            "auc_high": area.high,
            "ece": ece(labels[inside], scores[inside]),
            "abroca": gap.value,
            "abroca_low": gap.low,
            "abroca_high": gap.high,
        }
    )
