"""Small cells stay hidden from anyone who subtracts, and who knows the rule."""

from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock.cells import FEWEST, STEP, Shown, shown

NAMES = "abcd"
tables = st.dictionaries(st.sampled_from(["w", "m", "o", "x", "y"]), st.integers(0, 60), min_size=1)


def splits(total: int, groups: int) -> Iterator[tuple[int, ...]]:
    """Every way to split `total` learners over `groups` groups."""
    if groups == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in splits(total - first, groups - 1):
            yield (first, *rest)


@pytest.mark.parametrize(("groups", "totals"), [(2, range(2, 60)), (3, range(2, 50)), (4, range(2, 34))])
def test_whoever_knows_the_total_and_the_rule_cannot_tell_a_hidden_group(groups: int, totals: range) -> None:
    for total in totals:
        seen: dict[tuple[tuple[tuple[str, int], ...], bool], list[tuple[int, ...]]] = defaultdict(list)
        for counts in splits(total, groups):
            result = shown(dict(zip(NAMES, counts, strict=False)))
            seen[tuple(sorted(result.learners.items())), result.hidden].append(counts)
        for (rows, hidden), possible in seen.items():
            for index, name in enumerate(NAMES[:groups]):
                values = {counts[index] for counts in possible}
                if hidden and name not in dict(rows):
                    assert len(values) > 1, (
                        f"{name} is {values} where {rows} is shown and the total is {total}"
                    )


@given(tables)
def test_no_shown_group_is_small_and_what_is_hidden_is_never_one_small_group(table: dict[str, int]) -> None:
    result = shown(table)
    assert all(table[name] >= FEWEST for name in result.learners)
    away = {name: count for name, count in table.items() if count and name not in result.learners}
    assert result.hidden == bool(away)
    if away and result.learners:
        assert len(away) >= 2
        assert sum(away.values()) >= FEWEST


@given(tables)
def test_shown_counts_are_rounded_down_to_fives(table: dict[str, int]) -> None:
    for name, count in shown(table).learners.items():
        assert count % STEP == 0
        assert 0 <= table[name] - count < STEP


@given(tables, st.sets(st.sampled_from(["w", "m"])))
def test_groups_withheld_already_stay_hidden_and_are_covered(
    table: dict[str, int], withheld: set[str]
) -> None:
    result = shown(table, withheld)
    assert not withheld & set(result.learners)
    away = [count for name, count in table.items() if count and name not in result.learners]
    if away and result.learners:
        assert len(away) >= 2


def test_the_order_of_names_does_not_matter() -> None:
    assert shown({"a": 9, "b": 14, "c": 14}) == Shown({}, True)
    assert shown({"c": 9, "b": 14, "a": 14}) == Shown({}, True)


def test_large_groups_are_all_shown() -> None:
    assert shown({"a": 12, "b": 40, "c": 0}) == Shown({"a": 10, "b": 40}, False)


def test_a_single_small_group_takes_the_next_one_with_it() -> None:
    assert shown({"a": 3, "b": 21, "c": 200}) == Shown({"c": 200}, True)
