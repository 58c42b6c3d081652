"""The paper's study on anyone's data: every model, every horizon, courses it has never seen.

Protocol (Le & Pardos): whole courses are folded; training courses are undersampled for the paper's own
models; test courses are predicted in full, learners without a single event included. Predictions are kept per
(model, fold), so that an interrupted study goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import roster
from .cohort import Cohort, duration
from .folds import course_folds
from .moments import FloatArray, IntArray, TrainingData
from .store import code_version

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
        inflation: also fold by learner, so that every course is in training too.
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
class Findings:
    """Probabilities [n, horizons] by model over the rows of `cohort`.

    `folds` [n] is the fold that tested a row; `shared` holds the probabilities from folds by learner, where
    the same course was in training (empty unless asked for).
    """

    cohort: Cohort
    folds: IntArray
    probabilities: dict[str, FloatArray]
    shared: dict[str, FloatArray]


@dataclass(frozen=True)
class _Fold:
    """One split: rows of the test cohort, and who trains."""

    number: int
    train: Cohort
    test: Cohort
    rows: IntArray


def study_by_folds(study: Study, everyone: Cohort, folder: Path, progress: Progress) -> Findings:
    """Each course is tested by models that have seen only the courses of the other folds."""
    courses, sizes = np.unique(everyone.enrolments.courses, return_counts=True)
    dealt = course_folds(courses.tolist(), sizes.tolist(), study.folds, study.seed)
    fold = np.array([dealt[str(course)] for course in everyone.enrolments.courses])
    probabilities = _run(study, everyone, list(_splits(everyone, fold)), folder, progress)
    shared: dict[str, FloatArray] = {}
    if study.inflation:
        mixed = np.random.default_rng(study.seed).permutation(len(everyone.labels)) % study.folds
        shared = _run(study, everyone, list(_splits(everyone, mixed)), folder, progress)
    return Findings(everyone, fold, probabilities, shared)


def _splits(everyone: Cohort, fold: IntArray) -> Iterator[_Fold]:
    for number in range(int(fold.max()) + 1):
        rows = np.flatnonzero(fold == number)
        yield _Fold(number, everyone.take(fold != number), everyone.take(rows), rows)


def study_of_test(study: Study, train: Cohort, test: Cohort, folder: Path, progress: Progress) -> Findings:
    """Models fitted on one set of courses, tested on another."""
    rows = np.arange(len(test.labels))
    probabilities = _run(study, test, [_Fold(0, train, test, rows)], folder, progress)
    return Findings(test, np.zeros(len(rows), dtype=np.int64), probabilities, {})


def _run(
    study: Study, everyone: Cohort, folds: list[_Fold], folder: Path, progress: Progress
) -> dict[str, FloatArray]:
    folder.mkdir(parents=True, exist_ok=True)
    results = {name: np.full((len(everyone.labels), len(study.at)), np.nan) for name in study.models}
    total, done = len(folds) * len(study.models), 0
    for fold in folds:
        _check_classes(study, fold)
        for name in study.models:
            done += 1
            say = _prefixed(progress, f"[{done}/{total}] {name}, fold {fold.number + 1} of {len(folds)}")
            results[name][fold.rows] = _predictions(study, name, fold, folder, say)
    return results


def _check_classes(study: Study, fold: _Fold) -> None:
    found = np.unique(fold.train.labels)
    if len(found) < 2:
        raise ValueError(
            f"every learner who trains fold {fold.number + 1} has {study.target} = {int(found[0])}; "
            "give more courses or fewer folds"
        )


def _prefixed(progress: Progress, prefix: str) -> Progress:
    return lambda line: progress(f"{prefix}: {line}")


def _predictions(study: Study, name: str, fold: _Fold, folder: Path, progress: Progress) -> FloatArray:
    """Probabilities [rows, horizons], from an earlier run if one finished on the same data and settings."""
    kept = folder / f"{name}-{_digest(study, name, fold)}.npy"
    known = _read(kept)
    if known is not None and known.shape == (len(fold.rows), len(study.at)):
        progress("taken from an earlier run")
        return known
    started = time.monotonic()
    predicted = _fit_and_predict(study, name, fold, folder / f"{kept.stem}.fit", progress)
    _write(kept, predicted)
    progress(f"done in {time.monotonic() - started:.1f} s")
    return predicted


def _fit_and_predict(study: Study, name: str, fold: _Fold, folder: Path, progress: Progress) -> FloatArray:
    horizons = study.horizons
    train, test = fold.train, fold.test
    model = roster.make(name, study.ratio)
    model.fit(
        TrainingData(
            source=train.source,
            enrolments=train.enrolments,
            labels=train.labels,
            known_at=train.known_at,
            horizons=tuple(sorted(horizons)),
            target=study.target,
            clock=study.clock,
            seed=study.seed,
            folder=folder,
            progress=progress,
        )
    )
    columns = [model.predict(test.source, test.enrolments, at) for at in horizons]
    predicted: FloatArray = np.stack(columns, axis=1)
    if not np.isfinite(predicted).all():
        raise FloatingPointError(f"{name} predicted something that is not a number")
    return predicted


def _digest(study: Study, name: str, fold: _Fold) -> str:
    """Names a result by everything that it depends on, the program's version included."""
    settings = {**asdict(study), "models": name, "inflation": None, "fold": fold.number}
    digest = hashlib.sha256(json.dumps([settings, code_version()]).encode())
    for cohort in (fold.train, fold.test):
        for array in _content(cohort):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:20]


def _content(cohort: Cohort) -> Iterator[NDArray[Any]]:
    enrolments = cohort.enrolments
    yield from (enrolments.courses, enrolments.learners, enrolments.starts, cohort.labels, cohort.known_at)
    for course_id in cohort.source.courses:
        sequences = cohort.source.sequences(course_id)
        yield np.asarray(sequences.names, dtype=np.str_)
        yield np.asarray(sequences.learners, dtype=np.str_)
        yield from (sequences.offsets, sequences.times, sequences.tokens, sequences.items)


def _read(path: Path) -> FloatArray | None:
    """An earlier result, None where there is none or it was cut short."""
    try:
        found: FloatArray = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found


def _write(path: Path, predicted: FloatArray) -> None:
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    with unfinished.open("wb") as file:
        np.save(file, predicted)
    unfinished.replace(path)
