"""The study itself: who is tested by whom, what is kept, and what an interruption costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from predictor import evaluation, roster
from predictor.cohort import Cohort
from predictor.evaluation import Study, study_by_folds, study_of_test
from predictor.moments import DAY, Enrolments, FloatArray, TrainingData
from predictor.sequences import EventSource
from tests.predictor.study_world import world

STUDY = Study("passed", ("3d", "7d"), ("spy",), folds=3)


class Spy:
    """Remembers what it was given; predicts the share of its training labels."""

    name = "spy"
    fitted: list[TrainingData]
    fail = False

    def fit(self, data: TrainingData) -> None:
        if Spy.fail and len(Spy.fitted) == 1:
            raise KeyboardInterrupt
        Spy.fitted.append(data)
        self._share = float(data.labels.mean())
        self._courses = set(data.source.courses)

    def predict(self, source: EventSource, enrolments: Enrolments, at: float) -> FloatArray:
        return np.full(len(enrolments), self._share) + at / DAY / 1000


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch) -> type[Spy]:
    Spy.fitted, Spy.fail = [], False
    monkeypatch.setitem(roster._MAKERS, "spy", lambda ratio: Spy())
    return Spy


@pytest.fixture(scope="module")
def everyone() -> Cohort:
    return world(courses=6, learners=20, seed=4).cohort()


def silent(line: str) -> None:
    del line


def test_no_course_is_tested_by_a_model_that_saw_it(
    spied: type[Spy], everyone: Cohort, tmp_path: Path
) -> None:
    findings = study_by_folds(STUDY, everyone, tmp_path, silent)
    assert len(spied.fitted) == 3
    for number, data in enumerate(spied.fitted):
        tested = set(everyone.enrolments.courses[findings.folds == number].tolist())
        assert tested
        assert tested.isdisjoint(data.enrolments.courses.tolist())
        assert tested.isdisjoint(data.source.courses)


def test_everyone_is_predicted_at_every_horizon(spied: type[Spy], everyone: Cohort, tmp_path: Path) -> None:
    findings = study_by_folds(STUDY, everyone, tmp_path, silent)
    predicted = findings.answers.probabilities["spy"]
    assert predicted.shape == (120, 2)
    assert np.isfinite(predicted).all()
    np.testing.assert_allclose(predicted[:, 1] - predicted[:, 0], 0.004)


def test_horizons_in_any_order_keep_their_columns(spied: type[Spy], everyone: Cohort, tmp_path: Path) -> None:
    findings = study_by_folds(replace(STUDY, at=("7d", "3d")), everyone, tmp_path, silent)
    predicted = findings.answers.probabilities["spy"]
    np.testing.assert_allclose(predicted[:, 1] - predicted[:, 0], -0.004)
    assert spied.fitted[0].horizons == (3 * DAY, 7 * DAY)


def test_a_second_run_fits_nothing_again(spied: type[Spy], everyone: Cohort, tmp_path: Path) -> None:
    first = study_by_folds(STUDY, everyone, tmp_path, silent)
    lines: list[str] = []
    again = study_by_folds(STUDY, everyone, tmp_path, lines.append)
    assert len(spied.fitted) == 3
    np.testing.assert_array_equal(first.answers.probabilities["spy"], again.answers.probabilities["spy"])
    assert sum("earlier run" in line for line in lines) == 3


def test_an_interrupted_study_goes_on_where_it_stopped(
    spied: type[Spy], everyone: Cohort, tmp_path: Path
) -> None:
    spied.fail = True
    with pytest.raises(KeyboardInterrupt):
        study_by_folds(STUDY, everyone, tmp_path, silent)
    spied.fail = False
    study_by_folds(STUDY, everyone, tmp_path, silent)
    assert len(spied.fitted) == 3


def test_a_result_cut_short_is_computed_again(spied: type[Spy], everyone: Cohort, tmp_path: Path) -> None:
    study_by_folds(STUDY, everyone, tmp_path, silent)
    for number, victim in enumerate(sorted(tmp_path.glob("spy-*.npz"))):
        victim.write_bytes(victim.read_bytes()[: 50 * number])
    study_by_folds(STUDY, everyone, tmp_path, silent)
    assert len(spied.fitted) == 6


@pytest.mark.parametrize("change", [{"seed": 1}, {"ratio": 1.0}, {"at": ("3d", "8d")}, {"clock": "learner"}])
def test_other_settings_do_not_get_an_earlier_result(
    spied: type[Spy], everyone: Cohort, tmp_path: Path, change: dict[str, object]
) -> None:
    study_by_folds(STUDY, everyone, tmp_path, silent)
    study_by_folds(replace(STUDY, **change), everyone, tmp_path, silent)  # type: ignore[arg-type]
    assert len(spied.fitted) == 6


def test_other_data_do_not_get_an_earlier_result(spied: type[Spy], everyone: Cohort, tmp_path: Path) -> None:
    study_by_folds(STUDY, everyone, tmp_path, silent)
    flipped = everyone.labels.copy()
    flipped[0] = 1 - flipped[0]
    study_by_folds(STUDY, replace(everyone, labels=flipped), tmp_path, silent)
    assert len(spied.fitted) == 6


def test_inflation_lets_every_course_be_seen(spied: type[Spy], everyone: Cohort, tmp_path: Path) -> None:
    findings = study_by_folds(replace(STUDY, inflation=True), everyone, tmp_path, silent)
    assert len(spied.fitted) == 6
    assert all(len(data.source.courses) == 6 for data in spied.fitted[3:])
    assert findings.shared is not None
    assert np.isfinite(findings.shared.probabilities["spy"]).all()


def test_folds_by_learner_keep_a_learner_of_two_courses_together(everyone: Cohort) -> None:
    people = everyone.enrolments
    learners = people.learners.copy()
    learners[20:40] = learners[:20]
    twice = replace(everyone, enrolments=replace(people, learners=learners))
    fold = evaluation.learner_folds(twice, 3, seed=0)
    assert fold[20:40].tolist() == fold[:20].tolist()
    assert np.ptp(np.bincount(fold)) <= 20
    assert all(len(np.unique(fold[people.courses == course])) == 3 for course in np.unique(people.courses))


def test_test_courses_of_their_own(spied: type[Spy], everyone: Cohort, tmp_path: Path) -> None:
    test = world(courses=2, learners=10, seed=9).cohort()
    findings = study_of_test(STUDY, everyone, test, tmp_path, silent)
    assert findings.answers.probabilities["spy"].shape == (20, 2)
    assert len(spied.fitted[0].labels) == 120


def test_training_courses_of_one_outcome_say_what_to_do(
    spied: type[Spy], everyone: Cohort, tmp_path: Path
) -> None:
    ones = np.unique(everyone.enrolments.courses)[1:]
    labels = np.where(np.isin(everyone.enrolments.courses, ones), 1, everyone.labels)
    with pytest.raises(ValueError, match="has passed = 1; give more courses or fewer folds"):
        study_by_folds(STUDY, replace(everyone, labels=labels), tmp_path, silent)
    assert spied.fitted == []


def test_a_target_that_everyone_has_is_refused_before_anything_is_fitted(
    spied: type[Spy], everyone: Cohort, tmp_path: Path
) -> None:
    same = replace(everyone, labels=np.ones_like(everyone.labels))
    with pytest.raises(ValueError, match="everyone to be tested has passed = 1"):
        study_by_folds(STUDY, same, tmp_path, silent)
    assert spied.fitted == []


def test_a_moment_beyond_the_data_is_refused(spied: type[Spy], everyone: Cohort, tmp_path: Path) -> None:
    late = replace(STUDY, at=("3d", "60d"))
    with pytest.raises(
        ValueError, match=r"--at 60d is beyond the data: no course has an event later than 10\.0 days"
    ):
        study_by_folds(late, everyone, tmp_path, silent)
    assert spied.fitted == []


def test_a_course_without_events_does_not_keep_a_moment_open(
    spied: type[Spy], everyone: Cohort, tmp_path: Path
) -> None:
    silenced = np.unique(everyone.enrolments.courses)[0]
    closes = np.where(everyone.enrolments.courses == silenced, -np.inf, everyone.closes)
    with pytest.raises(ValueError, match=r"--at 60d is beyond the data.* later than 10\.0 days"):
        study_by_folds(replace(STUDY, at=("60d",)), replace(everyone, closes=closes), tmp_path, silent)


def test_a_moment_by_which_all_is_known_is_refused(
    spied: type[Spy], everyone: Cohort, tmp_path: Path
) -> None:
    known = replace(everyone, known_at=everyone.enrolments.starts + 5 * DAY)
    with pytest.raises(ValueError, match="--at 7d: by then the passed of everyone is known"):
        study_by_folds(STUDY, known, tmp_path, silent)


@pytest.mark.parametrize("said", [np.nan, 1.5])
def test_a_model_that_predicts_no_probability_is_named(
    spied: type[Spy], everyone: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: float
) -> None:
    monkeypatch.setattr(Spy, "predict", lambda self, source, people, at: np.full(len(people), said))
    with pytest.raises(FloatingPointError, match="spy predicted something that is no probability"):
        study_by_folds(STUDY, everyone, tmp_path, silent)
