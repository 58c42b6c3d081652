"""Every rule by which a new model is refused, tried on figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock import objections
from predictor import metrics


def measured(auc: float | None, ece: float = 0.03, finite: bool = True) -> dict[str, Any]:
    low, high = (None, None) if auc is None else (auc - 0.05, auc + 0.05)
    return {
        "auc": auc,
        "auc_low": low,
        "auc_high": high,
        "ece": None if auc is None else ece,
        "finite": finite,
    }


def target(new: dict[str, Any], old: dict[str, Any] | None = None, n: int = 400) -> dict[str, Any]:
    return {"n": n, "positives": n // 3, "new": new} | ({"old": old} if old else {})


GOOD = target(measured(0.8), measured(0.79))


def test_a_good_model_meets_no_objection() -> None:
    assert objections.to_engagement({"pass": GOOD, "leave": target(measured(0.7))}) == []


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (
            {"pass": target(measured(0.7), measured(0.8))},
            "pass: AUC 0.700 on held-out learners, the serving model's is",
        ),
        ({"pass": target(measured(0.8, ece=0.4))}, "its probabilities are off by 0.40 on average"),
        ({"pass": target(measured(0.4))}, "worse than chance"),
        ({"pass": target(measured(0.52))}, "hardly tells learners apart"),
        ({"pass": target(measured(None, finite=False))}, "does not answer with numbers for pass"),
        ({"pass": target(measured(0.9), n=5)}, "5 held-out answers are too few, 30 are needed"),
        ({}, "0 held-out answers are too few"),
        ({"leave": GOOD, "pass": target(measured(None), measured(0.8))}, "pass could not be judged"),
    ],
)
def test_a_bad_model_is_refused_for_a_reason_in_words(figures: dict[str, Any], words: str) -> None:
    found = objections.to_engagement(figures)
    assert any(words in one for one in found), found


def test_a_model_that_knows_less_of_the_present_is_refused() -> None:
    newest = 1_763_600_000.0
    assert objections.to_data({"last_event": newest}, {"last_event": newest}) == []
    assert objections.to_data({"last_event": newest}, {}) == []
    found = objections.to_data({"last_event": newest - 3 * 86400}, {"last_event": newest})
    assert "newest event is of 2025-11-17, the serving model's of 2025-11-20" in found[0]


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


def test_a_helpfulness_model_must_be_judged_learn_something_and_not_be_worse() -> None:
    assert objections.to_helpfulness(votes(0.85, 0.84)) == []
    assert "are needed to judge it" in objections.to_helpfulness(votes(0.8, n=3))[0]
    assert "are needed to judge it" in objections.to_helpfulness({"n": 0})[0]
    assert "worse than their mere shares" in objections.to_helpfulness(votes(1.2))[0]
    assert "the serving model's is 0.700" in objections.to_helpfulness(votes(0.85, 0.7))[0]
    assert "off by 0.60" in objections.to_helpfulness(votes(0.85, ece=0.6))[0]
    assert objections.to_helpfulness(votes(float("nan"))) == ["it does not answer with numbers"]


def test_the_allowance_for_chance_is_what_a_perfect_model_measures() -> None:
    rng = np.random.default_rng(5)
    found = []
    for _ in range(300):
        said = rng.random(200)
        found.append(metrics.ece((rng.random(200) < said).astype(int), said))
    # The closed form takes one share for all bins, which bounds the mean over bins from above.
    assert np.mean(found) <= objections._chance_ece(200, 100) <= 1.5 * np.mean(found)


@given(new=st.floats(0.0, 1.0), old=st.floats(0.0, 1.0), ece=st.floats(0.0, 1.0), n=st.integers(30, 5000))
def test_whatever_is_promoted_keeps_every_bound(new: float, old: float, ece: float, n: int) -> None:
    if not objections.to_engagement({"pass": target(measured(new, ece), measured(old), n)}):
        assert new >= max(0.55, old - 0.02)
        assert ece <= 0.1 + objections._chance_ece(n, n // 3)
