"""What tests of writing letters do again and again."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from .choosing import ask

QUERY = "pass=0-20&complete=0-40"
FEW = 200
"""Learners of the course that letters are sent in."""

SLICES = iter(f"pass={low}-{low + 3}" for low in range(0, 80, 4))
"""Selections that have nobody in common: nobody is written to twice on a day."""


def write(page: Page, subject: str = "A word", text: str = "Two quizzes are left.") -> None:
    """Fill in subject and message."""
    page.get_by_label("Subject").fill(subject)
    message(page).click()
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def message(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message")


def heading(page: Page) -> str:
    """The sentence above message and preview, once it counts."""
    title = page.locator(".nudge-compose-head h2")
    expect(title).not_to_have_text(re.compile("Counting"))
    return title.inner_text()


def preview(page: Page) -> Locator:
    """The mail as the example gets it."""
    return page.frame_locator(".nudge-mail-html").locator(".nudge-words")


def send(page: Page) -> None:
    """Ask to send, and say yes."""
    page.locator("[data-send]").click()
    page.locator("[data-confirm]").click()


def done(page: Page, state: str = "Sent") -> None:
    """Wait until the letter is in this state."""
    expect(page.locator(".nudge-sending h3")).to_have_text(re.compile(state), timeout=120_000)


def newest(page: Page) -> Any:
    """The newest letter, as the server tells of it."""
    return ask(page, "letters")[0]


def row(page: Page, subject: str) -> Locator:
    """A letter on the screen of what was written."""
    return page.locator(".nudge-letter").filter(has_text=subject)
