"""Training of the risk model on finished runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")

from predictor.basis import scores
from predictor.calibration import sigmoid
from predictor.facts import Facts
from predictor.metrics import auc, ece
from predictor.moments import DAY, TrainingData
from predictor.records import LearnerRecords
from predictor.risk import Assessment, RiskModel
from predictor.risklessons import is_adverse, learn, usual, usual_length
from predictor.risktraining import RiskConfig, train
from predictor.standing import Known
from tests.predictor.study_world import World, world

CONFIG = RiskConfig(size=5, smooths=(1e-3,), ridges=(1e-3,), of_courses=(10.0,), folds=3, moments=5)


@pytest.fixture(scope="module")
def finished() -> World:
    return world(courses=5, learners=200, seed=1)


@pytest.fixture(scope="module")
def fitted(finished: World, tmp_path_factory: pytest.TempPathFactory) -> RiskModel:
    return train(production(finished, tmp_path_factory.mktemp("risk")), None, CONFIG)


def production(found: World, folder: Path) -> TrainingData:
    """As the night trains: all along the course, no horizon asked for."""
    return replace(found.training_data(folder), horizons=())


def assessed(
    model: RiskModel, found: World, day: float, known: Known | None = None
) -> tuple[Assessment, np.ndarray]:
    everyone = found.cohort()
    people = everyone.enrolments
    sequences = everyone.source.sequences(str(people.courses[0]))
    return model.assess(sequences, people, np.full(len(people), day * DAY), known), everyone.labels


def test_it_tells_who_will_not_complete_in_a_course_it_has_not_seen(fitted: RiskModel) -> None:
    found, passed = assessed(fitted, world(courses=1, learners=400, seed=9), 6)
    assert auc(1 - passed, found.chances) > 0.7
    assert ece(1 - passed, found.chances) < 0.1


def test_directions_are_kept_after_calibration(fitted: RiskModel) -> None:
    curves = fitted.curves(np.linspace(0, 1, 50))[:, 1:]
    signs = np.array([factor.direction for factor in fitted.factors])
    assert (curves * signs >= 0).all()
    assert np.abs(curves).max() > 0.05


def test_what_nobody_has_is_no_factor(fitted: RiskModel) -> None:
    names = {factor.name for factor in fitted.factors}
    assert "score" not in names
    assert "assignments_missed" not in names
    assert {"days_away", "never_came", "right_answers"} <= names


def test_a_one_may_mean_completing_or_not(finished: World) -> None:
    everyone = finished.cohort()
    assert not is_adverse(everyone.source, everyone.enrolments, everyone.labels)
    assert is_adverse(everyone.source, everyone.enrolments, 1 - everyone.labels)


def test_turned_labels_turn_nothing_but_the_target(
    finished: World, fitted: RiskModel, tmp_path: Path
) -> None:
    data = production(finished, tmp_path)
    turned = train(replace(data, labels=1 - data.labels, target="dropped"), None, CONFIG)
    assert turned.adverse
    assert not fitted.adverse
    np.testing.assert_allclose(turned.weights, fitted.weights, atol=1e-6)


def test_the_same_data_and_seed_give_the_same_model(
    finished: World, fitted: RiskModel, tmp_path: Path
) -> None:
    again = train(production(finished, tmp_path), None, CONFIG)
    np.testing.assert_array_equal(again.weights, fitted.weights)


def test_figures_of_courses_held_out_are_kept(fitted: RiskModel) -> None:
    figures = fitted.metrics["passed"]
    assert 0.6 < figures["auc"] < 0.95
    assert 0 <= figures["ece"] < 0.1
    assert [moment["day"] for moment in figures["moments"]] == sorted(m["day"] for m in figures["moments"])
    assert sum(moment["n"] for moment in figures["moments"]) == figures["n"]


def test_everyone_with_the_same_outcome_teaches_nothing(finished: World, tmp_path: Path) -> None:
    data = production(finished, tmp_path)
    with pytest.raises(ValueError, match="same passed"):
        train(replace(data, labels=np.ones_like(data.labels)))


def test_one_course_alone_is_learned_from(tmp_path: Path) -> None:
    model = train(production(world(courses=1, learners=150), tmp_path), None, CONFIG)
    found, _ = assessed(model, world(courses=1, learners=50, seed=5), 5)
    assert np.isfinite(found.logits).all()


def test_what_was_known_by_a_moment_is_not_learned_there(finished: World, tmp_path: Path) -> None:
    data = production(finished, tmp_path)
    early = data.enrolments.starts + 2 * DAY
    length = usual_length(data)
    told = learn(replace(data, known_at=early), Known(), (), length, 5, 10**6)
    assert told.points[told.point].max() * length < 2 * DAY


def test_who_enrolled_late_is_no_example_of_absence(finished: World, tmp_path: Path) -> None:
    data = production(finished, tmp_path)
    people, length = data.enrolments, usual_length(data)
    whole = learn(data, Known(), (), length, 5, 10**6)
    late: dict[str, dict[str, float]] = {course: {} for course in people.courses.tolist()}
    for course, learner, start in zip(
        people.courses.tolist(), people.learners.tolist(), people.starts.tolist(), strict=True
    ):
        late[course][learner] = start + 10 * DAY
    told = learn(data, Known(joined=late), (), length, 5, 10**6)
    ages = told.points[told.point] * length
    assert told.came[ages < 17 * DAY].all()
    assert told.came.sum() == whole.came.sum()
    missing = ~whole.came & (whole.points[whole.point] * length < 17 * DAY)
    assert len(told.who) == len(whole.who) - missing.sum()
    assert missing.any()


def test_typical_is_the_median_of_those_who_had_come_and_completed(
    finished: World, tmp_path: Path, fitted: RiskModel
) -> None:
    data = production(finished, tmp_path)
    lessons = learn(data, Known(), fitted.factors, fitted.length, 5, 10**6)
    completed = data.labels[lessons.who] == 1
    typical, spread = usual(lessons, completed)
    np.testing.assert_allclose(typical, fitted.typical, atol=1e-5)
    place = [factor.name for factor in fitted.factors].index("active_days_week")
    rows = (lessons.point == 2) & lessons.came & completed
    assert typical[2, place] == np.median(lessons.scaled[rows, place])
    assert (spread > 0).all()


def test_where_hardly_anybody_completes_all_who_came_are_typical(
    finished: World, tmp_path: Path, fitted: RiskModel
) -> None:
    lessons = learn(production(finished, tmp_path), Known(), fitted.factors, fitted.length, 5, 10**6)
    few = lessons.who < 5
    everyone = np.ones(len(few), dtype=np.bool_)
    np.testing.assert_array_equal(usual(lessons, few)[0], usual(lessons, everyone)[0])


def test_few_rows_are_of_whole_learners(finished: World, tmp_path: Path, fitted: RiskModel) -> None:
    data = production(finished, tmp_path)
    some = learn(data, Known(), fitted.factors[:3], fitted.length, 5, 2000)
    assert len(some.who) < 3000
    assert (np.bincount(some.who)[np.unique(some.who)] == len(some.points)).all()


def test_a_feature_table_that_tells_the_outcome_is_weighed_most(finished: World, tmp_path: Path) -> None:
    """Grades that go with the outcome, planted in a table: the reason of those who fail."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "course_id": row["course_id"],
            "learner_id": row["learner_id"],
            "grades.grade": 0.35 + 0.3 * int(row["passed"]) + rng.normal(0, 0.1),
        }
        for row in finished.rows
    ]
    known = Known(Facts.of(rows))
    model = train(production(finished, tmp_path), known, CONFIG)
    one = World([event for event in finished.events if event.course_id == "course-1-0"], finished.rows[:200])
    found, passed = assessed(model, one, 6, known)
    flagged = [case for case in found.cases() if case.chance > 0.6 and not case.partial]
    assert len(flagged) > 30
    assert np.mean([case.reasons[0].group == "grades" for case in flagged]) > 0.9
    assert auc(1 - passed, found.chances) > 0.9


