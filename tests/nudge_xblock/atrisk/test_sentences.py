"""Every factor and group is worded, and a sentence holds the numbers that it speaks of."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock.atrisk.quantities import KINDS, quantities
from nudge_xblock.atrisk.sentences import (
    FACTORS,
    GROUPS,
    described,
    factor_words,
    group_words,
    sentence,
    together,
)
from nudge_xblock.atrisk.wordings import OF_UNITS, WORDINGS
from predictor import factors as known
from predictor.factors import OF_EVENTS, OF_RECORDS, OF_TABLES, UNITS, Factor, of_table, protected

EVERY = (*OF_EVENTS, *OF_RECORDS, *OF_TABLES)


def number(factor: str, unit: str, value: float, typical: float) -> dict[str, Any]:
    return {"factor": factor, "unit": unit, "value": value, "typical": typical, "contribution": 0.4}


def said(factor: str, unit: str, value: float, typical: float, days: float = 20.0) -> str:
    return sentence("absence", [number(factor, unit, value, typical)], days)


def test_every_factor_and_group_of_the_model_is_worded_and_none_besides() -> None:
    assert set(FACTORS) == {factor.name for factor in EVERY}
    assert set(GROUPS) == set(known.GROUPS)
    assert set(OF_UNITS) == set(UNITS)
    assert len({str(label) for label in FACTORS.values()}) == len(FACTORS)
    assert {wording.kind for wording in (*WORDINGS.values(), *OF_UNITS.values())} <= KINDS


@pytest.mark.parametrize("factor", EVERY, ids=[factor.name for factor in EVERY])
def test_a_factors_sentence_holds_both_numbers(factor: Factor) -> None:
    if factor.name == "never_came":
        assert said("never_came", "flag", 1.0, 0.0, days=12.4) == "Has not come once in 12 days."
        return
    own, typical = 3.0, 7.0
    if factor.unit == "share":
        own, typical = 0.17, 0.42
    if factor.name in ("course_events", "course_trend"):
        own, typical = math.log(4), math.log(9)
    text = said(factor.name, factor.unit, own, typical)
    expected = {
        "share": ("17%", "42%"),
        "course_events": ("3 actions", "8 actions"),
        "course_trend": ("400%", "900%"),
        "away_beyond_usual": ("300%", "700%"),
    }
    pair = expected.get(factor.name) or expected.get(factor.unit, ("3", "7"))
    assert pair[0] in text
    assert pair[1] in text
    assert text.index(pair[0]) < text.rindex(pair[1])
    assert text.endswith(".")
    assert "{" not in text


def test_sentences_as_they_are_read() -> None:
    assert said("days_away", "days", 9.2, 2.1) == (
        "Away for 9 days; learners who finish are usually back after 2 days."
    )
    assert said("days_away", "days", 1.0, 0.5) == (
        "Away for 1 day; learners who finish are usually back after 12 hours."
    )
    assert said("assignments_missed", "count", 1.0, 0.0) == (
        "Missed 1 assignment; learners who finish usually 0 assignments."
    )
    assert said("hours_week", "hours", 0.5, 3.0) == (
        "Spent 30 minutes here in the last week; learners who finish usually spend 3 hours."
    )
    assert said("grade", "share", 0.38, 0.71) == (
        "The grade so far is 38%; learners who finish usually have 71%."
    )


def test_digits_are_added_until_two_numbers_differ() -> None:
    assert said("days_away", "days", 2.4, 1.9) == (
        "Away for 2.4 days; learners who finish are usually back after 1.9 days."
    )
    assert said("grade", "share", 0.384, 0.382) == (
        "The grade so far is 38.4%; learners who finish usually have 38.2%."
    )
    assert said("tries", "times", 2.5, 1.0) == (
        "Needs 2.5 tries for a problem; learners who finish usually 1.0 tries."
    )


def test_who_is_away_for_longer_than_the_week_has_missed_all_of_it() -> None:
    assert said("week_missed", "share", 3.3, 0.09) == (
        "Missed 100% of last week’s activity in the course; learners who finish usually miss 9%."
    )


def test_the_strongest_number_is_told() -> None:
    numbers = [number("rank", "share", 0.1, 0.6), number("days_away", "days", 9.0, 2.0)]
    assert sentence("absence", numbers, 20.0).startswith("Has done more here than 10% of the others")


def test_a_column_of_the_operators_own_gets_a_plain_sentence_with_its_name() -> None:
    (factor,) = of_table(["grades.quiz_3_speed"])
    assert said(factor.name, factor.unit, 4.25, 7.0) == (
        "Grades – quiz 3 speed: 4.3; learners who finish: usually 7.0."
    )
    assert factor_words("help_mentor_calls") == "Asking for help – mentor calls"
    assert factor_words("of another release") == "of another release"
    assert group_words("moon") == "moon"


def test_without_numbers_the_group_is_named_and_where_nothing_stands_out_that_is_said() -> None:
    assert sentence("pace", [], 3.0) == "Pace: the numbers behind it are not known."
    assert "together" in together()


def test_a_typical_number_that_is_not_known_is_left_out() -> None:
    assert said("grade", "share", 0.4, math.nan) == "Grade so far: 40%."


def test_numbers_are_described_for_a_page() -> None:
    (row,) = described([number("course_events", "number", math.log(4), math.log(9))])
    assert row["words"] == "Actions of an active learner of the course in the last week"
    assert (row["said"], row["said_typical"]) == ("3 actions", "8 actions")
    assert (row["value"], row["typical"]) == (math.log(4), math.log(9))
    (row,) = described([number("never_came", "flag", 1.0, 0.0)])
    assert row["words"] == "Never came"


def test_no_factor_that_is_worded_is_a_protected_attribute() -> None:
    assert not [name for name in FACTORS if protected(name)]


@given(st.sampled_from(sorted(KINDS)), st.floats(0, 1e5), st.floats(0, 1e5))
def test_any_two_numbers_are_told_and_differ_where_two_digits_tell_them_apart(
    kind: str, own: float, typical: float
) -> None:
    first, second = (str(each) for each in quantities(kind, own, typical))
    assert re.search(r"\d", first)
    assert re.search(r"\d", second)
    if abs(own - typical) > 0.02:
        assert first != second


def test_numbers_are_written_as_the_readers_language_does() -> None:
    with translation.override("es-419"):
        text = said("days_away", "days", 2.4, 1.9)
    assert "2.4" in text or "2,4" in text
    with translation.override("de"):
        assert "2,4" in said("days_away", "days", 2.4, 1.9)
