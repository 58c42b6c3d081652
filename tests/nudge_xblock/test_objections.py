"""Every rule by which a new model is refused, tried on figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock import objections, remarks
from predictor import metrics


def measured(auc: float | None, ece: float = 0.03, finite: bool = True) -> dict[str, Any]:
    low, high = (None, None) if auc is None else (auc - 0.05, auc + 0.05)
    return {
        "auc": auc,
        "auc_low": low,
        "auc_high": high,
        "ece": None if auc is None else ece,
        "loss": None if auc is None else 0.5,
        "finite": finite,
    }


def gap(new: float, old: float, error: float = 0.01, group: str = "f") -> dict[str, Any]:
    return {"division": "gender", "group": group, "n": 80, "new": new, "old": old, "error": error}


def codes(found: list[remarks.Remark]) -> list[str]:
    return [each["code"] for each in found]


def target(new: dict[str, Any], old: dict[str, Any] | None = None, n: int = 400) -> dict[str, Any]:
    return {"n": n, "positives": n // 3, "new": new} | ({"old": old} if old else {})


GOOD = target(measured(0.8), measured(0.79))


def test_a_good_model_meets_no_objection() -> None:
    assert objections.to_engagement({"pass": GOOD, "leave": target(measured(0.7))}) == []


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        ({"pass": target(measured(0.7), measured(0.8))}, "worse_auc"),
        ({"pass": target(measured(0.8, ece=0.4))}, "miscalibrated"),
        ({"pass": target(measured(0.4))}, "below_chance"),
        ({"pass": target(measured(0.52))}, "indistinct"),
        ({"pass": target(measured(None, finite=False))}, "not_numbers_for"),
        ({"pass": target(measured(0.9), n=5)}, "unjudged"),
        ({}, "unjudged"),
        ({"leave": GOOD, "pass": target(measured(None), measured(0.8))}, "lost"),
        ({"pass": target({**measured(1.0), "auc_low": 1.0})}, "too_good"),
        ({"pass": {**GOOD, "telling": {"event": "certificate", "accuracy": 0.99}}}, "telling_event"),
        ({"pass": {**target(measured(0.8)), "taught": measured(0.6)}}, "knows_the_judges"),
        ({"pass": {**GOOD, "rise": {"rise": 0.2, "error": 0.01}}}, "worse_foresight"),
        ({"pass": {**GOOD, "gaps": [gap(0.2, 0.05)]}}, "gap_grew"),
    ],
)
def test_a_bad_model_is_refused_for_a_reason(figures: dict[str, Any], code: str) -> None:
    assert code in codes(objections.to_engagement(figures))


def pair(new: dict[str, Any], old: dict[str, Any], rise: float = 0.0) -> dict[str, Any]:
    return {"new": new, "old": old, "rise": {"rise": rise, "error": 0.01}, "drop_error": 0.001}


@pytest.mark.parametrize(
    ("stack", "code"),
    [
        (pair(measured(0.75), measured(0.8)), "worse_than_alone"),
        (pair(measured(0.8, ece=0.4), measured(0.8)), "miscalibrated"),
        (pair({**measured(1.0), "auc_low": 1.0}, measured(0.8)), "too_good"),
        (pair(measured(None, finite=False), measured(0.8)), "not_numbers_for"),
    ],
)
def test_a_stack_is_left_out_for_a_reason(stack: dict[str, Any], code: str) -> None:
    assert codes(objections.to_stack({"pass": {**GOOD, "stack": stack}})) == [code]


def test_a_stack_as_good_as_its_lstm_alone_or_none_meets_no_objection() -> None:
    good = {**GOOD, "stack": pair(measured(0.8), measured(0.8))}
    assert objections.to_stack({"pass": good, "leave": GOOD}) == []
    assert codes(objections.to_stack({"pass": good}, 0.1)) == ["impure"]
    few = {**GOOD, "n": 5, "stack": pair(measured(0.7), measured(0.8))}
    assert objections.to_stack({"pass": few}) == []


@pytest.mark.parametrize(
    ("courses", "code"),
    [
        (pair(measured(0.75), measured(0.8)), "worse_courses"),
        (pair(measured(0.8, ece=0.4), measured(0.8)), "miscalibrated_courses"),
        (pair(measured(0.8), measured(0.8), rise=0.2), "worse_courses_loss"),
        ({**pair(measured(0.8), measured(0.8)), "gaps": [gap(0.2, 0.05)]}, "gap_grew"),
    ],
)
def test_what_would_foresee_course_runs_is_refused_for_a_reason(courses: dict[str, Any], code: str) -> None:
    fine = pair(measured(0.8), measured(0.8))
    figures = {**GOOD, "courses": courses, "alone": fine}
    assert codes(objections.to_courses({"pass": figures}, stacked=True)) == [code]
    assert objections.to_courses({"pass": figures}, stacked=False) == []
    assert objections.to_courses({"pass": GOOD}, stacked=True) == []


def test_leaving_may_be_foreseen_nearly_perfectly() -> None:
    perfect = target({**measured(1.0), "auc_low": 1.0}) | {
        "telling": {"event": "page_close", "accuracy": 1.0}
    }
    assert objections.to_engagement({"leave": perfect}) == []


def test_what_chance_does_to_a_measure_is_no_reason() -> None:
    for figures in (
        {**target(measured(0.8)), "taught": measured(0.79)},
        {**target(measured(0.65), n=40), "taught": {**measured(0.6), "auc_low": 0.4, "auc_high": 0.8}},
        {**GOOD, "rise": {"rise": 0.2, "error": 0.1}},
        {**target(measured(0.75), measured(0.8)), "drop_error": 0.03},
        {**target(measured(0.8, ece=0.25)), "learners": 40},
        {**GOOD, "gaps": [gap(0.2, 0.05, error=0.1)]},
        {**GOOD, "gaps": [gap(0.09, 0.05)]},
    ):
        assert objections.to_engagement({"pass": figures}) == []


def test_only_the_gap_that_grew_most_is_told() -> None:
    grown = [gap(0.2, 0.05), gap(0.3, 0.05, group="m"), gap(0.05, 0.05, group="25_34")]
    found = objections.to_engagement({"pass": {**GOOD, "gaps": grown}})
    assert [(each["code"], each["group"]) for each in found] == [("gap_grew", "m")]


def test_a_refusal_shows_figures_that_differ() -> None:
    words = remarks.text(objections.to_engagement({"pass": target(measured(0.79994), measured(0.82002))}))
    assert "0.800" in words
    close = [remarks.remark("miscalibrated", target="pass", new=0.19204, allowed=0.19198)]
    assert "0.19204" in remarks.text(close)
    assert "0.19198" in remarks.text(close)


def test_a_reading_that_the_future_changes_is_refused() -> None:
    assert objections.to_purity(1e-6) == []
    assert codes(objections.to_purity(0.01)) == ["impure"]


def test_a_model_that_knows_less_of_the_present_is_refused() -> None:
    newest = 1_763_600_000.0
    assert objections.to_data({"last_event": newest}, {"last_event": newest}, newest) == []
    assert objections.to_data({"last_event": newest}, {}) == []
    assert objections.to_data({}, None, newest) == []
    found = objections.to_data({"last_event": newest - 3 * 86400}, {"last_event": newest})
    assert "newest event is of 2025-11-17, the serving model’s of 2025-11-20" in remarks.text(found)
    assert codes(objections.to_data({"last_event": newest - 3 * 86400}, None, newest)) == ["stale_events"]


def test_a_small_drop_is_no_reason_and_the_setting_says_what_is_small() -> None:
    figures = {"pass": target(measured(0.785), measured(0.8))}
    assert objections.to_engagement(figures) == []
    with override_settings(NUDGE_PROMOTION_AUC_DROP=0.01):
        assert objections.to_engagement(figures) != []


def test_a_model_no_worse_calibrated_than_the_serving_one_is_not_refused_for_calibration() -> None:
    assert objections.to_engagement({"pass": target(measured(0.8, 0.3), measured(0.8, 0.31))}) == []


def votes(
    new: float, old: float | None = None, n: int = 60, shares: float = 0.9, ece: float = 0.05
) -> dict[str, Any]:
    figures: dict[str, Any] = {"n": n, "new": {"log_loss": new, "log_loss_of_shares": shares, "ece": ece}}
    return figures | ({"old": {"log_loss": old, "log_loss_of_shares": shares, "ece": ece}} if old else {})


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        (votes(0.8, n=3), "unjudged_votes"),
        ({"n": 0}, "unjudged_votes"),
        (votes(1.2), "worse_than_shares"),
        (votes(0.85) | {"over_shares": {"rise": 0.03, "error": 0.005}}, "worse_than_shares"),
        (votes(0.85, 0.7), "worse_loss"),
        (votes(0.85, 0.84) | {"rise": {"rise": 0.01, "error": 0.002}}, "worse_loss"),
        (votes(0.85, ece=0.6), "miscalibrated"),
        (votes(float("nan")), "not_numbers"),
        (votes(0.9, 0.85) | {"spread": 0.0}, "same_for_all"),
        (votes(0.9) | {"spread": 0.0}, "same_for_all"),
        (votes(0.1), "too_good_votes"),
        (votes(0.5) | {"taught": {"log_loss": 0.8, "error": 0.02}}, "knows_the_judges_votes"),
        (votes(0.85, 0.84) | {"gaps": [gap(0.2, 0.05)]}, "gap_grew"),
    ],
)
def test_a_bad_helpfulness_model_is_refused_for_a_reason(figures: dict[str, Any], code: str) -> None:
    assert code in codes(objections.to_helpfulness(figures))


def test_a_serving_model_that_answers_with_no_numbers_does_not_keep_its_successor_out() -> None:
    silent = votes(0.85, 0.84) | {"old": {"log_loss": None, "log_loss_of_shares": 0.9, "ece": None}}
    assert objections.to_helpfulness(silent) == []


def test_a_helpfulness_model_as_good_as_the_serving_one_is_not_refused() -> None:
    assert objections.to_helpfulness(votes(0.85, 0.84)) == []
    nobody_apart = votes(0.9, 0.9) | {"spread": 0.0, "personal": False}
    assert objections.to_helpfulness(nobody_apart) == [], "that personalising adds nothing may be the truth"


@override_settings(NUDGE_HELD_OUT_SHARE=0.1)
def test_a_helpfulness_model_of_other_learners_or_old_answers_is_refused() -> None:
    now = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
    fresh = {"held_out_share": 0.1, "as_of": now.isoformat()}
    assert objections.to_lessons(fresh, now) == []
    assert codes(objections.to_lessons({**fresh, "held_out_share": 0.0}, now)) == ["other_learners"]
    old = {**fresh, "as_of": (now - timedelta(days=5)).isoformat()}
    assert codes(objections.to_lessons(old, now)) == ["stale_answers"]


def worth(low: float, high: float, versus: str = "v1") -> dict[str, Any]:
    return {"n": 900, "new": 0.1, "old": 0.12, "low": low, "high": high, "versus": versus}


def test_a_model_by_which_nudging_is_worth_less_is_refused() -> None:
    assert objections.to_worth(None) == []
    assert objections.to_worth({"n": 3, "why": "few"}) == []
    assert objections.to_worth(worth(-0.01, 0.02)) == []
    assert codes(objections.to_worth(worth(-0.035, 0.001))) == ["worth_less"]
    assert codes(objections.to_worth(worth(-0.035, 0.001, ""))) == ["worth_less_alone"]
    with override_settings(NUDGE_PROMOTION_WORTH_DROP=0.04):
        assert objections.to_worth(worth(-0.035, 0.001)) == []


def test_a_log_too_short_to_tell_refuses_only_what_is_surely_and_much_worse() -> None:
    assert objections.to_worth(worth(-0.2, 0.1)) == []
    assert objections.to_worth(worth(-0.048, -0.001)) == []
    assert codes(objections.to_worth(worth(-0.2, -0.01))) == ["worth_less"]


def test_the_allowance_for_chance_is_what_a_perfect_model_measures() -> None:
    rng = np.random.default_rng(5)
    found = []
    for _ in range(300):
        said = rng.random(200)
        found.append(metrics.ece((rng.random(200) < said).astype(int), said))
    # The closed form takes one share for all bins, which bounds the mean over bins from above.
    assert np.mean(found) <= objections._chance_ece(200, 0.5) <= 1.5 * np.mean(found)


@given(new=st.floats(0.0, 1.0), old=st.floats(0.0, 1.0), ece=st.floats(0.0, 1.0), n=st.integers(30, 5000))
def test_whatever_is_promoted_keeps_every_bound(new: float, old: float, ece: float, n: int) -> None:
    if not objections.to_engagement({"pass": target(measured(new, ece), measured(old), n)}):
        assert new >= max(0.55, old - 0.02)
        assert ece <= 0.1 + objections._chance_ece(n, (n // 3) / n)


UNSEEN = {"auc": 0.8, "ece": 0.02}


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (UNSEEN, None, set()),
        (UNSEEN, {"auc": 0.81, "ece": 0.01}, set()),
        (UNSEEN, {"auc": 0.83, "ece": 0.02}, {"worse_unseen_auc"}),
        ({"auc": 0.8, "ece": 0.15}, None, {"miscalibrated"}),
        ({"auc": 0.8, "ece": 0.15}, {"auc": 0.8, "ece": 0.14}, set()),
        ({"auc": None, "ece": None}, None, {"unmeasured"}),
        ({"auc": 0.5, "ece": 0.0}, None, {"indistinct"}),
    ],
)
def test_unseen_runs_must_be_foreseen_as_well_as_before(
    new: dict[str, Any], old: dict[str, Any] | None, expected: set[str]
) -> None:
    found = objections.to_unseen("complete", new, old)
    assert {each["code"] for each in found} == expected
    assert all(remarks.sentence(each) for each in found)
