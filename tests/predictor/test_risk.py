"""The risk model at work: exact contributions, reasons and their counter-check, and how it is kept."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.calibration import Calibration, sigmoid
from predictor.events import Event
from predictor.factors import GROUPS, OF_EVENTS, OF_RECORDS, OF_TABLES
from predictor.facts import Facts
from predictor.moments import DAY, Enrolments, empty
from predictor.reasons import LEAST
from predictor.records import CourseRecords, LearnerRecords, Run
from predictor.risk import KIND, Assessment, RiskModel
from predictor.sequences import EventTable, Sequences
from predictor.standing import Known, Numbers
from predictor.store import BrokenModel, ModelStore, NoModel

FACTORS = (*OF_EVENTS, *OF_RECORDS, *OF_TABLES)
START = 1_600_000_000.0
LENGTH = 30 * DAY
COURSE = "course-v1:O+A+2"


def model(seed: int = 0, size: int = 6, clock: str = "course") -> RiskModel:
    """Curves at random, each with its factor's direction."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 0.4, (len(FACTORS) + 1, size))
    for place, factor in enumerate(FACTORS):
        if factor.direction:
            weights[place + 1] = factor.direction * np.abs(weights[place + 1])
    typical = np.abs(rng.normal(0.5, 0.3, (3, len(FACTORS))))
    never = [factor.name for factor in FACTORS].index("never_came")
    typical[:, never], weights[never + 1] = 0.0, 1.0
    return RiskModel(
        version="",
        target="dropped",
        adverse=True,
        clock=clock,
        length=LENGTH,
        factors=FACTORS,
        weights=weights,
        points=np.array([0.1, 0.4, 1.0]),
        typical=typical,
        spread=rng.uniform(0.3, 2.0, len(FACTORS)),
        courses=CourseRecords({"O+A": (Run(0.0, START - DAY, 100, 40),)}),
        metrics={"dropped": {"auc": 0.8, "ece": 0.02}},
    )


def sequences(learners: int = 12, seed: int = 0, items: bool = True) -> Sequences:
    """Streams of learners, the last two of whom never came: one has no event, one was only enrolled."""
    rng = np.random.default_rng(seed)
    kinds = (
        "seq_next",
        "play_video",
        "problem_check_correct",
        "problem_check_incorrect",
        "thread discussion",
    )
    events = [Event(COURSE, f"l{learners - 1:02d}", START, "edx.course.enrollment.activated")]
    for learner in range(learners - 2):
        for day in np.flatnonzero(rng.random(20) < rng.uniform(0.1, 0.8)).tolist():
            for second in range(int(rng.integers(1, 9))):
                kind = kinds[int(rng.integers(len(kinds)))]
                item = f"i{rng.integers(9)}" if items else ""
                when = START + day * DAY + 300.0 * second
                events.append(Event(COURSE, f"l{learner:02d}", when, kind, item))
    return EventTable.of(events).sequences(COURSE)


def names(learners: int = 12) -> list[str]:
    return [f"l{place:02d}" for place in range(learners)]


def assessed(found: RiskModel, day: float = 14.0, known: Known | None = None) -> Assessment:
    return found.assess_run(sequences(), START, START + day * DAY, names(), known)


def facts() -> Facts:
    return Facts.of(
        {
            "course_id": COURSE,
            "learner_id": name,
            "assignments.missed": place % 4,
            "grades.grade": 0.1 * place,
        }
        for place, name in enumerate(names())
    )