def test_a_course_without_that_table_is_still_foreseen(finished: World, tmp_path: Path) -> None:
    rows = [
        {"course_id": row["course_id"], "learner_id": row["learner_id"], "grades.grade": float(row["passed"])}
        for row in finished.rows[:600]
    ]
    model = train(production(finished, tmp_path), Known(Facts.of(rows)), CONFIG)
    found, passed = assessed(model, world(courses=1, learners=300, seed=9), 6)
    assert auc(1 - passed, found.chances) > 0.65
    grades = [factor.name for factor in model.factors].index("grade")
    assert (found.contributions[:, grades] == 0).all()


def test_learners_earlier_courses_are_learned_from(finished: World, tmp_path: Path) -> None:
    data = production(finished, tmp_path)
    records = LearnerRecords.of(finished.outcomes, "passed", False, usual_length(data))
    model = train(data, Known(learners=records), CONFIG)
    assert "courses_before" in {factor.name for factor in model.factors}


def test_scores_of_training_and_of_serving_agree(fitted: RiskModel, finished: World) -> None:
    found, _ = assessed(fitted, world(courses=1, learners=60, seed=4), 4)
    again = scores(fitted.weights, found.distances, found.share)
    np.testing.assert_allclose(sigmoid(again), found.chances, atol=1e-12)
