"""Cases by settings and over several courses; by keyboard alone, on a phone, from right to left."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .casework import history, listed, opened, told
from .choosing import COURSE, ask
from .conftest import STAFF, Look, Site, violations
from .risks import SECOND

pytestmark = pytest.mark.browser
WIDE = {"width": 1280, "height": 900}
PARTS = ("", "&part=worked", "&part=fairness", "&part=settings")


@pytest.fixture
def settings(ward: Site, screen: Look) -> Page:
    """The second course's limits and plan; nobody else's tests look at them."""
    page = screen(ward, wait="", viewport=WIDE)
    page.goto(f"{ward.url}/nudge/courses/{SECOND}/learners/#nudge-cases&part=settings")
    page.locator(".nudge-plan").wait_for()
    return page


def asked(page: Page) -> dict[str, Any]:
    """The second course's settings as the server has them."""
    found: dict[str, Any] = ask(page, f"../{SECOND}/cases/settings")
    return found


# Settings


def test_limits_are_moved_by_key_and_hand_and_counted_as_they_move(settings: Page) -> None:
    before = asked(settings)
    high = settings.get_by_role("slider", name="High: from")
    high.focus()
    settings.keyboard.press("PageDown")
    settings.keyboard.press("ArrowRight")
    limit = before["limits"]["high"] - 9
    expect(high).to_have_attribute("aria-valuenow", str(limit))
    count = sum(before["histogram"][limit:])
    expect(settings.locator(".nudge-section-limits .nudge-finding")).to_have_text(
        re.compile(f"^Today {count} learner")
    )
    settings.locator("[data-limit=marginal]").fill("99")
    settings.keyboard.press("Enter")
    expect(settings.locator("[data-limit=marginal]")).to_have_value(str(before["limits"]["moderate"] - 1))
    box = settings.locator("[data-edge=marginal] circle").bounding_box()
    assert box is not None
    settings.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    settings.mouse.down()
    settings.mouse.move(box["x"] - 120, box["y"] + 8, steps=4)
    settings.mouse.up()
    marginal = int(settings.locator("[data-limit=marginal]").input_value())
    assert marginal < before["limits"]["moderate"] - 5
    assert asked(settings)["limits"] == before["limits"]
    settings.get_by_role("button", name="Save", exact=True).click()
    settings.get_by_text("Saved.").wait_for()
    assert asked(settings)["limits"] == {**before["limits"], "high": limit, "marginal": marginal}


def test_the_plan_says_who_helps_and_can_go_back_to_the_usual(settings: Page) -> None:
    plan = settings.locator(".nudge-plan-row[data-group=absence]")
    usual = plan.locator("textarea").input_value()
    plan.locator("select").select_option(label="Course team")
    plan.locator("textarea").fill("Ring them.")
    settings.get_by_role("button", name="Save", exact=True).click()
    settings.get_by_text("Saved.").wait_for()
    settings.reload()
    expect(plan.locator("textarea")).to_have_value("Ring them.")
    expect(plan.locator("select")).to_have_value("team")
    plan.get_by_role("button", name="Back to the usual").click()
    expect(plan.locator("textarea")).to_have_value(usual)
    settings.get_by_role("button", name="Save", exact=True).click()
    settings.get_by_text("Saved.").wait_for()


def test_of_two_who_save_neither_overwrites_the_other(settings: Page, ward: Site, screen: Look) -> None:
    mine = settings.locator(".nudge-plan-row[data-group=pace] textarea")
    mine.fill("Mine")
    colleague = screen(ward, wait="", viewport=WIDE)
    colleague.goto(settings.url)
    colleague.locator(".nudge-plan-row[data-group=grades] textarea").fill("Theirs")
    colleague.get_by_role("button", name="Save", exact=True).click()
    colleague.get_by_text("Saved.").wait_for()
    settings.get_by_role("button", name="Save", exact=True).click()
    expect(settings.get_by_role("alert")).to_contain_text("A colleague saved other settings meanwhile")
    expect(mine).to_have_value("Mine")
    settings.get_by_role("button", name="Show theirs").click()
    expect(settings.locator(".nudge-plan-row[data-group=grades] textarea")).to_have_value("Theirs")
    expect(mine).not_to_have_value("Mine")


def test_what_goes_out_by_itself_is_said_before_it_does(settings: Page) -> None:
    settings.get_by_role("button", name="Switch on…").click()
    said = settings.locator(".nudge-sending")
    counts = asked(settings)["counts"]
    expect(said).to_contain_text(re.compile(f"Marginal, {counts['marginal']} learners? today: a mail"))
    settings.get_by_role("button", name="Not yet").click()
    assert asked(settings)["automatic"] is False
    settings.get_by_role("button", name="Switch on…").click()
    settings.get_by_role("button", name="Yes, switch on").click()
    settings.locator("[data-automatic=true]").wait_for()
    assert asked(settings)["automatic"] is True
    letters = settings.locator(".nudge-made-letter")
    expect(letters).to_have_count(len(asked(settings)["letters"]))
    settings.get_by_role("button", name="Switch off…").click()
    settings.get_by_role("button", name="Yes, stop them").click()
    settings.locator("[data-automatic=false]").wait_for()
    assert asked(settings)["automatic"] is False


# All courses


