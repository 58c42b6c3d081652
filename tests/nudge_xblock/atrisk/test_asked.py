"""Queries for cases: whatever is asked, either it is understood or it is said what there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock.atrisk.asked import ME, ORDERS, STATES, Asked, Unreadable
from nudge_xblock.atrisk.models import Owner
from nudge_xblock.atrisk.plan import REASONS
from nudge_xblock.atrisk.tiers import ORDER

NAMES = ["tier", "group", "owner", "state", "assignee", "who", "order", "page"]
anything = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), st.text(max_size=30))


def several(known: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(known), unique=True).map(",".join)


known = st.fixed_dictionaries(
    {},
    optional={
        "tier": several(list(ORDER)),
        "group": several(list(REASONS)),
        "owner": several(list(Owner.values)),
        "state": st.sampled_from(STATES),
        "order": st.sampled_from(ORDERS),
        "assignee": st.sampled_from([ME, "none", "7", ""]),
        "who": st.sampled_from(["", "0123456789abcdef"]),
        "page": st.integers(1, 1000).map(str),
    },
)


@given(anything)
def test_what_is_not_understood_names_the_field(query: dict[str, str]) -> None:
    said = complaint(query)
    assert said is None or (said.field in query and str(said))


def complaint(query: dict[str, str]) -> Unreadable | None:
    try:
        Asked.parse(query)
    except Unreadable as error:
        return error
    return None


@given(known)
def test_what_there_is_is_understood(query: dict[str, str]) -> None:
    asked = Asked.parse(query)
    assert ",".join(asked.tiers) == query.get("tier", "")
    assert ",".join(asked.groups) == query.get("group", "")
    assert ",".join(asked.owners) == query.get("owner", "")
    assert (asked.state, asked.order) == (query.get("state", "open"), query.get("order", "urgency"))
    assert (asked.assignee, asked.who) == (query.get("assignee", ""), query.get("who", ""))
    assert asked.page == int(query.get("page", "1"))


def test_a_long_value_is_not_repeated_whole() -> None:
    with pytest.raises(Unreadable) as raised:
        Asked.parse({"tier": "x" * 5000})
    assert len(str(raised.value)) < 300
