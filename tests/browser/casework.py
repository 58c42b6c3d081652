"""What tests of cases do again and again."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from .choosing import ask
from .conftest import Site


def listed(page: Page) -> list[int]:
    """The numbers of the cases in sight, in their order, once the list has come to rest."""
    expect(page.locator(".nudge-case-table[aria-busy=true]")).to_have_count(0)
    rows = page.locator("li.nudge-case")
    return [int(row.get_attribute("data-case") or 0) for row in rows.all()]


def told(page: Page, query: str = "") -> Any:
    """The list as the server tells it."""
    return ask(page, f"cases?{query}")


def row(page: Page, number: int) -> Locator:
    return page.locator(f"li.nudge-case[data-case='{number}']")


def opened(page: Page, number: int) -> None:
    """Follow a row to its case."""
    row(page, number).get_by_role("link").click()
    page.locator(".nudge-work").wait_for()


def history(page: Page) -> Locator:
    """What was done so far, newest first."""
    return page.locator(".nudge-history li")


def spoken(page: Page) -> Locator:
    """What a screen reader is told in passing."""
    return page.locator(".nudge-communicator [role=status].nudge-unseen")


def state(site: Site, number: int) -> tuple[Any, ...]:
    """What the database holds of a case: state, outcome, whose it is."""
    [found] = site.rows("SELECT state, outcome, assignee_id FROM nudge_xblock_case WHERE id = ?", number)
    return found
