"""Choosing learners by what is predicted of them, one behaviour at a time, in a real browser."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .choosing import ask, count, drag, edge, figure, spot, state
from .conftest import CROWD, ROOT, Look, Site

pytestmark = pytest.mark.browser


# Brushes


def test_dragging_across_a_plot_chooses_a_range_and_the_server_agrees(crowded: Site, screen: Look) -> None:
    page = screen(crowded)
    assert count(page) == 0
    drag(page, "pass", 20.5, 60.5)
    assert state(page) == "pass=20-60"
    assert figure(page, "pass").locator(".nudge-range-words").inner_text() == "20% to 60%"
    told = ask(page, "learners/count?pass=20-60")
    assert count(page) == told["matched"] > 0
    assert f"{told['reachable']} can be written to" in page.locator(".nudge-chosen").inner_text()


def test_plots_are_linked(crowded: Site, screen: Look) -> None:
    page = screen(crowded)
    drag(page, "pass", 100.5, 40.5)
    both = count(page)
    drag(page, "leave", 0.5, 60.5)
    assert count(page) < both
    assert count(page) == ask(page, f"learners/count?{state(page)}")["matched"]


def test_a_range_is_moved_as_a_whole_and_by_its_edges(crowded: Site, screen: Look) -> None:
    page = screen(crowded, "learners&complete=30-50")
    drag(page, "complete", 40.5, 60.5)
    assert state(page) == "complete=50-70"
    drag(page, "complete", 71, 90.5)
    assert state(page) == "complete=50-90"
    drag(page, "complete", 50, 95.5)
    assert state(page) == "complete=90-95"


def test_a_bar_is_chosen_by_a_click(crowded: Site, screen: Look) -> None:
    page = screen(crowded)
    page.mouse.click(*spot(page, "leave", 47.5))
    assert state(page) == "leave=45-49"


def test_a_finger_chooses_across_and_scrolls_up_and_down(crowded: Site, screen: Look) -> None:
    page = screen(crowded, viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    figure(page, "pass").scroll_into_view_if_needed()
    touch = page.context.new_cdp_session(page)

    def stroke(points: list[tuple[float, float]]) -> None:
        for kind, (x, y) in zip(["touchStart"] + ["touchMove"] * (len(points) - 1), points, strict=True):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
            page.wait_for_timeout(30)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    stroke([spot(page, "pass", percent) for percent in (30.5, 40.5, 60.5, 70.5)])
    assert state(page) == "pass=30-70"
    x, y = spot(page, "pass", 85)
    before = page.evaluate("scrollY")
    stroke([(x, y), (x, y - 30), (x, y - 80), (x, y - 130)])
    assert page.evaluate("scrollY") > before
    assert state(page) == "pass=30-70"


def test_arrows_move_an_edge_and_its_value_is_spoken(crowded: Site, screen: Look) -> None:
    page = screen(crowded)
    high = edge(page, "pass", "to")
    assert high.get_attribute("aria-valuetext") == "no limit"
    high.focus()
    for key in ("PageDown", "PageDown", "ArrowLeft", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    expect(high).to_have_attribute("aria-valuenow", "79")
    assert state(page) == "pass=0-79"
    told = ask(page, "learners/count?pass=0-79")["matched"]
    assert high.get_attribute("aria-valuetext") == f"79%, {told} learners chosen"
    assert (
        f"{told} learners chosen"
        in page.locator(".nudge-communicator [role=status].nudge-unseen").inner_text()
    )
    edge(page, "pass", "from").focus()
    page.keyboard.press("End")
    expect(edge(page, "pass", "from")).to_have_attribute("aria-valuenow", "79")
    page.keyboard.press("Escape")
    assert state(page) == ""


def test_the_plot_and_its_table_hold_the_same_numbers(crowded: Site, screen: Look) -> None:
    page = screen(crowded, "learners&pass=10-59")
    edge(page, "pass", "from").focus()
    page.keyboard.press("t")
    rows = figure(page, "pass").locator("tbody tr")
    expect(rows).to_have_count(20)
    chosen = [int(text) for text in rows.locator("td:nth-of-type(1)").all_inner_texts()]
    assert sum(chosen) == count(page)
    for bar in (1, 2, 11, 12):
        low, high = 5 * bar, 5 * bar + 4
        told = ask(page, f"learners/count?pass={low}-{high}")["matched"]
        assert int(rows.nth(bar).locator("td:nth-of-type(2)").inner_text()) == told
        assert chosen[bar] == (told if 2 <= bar <= 11 else 0)
    page.keyboard.press("t")
    assert figure(page, "pass").locator("table").is_hidden()


# Phrases and filters


def test_a_phrase_chooses_and_chooses_no_more(crowded: Site, screen: Look) -> None:
    page = screen(crowded)
    phrase = page.get_by_role("button", name="Likely to complete, but not to pass")
    phrase.click()
    assert state(page) == "pass=0-40&complete=60-100"
    expect(phrase).to_have_attribute("aria-pressed", "true")
    phrase.click()
    assert state(page) == ""
    page.get_by_role("button", name="Everyone in the course").click()
    assert count(page) == CROWD


def test_reason_mode_last_visit_and_progress_narrow_further(crowded: Site, screen: Look) -> None:
    page = screen(crowded)
    page.locator("[data-filter=absent]").click()
    page.locator("[data-filter=verified]").click()
    page.get_by_label("Last seen").select_option(label="Not for 14 days")
    drag(page, "progress", 100.5, 50.5)
    asked = state(page)
    assert asked == "progress=0-50&seen=14-&mode=verified&reason=absent"
    assert count(page) == ask(page, f"learners/count?{asked}")["matched"]
    shown = page.locator("[data-filter=audit] small").inner_text()
    told = ask(page, f"learners/count?{asked.replace('verified', 'audit')}")
    assert int(shown) == told["matched"]


def test_a_selection_is_saved_for_colleagues_and_deleted(crowded: Site, screen: Look) -> None:
    page = screen(crowded, "learners&leave=50-100&mode=verified")
    page.get_by_role("button", name="Save this selection").click()
    page.keyboard.type("Verified and slipping")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Verified and slipping", exact=True).wait_for()
    colleague = screen(crowded)
    colleague.get_by_role("button", name="Verified and slipping", exact=True).click()
    assert state(colleague) == "leave=50-100&mode=verified"
    page.get_by_role("button", name="Delete “Verified and slipping”").click()
    page.get_by_role("button", name="Verified and slipping", exact=True).wait_for(state="detached")
    assert ask(page, "selections") == []


def test_a_name_that_is_taken_is_refused_in_words(crowded: Site, screen: Look) -> None:
    page = screen(crowded, "learners&pass=0-10")
    for query in ("pass=0-10", "pass=0-20"):
        page.evaluate("(query) => { location.hash = `#nudge-learners&${query}`; }", query)
        page.get_by_role("button", name="Save this selection").click()
        page.keyboard.type("Twice")
        page.keyboard.press("Enter")
    alert = page.locator(".nudge-saved [role=alert]")
    expect(alert).not_to_be_empty()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete “Twice”").click()
    page.get_by_role("button", name="Twice", exact=True).wait_for(state="detached")


# The address


def test_a_link_brings_the_selection_back(crowded: Site, screen: Look) -> None:
    query = "pass=10-60&complete=20-90&seen=3-9&mode=audit"
    page = screen(crowded, f"learners&{query}")
    assert count(page) == ask(page, f"learners/count?{query}")["matched"]
    assert page.get_by_label("Last seen").locator("option:checked").inner_text() == "3 to 9 days ago"
    assert state(page) == query


def test_a_link_that_cannot_be_read_chooses_nobody_and_says_so(crowded: Site, screen: Look) -> None:
    page = screen(crowded, "learners&pass=60-40")
    assert "cannot be read" in page.get_by_role("alert").inner_text()
    assert count(page) == 0


# The table


def test_only_rows_in_sight_exist_and_only_their_lines_are_fetched(crowded: Site, screen: Look) -> None:
    asked: list[str] = []
    page = screen(crowded, wait="")
    page.on("request", lambda request: asked.append(request.url) if "/trends" in request.url else None)
    page.goto(f"{page.url}#nudge-learners&everyone=1")
    page.reload()
    table = page.get_by_role("table", name="The chosen, under pseudonyms")
    table.locator(".nudge-spark[role=img]").first.wait_for()
    assert table.get_attribute("aria-rowcount") == str(CROWD + 1)
    assert table.locator(".nudge-rows .nudge-row-of").count() < 40
    names = {name for url in asked for name in url.split("who=")[1].split(",")}
    assert 0 < len(names) < 40
    before = len(asked)
    table.evaluate("node => { node.scrollTop = node.scrollHeight; }")
    page.wait_for_function(
        """(last) => [...document.querySelector(".nudge-communicator").shadowRoot
            .querySelectorAll(".nudge-row-of")].some((row) => row.getAttribute("aria-rowindex") === last)""",
        arg=str(CROWD + 1),
    )
    assert table.locator(".nudge-rows .nudge-row-of").count() < 40
    page.wait_for_timeout(500)
    assert len(asked) > before


def test_the_chosen_are_sorted_by_any_figure_the_unknown_last(crowded: Site, screen: Look) -> None:
    page = screen(crowded, "learners&everyone=1")
    table = page.get_by_role("table", name="The chosen, under pseudonyms")
    cells = table.locator(".nudge-rows .nudge-cell-pass .nudge-figure-now")
    table.get_by_role("button", name="Likely to pass").click()
    expect(table.locator(".nudge-cell-pass[aria-sort=descending]")).to_be_visible()
    highest = [int(text.rstrip("%")) for text in cells.all_inner_texts()]
    assert highest == sorted(highest, reverse=True)
    table.get_by_role("button", name="Likely to pass").click()
    lowest = [int(text.rstrip("%")) for text in cells.all_inner_texts()]
    assert lowest == sorted(lowest)
    assert highest[0] > lowest[0]
    table.evaluate("node => { node.scrollTop = node.scrollHeight; }")
    expect(cells.last).to_have_text("not known")


def test_learners_are_pseudonymous_and_their_reason_is_in_words(crowded: Site, screen: Look) -> None:
    page = screen(crowded, "learners&reason=absent")
    row = page.locator(".nudge-rows .nudge-row-of").first
    assert re.match(r"Learner [0-9A-F]{6}$", row.locator(".nudge-cell-learner").inner_text())
    assert row.locator(".nudge-cell-reason").inner_text() == "Not seen for a week"
    payload = json.dumps(ask(page, "learners"))
    assert "crowd" not in payload
    assert "@" not in payload


def test_the_bundle_is_light() -> None:
    bundle = Path(ROOT / "static" / "nudge_xblock" / "communicator.js").read_bytes()
    assert len(gzip.compress(bundle)) < 90_000
