"""What each part of our model is worth on courses it has not seen.

    python -m benchmarks.ablation [--data DIR] [--courses N] [--folds N] [--lstm] [--stack] [--kept DIR]
    python -m benchmarks.ablation --inputs [--data DIR] [--courses N] [--folds N] [--kept DIR]

Trees are grown with and without the columns of mates and of the course as a whole, with and without softened
labels, one model for all moments or one per horizon; beside them boosting on plain counts, as in the study.
`--lstm` adds the LSTM alone and `--stack` all of ours, which trains four LSTMs a fold. `--inputs` is about
the LSTM alone instead: without gaps, the calendar and so on, with a network per horizon, and with the next
event as a lesson beside or before the outcome (`benchmarks.lstm_inputs`). Needs the event and
the outcome table of the evaluation benchmark; says so and skips where they are absent. By default the eight
smallest courses in four folds; `--courses 0 --folds 5` takes all.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import evaluation, lstm_inputs
from benchmarks.evaluation import AT, DATA, TARGET, say
from predictor import lessons
from predictor.calibration import sigmoid
from predictor.cohort import Cohort
from predictor.countfeatures import vocabulary
from predictor.description import Description
from predictor.evaluation import Study, study_by_folds
from predictor.folds import course_folds
from predictor.growing import Grower, StackConfig
from predictor.lessons import Everyone, Lessons
from predictor.mates import of_course, of_mates
from predictor.metrics import auc, ece
from predictor.moments import DAY, FloatArray, IntArray
from predictor.stacking import MOST_TOKENS
from predictor.trees import Trees

HORIZONS = tuple(float(text[:-1]) * DAY for text in AT)


@dataclass(frozen=True)
class Variant:
    """Which columns trees see, how soft their labels are, and whether each horizon has trees of its own."""

    title: str
    columns: Callable[[str], bool]
    softness: float
    apart: bool = False


def of_learner(name: str) -> bool:
    """A column of the learner's own stream."""
    return not of_mates(name) and not of_course(name)


SOFT = StackConfig().softness
VARIANTS = (
    Variant("trees on the learner's own signals", of_learner, 0.0),
    Variant("+ against mates", lambda name: not of_course(name), 0.0),
    Variant("+ the course as a whole", lambda name: True, 0.0),
    Variant("+ softened labels: the stack's trees", lambda name: True, SOFT),
    Variant("the same, but trees per horizon", lambda name: True, SOFT, apart=True),
)


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--courses", type=int, default=8, help="the smallest N courses; 0: all")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--lstm", action="store_true", help="the LSTM alone as well")
    parser.add_argument("--stack", action="store_true", help="the whole of ours as well")
    parser.add_argument("--inputs", action="store_true", help="the LSTM's inputs and lessons instead")
    parser.add_argument("--kept", type=Path, help="folder for what is fitted: an interrupted run goes on")
    options = parser.parse_args(argv)
    if not (options.data / "events.parquet").is_file():
        print(f"skipped: {options.data} holds no events.parquet and outcomes.csv (give --data)")
        return 0
    everyone = evaluation.learners(options.data, options.courses)
    courses, sizes = np.unique(everyone.enrolments.courses, return_counts=True)
    dealt = course_folds(courses.tolist(), sizes.tolist(), options.folds, 0)
    fold = np.array([dealt[course] for course in everyone.enrolments.courses.tolist()])
    print(f"{len(fold):,} learners of {len(courses)} courses, {options.folds} folds")
    print(f"{'':<38}{'AUC, all learners':^29}{'mean of courses':^29}{'ECE, mean of folds':^24}")
    with tempfile.TemporaryDirectory() as temporary:
        kept = options.kept or Path(temporary)
        if options.inputs:
            for title, chances in lstm_inputs.answers(everyone, fold, HORIZONS, TARGET, kept, say):
                _print(title, everyone, fold, chances)
            return 0
        models = ["boosting", *["lstm"] * options.lstm, *["ours"] * options.stack]
        study = Study(TARGET, AT, tuple(models), folds=options.folds)
        found = study_by_folds(study, everyone, kept, say)
    for name, chances in found.answers.probabilities.items():
        _print(name, everyone, fold, chances)
    for title, chances in _grown(everyone, fold):
        _print(title, everyone, fold, chances)
    return 0


def _grown(everyone: Cohort, fold: IntArray) -> Iterator[tuple[str, FloatArray]]:
    """Probabilities [n, horizons] of every variant, each fold's by trees of the other folds."""
    people = everyone.enrolments
    labels, known_at = everyone.labels[:, None] * 1.0, np.full((len(people), 1), np.inf)
    learners = Everyone(people, (TARGET,), labels, known_at)
    description = Description(vocabulary(everyone.source, people, MOST_TOKENS), "course")
    when = lessons.moments(everyone.source, learners, HORIZONS)
    say(f"describing {len(people):,} learners at {len(when)} moments")
    whole = lessons.learn(everyone.source, learners, description, when, 0.0, 0, len(people) * len(when))
    for variant in VARIANTS:
        began = time.monotonic()
        places = np.flatnonzero([variant.columns(name) for name in whole.names])
        chosen = replace(whole, table=whole.table[:, places])
        chances = np.zeros((len(people), len(HORIZONS)))
        for number in np.unique(fold).tolist():
            one = None if variant.apart else _trees(chosen, fold, number, variant, None)
            for place, horizon in enumerate(HORIZONS):
                trees = one or _trees(chosen, fold, number, variant, horizon)
                rows = np.flatnonzero((chosen.at == horizon) & (fold[chosen.who] == number))
                scores = np.mean([each.score(chosen.table[rows]) for each in trees], axis=0)
                chances[chosen.who[rows], place] = sigmoid(scores)
        say(f"{variant.title}: {time.monotonic() - began:.0f} s")
        yield variant.title, chances


def _trees(
    whole: Lessons, fold: IntArray, without: int, variant: Variant, horizon: float | None
) -> tuple[Trees, ...]:
    """Trees of all folds but one, for all moments or for a horizon alone."""
    config = StackConfig(softness=variant.softness)
    return Grower(whole, fold, config).grown(0, 1, without, horizon)


def _print(title: str, everyone: Cohort, fold: IntArray, chances: FloatArray) -> None:
    labels, courses = everyone.labels, everyone.enrolments.courses
    figures = []
    for place in range(len(HORIZONS)):
        told = chances[:, place]
        of_courses = [auc(labels[courses == one], told[courses == one]) for one in np.unique(courses)]
        of_folds = [ece(labels[fold == one], told[fold == one]) for one in np.unique(fold)]
        figures.append((auc(labels, told), float(np.nanmean(of_courses)), float(np.mean(of_folds))))
    blocks = [
        "  ".join(f"{value:.3f}".lstrip("0") for value in column) for column in zip(*figures, strict=True)
    ]
    print(f"{title:<38}{blocks[0]:^29}{blocks[1]:^29}{blocks[2]:^24}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
