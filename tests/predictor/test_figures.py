"""Figures from predictions made by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from predictor.cohort import Cohort
from predictor.evaluation import Answers, Findings, Study
from predictor.figures import figures, joined
from predictor.metrics import Bin, auc
from predictor.moments import DAY, Enrolments
from predictor.roster import PAPERS
from predictor.sequences import EventTable

STUDY = Study("passed", ("7d",), ("good", "bad"))


def findings(courses: int = 6, n: int = 40, seed: int = 0, known: float = np.nan) -> Findings:
    rng = np.random.default_rng(seed)
    names = np.repeat([f"c{number}" for number in range(courses)], n)
    labels = rng.integers(0, 2, courses * n)
    people = Enrolments(
        names, np.array([f"l{i}" for i in range(len(names))]), np.zeros(len(names)), np.zeros(len(names))
    )
    known_at = np.full(len(names), np.nan)
    known_at[:10] = known
    cohort = Cohort(EventTable.of([]), people, labels, known_at, np.full(len(names), np.nan))
    good = np.clip(0.25 + 0.5 * labels + rng.normal(0, 0.2, len(labels)), 0, 1)
    bad = rng.random(len(labels))
    probabilities = {"good": good[:, None], "bad": bad[:, None]}
    shared = Answers({"good": good[:, None]}, {"good": 1.0})
    answers = Answers(probabilities, {"good": 1.0, "bad": 2.0})
    return Findings(cohort, np.zeros(len(labels), dtype=np.int64), answers, shared)


def test_rows_have_the_agreed_keys_and_sane_values() -> None:
    result = figures(STUDY, findings())
    assert [row["model"] for row in result["rows"]] == ["good", "bad"]
    for row in result["rows"]:
        assert {"model", "at", "auc", "auc_course_mean", "auc_low", "auc_high", "ece", "n"} <= set(row)
        assert row["at"] == "7d"
        assert row["n"] == 240
        assert row["auc_low"] < row["auc"] < row["auc_high"]
    assert result["rows"][0]["auc"] > 0.85 > 0.6 > result["rows"][1]["auc"]


def with_levels(perfect: bool = True) -> Findings:
    """Three folds of two courses, whose models rank perfectly, or at random, each at a level of its own."""
    found = findings()
    folds = np.unique(found.cohort.enrolments.courses, return_inverse=True)[1] // 2
    told = found.cohort.labels if perfect else np.random.default_rng(1).random(len(folds))
    answers = {"good": (0.1 * told + 0.3 * folds)[:, None], "bad": found.answers.probabilities["bad"]}
    return replace(found, folds=folds, answers=Answers(answers, {}), shared=None)


def test_folds_whose_models_rank_perfectly_at_other_levels_are_perfect_by_fold() -> None:
    row, guessing = figures(STUDY, with_levels())["rows"]
    assert (row["auc_fold_mean"], row["auc_fold_low"], row["auc_fold_high"]) == (1.0, 1.0, 1.0)
    assert row["auc_high"] < 0.8
    assert row["folds"] == guessing["folds"] == 3
    assert guessing["auc_fold_low"] < guessing["auc_fold_mean"] < guessing["auc_fold_high"] < 0.65


def test_levels_of_the_folds_do_not_make_a_guess_better() -> None:
    row = figures(STUDY, with_levels(perfect=False))["rows"][0]
    assert row["auc_fold_low"] < 0.5 < row["auc_fold_high"]


def test_one_model_for_all_test_courses_has_the_pooled_auc_by_fold() -> None:
    for row in figures(STUDY, findings())["rows"]:
        assert row["folds"] == 1
        for pooled, fold in (("auc", "mean"), ("auc_low", "low"), ("auc_high", "high")):
            assert row[f"auc_fold_{fold}"] == row[pooled]


def test_a_fold_counts_with_those_who_are_scored_and_only_if_both_outcomes_are_among_them() -> None:
    found = with_levels()
    first = found.folds == 0
    found.cohort.known_at[first & (found.cohort.labels == 0)] = 6 * DAY
    found.answers.probabilities["bad"][first] = 0.9
    row, guessing = figures(STUDY, found)["rows"]
    assert (row["folds"], row["auc_fold_mean"]) == (2, 1.0)
    said = found.answers.probabilities["bad"][:, 0]
    own = [auc(found.cohort.labels[found.folds == fold], said[found.folds == fold]) for fold in (1, 2)]
    assert guessing["auc_fold_mean"] == pytest.approx(np.mean(own))
    assert guessing["n"] == 240 - (first & (found.cohort.labels == 0)).sum()


def test_the_better_model_is_significantly_better() -> None:
    (test,) = figures(STUDY, findings())["significance"]
    assert (test["first"], test["second"], test["courses"]) == ("good", "bad", 6)
    assert test["difference"] > 0.2
    assert test["p"] == pytest.approx(2 / 64)


def with_rivals(rivals: int) -> Findings:
    """The good model among so many of the paper's, which guess."""
    found = findings(courses=10)
    names = PAPERS[:rivals]
    rng = np.random.default_rng(1)
    guesses = {name: rng.random((len(found.cohort.labels), 1)) for name in names}
    answers = Answers({**guesses, "ours": found.answers.probabilities["good"]}, {})
    return replace(found, answers=answers, shared=None)


