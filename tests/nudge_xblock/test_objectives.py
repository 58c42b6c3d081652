"""What counts as success, by what a nudge is for."""

from __future__ import annotations

import numpy as np
import pytest

from nudge_xblock.objectives import FAILURE, NEITHER, SUCCESS, Expectation, of_items, result


@pytest.mark.parametrize(
    ("objective", "helpful", "clicked", "dismissed", "found"),
    [
        ("vote", True, False, True, SUCCESS),
        ("vote", False, True, False, FAILURE),
        ("vote", None, True, True, NEITHER),
        ("click", False, True, True, SUCCESS),
        ("click", True, False, False, NEITHER),
        ("click", None, False, True, FAILURE),
        ("click", False, False, False, FAILURE),
    ],
)
def test_answers_decide_votes_and_clicks(
    objective: str, helpful: bool | None, clicked: bool, dismissed: bool, found: int
) -> None:
    assert result(objective, helpful, clicked, dismissed, {}, 7.0) == found


def test_what_is_completed_is_not_known_before_the_days_are_over() -> None:
    assert result("items", True, True, False, {}, 7.0) is None
    assert result("items", True, True, False, {"objective": {"result": None, "days": 7.0}}, 7.0) is None
    found = {"objective": {"result": SUCCESS, "days": 7.0}}
    assert result("items", None, False, True, found, 7.0) == SUCCESS
    assert result("items", None, False, True, found, 14.0) is None, "over other days than count now"


@pytest.mark.parametrize(
    ("after", "expected", "found"),
    [(3, 2.0, SUCCESS), (3, 2.5, NEITHER), (2, 2.9, NEITHER), (1, 2.0, FAILURE), (0, 0.6, NEITHER)],
)
def test_an_item_more_or_less_than_expected_makes_the_result(after: int, expected: float, found: int) -> None:
    assert of_items(after, expected) == found


def test_without_anything_known_as_much_is_expected_as_before() -> None:
    nothing = np.zeros(0)
    assert Expectation.fit(nothing, nothing).of(4.0, 7.0) == pytest.approx(4.0)


def test_what_is_expected_follows_many_learners_who_were_shown_nothing() -> None:
    before = np.random.default_rng(1).gamma(2.0, 1.0, 4000)
    usual = Expectation.fit(before, 0.3 + 0.5 * before)
    assert usual.of(14.0, 7.0) == pytest.approx(0.3 * 7 + 0.5 * 14.0, abs=0.2)
    assert Expectation(-1.0, 0.5).of(2.0, 7.0) == 0.0
