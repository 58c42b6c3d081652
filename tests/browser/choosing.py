"""What tests of the learners' screens do again and again."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from playwright.sync_api import Locator, Page

COURSE = "course-v1:Harbour+NUM101+2026_T4"


def ask(page: Page, path: str) -> Any:
    """What the server says of the course."""
    return page.evaluate("async (url) => (await fetch(url)).json()", f"/api/nudge/v1/courses/{COURSE}/{path}")


def count(page: Page) -> int:
    """The large figure, once everything has come to rest."""
    page.wait_for_timeout(200)
    return int(page.locator(".nudge-count").inner_text().replace(",", ""))


def figure(page: Page, name: str) -> Locator:
    return page.locator(f".nudge-figure-{name}")


def edge(page: Page, name: str, which: str) -> Locator:
    return figure(page, name).get_by_role("slider", name=re.compile(f": {which}$"))


def spot(page: Page, name: str, percent: float) -> tuple[float, float]:
    """Where in the window a percent of a plot lies."""
    plot = figure(page, name).locator(".nudge-histogram")
    plot.scroll_into_view_if_needed()
    box = plot.locator(".nudge-brush-sheet").bounding_box()
    assert box is not None
    return box["x"] + box["width"] * percent / 101, box["y"] + box["height"] / 4


def drag(page: Page, name: str, start: float, end: float) -> None:
    page.mouse.move(*spot(page, name, start))
    page.mouse.down()
    page.mouse.move(*spot(page, name, (start + end) / 2), steps=3)
    page.mouse.move(*spot(page, name, end), steps=3)
    page.mouse.up()


def state(page: Page) -> str:
    """The selection in the address, once it is there."""
    page.wait_for_timeout(600)
    return unquote(page.evaluate("location.hash")).removeprefix("#nudge-learners").removeprefix("&")
