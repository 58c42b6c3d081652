"""Our model's AUC on courses it has not seen, beside its rivals in the same study.

    python -m benchmarks.evaluation [--data DIR] [--courses N] [--folds N] [--models a,b,…] [--kept DIR]

Needs an event table and an outcome table (`events.parquet`, `outcomes.csv`, target `dropped_out`) that are
not part of the project; says so and skips where they are absent. By default eight courses in four folds,
which takes minutes; `--courses 0` takes all. `--kept` keeps what was fitted: an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from predictor import roster
from predictor.cohort import Cohort, cohort
from predictor.evaluation import Study, study_by_folds
from predictor.figures import figures
from predictor.outcomes import read_outcomes
from predictor.sequences import open_events
from predictor.study import print_rows

DATA = Path(__file__).parents[2] / "shared" / "data" / "kdd2015"
TARGET = "dropped_out"
AT = ("7d", "14d", "21d", "30d")


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.evaluation", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--courses", type=int, default=8, help="the smallest N courses; 0: all")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--models", default="logistic,boosting,ours")
    parser.add_argument("--kept", type=Path)
    options = parser.parse_args(argv)
    if not (options.data / "events.parquet").is_file():
        print(f"skipped: {options.data} holds no events.parquet and outcomes.csv (give --data)")
        return 0
    study = Study(TARGET, AT, roster.chosen(options.models), folds=options.folds)
    everyone = _cohort(options.data, options.courses)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.kept or Path(temporary)
        result = figures(study, study_by_folds(study, everyone, folder, _progress))
    print(f"{len(everyone.labels):,} learners of {len(everyone.source.courses)} courses, {study.folds} folds")
    print_rows(result["rows"])
    _print_margins(result)
    return 0


def _cohort(folder: Path, courses: int) -> Cohort:
    source = open_events(folder / "events.parquet")
    whole = cohort(source, read_outcomes(folder / "outcomes.csv", [TARGET]), TARGET, "course")
    names, sizes = np.unique(whole.enrolments.courses, return_counts=True)
    chosen = names[np.argsort(sizes, kind="stable")][: courses or None]
    return whole.take(np.isin(whole.enrolments.courses, chosen))


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print_margins(result: dict[str, Any]) -> None:
    """What ours has over each rival, course by course."""
    for row in result["significance"]:
        if "ours" in (row["first"], row["second"]):
            sign = 1 if row["first"] == "ours" else -1
            rival = row["second"] if sign > 0 else row["first"]
            print(f"ours − {rival:<14} {row['at']:>4}  {sign * row['difference']:+.3f}  p {row['p']:.4f}")


if __name__ == "__main__":
    sys.exit(main())
