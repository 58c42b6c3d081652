"""Groups, the hiding of small ones, and a gap that is really there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.evaluation import Findings, Study
from predictor.slices import grouped, hidden_groups, read_groups, slices
from tests.predictor.study_world import world
from tests.predictor.test_figures import findings

STUDY = Study("passed", ("7d",), ("good",))


def rows_of(found: Findings, groups: np.ndarray) -> list[dict[str, object]]:
    return list(slices(STUDY, found, {"gender": groups}))


def test_a_group_served_worse_has_a_lower_auc_and_a_large_abroca() -> None:
    found = findings(n=60)
    groups = np.array(["f", "m"])[np.arange(360) % 2]
    rng = np.random.default_rng(1)
    found.probabilities["good"][groups == "m", 0] = rng.random(180)
    women, men = rows_of(found, groups)
    assert (women["group"], women["n"]) == ("f", 180)
    assert women["auc"] > men["auc"] + 0.2  # type: ignore[operator]
    assert women["abroca"] == men["abroca"]
    assert women["abroca_low"] > 0.15  # type: ignore[operator]


def test_a_small_group_is_hidden_and_one_more_with_it() -> None:
    groups = np.array(["a"] * 5 + ["b"] * 35 + ["c"] * 200)
    hidden = {row["group"]: row.get("hidden", False) for row in rows_of(findings(), groups)}
    assert hidden == {"a": True, "b": True, "c": False}
    assert all(
        set(row) == {"model", "at", "column", "group", "hidden"} for row in rows_of(findings(), groups)[:2]
    )


@given(st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_hidden_figures_cannot_be_had_by_subtraction(sizes: list[int]) -> None:
    hidden = hidden_groups(sizes)
    assert all(index in hidden for index, size in enumerate(sizes) if size < 10)
    if hidden and len(hidden) < len(sizes):
        assert len(hidden) >= 2
        assert sum(sizes[index] for index in hidden) >= 10
    if not any(size < 10 for size in sizes):
        assert hidden == set()


def test_numbers_become_bands_and_blanks_unknown() -> None:
    groups = grouped([*(str(1950 + year) for year in range(50)), ""])
    assert len(set(groups.tolist())) == 6
    assert groups[-1] == "unknown"
    assert groups[0] == "1950 to 1959.8"


def test_many_texts_keep_the_commonest() -> None:
    groups = grouped([f"country-{i}" for i in range(40)] + ["country-0"] * 5)
    assert "other" in groups.tolist()
    assert len(set(groups.tolist())) == 13
    assert (groups == "country-0").sum() == 6


def test_few_values_stay_as_they_are() -> None:
    assert grouped(["f", "m", " f "]).tolist() == ["f", "m", "f"]


def test_groups_follow_the_cohort_not_the_table(tmp_path: Path) -> None:
    small = world(courses=2, learners=5)
    _, outcomes = small.write(tmp_path)
    everyone = small.cohort()
    groups = read_groups(outcomes, ["gender"], everyone)["gender"]
    expected = {(row["course_id"], row["learner_id"]): row["gender"] for row in small.rows}
    people = everyone.enrolments
    keys = zip(people.courses.tolist(), people.learners.tolist(), strict=True)
    assert groups.tolist() == [expected[key] for key in keys]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    small = world(courses=1, learners=3)
    _, outcomes = small.write(tmp_path)
    with pytest.raises(ValueError, match="lacks the column age for --slices"):
        read_groups(outcomes, ["gender", "age"], small.cohort())
