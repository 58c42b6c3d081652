"""What an address chooses: the cases that the browser is held to as well, and what always holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nudge_xblock.communicator.selection import (
    FIGURES,
    MOST_DAYS,
    NAMED,
    NEVER,
    REASONS,
    RISKS,
    TIERS,
    UNKNOWN,
    Figures,
    Range,
    Selection,
    Unreadable,
    bits,
)

GOLDEN = json.loads((Path(__file__).parent / "selections.json").read_text(encoding="utf-8"))


def figures(learners: list[dict[str, Any]]) -> Figures:
    """Learners as the fixture writes them, in columns."""
    modes = tuple(sorted({learner["mode"] for learner in learners}))
    columns: dict[str, Any] = {
        name: np.array([UNKNOWN if row[name] is None else row[name] for row in learners], np.uint8)
        for name in FIGURES
        if name != "seen"
    }
    columns["seen"] = np.array(
        [NEVER if row["seen"] == "never" else row["seen"] for row in learners], np.uint16
    )
    columns["mode"] = np.array([modes.index(row["mode"]) for row in learners], np.uint8)
    columns["reasons"] = np.array([bits(row["reasons"]) for row in learners], np.uint32)
    for key, known in NAMED.items():
        places = [known.index(row[key]) + 1 if row[key] else 0 for row in learners]
        columns[key] = np.array(places, np.uint8)
    return Figures(columns, modes, np.array([int(row["who"], 16) for row in learners], ">u8"))


EVERYONE = figures(GOLDEN["learners"])


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['query']}: {case['says']}")
def test_an_address_chooses_these_learners(case: dict[str, Any]) -> None:
    selection = Selection.parse(case["query"])
    assert np.flatnonzero(selection.matches(EVERYONE)).tolist() == case["matches"]
    assert selection.query() == case["canonical"]
    assert Selection.parse(case["canonical"]) == selection


@pytest.mark.parametrize("query", GOLDEN["refused"])
def test_what_is_misspelt_is_refused_in_words(query: str) -> None:
    with pytest.raises(Unreadable) as refused:
        Selection.parse(query)
    assert str(refused.value).endswith(".")


def ranges(name: str) -> st.SearchStrategy[Range]:
    most = MOST_DAYS if name == "seen" else 100
    closed = st.tuples(st.integers(0, most), st.integers(0, most)).map(sorted).map(lambda ends: Range(*ends))
    if name != "seen":
        return closed
    opened = st.integers(0, most).map(lambda low: Range(low, NEVER))
    return closed | opened | st.just(Range(NEVER, NEVER))


def names(known: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sets(st.sampled_from(known)).map(sorted).map(tuple)


PSEUDONYMS = (st.integers(0, 3) | st.integers(0, 2**64 - 1)).map(lambda number: f"{number:016x}")
CONDITIONS = st.builds(
    Selection,
    ranges=st.sets(st.sampled_from(FIGURES)).flatmap(
        lambda chosen: st.fixed_dictionaries({name: ranges(name) for name in FIGURES if name in chosen})
    ),
    modes=names(("audit", "honor", "verified", "no-id-professional")),
    reasons=names(REASONS),
    tiers=names(TIERS),
    risks=names(RISKS),
    who=st.sets(PSEUDONYMS, max_size=3).map(sorted).map(tuple),
)
PERCENT = st.integers(0, 100) | st.none()
LEARNER = st.fixed_dictionaries(
    {
        **{name: PERCENT for name in FIGURES if name != "seen"},
        "seen": st.integers(0, MOST_DAYS) | st.just("never"),
        "mode": st.sampled_from(["audit", "honor", "verified"]),
        "reasons": st.lists(st.sampled_from(REASONS), unique=True),
        "tier": st.sampled_from(("", *TIERS)),
        "risk": st.sampled_from(("", *RISKS)),
        "who": PSEUDONYMS,
    }
)


@given(CONDITIONS)
def test_a_selection_survives_the_address(selection: Selection) -> None:
    assert Selection.parse(selection.query()) == selection


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        selection = Selection.parse(text)
    except Unreadable:
        return
    assert Selection.parse(selection.query()) == selection


@given(CONDITIONS, CONDITIONS, st.lists(LEARNER, min_size=1, max_size=20))
def test_more_conditions_never_mean_more_learners(
    one: Selection, other: Selection, learners: list[dict[str, Any]]
) -> None:
    assume(one.query())
    narrower = replace(one, ranges={**other.ranges, **one.ranges})
    found = figures(learners)
    assert not (narrower.matches(found) & ~one.matches(found)).any()


@given(CONDITIONS, LEARNER)
def test_each_learner_is_judged_by_what_the_words_say(selection: Selection, learner: dict[str, Any]) -> None:
    def holds(name: str, held: Range) -> bool:
        value = learner[name]
        if value is None:
            return False
        return held.low <= (NEVER if value == "never" else value) <= held.high

    expected = bool(selection.query()) and (
        all(holds(name, held) for name, held in selection.ranges.items())
        and (not selection.modes or learner["mode"] in selection.modes)
        and (not selection.reasons or bool(set(learner["reasons"]) & set(selection.reasons)))
        and (not selection.tiers or learner["tier"] in selection.tiers)
        and (not selection.risks or learner["risk"] in selection.risks)
        and (not selection.who or learner["who"] in selection.who)
    )
    assert selection.matches(figures([learner])).tolist() == [expected]
