"""A row per group, the hiding of small ones, and gaps that are really there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from predictor.evaluation import Answers, Findings, Study
from predictor.slices import hidden_groups, slices
from tests.predictor.test_figures import findings

STUDY = Study("passed", ("7d",), ("good",))


def rows_of(found: Findings, groups: np.ndarray) -> list[dict[str, object]]:
    return list(slices(STUDY, found, {"gender": groups}))


def calibrated(seed: int, n: int = 400) -> tuple[Findings, np.random.Generator]:
    """Findings whose outcomes keep to their probabilities."""
    found = findings(n=n, seed=seed)
    rng = np.random.default_rng(seed)
    chances = rng.beta(1.5, 3.0, len(found.cohort.labels))
    labels = (rng.random(len(chances)) < chances).astype(np.int64)
    answers = Answers({"good": chances[:, None]}, {})
    return replace(found, cohort=replace(found.cohort, labels=labels), answers=answers), rng


def flagged(rows: list[dict[str, object]], test: str) -> set[tuple[object, object]]:
    return {(row["column"], row["group"]) for row in rows if row[f"{test}_p_holm"] < 0.05}  # type: ignore[operator]


def test_a_planted_gap_of_either_kind_is_found_where_it_lies_and_nowhere_else() -> None:
    found, rng = calibrated(1)
    people = len(found.cohort.labels)
    mode = rng.choice(["audit", "verified", "honor"], people, p=[0.5, 0.25, 0.25])
    language = rng.choice(["en", "ar", "es"], people, p=[0.5, 0.25, 0.25])
    education = rng.choice(["b", "m", "hs"], people)
    chances = found.answers.probabilities["good"][:, 0]
    chances[language == "ar"] = rng.beta(30, 60, int((language == "ar").sum()))
    odds = chances / (1 - chances) * np.where(mode == "verified", 2.5, 1.0)
    found.cohort.labels[:] = rng.random(people) < odds / (1 + odds)
    groups = {"mode": mode, "language": language, "education": education}
    rows = list(slices(STUDY, found, groups))
    assert ("mode", "verified") in flagged(rows, "calibration")
    assert ("language", "ar") in flagged(rows, "abroca")
    assert {column for column, _ in flagged(rows, "calibration")} == {"mode"}
    assert {column for column, _ in flagged(rows, "abroca")} == {"language"}


def test_groups_that_mean_nothing_are_seldom_said_to_be_served_otherwise() -> None:
    alarms = 0
    for seed in range(6):
        found, rng = calibrated(seed, n=60)
        groups = {name: rng.choice(["a", "b", "c"], len(found.cohort.labels)) for name in ("x", "y")}
        rows = list(slices(STUDY, found, groups))
        alarms += bool(flagged(rows, "calibration") | flagged(rows, "abroca"))
    assert alarms <= 1


def test_a_small_group_is_hidden_and_one_more_with_it() -> None:
    groups = np.array(["a"] * 5 + ["b"] * 35 + ["c"] * 200)
    hidden = {row["group"]: row.get("hidden", False) for row in rows_of(findings(), groups)}
    assert hidden == {"a": True, "b": True, "c": False}
    assert all(
        set(row) == {"model", "at", "column", "group", "hidden"} for row in rows_of(findings(), groups)[:2]
    )


def test_a_group_counts_its_learners_not_their_courses() -> None:
    found = findings()
    learners = found.cohort.enrolments.learners.copy()
    groups = np.array(["a"] * 30 + ["b"] * 105 + ["c"] * 105)
    learners[:30] = [f"l{number % 6}" for number in range(30)]
    people = replace(found.cohort.enrolments, learners=learners)
    rows = rows_of(replace(found, cohort=replace(found.cohort, enrolments=people)), groups)
    assert [row.get("hidden", False) for row in rows] == [True, True, False]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_hidden_figures_cannot_be_had_by_subtraction(sizes: list[int]) -> None:
    hidden = hidden_groups(sizes)
    assert all(index in hidden for index, size in enumerate(sizes) if size < 10)
    if hidden and len(hidden) < len(sizes):
        assert len(hidden) >= 2
        assert sum(sizes[index] for index in hidden) >= 10
    if not any(size < 10 for size in sizes):
        assert hidden == set()
