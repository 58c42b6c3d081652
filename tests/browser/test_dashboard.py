"""The staff's analytics, one behaviour at a time, on the real course in a real browser."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, Route

from .conftest import ROOT, UNIT, Look, Site, Visit, served, slow, violations

pytestmark = pytest.mark.browser
SECTIONS = ("shown", "groups", "votes", "effect", "nights")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("empty")) as site:
        yield site


def section(page: Page, name: str) -> Locator:
    return page.locator(f".nudge-section-{name}")


def marks(page: Page, name: str) -> Locator:
    return section(page, name).locator(".nudge-drawing [role=img]")


def focused(page: Page) -> str:
    """What a screen reader would say of the focused element."""
    return str(
        page.evaluate(
            """() => {
                let node = document.activeElement;
                while (node && node.shadowRoot) node = node.shadowRoot.activeElement;
                return node ? node.getAttribute("aria-label") || node.textContent : "";
            }"""
        )
    )


# The four answers


def test_each_plot_says_its_finding_in_its_title(busy: Site, look: Look) -> None:
    page = look(busy)
    titles = {name: section(page, name).locator(".nudge-finding").inner_text() for name in SECTIONS}
    assert re.match(r"[\d,]+ nudges were shown; \d+% of all were held back, mostly because", titles["shown"])
    assert re.search(r"group|Shown at", titles["groups"])
    assert re.match(r"Helpful \d\.\d times for each time not helpful", titles["votes"])
    assert re.search(r"Too early to say|No effect found|learners completed", titles["effect"])
    assert re.search(r"model", titles["nights"])
    assert not any("{" in title for title in titles.values())


def test_the_bars_and_the_table_hold_the_same_numbers(busy: Site, look: Look) -> None:
    page = look(busy)
    labels = [mark.get_attribute("aria-label") or "" for mark in marks(page, "shown").all()]
    drawn = [int(found[1]) if (found := re.search(r"Shown: (\d+)", label)) else 0 for label in labels]
    section(page, "shown").get_by_role("button", name="Table", exact=True).click()
    cells = section(page, "shown").locator("tbody tr td:nth-of-type(1)").all_inner_texts()
    assert [int(cell) for cell in cells] == drawn
    assert sum(drawn) > 0
    stored = busy.rows("SELECT count(*) FROM nudge_xblock_decision WHERE variant_id IS NOT NULL")
    assert 0 < sum(drawn) <= stored[0][0]


def test_every_plot_has_a_table_one_key_away(busy: Site, look: Look) -> None:
    page = look(busy)
    for name in SECTIONS:
        mark = marks(page, name).first
        if not mark.count():
            continue
        mark.focus()
        page.keyboard.press("t")
        assert section(page, name).locator("table").is_visible()
        assert section(page, name).locator("tbody tr").count() > 0
        page.keyboard.press("t")
        assert section(page, name).locator("table").is_hidden()


def test_arrows_move_between_points_and_their_values_are_spoken(busy: Site, look: Look) -> None:
    page = look(busy)
    first, second = (marks(page, "groups").nth(place) for place in (0, 1))
    first.focus()
    page.keyboard.press("ArrowRight")
    assert focused(page) == second.get_attribute("aria-label")
    assert re.search(r"about \d+ learners\. (Shown at|Found helpful by) \d+% \(\d+% to \d+%\)", focused(page))
    assert page.locator(".nudge-tip").is_visible()
    page.keyboard.press("Escape")
    assert page.locator(".nudge-tip").is_hidden()
    page.keyboard.press("End")
    last = marks(page, "groups").last
    assert focused(page) == last.get_attribute("aria-label")
    tabbable = section(page, "groups").locator(".nudge-drawing [tabindex='0']")
    assert tabbable.count() == 1


def test_no_group_under_ten_learners_is_shown(busy: Site, look: Look) -> None:
    page = look(busy, state="tables:groups")
    counts = section(page, "groups").locator("tbody td:nth-of-type(1)").all_inner_texts()
    assert counts
    assert min(int(count.removeprefix("about ")) for count in counts) >= 10


def test_the_latest_moments_are_pseudonymous_and_say_why(busy: Site, look: Look) -> None:
    page = look(busy)
    first = page.locator(".nudge-moments li").first
    assert re.match(r"Learner [0-9A-F]{6}", first.locator(".nudge-who").inner_text())
    why = first.locator("summary")
    assert re.match(r"(Sent|Held back)", why.inner_text())
    why.click()
    assert re.search(r"\d+% likely", first.locator("details p").inner_text())


# State


def test_the_state_is_in_the_address_and_opens_the_same_view(busy: Site, look: Look) -> None:
    page = look(busy)
    page.get_by_role("button", name="7 days").click()
    page.locator("[data-days='7'][aria-pressed='true']").wait_for()
    section(page, "votes").get_by_role("button", name="Table", exact=True).click()
    state = page.evaluate("location.hash")
    assert state == "#nudge=days:7,tables:votes"
    other = look(busy, state=state.removeprefix("#nudge="))
    assert other.locator("[data-days='7']").get_attribute("aria-pressed") == "true"
    assert marks(other, "shown").count() == 7
    assert section(other, "votes").locator("table").is_visible()


def test_the_link_can_be_copied(busy: Site, look: Look) -> None:
    page = look(busy, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="90 days").click()
    page.locator("[data-days='90'][aria-pressed='true']").wait_for()
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == f"{busy.url}/xblock/{UNIT}/#nudge=days:90"


def test_a_state_that_does_not_exist_is_the_default(busy: Site, look: Look) -> None:
    page = look(busy, state="days:12,tables:nothing,%00")
    assert page.locator("[data-days='30']").get_attribute("aria-pressed") == "true"


# Live


def test_a_vote_changes_the_tab_without_a_reload(busy: Site, look: Look, browser: Browser) -> None:
    page = look(busy, state="tables:votes")
    section(page, "votes").scroll_into_view_if_needed()
    votes = section(page, "votes").locator("tbody tr td:nth-of-type(3)")
    before = sum(int(text) for text in votes.all_inner_texts())
    learner = Visit(busy, browser.new_context(viewport={"width": 1280, "height": 800}), busy.learner())
    learner.nudged()
    learner.button("Yes").click()
    learner.until(lambda: learner.site.decision(learner.name)["helpful"] == 1, "the vote was not recorded")
    learner.context.close()
    page.wait_for_function(
        """([selector, before]) => {
            const root = document.querySelector(".nudge-dashboard").shadowRoot;
            const cells = [...root.querySelectorAll(selector)].map((cell) => Number(cell.textContent));
            return cells.reduce((sum, one) => sum + one, 0) === before + 1;
        }""",
        arg=[".nudge-section-votes tbody tr td:nth-of-type(3)", before],
        timeout=25_000,
    )


def test_a_redraw_keeps_the_focus(busy: Site, look: Look) -> None:
    page = look(busy)
    refresh = page.get_by_role("button", name="Refresh")
    refresh.focus()
    with page.expect_response(re.compile("/analytics/")):
        page.keyboard.press("Enter")
    page.locator(".nudge-frame:not([aria-busy])").wait_for()
    assert focused(page) == "Refresh"


def test_the_night_can_be_run_now_with_progress_and_a_new_line(empty: Site, look: Look) -> None:
    page = look(empty)
    page.get_by_role("button", name="Run tonight’s job now").click()
    progress = section(page, "nights").locator(".nudge-progress")
    progress.wait_for()
    assert section(page, "nights").get_by_role("button", name="Run tonight’s job now").is_disabled()
    page.locator(".nudge-night .nudge-badge").first.wait_for(timeout=120_000)
    assert page.locator(".nudge-night .nudge-night-words").first.inner_text()
    assert section(page, "nights").get_by_role("button", name="Run tonight’s job now").is_enabled()


# The other states


def test_an_empty_course_offers_a_simulated_week_that_is_labelled(empty: Site, look: Look) -> None:
    page = look(empty)
    assert page.get_by_text("No nudges shown yet").is_visible()
    page.get_by_role("button", name="Look at a simulated week").click()
    page.locator(".nudge-example").wait_for()
    assert page.get_by_text("Nothing here is from your course").is_visible()
    assert all(section(page, name).is_visible() for name in SECTIONS)
    assert not empty.rows("SELECT 1 FROM nudge_xblock_decision")
    page.get_by_role("button", name="Back to this course").click()
    page.get_by_text("No nudges shown yet").wait_for()


def test_waiting_says_what_is_being_done(busy: Site, look: Look) -> None:
    page = look(busy, wait=False)
    page.route(re.compile("/analytics/"), slow(1.5))
    page.get_by_role("tab", name="Analytics").click()
    page.get_by_text("Counting this course’s decisions and votes").wait_for()
    page.locator(".nudge-header").wait_for()
    assert page.locator(".nudge-waiting").count() == 0


def test_a_failure_keeps_the_figures_and_says_what_to_do(busy: Site, look: Look) -> None:
    page = look(busy)

    def broken(route: Route) -> None:
        route.fulfill(status=500, body=json.dumps({"error": "The database is locked."}))

    page.route(re.compile("/analytics/"), broken)
    page.get_by_role("button", name="Refresh").click()
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "The database is locked." in alert.inner_text()
    assert "nothing is lost" in alert.inner_text()
    assert section(page, "shown").is_visible()
    page.unroute(re.compile("/analytics/"))
    page.get_by_role("button", name="Try again").click()
    alert.wait_for(state="detached")


def test_a_failure_before_the_first_figures_is_designed_too(busy: Site, look: Look) -> None:
    page = look(busy, wait=False)
    page.route(re.compile("/analytics/"), lambda route: route.abort())
    page.get_by_role("tab", name="Analytics").click()
    page.get_by_text("no connection to the server").wait_for()
    page.unroute(re.compile("/analytics/"))
    page.get_by_role("button", name="Try again").click()
    page.locator(".nudge-header").wait_for()


def test_the_figures_are_for_staff_alone(busy: Site, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{busy.url}/as/{busy.learner()}/?next=/xblock/{UNIT}/")
    page.locator(".demo-quiz").first.wait_for()
    assert page.get_by_role("tab", name="Analytics").count() == 0
    [[key]] = busy.rows("SELECT key FROM nudge_xblock_placement WHERE key LIKE ? LIMIT 1", "block-v1%")
    answers = [
        page.evaluate(
            """async (url) => (await fetch(url, {method: "POST", body: "{}", headers: {
                "Content-Type": "application/json",
                "X-CSRFToken": document.cookie.match(/csrftoken=([^;]+)/)[1],
            }})).status""",
            f"{busy.url}/handler/{quote(key)}/{handler}/",
        )
        for handler in ("analytics", "night")
    ]
    assert answers == [403, 403]
    context.close()


# Everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["days:30", "tables:shown+groups+votes+effect+nights"])
def test_axe_finds_nothing(busy: Site, look: Look, scheme: str, state: str) -> None:
    page = look(busy, state=state, color_scheme=scheme)
    assert violations(page, ".nudge-dashboard") == []


def test_axe_finds_nothing_in_an_empty_course(empty: Site, look: Look) -> None:
    page = look(empty)
    assert violations(page, ".nudge-dashboard") == []


@pytest.mark.parametrize("state", ["days:30", "tables:shown+groups+votes+effect+nights"])
def test_nothing_is_cut_off_or_out_of_reach_at_320_pixels(busy: Site, look: Look, state: str) -> None:
    page = look(busy, state=state, viewport={"width": 320, "height": 640})
    assert violations(page, ".nudge-dashboard") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    wide = page.evaluate(
        """() => {
            const root = document.querySelector(".nudge-dashboard").shadowRoot;
            const inside = (node) => node.getBoundingClientRect().right <= 320.5;
            return [...root.querySelectorAll("p, h3, h4, button, li")]
                .filter((node) => !inside(node) && !node.closest(".nudge-figures"))
                .map((node) => node.outerHTML);
        }"""
    )
    assert wide == []


def test_time_runs_from_right_to_left_in_arabic(busy: Site, look: Look) -> None:
    page = look(busy)
    page.context.add_cookies([{"name": "django_language", "value": "ar", "url": busy.url}])
    page.reload()
    page.locator(".nudge-frame[dir=rtl]").wait_for()
    first, last = (marks(page, "shown").nth(place).bounding_box() for place in (0, 29))
    assert first is not None
    assert last is not None
    assert first["x"] > last["x"]


def test_nothing_moves_for_those_who_want_no_motion(busy: Site, look: Look) -> None:
    page = look(busy, wait=False, reduced_motion="reduce")
    page.route(re.compile("/analytics/"), lambda _: None)  # never answered, so that the bar stays
    page.get_by_role("tab", name="Analytics").click()
    bar = page.locator(".nudge-waiting progress")
    bar.wait_for()
    assert bar.evaluate("node => getComputedStyle(node).animationName") == "none"


def test_every_control_is_large_enough_to_hit(busy: Site, look: Look) -> None:
    page = look(busy, viewport={"width": 360, "height": 640})
    boxes = [box for one in page.locator(".nudge-dashboard button").all() if (box := one.bounding_box())]
    assert boxes
    assert min(box["height"] for box in boxes) >= 24
    assert min(box["width"] for box in boxes) >= 24


def test_the_bundle_is_light() -> None:
    bundle = Path(ROOT / "static" / "nudge_xblock" / "dashboard.js").read_bytes()
    assert len(gzip.compress(bundle)) < 90_000
