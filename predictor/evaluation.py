"""The paper's study on anyone's data: every model, every horizon, courses it has never seen.

Protocol (Le & Pardos): whole courses are folded; training courses are undersampled for the paper's own
models; test courses are predicted in full, learners without a single event included. Predictions are kept per
(model, fold), so that an interrupted study goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import roster
from .cohort import Cohort, duration
from .fitting import Trial
from .folds import course_folds
from .moments import DAY, FloatArray, IntArray
from .results import Result, Results

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Study:
    """What is to be compared.

    Args:
        target: outcome column.
        at: horizons as given, e.g. ("7d", "14d").
        models: names known to `roster`.
        clock: "course" (since the course began) or "learner" (since the learner's first event).
        folds: number of course folds; not used with test courses of their own.
        ratio: at most so many learners of the commoner class per one of the rarer, in the training courses of
            the paper's models; 0 keeps everyone.
        seed: of folds and models.
        inflation: also fold by learner, so that every course is in training too; doubles the work.
    """

    target: str
    at: tuple[str, ...]
    models: tuple[str, ...]
    clock: str = "course"
    folds: int = 5
    ratio: float = 2.0
    seed: int = 0
    inflation: bool = False

    @property
    def horizons(self) -> tuple[float, ...]:
        """Seconds, in the order given."""
        return tuple(duration(text) for text in self.at)


@dataclass(frozen=True)
class Answers:
    """What the models said: probabilities [n, horizons] and seconds of fitting and asking, by model."""

    probabilities: dict[str, FloatArray]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Findings:
    """Answers for the rows of `cohort`, n enrolments.

    `folds` [n] is the fold that tested a row; `shared` holds the answers from folds by learner, where the
    same course was in training (None unless asked for).
    """

    cohort: Cohort
    folds: IntArray
    answers: Answers
    shared: Answers | None = None


@dataclass(frozen=True)
class _Fold:
    """One split: rows of the test cohort, and who trains."""

    number: int
    train: Cohort
    test: Cohort
    rows: IntArray


def study_by_folds(study: Study, everyone: Cohort, folder: Path, progress: Progress) -> Findings:
    """Each course is tested by models that have seen only the courses of the other folds."""
    names, courses, sizes = np.unique(everyone.enrolments.courses, return_inverse=True, return_counts=True)
    if len(names) == 1:
        raise ValueError(
            f"there is one course only ({names[0]}), and a study holds whole courses back: give more, "
            "or courses to test on with --test-events and --test-outcomes"
        )
    dealt = course_folds(names.tolist(), sizes.tolist(), study.folds, study.seed)
    fold = np.array([dealt[name] for name in names.tolist()])[courses]
    _check(study, everyone)
    answers = _run(study, everyone, list(_splits(everyone, fold)), folder, progress)
    if not study.inflation:
        return Findings(everyone, fold, answers)
    mixed = list(_splits(everyone, learner_folds(everyone, study.folds, study.seed)))
    shared = _run(study, everyone, mixed, folder, _prefixed(progress, "courses seen in training"))
    return Findings(everyone, fold, answers, shared)


def learner_folds(everyone: Cohort, folds: int, seed: int) -> IntArray:
    """A fold per enrolment [n], dealt by learner: whoever takes two courses is in one fold with both."""
    _, learners = np.unique(everyone.enrolments.learners, return_inverse=True)
    dealt: IntArray = np.random.default_rng(seed).permutation(int(learners.max()) + 1) % folds
    return dealt[learners]


def _splits(everyone: Cohort, fold: IntArray) -> Iterator[_Fold]:
    for number in range(int(fold.max()) + 1):
        rows = np.flatnonzero(fold == number)
        yield _Fold(number, everyone.take(fold != number), everyone.take(rows), rows)


def study_of_test(study: Study, train: Cohort, test: Cohort, folder: Path, progress: Progress) -> Findings:
    """Models fitted on one set of courses, tested on another."""
    rows = np.arange(len(test.labels))
    _check(study, test)
    answers = _run(study, test, [_Fold(0, train, test, rows)], folder, progress)
    return Findings(test, np.zeros(len(rows), dtype=np.int64), answers)


def _check(study: Study, tested: Cohort) -> None:
    """Fail before hours of work where a horizon has nobody to be scored, or nobody to be told apart."""
    found = np.unique(tested.labels)
    if len(found) < 2:
        raise ValueError(
            f"everyone to be tested has {study.target} = {int(found[0])}; a model can only be judged on both "
            "outcomes: give other courses or another --target"
        )
    for text, at in zip(study.at, study.horizons, strict=True):
        if not tested.running_at(at).any():
            longest = float(np.max(tested.closes - tested.enrolments.starts)) / DAY
            raise ValueError(
                f"--at {text} is beyond the data: no course has an event later than {longest:.1f} days after "
                "its start; ask for earlier moments"
            )
        if not tested.scored_at(at).any():
            raise ValueError(
                f"--at {text}: by then the {study.target} of everyone is known; ask for earlier moments"
            )


def _run(study: Study, everyone: Cohort, folds: list[_Fold], folder: Path, progress: Progress) -> Answers:
    for fold in folds:
        _check_training(study, fold)
    results = Results(folder)
    answers = {name: np.full((len(everyone.labels), len(study.at)), np.nan) for name in study.models}
    seconds = dict.fromkeys(study.models, 0.0)
    total, done = len(folds) * len(study.models), 0
    for fold in folds:
        for name in study.models:
            done += 1
            say = _prefixed(progress, f"[{done}/{total}] {name}, fold {fold.number + 1} of {len(folds)}")
            result = _result(study, name, fold, results, say)
            answers[name][fold.rows] = result.probabilities
            seconds[name] += result.seconds
    return Answers(answers, seconds)


def _check_training(study: Study, fold: _Fold) -> None:
    found = np.unique(fold.train.labels)
    if len(found) < 2:
        raise ValueError(
            f"every learner who trains fold {fold.number + 1} has {study.target} = {int(found[0])}; "
            "give more courses or fewer folds"
        )


def _prefixed(progress: Progress, prefix: str) -> Progress:
    return lambda line: progress(f"{prefix}: {line}")


def _result(study: Study, name: str, fold: _Fold, results: Results, progress: Progress) -> Result:
    """From an earlier run, if one finished with the same program, data and settings."""
    trial = Trial(
        name, fold.train, fold.test, study.horizons, study.target, study.clock, study.ratio, study.seed
    )
    model = roster.make(name, study.ratio)
    place = results.name(trial, model)
    known = results.get(place, (len(fold.rows), len(study.at)))
    if known is not None:
        progress(f"taken from an earlier run ({known.seconds:.0f} s then)")
        return known
    started = time.monotonic()
    predicted = trial.predictions(model, results.workplace(place), progress)
    result = Result(predicted, time.monotonic() - started)
    results.put(place, result)
    progress(f"done in {result.seconds:.1f} s")
    return result
