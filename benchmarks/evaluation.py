"""Our model's AUC on courses it has not seen, beside every rival in the same study.

    python -m benchmarks.evaluation [--table docs/reference/study.md]
    python -m benchmarks.evaluation --courses 8 --folds 4 --models logistic,boosting,ours     # minutes

Needs an event table and an outcome table (`events.parquet`, `outcomes.csv`, target `dropped_out`) that are
not part of the project; says so and skips where they are absent. What was fitted is kept under `var/study`:
an interrupted run goes on, and a changed model costs only its own fits. `--table` writes the reference's page
from what was found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from predictor import roster
from predictor.cohort import Cohort, cohort
from predictor.evaluation import Findings, Study, study_by_folds
from predictor.figures import figures
from predictor.outcomes import read_outcomes
from predictor.report import told
from predictor.sequences import open_events
from predictor.study import print_rows

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "kdd2015"
KEPT = ROOT / "var" / "study"
TARGET = "dropped_out"
AT = ("7d", "14d", "21d", "30d")

Row = Mapping[str, Any]


def main(argv: list[str] | None = None) -> int:
    """Measure, print, and write the table where it is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.evaluation", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--courses", type=int, default=0, help="the smallest N courses; 0: all")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--models", default="all")
    parser.add_argument("--kept", type=Path, default=KEPT)
    parser.add_argument("--inflation", action="store_true", help="doubles the time")
    parser.add_argument("--table", type=Path, help="a page in Markdown")
    options = parser.parse_args(argv)
    if not (options.data / "events.parquet").is_file():
        print(f"skipped: {options.data} holds no events.parquet and outcomes.csv (give --data)")
        return 0
    models = roster.chosen(options.models)
    study = Study(TARGET, AT, models, folds=options.folds, inflation=options.inflation)
    findings = study_by_folds(study, learners(options.data, options.courses), options.kept, say)
    result = figures(study, findings)
    print(_people(study, findings))
    print_rows(result["rows"])
    for row in result["lead"]:
        print(f"{row['model']} − {row['over']:<14} {row['at']:>4}  {_lead(row)}")
    for verdict in result["verdicts"]:
        print(told(verdict))
    if options.table:
        options.table.write_text("\n".join(_page(study, findings, result)) + "\n")
    return 0


def learners(folder: Path, courses: int) -> Cohort:
    """Everyone in the smallest `courses` courses of the data in the folder; 0: in all."""
    source = open_events(folder / "events.parquet")
    whole = cohort(source, read_outcomes(folder / "outcomes.csv", [TARGET]), TARGET, "course")
    names, sizes = np.unique(whole.enrolments.courses, return_counts=True)
    chosen = names[np.argsort(sizes, kind="stable")][: courses or None]
    return whole.take(np.isin(whole.enrolments.courses, chosen))


def say(line: str) -> None:
    """Show how far it is."""
    print(line, file=sys.stderr, flush=True)


def _people(study: Study, findings: Findings) -> str:
    courses = len(np.unique(findings.cohort.enrolments.courses))
    return (
        f"{len(findings.cohort.labels):,} learners of {courses} courses, {study.folds} folds of whole courses"
    )


def _p(value: float | None) -> str:
    if value is None:
        return "p –"
    return "p < .001" if value < 0.001 else f"p {value:.3f}".replace("0.", ".", 1)


def _page(study: Study, findings: Findings, result: Mapping[str, Any]) -> Iterator[str]:
    """The reference's page on the study."""
    yield "# The study"
    yield ""
    yield (
        "Written by `python -m benchmarks.evaluation --table docs/reference/study.md`; do not edit. KDD Cup "
        f"2015 (XuetangX), target `{study.target}`: {_people(study, findings)}. Every model is tested on "
        "courses that it has not seen; the paper's own models (Le & Pardos 2018) learn from undersampled "
        "courses, as there. `python -m predictor evaluate` makes the same study of any courses."
    )
    for title, block in _tables(study, result):
        yield from ("", f"## {title}", "", *block)
    yield from ("", *(f"- {told(verdict)}" for verdict in result["verdicts"]))
    if result["inflation"]:
        yield from (
            "",
            "## What a course already seen would feign",
            "",
            *_inflation(study, result["inflation"]),
        )
    yield from ("", "## What it costs", "", *_cost(study, findings))


def _tables(study: Study, result: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    rows = {(row["model"], row["at"]): row for row in result["rows"]}
    lead = {(row["over"], row["at"]): row for row in result["lead"]}

    def table(cell: Any, models: Sequence[str]) -> list[str]:
        return list(
            _table(["", *study.at], [[name, *(cell(name, at) for at in study.at)] for name in models])
        )

    yield "AUC, all learners pooled", table(lambda name, at: _auc(rows[name, at], ""), study.models)
    folds = table(lambda name, at: _auc(rows[name, at], "_fold"), study.models)
    yield "AUC, all learners of a fold, mean of folds", [_within(study), "", *folds]
    yield "AUC, mean of courses", table(lambda name, at: _auc(rows[name, at], "_course"), study.models)
    yield "Expected calibration error", table(lambda name, at: f"{rows[name, at]['ece']:.3f}", study.models)
    if "ours" in study.models and lead:
        others = [name for name in study.models if name != "ours"]
        yield "The lead of ours, paired over courses", table(lambda name, at: _lead(lead[name, at]), others)


def _within(study: Study) -> str:
    return (
        f"Pooled, the scores of {study.folds} models are compared with each other: each is trained on other "
        "courses, and their levels differ. Here all scores of a fold are one model's, as where one model "
        "serves several new courses."
    )


def _auc(row: Row, kind: str) -> str:
    value = row[f"auc{kind}_mean" if kind else "auc"]
    if value is None:
        return "not defined"
    return f"{value:.3f} ({row[f'auc{kind}_low']:.3f} to {row[f'auc{kind}_high']:.3f})"


def _lead(row: Row) -> str:
    """The mean difference, and its p by flipping signs, corrected after Holm for the column's comparisons."""
    return "not defined" if row["difference"] is None else f"{row['difference']:+.3f}, {_p(row['p_holm'])}"


def _inflation(study: Study, inflation: Sequence[Row]) -> Iterator[str]:
    found = {(row["model"], row["at"]): row for row in inflation}
    yield from _table(
        ["", *study.at],
        [[name, *(f"{found[name, at]['inflation']:+.3f}" for at in study.at)] for name in study.models],
    )


def _cost(study: Study, findings: Findings) -> Iterator[str]:
    seconds = findings.answers.seconds
    yield from _table(
        ["", "seconds a fold, fitting and asking"],
        [[name, f"{seconds[name] / study.folds:,.0f}"] for name in study.models],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|---{'|---:' * (len(head) - 1)}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
