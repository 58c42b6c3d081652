"""Who belongs to which group: learner attributes from a table, brought to a few values that can be compared.

Attributes that an Open edX site knows are grouped by what they mean: a year of birth or an age becomes an age
band, a two-letter country its region, a code of education its words. Any other column keeps its values, its
commonest ones, or bands of its numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cohort import Cohort
from .outcomes import COURSE, LEARNER
from .regions import NAMES, region
from .spreadsheet import read_columns

MOST_GROUPS = 12
MOST_VALUES = 20
BANDS = 5
UNKNOWN = "unknown"
OTHER = "other"
AGES = (18, 25, 35, 45, 55)
OLDEST = 120
EDUCATION = {
    "p": "doctorate",
    "m": "master's",
    "b": "bachelor's",
    "a": "associate",
    "hs": "secondary",
    "jhs": "lower secondary",
    "el": "primary",
    "none": "none",
    "other": "other",
}
"""Open edX's codes of `level_of_education`; those it no longer offers are left as they are."""

Texts = NDArray[np.str_]
Groups = Mapping[str, Texts]


def read_groups(given: str, outcomes: str | Path, cohort: Cohort) -> Groups:
    """Name of a division -> group of each row of the cohort [n]; who has no value is "unknown".

    Args:
        given: a comma list of columns of the outcome table, or a table of learners (CSV, Parquet) whose every
            column but the ids counts: `learner_id`, and `course_id` where a value holds in one course only.
        outcomes: the outcome table.

    Raises:
        ValueError: a column is missing, a learner is in the table twice, or in neither table.
    """
    learners = Path(given)
    if learners.is_file() or learners.suffix.lower() in (".csv", ".parquet"):
        table = read_columns(learners)
        names = [name for name in table if name not in (COURSE, LEARNER)]
        _require(given, table, (LEARNER,))
        if not names:
            raise ValueError(f"{given} has no column beside the ids to group learners by")
        rows = _rows(given, table, cohort)
    else:
        names = list(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
        table = read_columns(outcomes)
        _require(str(outcomes), table, (COURSE, LEARNER, *names))
        rows = _rows(str(outcomes), table, cohort)
    years = [datetime.fromtimestamp(begin, UTC).year for begin in cohort.enrolments.begins.tolist()]
    found = {}
    for name in names:
        values = [table[name][row].strip() if row >= 0 else "" for row in rows]
        division, groups = meant(name, values, years)
        found[division] = groups
    return found


def _require(path: str, table: Mapping[str, list[str]], columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in table]
    if missing:
        raise ValueError(
            f"{path} lacks the column {', '.join(missing)} for --slices; it has {', '.join(table)}"
        )


def _rows(path: str, table: Mapping[str, list[str]], cohort: Cohort) -> list[int]:
    """The table's row of each enrolment, -1 where there is none."""
    by_course = COURSE in table
    told = list(zip(table[COURSE], table[LEARNER], strict=True)) if by_course else table[LEARNER]
    place: dict[object, int] = {}
    for row, key in enumerate(told):
        if key in place:
            raise ValueError(
                f"{path}, row {row + 1}: learner {table[LEARNER][row]} is in row {place[key] + 1} too"
            )
        place[key] = row
    people = cohort.enrolments
    learners = people.learners.tolist()
    keys = zip(people.courses.tolist(), learners, strict=True) if by_course else learners
    rows = [place.get(key, -1) for key in keys]
    if max(rows, default=-1) < 0:
        raise ValueError(
            f"{path} tells of no learner of this study; {LEARNER} must be written as in the outcomes"
        )
    return rows


def meant(name: str, values: Sequence[str], years: Sequence[int]) -> tuple[str, Texts]:
    """The division that a column stands for, and the group of each value [n].

    `years` [n]: in which year each enrolment's course began.
    """
    match name.lower():
        case "age":
            return "age", _age_bands(_numbers(values))
        case "year_of_birth" | "birth_year" | "yob":
            return "age", _age_bands(np.asarray(years) - _numbers(values))
        case "country":
            return "country group", grouped([_region(value) for value in values])
        case "education" | "level_of_education":
            return "education", grouped([EDUCATION.get(value.lower(), value) for value in values])
        case "mode" | "enrollment_mode" | "enrolment_mode":
            return "enrolment mode", grouped(values)
    return name, grouped(values)


def _age_bands(ages: NDArray[np.float64]) -> Texts:
    """Bands of whole years; what cannot be an age is unknown."""
    possible = (ages >= 0) & (ages <= OLDEST)
    names = np.asarray(
        [
            f"under {AGES[0]}",
            *(f"{low} to {high - 1}" for low, high in pairwise(AGES)),
            f"{AGES[-1]} and over",
        ]
    )
    return np.where(
        possible, names[np.searchsorted(AGES, np.where(possible, ages, 0), side="right")], UNKNOWN
    )


def _region(value: str) -> str:
    return NAMES.get(region(value), value)


def grouped(values: Sequence[str]) -> Texts:
    """Values as groups [n]: as they are if few, else bands of numbers, or the commonest texts."""
    texts = _texts(values)
    known = texts != UNKNOWN
    if len(np.unique(texts[known])) <= MOST_VALUES:
        return texts
    numbers = _numbers(values)
    return _banded(numbers) if np.isfinite(numbers[known]).all() else _commonest(texts)


def _texts(values: Sequence[str]) -> Texts:
    return np.asarray([value.strip() or UNKNOWN for value in values], dtype=np.str_)


def _commonest(texts: Texts) -> Texts:
    names, counts = np.unique(texts[texts != UNKNOWN], return_counts=True)
    kept = names[np.argsort(-counts, kind="stable")[:MOST_GROUPS]]
    return np.where(np.isin(texts, kept) | (texts == UNKNOWN), texts, OTHER)


def _numbers(values: Sequence[str]) -> NDArray[np.float64]:
    """Values as numbers, NaN where one is none."""

    def number(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            return np.nan

    return np.asarray([number(value) for value in values])


def _banded(numbers: NDArray[np.float64]) -> Texts:
    known = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BANDS + 1)))
    band = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    names = np.asarray([f"{low:g} to {high:g}" for low, high in pairwise(edges)])
    return np.where(np.isfinite(numbers), names[band], UNKNOWN)
