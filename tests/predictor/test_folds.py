"""Courses stay whole, folds are balanced and seeded, undersampling keeps the ratio and the odds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor import folds


def test_every_course_lands_in_one_fold_and_folds_are_balanced() -> None:
    sizes = [645, 898, 973, 1038, 1185, 1187, 1187, 1235, 1240, 1402, 1430, 1476, 1481, 1878, 1933, 2004]
    courses = [f"course-{i}" for i in range(len(sizes))]
    dealt = folds.course_folds(courses, sizes, 5, seed=1)
    assert set(dealt) == set(courses)
    totals = np.bincount([dealt[course] for course in courses], sizes, minlength=5)
    assert np.ptp(totals) < 0.15 * np.mean(totals) + max(sizes) / 2
    counts = np.bincount(list(dealt.values()), minlength=5)
    assert np.ptp(counts) <= 1


def test_the_deal_depends_on_the_seed_alone() -> None:
    courses, sizes = list("abcdefgh"), [5, 5, 5, 5, 5, 5, 5, 5]
    assert folds.course_folds(courses, sizes, 4, seed=2) == folds.course_folds(courses, sizes, 4, seed=2)
    backwards = folds.course_folds(courses[::-1], sizes, 4, seed=2)
    assert backwards == folds.course_folds(courses, sizes, 4, seed=2)
    assert any(
        folds.course_folds(courses, sizes, 4, seed=s) != folds.course_folds(courses, sizes, 4, seed=2)
        for s in range(3, 8)
    )


@pytest.mark.parametrize(("count", "wanted"), [(3, 5), (5, 1)])
def test_folds_that_cannot_be_dealt_say_what_to_do(count: int, wanted: int) -> None:
    with pytest.raises(ValueError, match="--folds"):
        folds.course_folds([str(i) for i in range(count)], [1] * count, wanted)


def test_undersampling_cuts_the_commoner_class_in_each_course() -> None:
    labels = np.array([1] * 80 + [0] * 20 + [1] * 10 + [0] * 90)
    courses = np.array(["a"] * 100 + ["b"] * 100)
    kept = folds.undersample(labels, courses, 2.0, seed=0)
    for course, ones, zeros in (("a", 40, 20), ("b", 10, 20)):
        inside = labels[kept][courses[kept] == course]
        assert (inside.sum(), (1 - inside).sum()) == (ones, zeros)


def test_a_ratio_of_nought_keeps_everyone() -> None:
    assert len(folds.undersample(np.array([1] * 9 + [0]), np.array(["a"] * 10), 0)) == 10


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1)), max_size=60), st.floats(0.5, 4))
@settings(max_examples=60, deadline=None)
def test_undersampling_never_invents_rows_or_empties_a_course(
    rows: list[tuple[str, int]], ratio: float
) -> None:
    courses = np.array([course for course, _ in rows], dtype=np.str_)
    labels = np.array([label for _, label in rows], dtype=np.int64)
    kept = folds.undersample(labels, courses, ratio)
    assert len(set(kept.tolist())) == len(kept)
    for course in set(courses.tolist()):
        before, after = labels[courses == course], labels[kept][courses[kept] == course]
        for label in (0, 1):
            assert (after == label).sum() <= (before == label).sum()
        assert len(after) > 0


def test_the_prior_shift_gives_back_the_true_share() -> None:
    labels = np.array([1] * 900 + [0] * 100)
    kept = labels[folds.undersample(labels, np.array(["a"] * 1000), 2.0)]
    shift = folds.prior_shift(labels, kept)
    assert folds.shift_odds(np.array([kept.mean()]), shift)[0] == pytest.approx(0.9)
    np.testing.assert_array_equal(folds.shift_odds(np.array([0.0, 1.0]), shift), [0.0, 1.0])


def test_no_shift_where_a_class_is_missing() -> None:
    assert folds.prior_shift(np.array([1, 1]), np.array([1])) == 0.0
