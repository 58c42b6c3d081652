"""Course-level folds and undersampling: which courses train, which are tested, and on whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ATTEMPTS = 64


def course_folds(courses: Sequence[str], sizes: Sequence[int], folds: int, seed: int = 0) -> dict[str, int]:
    """Course -> fold, courses whole, folds about equal in courses and in enrolments.

    Of 64 seeded deals the best balanced is taken: courses are dealt by size, largest first, each round of
    `folds` courses in a random order.

    Raises:
        ValueError: fewer courses than folds, or fewer than two folds.
    """
    if folds < 2:
        raise ValueError(f"--folds must be at least 2, not {folds}")
    if len(courses) < folds:
        raise ValueError(f"{folds} folds need as many courses, there are {len(courses)}; lower --folds")
    rng = np.random.default_rng(seed)
    size = np.asarray(sizes)
    order = np.lexsort((np.asarray(courses), -size))
    best: NDArray[np.int64] | None = None
    best_spread = np.inf
    for _ in range(ATTEMPTS):
        fold = np.empty(len(courses), dtype=np.int64)
        for start in range(0, len(order), folds):
            block = order[start : start + folds]
            fold[block] = rng.permutation(folds)[: len(block)]
        spread = float(np.ptp(np.bincount(fold, size, minlength=folds)))
        if spread < best_spread:
            best, best_spread = fold, spread
    assert best is not None
    return {course: int(fold) for course, fold in zip(courses, best, strict=True)}


def undersample(
    labels: NDArray[np.int64], courses: NDArray[np.generic], ratio: float, seed: int = 0
) -> NDArray[np.int64]:
    """Indices to train on: in every course the commoner class is cut to at most `ratio` times the rarer.

    The paper keeps "only twice as many" of one class as of the other in its training courses. A course
    with one class only keeps `ratio` rows of it. A ratio of 0 keeps everyone. Sorted, without repeats.
    """
    if ratio <= 0:
        return np.arange(len(labels))
    rng = np.random.default_rng(seed)
    kept: list[NDArray[np.int64]] = []
    for course in np.unique(courses):
        rows = np.flatnonzero(courses == course)
        ones, zeros = rows[labels[rows] == 1], rows[labels[rows] == 0]
        most = max(1, int(ratio * max(1, min(len(ones), len(zeros)))))
        for side in (ones, zeros):
            kept.append(side if len(side) <= most else rng.choice(side, most, replace=False))
    return np.sort(np.concatenate(kept)) if kept else np.arange(0)


def prior_shift(all_labels: NDArray[np.int64], kept_labels: NDArray[np.int64]) -> float:
    """Log-odds to add to a model trained on undersampled rows so that it speaks of all rows again.

    If a share r1 of ones and r0 of zeros was kept, odds were multiplied by r1 / r0 (Dal Pozzolo et al.
    2015); the ranking, hence AUC, is not touched. 0 where a class is missing.
    """
    ones, zeros = int(all_labels.sum()), int((1 - all_labels).sum())
    kept_ones, kept_zeros = int(kept_labels.sum()), int((1 - kept_labels).sum())
    if min(ones, zeros, kept_ones, kept_zeros) == 0:
        return 0.0
    return float(np.log((kept_zeros / zeros) / (kept_ones / ones)))


def shift_odds(probabilities: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
    """Add `shift` to the log-odds of probabilities in [0, 1]; 0 and 1 stay what they are."""
    weight = np.exp(shift)
    shifted: NDArray[np.float64] = probabilities * weight / (probabilities * weight + (1 - probabilities))
    return shifted
