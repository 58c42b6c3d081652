"""Whether a threshold flags one group wrongly more often than the others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.flags import Row, Share, chance, difference, flagging, tellable


def rows(flagged_of: dict[str, tuple[int, int]], lost: int = 40, threshold: float = 0.5) -> dict[str, Row]:
    """Rows by group; of each group so many of so many who completed are flagged, and all of the `lost`."""
    groups, chances, outcomes = [], [], []
    for name, (wrongly, completed) in flagged_of.items():
        groups += [name] * (completed + lost)
        chances += [0.9] * wrongly + [0.1] * (completed - wrongly) + [0.9] * lost
        outcomes += [0.0] * completed + [1.0] * lost
    learners = np.arange(len(groups)).astype(np.str_)
    found = flagging(
        np.array(outcomes), np.array(chances), threshold, {"country group": np.array(groups)}, learners
    )
    return {row["group"]: row for row in found}


def test_a_group_that_is_flagged_wrongly_more_often_is_seen() -> None:
    found = rows({"north": (60, 200), "south": (20, 200)})
    assert found["north"]["over"]
    assert not found["south"]["over"]
    assert found["north"]["wrongly"] == pytest.approx(0.3)
    assert found["north"]["wrongly_others"] == pytest.approx(0.1)
    assert found["north"]["low"] < 0.2 < found["north"]["high"]
    assert found["north"]["low"] > 0


def test_luck_is_not_called_over_flagging() -> None:
    found = rows({"north": (24, 200), "south": (20, 200)})
    assert not any(row["over"] for row in found.values())
    assert found["north"]["low"] < 0 < found["north"]["high"]


def test_more_flags_where_more_are_lost_are_not_wrong_ones() -> None:
    """The share flagged differs, the share flagged wrongly does not."""
    outcomes = np.concatenate((np.zeros(100), np.ones(300), np.zeros(300), np.ones(100)))
    chances = np.where(outcomes == 1, 0.9, 0.1)
    groups = np.repeat(["north", "south"], 400)
    found = list(flagging(outcomes, chances, 0.5, {"region": groups}, np.arange(800).astype(np.str_)))
    assert [row["flagged"] for row in found] == [0.75, 0.25]
    assert not any(row["over"] for row in found)


def test_those_whose_outcome_is_not_known_do_not_count_as_completed() -> None:
    outcomes = np.concatenate((np.zeros(40), np.full(40, np.nan)))
    found = list(
        flagging(outcomes, np.ones(80), 0.5, {"region": np.repeat(["a"], 80)}, np.arange(80).astype(np.str_))
    )
    assert found[0]["completed"] == 40


def test_small_groups_are_hidden_and_so_is_what_would_give_them_away() -> None:
    found = rows({"few": (1, 9), "some": (2, 30), "many": (9, 300)})
    assert found["few"] == {"column": "country group", "group": "few", "hidden": True}
    assert found["some"].get("hidden")
    assert "n" in found["many"]


def test_how_many_are_flagged_of_a_group_is_not_told_where_it_could_be_counted() -> None:
    """Of 20 in the north 2 are flagged; nor is the south told, or they could be had from everybody."""
    found = rows({"north": (2, 20), "south": (30, 60), "west": (40, 80)}, lost=0)
    assert [found[name]["n"] for name in ("north", "south", "west")] == [20, 60, 80]
    assert found["north"]["flagged"] is found["south"]["flagged"] is None
    assert found["west"]["flagged"] == 0.5


sizes = st.integers(0, 60).flatmap(lambda n: st.builds(Share, st.integers(0, n), st.just(n)))


@given(st.lists(sizes, min_size=1, max_size=6))
def test_no_share_that_is_told_counts_a_small_cell_nor_lets_one_be_had_by_subtraction(
    divided: list[Share],
) -> None:
    told = tellable(divided)
    cells = [min(share.hits, share.n - share.hits) for share in divided]
    assert all(cell >= 10 for cell, may in zip(cells, told, strict=True) if may)
    assert sum(not may for may in told) != 1 or len(divided) == 1
    left = [share for share, may in zip(divided, told, strict=True) if not may]
    rest = Share(sum(share.hits for share in left), sum(share.n for share in left))
    assert not any(told) or not left or min(rest.hits, rest.n - rest.hits) >= 10


shares = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(shares, shares)
def test_the_interval_holds_the_difference_and_turns_with_it(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    one, two = Share(*first), Share(*second)
    forth, back = difference(one, two), difference(two, one)
    assert -1 <= forth.low <= forth.value <= forth.high <= 1
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low))
    assert 0 <= chance(one, two) <= 1


def test_newcombes_published_example_is_met() -> None:
    """56 of 70 against 48 of 80: 0.2, from 0.0524 to 0.3339 (Newcombe 1998, table II, case a, method 10)."""
    found = difference(Share(56, 70), Share(48, 80))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(600):
        found = difference(Share(int(rng.binomial(60, 0.2)), 60), Share(int(rng.binomial(150, 0.1)), 150))
        hits += found.low <= 0.1 <= found.high
    assert hits / 600 > 0.92
