"""The counter-check: what a reason names would change the prediction, whatever the model."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nudge_xblock.atrisk import checked
from nudge_xblock.atrisk.sentences import sentence
from predictor.calibration import sigmoid
from predictor.factors import OF_EVENTS, OF_RECORDS, OF_TABLES, protected
from predictor.moments import DAY
from predictor.reasons import Case, Number, Reason
from predictor.records import CourseRecords
from predictor.risk import Assessment, RiskModel
from predictor.standing import Numbers

FACTORS = (*OF_EVENTS, *OF_RECORDS, *OF_TABLES)
PLACES = {factor.name: place for place, factor in enumerate(FACTORS)}


def model(seed: int, strength: float) -> RiskModel:
    """Curves at random, each with its factor's direction."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, strength, (len(FACTORS) + 1, 5))
    for place, factor in enumerate(FACTORS):
        if factor.direction:
            weights[place + 1] = factor.direction * np.abs(weights[place + 1])
    return RiskModel(
        version="",
        target="dropped",
        adverse=True,
        clock="course",
        length=30 * DAY,
        factors=FACTORS,
        weights=weights,
        points=np.array([0.1, 0.5, 1.0]),
        typical=np.abs(rng.normal(0.5, 0.3, (3, len(FACTORS)))),
        spread=rng.uniform(0.3, 2.0, len(FACTORS)),
        courses=CourseRecords({}),
        metrics={},
    )


def assessment(found: RiskModel, seed: int, day: float, learners: int = 4) -> Assessment:
    """Learners with numbers at random, some of which are not known."""
    rng = np.random.default_rng(seed)
    values = np.abs(rng.normal(1.0, 3.0, (learners, len(FACTORS))))
    values[rng.random(values.shape) < 0.2] = np.nan
    ages = np.full(learners, day * DAY)
    share = found.share(ages)
    told = Numbers(values, np.ones(learners, dtype=np.bool_))
    return Assessment(
        found, np.arange(learners).astype(np.str_), ages, share, told, found.weighed(told, share)
    )


def chance_with(found: Assessment, row: int, factors: list[str]) -> float:
    """What the model says with these factors' numbers replaced by a typical learner's."""
    usual = found.model.usual(found.share)
    values = found.numbers.values.copy()
    for name in factors:
        place = PLACES[name]
        values[row, place] = FACTORS[place].number(usual[:, place])[row]
    replaced = Numbers(values, found.numbers.came)
    logits = found.model.logits(found.model.weighed(replaced, found.share), found.share)
    return float(sigmoid(logits)[row])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.02, 0.6), st.floats(1, 30))
def test_what_a_sentence_names_would_change_the_prediction(seed: int, strength: float, day: float) -> None:
    found = assessment(model(seed, strength), seed + 1, day)
    for row, case in enumerate(found.cases()):
        for reason in checked.reasons(case):
            group = [factor.name for factor in FACTORS if factor.group == reason["group"]]
            assert case.chance - chance_with(found, row, group) >= checked.LEAST - 1e-9
            named = reason["numbers"][0]
            assert chance_with(found, row, [named["factor"]]) < case.chance
            assert sentence(reason["group"], reason["numbers"], case.days).endswith(".")
            assert not any(protected(number["factor"]) for number in reason["numbers"])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.02, 2.0))
def test_reasons_left_out_are_those_that_change_less_than_a_point(seed: int, strength: float) -> None:
    for case in assessment(model(seed, strength), seed, 10.0).cases():
        told = {reason["group"] for reason in checked.reasons(case)}
        for reason in case.reasons:
            assert (reason.group in told) == (case.chance - reason.chance_if_typical >= 0.01)


def case_of(*reasons: Reason, chance: float = 0.5, **contributions: float) -> Case:
    return Case("7", chance, 0.0, -1.0, contributions, reasons, 10.0, 0.3, False, ())


def reason_of(group: str, chance_if_typical: float) -> Reason:
    return Reason(group, 0.5, (Number("days_away", "days", 9.0, 2.0, 0.5),), chance_if_typical)


def test_a_reason_that_changes_nothing_is_not_told() -> None:
    case = case_of(reason_of("absence", 0.499), reason_of("grades", 0.4), absence=0.6, grades=0.5)
    (told,) = checked.reasons(case)
    assert told["group"] == "grades"
    assert told["numbers"][0]["factor"] == "days_away"


def test_where_nothing_alone_would_change_a_point_no_reason_is_told() -> None:
    case = case_of(reason_of("absence", 0.999), chance=0.9991, absence=4.0, pace=5.0, grades=-1.0)
    assert checked.reasons(case) == []
