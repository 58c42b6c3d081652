"""Factors, the groups they belong to, and what is never weighed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor import factors
from predictor.factors import (
    GROUPS,
    LOG,
    OF_EVENTS,
    OF_RECORDS,
    OF_TABLES,
    PLAIN,
    UNITS,
    Factor,
    of_table,
    protected,
)

EVERY = (*OF_EVENTS, *OF_RECORDS, *OF_TABLES)


def test_names_and_columns_are_unique_and_groups_and_units_known() -> None:
    assert len({factor.name for factor in EVERY}) == len(EVERY)
    assert len({factor.column for factor in EVERY}) == len(EVERY)
    assert {factor.group for factor in EVERY} == set(GROUPS)
    assert {factor.unit for factor in EVERY} <= set(UNITS)
    assert {factor.shape for factor in EVERY} == {LOG, PLAIN}


def test_no_factor_is_a_protected_attribute() -> None:
    assert not [factor for factor in EVERY if protected(factor.column) or protected(factor.name)]


@given(st.floats(0, 1e6), st.sampled_from(EVERY))
def test_a_number_comes_back_from_what_is_weighed(number: float, factor: Factor) -> None:
    back = factor.number(factor.scaled(np.array([number])))
    np.testing.assert_allclose(back, [number], rtol=1e-9, atol=1e-9)


def test_unknown_numbers_stay_unknown() -> None:
    assert all(np.isnan(factor.scaled(np.array([np.nan]))[0]) for factor in EVERY)


def test_a_known_column_has_its_direction_and_another_is_weighed_either_way() -> None:
    missed, other = of_table(["assignments.missed", "help.office_hours"])
    assert (missed.name, missed.direction) == ("assignments_missed", factors.RAISES)
    assert (other.name, other.group, other.direction) == ("help_office_hours", "help", factors.EITHER)
    assert not other.of_visits


@pytest.mark.parametrize("column", ["missed", "weather.rain", "assignments.", ".missed"])
def test_a_column_without_a_group_is_refused_with_the_groups(column: str) -> None:
    with pytest.raises(ValueError, match=r"GROUP\.NAME .*absence, assignments"):
        of_table([column])


@pytest.mark.parametrize(
    "column",
    [
        "enrolment.gender", "enrolment.age", "enrolment.year_of_birth", "enrolment.Country", "grades.race",
        "help.ethnicity", "enrolment.level_of_education", "enrolment.disability", "enrolment.home-country",
        "pace.sex",
    ],
)  # fmt: skip
def test_a_protected_attribute_is_refused_and_sent_to_the_audit(column: str) -> None:
    with pytest.raises(ValueError, match=r"protected attribute.*--slices"):
        of_table([column])


@pytest.mark.parametrize("column", ["pace.average", "grades.percentage", "assignments.stages", "pace.raced"])
def test_a_word_that_only_contains_one_is_no_protected_attribute(column: str) -> None:
    assert of_table([column])[0].column == column


def test_factors_come_back_from_a_manifest() -> None:
    told = json.loads(json.dumps([factor.to_json() for factor in EVERY]))
    assert factors.from_json(told) == EVERY


def test_a_manifest_with_other_fields_is_refused() -> None:
    with pytest.raises(ValueError, match="not what this code knows"):
        factors.from_json([{"name": "x", "weight": 3}])


def test_the_reference_tells_every_factor() -> None:
    told = (Path(__file__).parents[2] / "docs" / "reference" / "risk.md").read_text(encoding="utf-8")
    table = told.partition("## Factors")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [factor.name for factor in EVERY]
    for row, factor in zip(rows, EVERY, strict=True):
        cells = [cell.strip() for cell in row.split("|")]
        assert (cells[2], cells[4]) == (factor.group, factor.unit)
        assert cells[5].startswith(factor.shape)
