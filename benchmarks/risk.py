"""Who is at risk, and why: are planted causes named, do contributions add up, how long does a refresh take?

    python -m benchmarks.risk [--families N] [--learners N] [--refreshed N]
    python -m benchmarks.risk --draw docs/reference/risk.svg [--data DIR]

In a simulated programme (`risk_world`) the model is trained on finished runs and asked about the newest run
of every course, at several days. Counted are flagged learners with a planted cause: whose first reason is
that cause? The rival in the same run names the group of the number farthest from typical, as a rule would.
How well the model foresees on real courses is `python -m benchmarks.evaluation --models risk,lstm`. `--draw`
fits the model to the same data as there, and draws its coefficients over the course.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import evaluation
from benchmarks.risk_world import World, world
from predictor.cohort import Cohort, cohort
from predictor.factors import ABSENCE
from predictor.facts import Facts
from predictor.moments import DAY, TrainingData
from predictor.risk import Assessment, RiskModel
from predictor.riskplots import drawing
from predictor.risktraining import train
from predictor.standing import Known

TARGET = "completed"
FLAGGED = 0.5
DAYS = (14.0, 21.0, 28.0, 35.0)
COLUMNS = (
    "assignments.missed", "assignments.late", "assignments.days_late", "assignments.handed_in",
    "assignments.days_to_next_due", "grades.grade", "grades.short_of_passing", "pace.completed",
    "help.unanswered", "enrolment.months_in_programme", "enrolment.courses_now",
    *(f"pace.module_{number}" for number in range(16)),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """Flagged learners at a day, and how many of them are without a planted cause.

    Of the others, `share` is how often the first reason is the cause, for the model and for the `rival`;
    `misses` counts the rest by (causes, first reason).
    """

    flagged: int
    without_cause: int
    share: float
    rival: float
    misses: Counter[tuple[tuple[str, ...], str]]


def main(argv: list[str] | None = None) -> int:
    """Measure and print, or draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.risk", description=__doc__.split("\n")[0])
    parser.add_argument("--families", type=int, default=8, help="courses of three runs each (8)")
    parser.add_argument("--learners", type=int, default=150, help="of a run (150)")
    parser.add_argument("--refreshed", type=int, default=5000, help="learners of the course refreshed (5000)")
    parser.add_argument("--data", type=Path, default=evaluation.DATA, help="of --draw")
    parser.add_argument("--draw", type=Path, help="draw coefficients over the course into this SVG")
    options = parser.parse_args(argv)
    if options.draw:
        return _draw(options.data, options.draw)
    programme = world(families=options.families, runs=3, learners=options.learners, seed=1)
    began = time.monotonic()
    model = trained(programme)
    print(f"trained in {time.monotonic() - began:.0f} s")
    for day in DAYS:
        found = causes_found(model, programme, day)
        print(
            f"day {day:.0f}: {found.flagged} flagged; planted cause first {found.share:.1%}, "
            f"farthest from typical {found.rival:.1%}; without a cause {found.without_cause}; "
            f"misses {found.misses.most_common(3)}"
        )
    print(f"contributions and log-odds differ by at most {_error(model, programme):.1e}")
    _refresh(programme, options.refreshed)
    return 0


def trained(programme: World, known: Known | None = None) -> RiskModel:
    """A model of all but the newest run of every course."""
    everyone = cohort(programme.source, programme.outcomes, TARGET, "course")
    newest = max(course[-1] for course in programme.outcomes.courses)
    older = np.array([course[-1] != newest for course in everyone.enrolments.courses.tolist()])
    return train(_training(everyone.take(older)), known)


def _training(everyone: Cohort, target: str = TARGET) -> TrainingData:
    return TrainingData(
        source=everyone.source,
        enrolments=everyone.enrolments,
        labels=everyone.labels,
        known_at=everyone.known_at,
        horizons=(),
        target=target,
        clock="course",
        seed=0,
        folder=Path(tempfile.gettempdir()),
        progress=lambda line: None,
    )


