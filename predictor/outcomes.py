"""What became of learners: 0/1 labels per course run and learner."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from predictor.events import read_time
from predictor.segments import write_whole
from predictor.tables import csv_rows, is_parquet, parquet, require

COURSE: Final = "course_id"
LEARNER: Final = "learner_id"
START: Final = "course_start"
KNOWN_AT: Final = "_at"
_UNKNOWN: Final = frozenset({"", "nan", "na", "none", "null", "<na>"})
_LABELS: Final = {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0, "false": 0.0, "true": 1.0}


@dataclass(frozen=True, eq=False)
class CourseOutcomes:
    """What became of the n learners of one course run."""

    course_id: str
    learners: list[str]
    """Sorted."""
    starts: npt.NDArray[np.float64]
    """float64[n], unix seconds at which the course run began for the learner, NaN where unknown."""
    labels: dict[str, npt.NDArray[np.float32]]
    """Target -> float32[n]: 0, 1, or NaN where unknown."""
    known_at: dict[str, npt.NDArray[np.float64]]
    """Target -> float64[n]: unix seconds at which the outcome was known, NaN where unknown."""

    @property
    def start(self) -> float | None:
        """When the course run began: the earliest start of a learner, None where unknown."""
        known = self.starts[np.isfinite(self.starts)]
        return float(known.min()) if len(known) else None

    def __len__(self) -> int:
        return len(self.learners)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Labels of many course runs."""

    by_course: dict[str, CourseOutcomes]
    targets: tuple[str, ...]
    """Columns that hold nothing but 0, 1 and unknown."""
    unusable: dict[str, str] = field(default_factory=dict)
    """Other columns, and why they are no target."""

    @property
    def courses(self) -> tuple[str, ...]:
        """Course runs with outcomes, sorted."""
        return tuple(sorted(self.by_course))

    def of(self, course_id: str) -> CourseOutcomes:
        """The outcomes of one course run; `KeyError` when there are none."""
        return self.by_course[course_id]

    def __len__(self) -> int:
        return sum(map(len, self.by_course.values()))

    def require(self, target: str) -> None:
        """`ValueError` that says why `target` cannot be predicted from this table."""
        if target in self.targets:
            return
        if target in self.unusable:
            raise ValueError(self.unusable[target])
        raise ValueError(f"no outcome is called {target!r}; there are: {', '.join(self.targets) or 'none'}")

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]], where: str = "outcomes") -> Self:
        """Outcomes from rows with the columns of an outcome table; values may be text, numbers, booleans,
        dates.

        A missing, empty or NaN label is unknown. `ValueError` names the row (1 is the first) for a missing
        course or learner, a pair given twice and an unreadable date. A column with other values than 0 and 1
        is no target; `require` tells its first such row.
        """
        held = list(rows)
        keys = _keys(held, where)
        names = list(dict.fromkeys(name for row in held for name in row))
        return cls(*_assembled(held, keys, names, where))

    def write(self, path: str | Path) -> None:
        """Write the outcome table as CSV, whole or not at all."""
        text = io.StringIO()
        known = [
            target for target in self.targets if any(target in c.known_at for c in self.by_course.values())
        ]
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([COURSE, LEARNER, START, *self.targets, *(target + KNOWN_AT for target in known)])
        for course_id in self.courses:
            writer.writerows(_written(self.by_course[course_id], self.targets, known))
        write_whole(Path(path), text.getvalue().encode())


def begins(
    course: CourseOutcomes | None, learners: Sequence[str], first: float | None
) -> npt.NDArray[np.float64]:
    """When a course run began for each of the learners, float64[n] of unix seconds.

    The one rule for training, studies and predictions: as the outcome table says of the learner; else as it
    says of anyone in the course run, the earliest counting; else with the run's `first` event. NaN where
    nothing is known.
    """
    start = course.start if course else None
    if start is None:
        start = math.nan if first is None else first
    found = np.full(len(learners), start)
    if course and len(course):
        names, known = np.asarray(learners, dtype=np.str_), np.asarray(course.learners, dtype=np.str_)
        place = np.minimum(np.searchsorted(known, names), len(known) - 1)
        told = (known[place] == names) & np.isfinite(course.starts[place])
        found[told] = course.starts[place[told]]
    return found


def read_outcomes(path: str | Path, targets: Sequence[str] = ()) -> Outcomes:
    """Read an outcome table: `course_id, learner_id`, optional `course_start`, a 0/1 column per target,
    optional `<target>_at`. CSV or Parquet; other columns are left alone.

    `ValueError` names missing columns, and the row of a pair given twice, an unreadable date, or a value
    other than 0 and 1 in one of the `targets` asked for.
    """
    name = str(path)
    if not Path(path).is_file():
        raise FileNotFoundError(f"{name} does not exist: give an outcome table (CSV or Parquet)")
    names, rows = _parquet_rows(name) if is_parquet(name) else _csv_rows(name)
    require(name, names, (COURSE, LEARNER, *targets))
    outcomes = Outcomes.from_rows(rows, name)
    for target in targets:
        outcomes.require(target)
    return outcomes