def test_the_lead_over_the_papers_models_is_corrected_for_their_number_alone() -> None:
    result = figures(Study("passed", ("7d",), (*PAPERS, "ours")), with_rivals(6))
    assert [row["over"] for row in result["lead"]] == list(PAPERS)
    for row in result["lead"]:
        assert row["p"] == row["p_wilcoxon"] == pytest.approx(2 / 1024)
        assert row["p_holm"] == row["p_wilcoxon_holm"] == pytest.approx(12 / 1024)
    assert result["verdicts"] == [{"at": "7d", "model": "ours", "above": list(PAPERS), "not_above": []}]
    corrected = [row["p_holm"] for row in result["significance"] if row["second"] == "ours"]
    assert corrected == [pytest.approx(42 / 1024)] * 6


def test_a_model_that_only_guesses_too_is_said_to_be_above_nobody() -> None:
    found = with_rivals(3)
    guessing = {**found.answers.probabilities, "ours": found.answers.probabilities["knn"]}
    study = Study("passed", ("7d",), (*PAPERS[:3], "ours"))
    result = figures(study, replace(found, answers=Answers(guessing, {})))
    assert result["verdicts"][0]["above"] == []


def test_a_course_that_was_over_a_week_before_is_not_scored() -> None:
    found = findings()
    closes = np.where(found.cohort.enrolments.courses == "c0", 5 * DAY, 13 * DAY)
    found = replace(found, cohort=replace(found.cohort, closes=closes))
    column = {name: np.repeat(values, 2, axis=1) for name, values in found.answers.probabilities.items()}
    study = Study("passed", ("7d", "14d"), ("good", "bad"))
    result = figures(study, replace(found, answers=Answers(column, {}), shared=None))
    assert [(row["n"], row["courses"]) for row in result["rows"][:2]] == [(240, 6), (200, 5)]


def test_who_is_known_by_then_is_not_scored() -> None:
    result = figures(STUDY, findings(known=6 * DAY))
    assert result["rows"][0]["n"] == 230
    assert figures(STUDY, findings(known=8 * DAY))["rows"][0]["n"] == 240


def test_a_small_course_is_in_the_mean_but_not_listed() -> None:
    result = figures(STUDY, findings(n=8))
    assert result["per_course"] == []
    assert result["rows"][0]["auc_course_mean"] is not None


def test_what_is_not_defined_is_null_and_json_is_strict() -> None:
    one_class = findings()
    one_class.cohort.labels[:] = 1
    result = figures(STUDY, one_class)
    row = result["rows"][0]
    assert row["auc"] is row["auc_fold_mean"] is row["auc_fold_low"] is row["auc_fold_high"] is None
    assert row["folds"] == 0
    assert result["significance"][0]["p"] is None
    json.dumps(result, allow_nan=False)


def test_inflation_is_the_gain_from_having_seen_the_course() -> None:
    (row,) = figures(STUDY, findings())["inflation"]
    assert row["inflation"] == row["inflation_course_mean"] == 0
    assert row["p"] == 1
    assert row["auc_unseen_courses"] == row["auc_same_courses"]


def test_small_bins_are_joined_until_none_is_small() -> None:
    bars = [Bin(0.1, 0.0, 4), Bin(0.2, 0.5, 4), Bin(0.3, 1.0, 12), Bin(0.9, 1.0, 2)]
    whole = joined(bars)
    assert [bar.n for bar in whole] == [22]
    assert whole[0].observed == pytest.approx((0 + 2 + 12 + 2) / 22)
    assert joined([Bin(0.1, 0.0, 30), Bin(0.2, 0.5, 10)]) == [Bin(0.1, 0.0, 30), Bin(0.2, 0.5, 10)]
    assert joined([Bin(0.1, 0.0, 3)]) == []
