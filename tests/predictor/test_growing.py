"""Trees are grown where there are outcomes to learn from, and say nothing where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.lessons import Everyone, Lessons
from predictor.moments import DAY, Enrolments

pytestmark = pytest.mark.train
growing = pytest.importorskip("predictor.growing")


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
