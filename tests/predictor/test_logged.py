"""The table of logged decisions: which rows count, and what is wrong with the others."""

from __future__ import annotations

import pytest

from predictor.logged import from_columns


def columns(**changes: list[str]) -> dict[str, list[str]]:
    table = {
        "decision_id": ["1", "2"],
        "arm": ["a", "b"],
        "propensity": ["0.5", "0.5"],
        "reward": ["1", "0"],
    }
    return {**table, **changes}


def test_rows_repeated_or_without_reward_are_counted() -> None:
    table = {name: [*values, values[0], "new"] for name, values in columns().items()}
    table["reward"][3] = ""
    decisions, left_out = from_columns(table)
    assert decisions.ids == ("1", "2")
    assert left_out == {"repeated": 1, "without reward": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"propensity": ["0", "0.5"]}, "decision 1 has a propensity"),
        ({"propensity": ["0.5", "1.5"]}, "decision 2 has a propensity"),
        ({"propensity": ["0.5", "nan"]}, "decision 2 has a propensity"),
        ({"propensity": ["half", "0.5"]}, "decision 1: propensity is 'half'"),
        ({"propensity": ["", "0.5"]}, "decision 1: propensity is '', not a number"),
        ({"arm": ["a", ""]}, "decision 2 has no arm"),
        ({"decision_id": ["1", ""]}, "row 2 has no decision_id"),
        ({"x_age": ["1", "inf"]}, "decision 2 has an x_ value that is not a finite number"),
        ({"x_age": ["1", ""]}, "decision 2: x_age is ''"),
        ({"reward": ["inf", "0"]}, "decision 1 has a reward"),
        ({"reward": ["", ""]}, "no decision with a reward"),
        ({"decision_id": ["1", "1"]}, "twice with different values"),
        (
            {"p_a": ["0.5", "0.5"], "p_b": ["0.5", "0.6"]},
            "decision 2 has target probabilities that do not sum",
        ),
        ({"p_a": ["-0.5", "0.5"], "p_b": ["1.5", "0.5"]}, "decision 1 has a target probability outside"),
    ],
)
def test_a_wrong_row_is_named(changes: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_columns(columns(**changes))


def test_a_missing_column_is_named() -> None:
    table = columns()
    del table["propensity"]
    with pytest.raises(ValueError, match="lacks the columns propensity"):
        from_columns(table)
