"""Choosing learners by the tier of their risk and its leading reason, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .choosing import ask, count, state
from .conftest import Look, Site

pytestmark = pytest.mark.browser


def test_learners_are_chosen_by_tier_and_leading_reason(ward: Site, screen: Look) -> None:
    page = screen(ward)
    tiers = page.get_by_role("group", name="Risk of not completing")
    tiers.get_by_role("button", name=re.compile("^High")).click()
    assert state(page) == "tier=high"
    high = count(page)
    assert high == ask(page, "learners/count?tier=high")["matched"] > 0
    reasons = page.get_by_role("group", name="Leading reason of the risk")
    absent = reasons.get_by_role("button", name=re.compile("^Absence"))
    absent.click()
    assert state(page) == "tier=high&risk=absence"
    assert 0 < count(page) < high
    assert count(page) == ask(page, "learners/count?tier=high&risk=absence")["matched"]
    cells = page.locator(".nudge-rows .nudge-cell-reason")
    expect(cells.first).to_have_text("High: Absence")
    absent.click()
    tiers.get_by_role("button", name=re.compile("^Moderate")).click()
    assert state(page) == "tier=high,moderate"
    assert count(page) > high


def test_where_nobody_is_assessed_there_is_nothing_to_choose_by(crowded: Site, screen: Look) -> None:
    page = screen(crowded)
    expect(page.get_by_role("group", name="Risk of not completing")).to_be_hidden()
    expect(page.get_by_role("group", name="What stands out")).to_be_visible()