numbers = st.lists(
    st.lists(st.one_of(st.just(np.nan), st.floats(0, 1e5)), min_size=len(FACTORS), max_size=len(FACTORS)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(numbers, st.integers(0, 50), st.floats(0, 60))
def test_baseline_and_contributions_are_the_log_odds(
    values: list[list[float]], seed: int, day: float
) -> None:
    found = model(seed)
    table = np.array(values)
    ages = np.full(len(table), day * DAY)
    share = found.share(ages)
    told = Numbers(table, np.ones(len(table), dtype=np.bool_))
    who = np.arange(len(table)).astype(np.str_)
    one = Assessment(found, who, ages, share, told, found.weighed(told, share))
    np.testing.assert_allclose(one.baseline + one.contributions.sum(axis=1), one.logits, atol=1e-9, rtol=0)
    np.testing.assert_allclose(one.baseline + sum(one.of_groups().values()), one.logits, atol=1e-9, rtol=0)


@settings(max_examples=60, deadline=None)
@given(numbers, st.integers(0, 50), st.sampled_from(GROUPS))
def test_a_group_made_typical_changes_the_prediction_by_what_its_reason_says(
    values: list[list[float]], seed: int, group: str
) -> None:
    found = model(seed)
    table = np.array(values)
    ages = np.full(len(table), 11 * DAY)
    share = found.share(ages)
    told = Numbers(table, np.ones(len(table), dtype=np.bool_))
    one = Assessment(
        found, np.arange(len(table)).astype(np.str_), ages, share, told, found.weighed(told, share)
    )
    added = one.of_groups()[group]
    np.testing.assert_allclose(one.without(group), sigmoid(one.logits - added), atol=1e-9, rtol=0)
    np.testing.assert_array_equal(
        np.sign(np.round(one.chances - one.without(group), 12)) * np.sign(added) >= 0, True
    )


def test_a_typical_learner_is_given_the_baseline() -> None:
    found = model()
    share = np.array([0.1, 0.25, 0.7, 1.0])
    usual = found.usual(share)
    values = np.stack([factor.number(usual[:, place]) for place, factor in enumerate(FACTORS)], axis=1)
    told = Numbers(values, np.ones(4, dtype=np.bool_))
    distances = found.weighed(told, share)
    np.testing.assert_allclose(distances, 0, atol=1e-9)
    np.testing.assert_allclose(found.logits(distances, share), found.curves(share)[:, 0], atol=1e-9)


def test_cases_tell_numbers_beside_typical_ones_strongest_first() -> None:
    for case in assessed(model(), known=Known(facts())).cases():
        assert case.chance == pytest.approx(1 / (1 + np.exp(-case.logit)))
        assert case.baseline + sum(case.contributions.values()) == pytest.approx(case.logit, abs=1e-9)
        added = [reason.contribution for reason in case.reasons]
        assert added == sorted(added, reverse=True)
        assert all(one >= LEAST for one in added)
        assert {reason.group for reason in case.reasons} == {
            g for g, one in case.contributions.items() if one >= LEAST
        }
        for reason in case.reasons:
            assert reason.chance_if_typical < case.chance
            each = [number.contribution for number in reason.numbers]
            assert 1 <= len(each) <= 3
            assert each == sorted(each, reverse=True)
            assert min(each) > 0


@pytest.mark.parametrize("day", [3.0, 14.0, 19.0, 60.0])
def test_what_is_called_a_share_is_one_also_long_after_a_learner_left(day: float) -> None:
    found = assessed(model(), day).numbers.values
    shares = [place for place, factor in enumerate(FACTORS) if factor.unit == "share"]
    assert len(shares) > 5
    assert np.nanmin(found[:, shares]) >= 0.0
    assert np.nanmax(found[:, shares]) <= 1.0


def test_a_number_with_a_direction_is_named_only_on_the_worse_side_of_typical() -> None:
    directions = {factor.name: factor.direction for factor in FACTORS}
    named = [
        number
        for case in assessed(model(), known=Known(facts())).cases()
        for reason in case.reasons
        for number in reason.numbers
    ]
    assert len(named) > 10
    assert all((number.value - number.typical) * directions[number.factor] >= 0 for number in named)


def test_who_never_came_has_a_partial_case_of_what_is_known_without_a_visit() -> None:
    cases = {case.learner: case for case in assessed(model(), known=Known(facts())).cases()}
    assert {name for name, case in cases.items() if case.partial} == {"l10", "l11"}
    never = cases["l10"]
    assert never.contributions["help"] == 0
    assert "help" in never.unknown
    assert never.contributions["absence"] > 0
    absence = next(reason for reason in never.reasons if reason.group == "absence")
    assert absence.numbers[0].factor == "never_came"
    assert never.days == 14


def test_everyone_asked_about_is_answered_once_and_in_order() -> None:
    asked = ["l11", "l03", "stranger", "l00"]
    found = model().assess_run(sequences(), START, START + 9 * DAY, asked)
    assert [case.learner for case in found.cases()] == asked
    assert np.isfinite(found.chances).all()


def test_a_run_without_any_event_or_learner_is_answered() -> None:
    silent = model().assess_run(empty(COURSE), START, START + DAY, ["a", "b"])
    assert silent.partial.all()
    assert np.isfinite(silent.chances).all()
    assert list(model().assess_run(sequences(), START, START + DAY, []).cases()) == []


def test_a_group_of_which_nothing_is_known_says_nothing() -> None:
    found = model()
    bare = EventTable.of([Event(COURSE, "a", START + day * DAY, "seq_next") for day in range(6)]).sequences(
        COURSE
    )
    case = next(found.assess_run(bare, START, START + 8 * DAY, ["a"]).cases())
    assert {"assignments", "grades"} <= set(case.unknown)
    assert case.contributions["grades"] == 0
    assert case.contributions["assignments"] == 0


def test_what_is_known_beside_events_is_weighed() -> None:
    found = model()
    plain, told = assessed(found), assessed(found, known=Known(facts()))
    place = [factor.name for factor in FACTORS].index("assignments_missed")
    assert np.isnan(plain.numbers.values[:, place]).all()
    np.testing.assert_array_equal(told.numbers.values[:, place], np.arange(12) % 4)
    assert not np.allclose(plain.logits, told.logits)


def test_the_courses_earlier_runs_and_learners_earlier_courses_are_weighed() -> None:
    records = LearnerRecords({"l00": ((START - 100 * DAY, START - 70 * DAY, 1.0),)})
    found = assessed(model(), known=Known(learners=records))
    places = {factor.name: place for place, factor in enumerate(FACTORS)}
    assert found.numbers.values[:, places["course_history"]].tolist() == [0.4] * 12
    assert found.numbers.values[0, places["courses_before"]] == 1
    assert np.isnan(found.numbers.values[1, places["courses_before"]])


def test_a_runs_own_length_moves_the_point_of_the_course() -> None:
    found = assessed(model(), known=Known(lengths={COURSE: 2 * LENGTH}))
    np.testing.assert_allclose(found.share, 14 / 60)
    np.testing.assert_allclose(assessed(model()).share, 14 / 30)


def test_on_learners_own_clocks_days_are_counted_from_the_first_event() -> None:
    found = model(clock="learner").assess_run(sequences(), START, START + 14 * DAY, names())
    first = sequences().times[sequences().offsets[0]]
    assert next(found.cases()).days == pytest.approx(14 - (first - START) / DAY)
    assert list(found.cases())[10].days == 14


def test_calibration_scales_contributions_too() -> None:
    plain, moved = model(), model().calibrated(Calibration(0.5, -1.0))
    one, other = assessed(plain), assessed(moved)
    np.testing.assert_allclose(other.logits, 0.5 * one.logits - 1.0, atol=1e-9)
    np.testing.assert_allclose(other.contributions, 0.5 * one.contributions, atol=1e-9)


def test_a_published_model_says_the_same(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    with pytest.raises(NoModel):
        RiskModel.load(store)
    version = model().publish(store)
    store.promote(KIND, version)
    loaded = RiskModel.load(store)
    assert loaded.version == version
    assert loaded.factors == FACTORS
    assert loaded.courses == model().courses
    np.testing.assert_array_equal(assessed(loaded).logits, assessed(model()).logits)


def test_a_model_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    version = model().publish(store)
    path = tmp_path / KIND / version / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(BrokenModel):
        RiskModel.load(store, version)


@pytest.mark.parametrize("lost", ["factors", "targets", "courses", "length"])
def test_a_manifest_that_lacks_something_is_refused(tmp_path: Path, lost: str) -> None:
    store = ModelStore(tmp_path)
    tensors, manifest = store.load(KIND, model().publish(store))
    with pytest.raises(ValueError, match="no risk model"):
        RiskModel.read(tensors, {key: value for key, value in manifest.items() if key != lost})


def test_tensors_that_do_not_fit_the_factors_are_refused(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    tensors, manifest = store.load(KIND, model().publish(store))
    with pytest.raises(ValueError, match="do not fit"):
        RiskModel.read({**tensors, "spread": tensors["spread"][:-1]}, manifest)


def test_a_model_keeps_no_learner(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    version = model().publish(store)
    told = json.dumps(store.manifest(KIND, version))
    assert not any(name in told for name in names())


def test_reasons_are_keys_and_numbers_that_json_can_hold() -> None:
    known = {factor.name for factor in FACTORS}
    for case in assessed(model(), known=Known(facts())).cases():
        json.dumps(asdict(case), allow_nan=False)
        assert {number.factor for reason in case.reasons for number in reason.numbers} <= known


def test_people_are_answered_alike_whoever_else_is_asked_about() -> None:
    found = replace(model(), clock="course")
    everyone = assessed(found)
    alone = found.assess_run(sequences(), START, START + 14 * DAY, ["l04"])
    np.testing.assert_allclose(alone.logits, everyone.logits[4:5], atol=1e-5)


def test_enrolments_may_begin_one_by_one() -> None:
    starts = START + np.arange(12) * DAY / 4
    found = model().assess_run(sequences(), starts, START + 14 * DAY, names())
    people = Enrolments(np.full(12, COURSE), np.array(names()), starts, starts)
    same = model().assess(sequences(), people, START + 14 * DAY - starts)
    np.testing.assert_array_equal(found.logits, same.logits)
    np.testing.assert_allclose(found.share, (14 - np.arange(12) / 4) / 30)
