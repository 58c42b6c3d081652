"""`python -m predictor evaluate`: a study of the models, from two tables to figures and a page."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from . import evaluation, figures, report, roster
from . import slices as by_slice
from .cohort import Cohort, cohort, duration
from .commands import limit_threads, say, writable
from .evaluation import Findings, Study
from .groups import read_groups
from .outcomes import read_outcomes
from .segments import write_whole
from .sequences import open_events
from .store import code_version


def evaluate(options: Namespace) -> int:
    """The study: OUT, a page beside it, and the figures on stdout.

    OUT depends on the program, its options and the data alone: a study that was killed and run again writes
    the same bytes. When it was written and how long it took stands in the page.
    """
    study = _study(options)
    out = writable(options.json)
    limit_threads(options.threads)
    roster.require(study.models)
    everyone = _cohort(options.events, options.outcomes, study)
    test = _test_cohort(options, study, everyone) if options.test_events else None
    table = options.test_outcomes or options.outcomes
    groups = read_groups(options.slices, table, test or everyone) if options.slices else {}
    findings = _find(study, everyone, test, out.with_name(out.name + ".work"))
    say("computing figures and intervals")
    result = figures.figures(study, findings)
    if groups:
        say(f"computing slices by {', '.join(groups)}")
    result["slices"] = list(by_slice.slices(study, findings, groups)) if groups else []
    result["config"] = _config(options, study, findings)
    write_whole(out, json.dumps(result, indent=1, allow_nan=False).encode())
    page = out.with_suffix(".html") if out.suffix == ".json" else out.with_name(out.name + ".html")
    write_whole(page, report.page(result, _cost(findings)).encode())
    print_rows(result["rows"])
    for verdict in result["verdicts"]:
        print(report.told(verdict))
    say(f"figures in {out}, the report in {page}")
    return 0


def _find(study: Study, everyone: Cohort, test: Cohort | None, folder: Path) -> Findings:
    if test:
        return evaluation.study_of_test(study, everyone, test, folder, say)
    if study.inflation:
        fits = study.folds * len(study.models)
        say(f"--inflation: {2 * fits} fits instead of {fits}, about twice the time")
    return evaluation.study_by_folds(study, everyone, folder, say)


def _study(options: Namespace) -> Study:
    at = tuple(dict.fromkeys(text.strip() for text in options.at.split(",") if text.strip()))
    if not at:
        raise ValueError("--at names no moment; write for example 7d,14d,21d,30d")
    for text in at:
        duration(text)
    if bool(options.test_events) != bool(options.test_outcomes):
        raise ValueError("--test-events and --test-outcomes belong together; give both or neither")
    if options.test_events and (options.folds or options.inflation):
        raise ValueError("--folds and --inflation make no sense with --test-events; leave them out")
    if options.undersample < 0:
        raise ValueError("--undersample must be 0 or above")
    folds = 5 if options.folds is None else options.folds
    if folds < 2:
        raise ValueError(f"--folds must be at least 2, not {folds}")
    return Study(
        target=options.target,
        at=at,
        models=roster.chosen(options.models),
        clock=options.clock,
        folds=folds,
        ratio=options.undersample,
        seed=options.seed,
        inflation=options.inflation,
    )


def _test_cohort(options: Namespace, study: Study, everyone: Cohort) -> Cohort:
    test = _cohort(options.test_events, options.test_outcomes, study)
    both = sorted(set(everyone.enrolments.courses.tolist()) & set(test.enrolments.courses.tolist()))
    if both:
        say(f"{len(both)} test courses are in training too ({both[0]}…): their figures will flatter")
    return test


def _cohort(events: str, outcomes: str, study: Study) -> Cohort:
    found = cohort(open_events(events), read_outcomes(outcomes, [study.target]), study.target, study.clock)
    courses = np.unique(found.enrolments.courses).tolist()
    share = f"{found.labels.mean():.1%} with {study.target}"
    say(f"{len(found.labels):,} learners of {len(courses)} courses, {share}")
    if found.left_out:
        say(f"{found.left_out:,} learners with unknown {study.target} left out")
    silent = [course for course in courses if course not in found.source.courses]
    if silent:
        say(f"{len(silent)} courses have no event at all ({silent[0]}…)")
    return found


def _config(options: Namespace, study: Study, findings: Findings) -> dict[str, Any]:
    settings = asdict(study)
    if options.test_events:
        del settings["folds"]
    return {
        **settings,
        "undersampled": [name for name in study.models if name in roster.PAPERS],
        "learners": len(findings.cohort.labels),
        "courses": len(np.unique(findings.cohort.enrolments.courses)),
        "share_of_ones": float(findings.cohort.labels.mean()),
        "data": findings.cohort.digest[:16],
        "version": code_version(),
    }


def _cost(findings: Findings) -> report.Cost:
    shared = findings.shared.seconds if findings.shared else {}
    return report.Cost(datetime.now(UTC).isoformat(timespec="minutes"), findings.answers.seconds, shared)


def print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """A table of AUC, interval, mean of folds and of courses, calibration error and learners."""

    def text(value: float | None) -> str:
        return "     -" if value is None else f"{value:6.3f}"

    means = f"{'folds':>7} {'courses':>7}"
    print(f"{'model':<14}{'at':>6}  {'AUC':>6} {'(from':>7} {'to)':>6}  {means}  {'ECE':>6}  {'n':>8}")
    for row in rows:
        ends = f"{text(row['auc_low']):>7} {text(row['auc_high'])}"
        means = f"{text(row['auc_fold_mean']):>7} {text(row['auc_course_mean']):>7}"
        rest = f"{means}  {text(row['ece'])}  {row['n']:>8,}"
        print(f"{row['model']:<14}{row['at']:>6}  {text(row['auc'])} {ends}  {rest}")