def _newest(model: RiskModel, programme: World, day: float) -> list[tuple[str, Assessment]]:
    newest = max(course[-1] for course in programme.outcomes.courses)
    found = []
    for course in programme.outcomes.courses:
        if course[-1] == newest:
            people = programme.enrolments(course)
            ages = np.full(len(people), day * DAY)
            found.append((course, model.assess(programme.source.sequences(course), people, ages)))
    return found


def causes_found(model: RiskModel, programme: World, day: float) -> Found:
    """Reasons against causes in the newest runs; for who never came, absence is a cause too."""
    first, rival, without, misses = [], [], 0, Counter[tuple[tuple[str, ...], str]]()
    for course, assessed in _newest(model, programme, day):
        farthest = _farthest(assessed)
        for row, case in enumerate(assessed.cases()):
            if case.chance < FLAGGED:
                continue
            causes = (*programme.causes[course, case.learner], *([ABSENCE] if case.partial else []))
            if not causes:
                without += 1
                continue
            named = case.reasons[0].group if case.reasons else "nothing"
            first.append(named in causes)
            rival.append(farthest[row] in causes)
            if named not in causes:
                misses[causes, named] += 1
    share, other = (float(np.mean(hits)) if hits else np.nan for hits in (first, rival))
    return Found(len(first) + without, without, share, other, misses)


def _farthest(assessed: Assessment) -> list[str]:
    """The group of the number farthest on its worse side of typical, or either side where it has none."""
    factors = assessed.model.factors
    signs = np.array([factor.direction for factor in factors])
    worse = np.where(signs == 0, np.abs(assessed.distances), assessed.distances * signs)
    return [factors[place].group for place in worse.argmax(axis=1).tolist()]


def _error(model: RiskModel, programme: World) -> float:
    """The largest difference of baseline and contributions from the log-odds over all days and learners."""
    return max(
        float(np.abs(one.baseline + sum(one.of_groups().values()) - one.logits).max())
        for day in DAYS
        for _, one in _newest(model, programme, day)
    )


def _refresh(programme: World, learners: int) -> None:
    """A course of so many learners, all numbers and reasons of one night."""
    known = Known(_facts(programme))
    model = trained(programme, known)
    large = world(families=1, runs=1, learners=learners, seed=2)
    course = large.outcomes.courses[0]
    sequences, people = large.source.sequences(course), large.enrolments(course)
    facts = Known(_facts(large))
    began, computed = time.monotonic(), time.process_time()
    cases = list(model.assess(sequences, people, np.full(len(people), 28 * DAY), facts).cases())
    took, busy = time.monotonic() - began, time.process_time() - computed
    reasons = sum(len(case.reasons) for case in cases)
    print(
        f"{len(cases):,} learners, {len(model.factors)} factors, {len(sequences.times):,} events, "
        f"{reasons:,} reasons refreshed in {took:.1f} s ({busy:.1f} s of computing)"
    )


def _facts(programme: World) -> Facts:
    """A feature table of everyone: numbers at random, some of them unknown."""
    rng = np.random.default_rng(4)
    people = [
        (course, name)
        for course in programme.outcomes.courses
        for name in programme.outcomes.of(course).learners
    ]
    numbers = rng.gamma(1.0, 1.0, (len(people), len(COLUMNS)))
    numbers[rng.random(numbers.shape) < 0.05] = np.nan
    return Facts.of(
        {"course_id": course, "learner_id": name} | dict(zip(COLUMNS, row, strict=True))
        for (course, name), row in zip(people, numbers.tolist(), strict=True)
    )


def _draw(data: Path, out: Path) -> int:
    if not (data / "events.parquet").is_file():
        print(f"skipped: {data} holds no events.parquet and outcomes.csv (give --data)")
        return 0
    model = train(_training(evaluation.learners(data, 0), evaluation.TARGET))
    out.write_text(drawing(model))
    print(f"drawn into {out}: {len(model.factors)} factors, {model.metrics[model.target]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
