"""The learners' screen for everybody: its other states, by keyboard alone, on a phone, from right to left."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from .choosing import figure, state
from .conftest import Look, Site, served, slow, violations

pytestmark = pytest.mark.browser
LEARNERS = re.compile(r"/learners$")


@pytest.fixture(scope="module")
def deserted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("deserted")) as site:
        yield site


# The other states


def test_a_course_without_learners_says_when_they_come(deserted: Site, screen: Look) -> None:
    page = screen(deserted, wait=".nudge-empty")
    assert "Nobody is enrolled yet" in page.locator(".nudge-empty").inner_text()
    assert violations(page, ".nudge-communicator") == []


def test_waiting_says_what_is_being_done(crowded: Site, screen: Look) -> None:
    page = screen(crowded, wait="")
    page.route(LEARNERS, slow(1.5))
    page.get_by_role("tab", name="Learners", exact=True).click()
    page.get_by_text("Fetching this course’s learners").wait_for()
    page.locator(".nudge-count").wait_for()
    assert page.locator(".nudge-waiting").count() == 0


def test_a_failure_says_what_is_kept_and_can_be_tried_again(crowded: Site, screen: Look) -> None:
    page = screen(crowded, wait="")

    def broken(route: Route) -> None:
        route.fulfill(status=500, body=json.dumps({"error": {"message": "The database is locked."}}))

    page.route(LEARNERS, broken)
    page.goto(f"{page.url}#nudge-learners&pass=0-40")
    page.reload()
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "The database is locked." in alert.inner_text()
    assert "nothing is lost" in alert.inner_text()
    page.unroute(LEARNERS)
    page.get_by_role("button", name="Try again").click()
    page.locator(".nudge-count").wait_for()
    assert state(page) == "pass=0-40"


# Everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("query", ["", "&pass=0-40&reason=absent"])
def test_axe_finds_nothing(crowded: Site, screen: Look, scheme: str, query: str) -> None:
    page = screen(crowded, f"learners{query}", color_scheme=scheme)
    page.wait_for_timeout(500)
    assert violations(page, ".nudge-communicator") == []


def test_learners_are_chosen_by_keyboard_alone(crowded: Site, screen: Look) -> None:
    page = screen(crowded, wait="")
    tab = page.get_by_role("tab", name="What learners see")
    tab.focus()
    page.keyboard.press("End")
    page.locator(".nudge-count").wait_for()
    focus = "document.querySelector('.nudge-communicator').shadowRoot.activeElement"
    label = f"{focus}?.getAttribute('aria-label') ?? {focus}?.textContent ?? ''"

    def reach(wanted: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate(label).startswith(wanted):
                return
        raise AssertionError(f"Tab never comes to {wanted}")

    reach("Likely to complete: from")
    for _ in range(6):
        page.keyboard.press("PageUp")
    reach("Likely to leave: to")
    page.keyboard.press("PageDown")
    assert state(page) == "complete=60-100&leave=0-90"
    page.keyboard.press("t")
    assert figure(page, "leave").locator("table").is_visible()
    page.keyboard.press("t")
    reach("Not seen for a week")
    page.keyboard.press("Space")
    assert state(page) == "complete=60-100&leave=0-90&reason=absent"
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        if page.evaluate(label).startswith("Write to "):
            break
    page.keyboard.press("Enter")
    page.locator(".nudge-compose").wait_for()
    assert "#nudge-write&complete=60-100" in page.evaluate("location.hash")


@pytest.mark.parametrize("query", ["", "&pass=0-40"])
def test_nothing_is_cut_off_or_too_small_at_320_pixels(crowded: Site, screen: Look, query: str) -> None:
    page = screen(crowded, f"learners{query}", viewport={"width": 320, "height": 640})
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    wide = page.evaluate(
        """() => [...document.querySelector(".nudge-communicator").shadowRoot
            .querySelectorAll("p, h2, h3, button, a")]
            .filter((node) => node.getBoundingClientRect().right > 320.5).map((node) => node.outerHTML)"""
    )
    assert wide == []
    boxes = [box for one in page.locator(".nudge-communicator button").all() if (box := one.bounding_box())]
    assert min(min(box["height"], box["width"]) for box in boxes) >= 24
    assert violations(page, ".nudge-communicator") == []


def test_percents_run_from_right_to_left_in_arabic(crowded: Site, screen: Look) -> None:
    page = screen(crowded, "learners&pass=0-40")
    page.context.add_cookies([{"name": "django_language", "value": "ar", "url": crowded.url}])
    page.reload()
    page.locator(".nudge-frame[dir=rtl] .nudge-count").wait_for()
    low, high = (figure(page, "pass").locator(".nudge-brush-edge").nth(place) for place in (0, 1))
    left, right = high.bounding_box(), low.bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] < right["x"]
    high.focus()
    page.keyboard.press("ArrowLeft")
    expect(high).to_have_attribute("aria-valuenow", "41")
    assert violations(page, ".nudge-communicator") == []
