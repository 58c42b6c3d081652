"""Trees learn from softened labels without losing what sets courses apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from predictor.calibration import sigmoid
from predictor.lessons import Everyone, Lessons
from predictor.metrics import auc
from predictor.moments import DAY, Enrolments

pytestmark = pytest.mark.train
growing = pytest.importorskip("predictor.growing")

COURSES, EACH = 6, 300
CONFIG = growing.StackConfig(rounds=120, teacher_rounds=80, least_rows=20)


def made(seed: int) -> tuple[Lessons, np.ndarray]:
    """Courses of differing shares of ones; what is seen early is noisy, and clear at the last moment."""
    rng = np.random.default_rng(seed)
    n = COURSES * EACH
    course = np.repeat(np.arange(COURSES), EACH)
    zeal, level = rng.normal(size=n), np.linspace(-1.5, 1.5, COURSES)[course]
    labels = (rng.random(n) < sigmoid(2 * zeal + level)) * 1.0
    early = np.stack((zeal + rng.normal(size=n), level, np.zeros(n)), axis=1)
    late = np.stack((zeal, level, np.ones(n)), axis=1)
    people = Enrolments(course.astype(np.str_), np.arange(n).astype(np.str_), np.zeros(n), np.zeros(n))
    everyone = Everyone(people, ("passed",), labels[:, None], np.full((n, 1), np.inf))
    who = np.tile(np.arange(n), 2)
    at = np.repeat([DAY, 9 * DAY], n)
    table = np.concatenate((early, late)).astype(np.float32)
    lessons = Lessons(everyone, ("seen", "level", "late"), table, who, at, labels[who][:, None])
    return lessons, course % 3


def test_trees_rank_learners_of_the_part_left_out_at_every_moment() -> None:
    lessons, parts = made(0)
    (trees,) = growing.Grower(lessons, parts, CONFIG).grown(0, 1, without=2)
    aucs = []
    for at in (DAY, 9 * DAY):
        rows = (lessons.at == at) & (parts[lessons.who] == 2)
        aucs.append(auc(lessons.labels[rows, 0], trees.score(lessons.table[rows])))
    assert 0.7 < aucs[0] < aucs[1]


def test_softened_labels_keep_the_share_of_each_course() -> None:
    lessons, parts = made(1)
    grower = growing.Grower(lessons, parts, CONFIG)
    (trees,) = grower.grown(0, 1)
    chances = sigmoid(trees.score(lessons.table))
    for course in range(COURSES):
        rows = np.repeat(np.arange(COURSES), EACH)[lessons.who] == course
        assert chances[rows].mean() == pytest.approx(lessons.labels[rows, 0].mean(), abs=0.05)


def test_trees_of_one_moment_see_no_other() -> None:
    lessons, parts = made(2)
    (alone,) = growing.Grower(lessons, parts, replace(CONFIG, softness=0.0)).grown(0, 1, only=DAY)
    kept = lessons.at == DAY
    fewer = Lessons(
        lessons.everyone,
        lessons.names,
        lessons.table[kept],
        lessons.who[kept],
        lessons.at[kept],
        lessons.labels[kept],
    )
    (same,) = growing.Grower(fewer, parts, replace(CONFIG, softness=0.0)).grown(0, 1)
    np.testing.assert_array_equal(alone.score(lessons.table), same.score(lessons.table))


def test_a_bag_is_of_different_trees_and_the_same_again() -> None:
    lessons, parts = made(3)
    first, second = growing.Grower(lessons, parts, CONFIG).grown(0, 2)
    (again,) = growing.Grower(lessons, parts, CONFIG).grown(0, 1)
    assert (first.score(lessons.table) != second.score(lessons.table)).any()
    np.testing.assert_array_equal(first.score(lessons.table), again.score(lessons.table))


def test_boosters_take_turns_at_the_views_of_a_learner() -> None:
    lessons, parts = made(5)
    names = ("course: level", "seen: rank", "late")
    table = lessons.table[:, [1, 0, 2]]
    grower = growing.Grower(replace(lessons, names=names, table=table), parts, CONFIG)
    asked = [set(trees.features[trees.features >= 0].tolist()) for trees in grower.grown(0, 4)]
    assert asked == [{0, 1, 2}, {1, 2}, {2}, {0, 1, 2}]


@pytest.mark.parametrize("share", [0.0, 0.03, 0.5, 0.97, 1.0])
def test_levelled_chances_have_the_share_and_keep_the_order(share: float) -> None:
    scores = np.random.default_rng(4).normal(size=200) * 3 + 5
    found = growing.levelled(scores, share)
    assert found.mean() == pytest.approx(share, abs=1e-3)
    np.testing.assert_array_equal(np.argsort(found, kind="stable"), np.argsort(scores, kind="stable"))


def test_a_target_known_in_one_part_only_is_nothing_to_the_others() -> None:
    names, parts = np.array(["a", "b", "c", "d"]), np.array([0, 0, 1, 1])
    labels = np.array([[1.0], [0.0], [np.nan], [np.nan]])
    people = Enrolments(names, names, np.zeros(4), np.zeros(4))
    everyone = Everyone(people, ("passed",), labels, np.full((4, 1), np.inf))
    table = np.arange(8, dtype=np.float32).reshape(4, 2)
    lessons = Lessons(everyone, ("x", "y"), table, np.arange(4), np.full(4, DAY), labels)
    grower = growing.Grower(lessons, parts, growing.StackConfig(rounds=3, teacher_rounds=2))
    for trees in grower.grown(0, 2, without=0):
        np.testing.assert_array_equal(trees.score(table), 0.0)
        assert trees.from_tensors(trees.tensors("0."), "0.").score(table).tolist() == [0.0] * 4
    assert len(grower.grown(0, 2, without=1)) == 2