def _csv_rows(path: str) -> tuple[list[str], Iterator[dict[str, Any]]]:
    names, rows = csv_rows(path)
    return names, _named(path, names, rows)


def _named(path: str, names: Sequence[str], rows: Iterable[list[str] | None]) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(rows, start=1):
        if row is None or (row and len(row) != len(names)):
            raise ValueError(f"{path}, row {number}: {len(row or ())} values for {len(names)} columns")
        if row:
            yield dict(zip(names, row, strict=True))


def _parquet_rows(path: str) -> tuple[list[str], Iterator[dict[str, Any]]]:
    table = parquet().read_table(path)
    return list(table.column_names), iter(table.to_pylist())


def _keys(rows: Sequence[Mapping[str, Any]], where: str) -> list[tuple[str, str]]:
    keys: dict[tuple[str, str], int] = {}
    for number, row in enumerate(rows, start=1):
        key = _key(row.get(COURSE)), _key(row.get(LEARNER))
        if not all(key):
            raise ValueError(f"{where}, row {number}: {COURSE if not key[0] else LEARNER} is empty")
        if key in keys:
            raise ValueError(
                f"{where}, row {number}: course {key[0]}, learner {key[1]} is in row {keys[key]} already"
            )
        keys[key] = number
    return list(keys)


def _key(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _assembled(
    rows: Sequence[Mapping[str, Any]], keys: Sequence[tuple[str, str]], names: Sequence[str], where: str
) -> tuple[dict[str, CourseOutcomes], tuple[str, ...], dict[str, str]]:
    labels: dict[str, npt.NDArray[np.float32]] = {}
    unusable: dict[str, str] = {}
    for name in names:
        if name in (COURSE, LEARNER, START) or (
            name.endswith(KNOWN_AT) and name.removesuffix(KNOWN_AT) in names
        ):
            continue
        try:
            labels[name] = np.array([*_labels(rows, name, where)], dtype=np.float32)
        except ValueError as error:
            unusable[name] = str(error)
    known = {
        target: np.array([*_dates(rows, target + KNOWN_AT, where)], dtype=np.float64)
        for target in labels
        if target + KNOWN_AT in names
    }
    starts = np.array([*_dates(rows, START, where)], dtype=np.float64)
    by_course = {
        course_id: CourseOutcomes(
            course_id,
            [keys[place][1] for place in places],
            starts[places],
            {target: values[places] for target, values in labels.items()},
            {target: values[places] for target, values in known.items()},
        )
        for course_id, places in _places(keys).items()
    }
    return by_course, tuple(labels), unusable


def _places(keys: Sequence[tuple[str, str]]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place in sorted(range(len(keys)), key=keys.__getitem__):
        places.setdefault(keys[place][0], []).append(place)
    return places


def _labels(rows: Sequence[Mapping[str, Any]], name: str, where: str) -> Iterator[float]:
    for number, row in enumerate(rows, start=1):
        text = str(row.get(name, "") if row.get(name) is not None else "").strip().lower()
        if text in _UNKNOWN:
            yield math.nan
        elif text in _LABELS:
            yield _LABELS[text]
        else:
            raise ValueError(
                f"{where}, row {number}: {name} is {row[name]!r}, where only 0, 1 or nothing can stand"
            )


def _dates(rows: Sequence[Mapping[str, Any]], name: str, where: str) -> Iterator[float]:
    for number, row in enumerate(rows, start=1):
        value = row.get(name)
        if value is None or str(value).strip().lower() in _UNKNOWN | {"nat"}:
            yield math.nan
            continue
        seconds = read_time(str(value) if type(value) is date else value)
        if seconds is None:
            raise ValueError(f"{where}, row {number}: {name} is {value!r}, which is no date")
        yield seconds


def _written(course: CourseOutcomes, targets: Sequence[str], known: Sequence[str]) -> Iterator[list[str]]:
    for place, learner in enumerate(course.learners):
        yield [
            course.course_id,
            learner,
            _date(course.starts[place]),
            *(
                "" if math.isnan(value := course.labels[target][place]) else str(int(value))
                for target in targets
            ),
            *(_date(course.known_at[target][place]) for target in known),
        ]


def _date(seconds: float) -> str:
    return "" if math.isnan(seconds) else datetime.fromtimestamp(seconds, UTC).isoformat()