def test_cases_of_all_courses_are_on_one_page_and_worked_on_there(ward: Site, screen: Look) -> None:
    page = screen(ward, wait="", viewport=WIDE)
    page.goto(f"{ward.url}/nudge/cases/")
    page.locator(".nudge-courses tbody tr").nth(1).wait_for()
    everywhere = page.evaluate("async () => (await fetch('/api/nudge/v1/cases')).json()")
    assert everywhere["counts"]["open"] == sum(each["open"] for each in everywhere["courses"])
    assert listed(page) == [each["id"] for each in everywhere["cases"]]
    page.get_by_label("STA201, 2026_T4").check()
    wanted = [each["id"] for each in everywhere["cases"] if each["course"] == SECOND]
    expect(page.locator("li.nudge-case").first).to_have_attribute("data-case", str(wanted[0]))
    expect(page.locator(".nudge-courses tbody tr")).to_have_count(2)
    assert set(wanted) <= set(listed(page))
    opened(page, wanted[0])
    assert "of=course-v1" in page.evaluate("location.hash")
    page.get_by_label("Note", exact=True).fill("From the page of all courses")
    page.get_by_role("button", name="Add note").click()
    expect(history(page).first).to_contain_text("From the page of all courses")
    others = page.locator(".nudge-others")
    expect(others).to_contain_text("Reading Numbers")
    page.reload()
    expect(history(page).first).to_contain_text("From the page of all courses")
    page.get_by_role("link", name="All cases").click()
    expect(page.get_by_label("STA201, 2026_T4")).to_be_checked()


# Everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(ward: Site, screen: Look, scheme: str) -> None:
    page = screen(ward, "cases", wait=".nudge-case-rows", color_scheme=scheme, viewport=WIDE)
    number = listed(page)[-1]
    for state in (*PARTS, f"&case={number}"):
        page.evaluate("(state) => { location.hash = `#nudge-cases${state}`; }", state)
        page.locator(".nudge-waiting").wait_for(state="detached")
        page.wait_for_timeout(200)
        assert violations(page, ".nudge-communicator") == [], state


def test_a_case_is_worked_on_by_keyboard_alone(ward: Site, screen: Look) -> None:
    page = screen(ward, "cases&tier=marginal", wait=".nudge-case-rows", viewport=WIDE)
    focus = "document.querySelector('.nudge-communicator').shadowRoot.activeElement"
    named = (
        f"{focus}?.getAttribute('aria-label')",
        f"{focus}?.labels?.[0]?.textContent",
        f"{focus}?.textContent",
    )
    label = f"[{', '.join(named)}].find(Boolean) ?? ''"

    def reach(wanted: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate(label).startswith(wanted):
                return
        raise AssertionError(f"Tab never comes to {wanted}")

    page.locator("[data-keep=tier-high]").focus()
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focus}.dataset.keep") == "tier-moderate"
    page.keyboard.press("Space")
    expect(page.locator("[data-keep=tier-moderate]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-keep=tier-moderate]")).to_be_focused()
    reach("Learner ")
    page.keyboard.press("Enter")
    page.locator(".nudge-work").wait_for()
    expect(page.locator(".nudge-case-title h2")).to_be_focused()
    reach("Give the case to")
    reach("Take it")
    page.keyboard.press("Enter")
    expect(history(page).first).to_contain_text(f"Given to {STAFF}")
    page.locator(".nudge-case-title h2").focus()
    reach("Note")
    page.keyboard.type("By keyboard")
    reach("Add note")
    page.keyboard.press("Enter")
    expect(history(page).first.locator("blockquote")).to_have_text("By keyboard")
    assert page.evaluate(f"{focus} !== null")


def test_nothing_is_cut_off_or_too_small_at_320_pixels(ward: Site, screen: Look) -> None:
    page = screen(ward, "cases", wait=".nudge-case-rows", viewport={"width": 320, "height": 640})
    number = listed(page)[0]
    for state in (*PARTS, f"&case={number}"):
        page.evaluate("(state) => { location.hash = `#nudge-cases${state}`; }", state)
        page.locator(".nudge-waiting").wait_for(state="detached")
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, state
        wide = page.evaluate(
            """() => [...document.querySelector(".nudge-communicator").shadowRoot
                .querySelectorAll("p, h2, h3, h4, button, a, select, textarea, input")]
                .filter((node) => !node.closest("[tabindex='0']"))
                .filter((node) => node.getBoundingClientRect().right > 320.5)
                .map((node) => node.outerHTML)"""
        )
        assert wide == [], state
        buttons = page.locator(".nudge-communicator button").all()
        boxes = [box for one in buttons if (box := one.bounding_box())]
        assert min(min(box["height"], box["width"]) for box in boxes) >= 24
        assert violations(page, ".nudge-communicator") == [], state


def test_in_arabic_time_runs_from_the_right_and_limits_rise_to_the_left(ward: Site, screen: Look) -> None:
    page = screen(ward, "cases", wait=".nudge-case-rows", viewport=WIDE)
    number = told(page)["cases"][-1]["id"]
    page.context.add_cookies([{"name": "django_language", "value": "ar", "url": ward.url}])
    page.goto(f"{ward.url}/nudge/courses/{COURSE}/learners/#nudge-cases&case={number}")
    page.locator(".nudge-frame[dir=rtl] .nudge-day").first.wait_for()
    first, last = (page.locator(".nudge-day-dot").nth(place).bounding_box() for place in (0, -1))
    assert first is not None
    assert last is not None
    assert last["x"] < first["x"]
    assert violations(page, ".nudge-communicator") == []
    page.goto(f"{ward.url}/nudge/courses/{COURSE}/learners/#nudge-cases&part=settings")
    high = page.locator("[data-edge=high]")
    high.wait_for()
    before = int(high.get_attribute("aria-valuenow") or 0)
    high.focus()
    page.keyboard.press("ArrowLeft")
    expect(high).to_have_attribute("aria-valuenow", str(before + 1))
