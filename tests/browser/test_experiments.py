"""The staff's experiments, one behaviour at a time, on the real course in a real browser."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, Route

from .conftest import Look, Site, violations

pytestmark = pytest.mark.browser
CLOSER = ".nudge-closer:not([hidden])"


def simulated(page: Page) -> Page:
    """The page with the experiments of the simulated course in it, in which every kind of answer occurs."""

    def instead(route: Route) -> None:
        asked = json.loads(route.request.post_data or "{}")
        if str(asked.get("view", "")).startswith("experiment"):
            asked["example"] = True
        route.continue_(post_data=json.dumps(asked))

    page.route(re.compile("/analytics/"), instead)
    page.get_by_role("button", name="Refresh").click()
    page.locator(".nudge-trial-of").nth(3).wait_for()
    return page


def rows(page: Page) -> Locator:
    return page.locator(".nudge-question-row")


def closer(page: Page, name: str) -> Locator:
    """Opens a question and returns what it rests on."""
    row = rows(page).filter(has_text=name).first
    row.get_by_role("button", name="Look closer").click()
    row.locator(".nudge-section-segments").wait_for()
    return row.locator(CLOSER)


def test_each_question_has_an_answer_in_a_sentence_and_no_effect_is_one(busy: Site, look: Look) -> None:
    page = simulated(look(busy))
    lines = rows(page).locator(".nudge-question-line").all_inner_texts()
    assert any(
        re.search(r"Works better\s+A nudge, or none\?\s+After a nudge, learners", line) for line in lines
    )
    assert any(
        re.search(r"No effect found\s+A nudge, or none\?\s+No effect found: between", line) for line in lines
    )
    assert any(re.search(r"Too early\s+.*more learners are needed", line, re.S) for line in lines)
    assert not any("{" in line for line in lines)
    assert re.search(
        r"\d of \d questions have an answer", page.locator(".nudge-section-experiments h3").inner_text()
    )


def test_who_gets_what_is_said_in_words_and_adds_up(busy: Site, look: Look) -> None:
    page = look(busy)
    legend = page.locator(".nudge-shares .nudge-legend").first
    legend.wait_for()
    parts = legend.locator("strong").all_inner_texts()
    assert 98 <= sum(int(part.rstrip("%")) for part in parts) <= 102


def test_the_plot_and_its_table_hold_the_same_numbers(busy: Site, look: Look) -> None:
    page = simulated(look(busy))
    panel = closer(page, "This builds on last week")
    trial = panel.locator(".nudge-section-trial")
    marks = trial.locator("[role=img]")
    last = marks.last.get_attribute("aria-label") or ""
    marks.last.focus()
    assert page.locator(".nudge-tip").is_visible()
    page.keyboard.press("t")
    first = trial.locator("tbody tr").first.locator("td").all_inner_texts()
    assert re.match(r"\+\d+\.\d \(\+\d+\.\d to \+\d+\.\d\)", first[1])
    assert first[1] in last
    assert f"Learners by then: {first[0]}" in last
    assert trial.locator("tbody tr").count() == marks.count()


def test_another_measure_is_one_key_away_and_keeps_the_focus(busy: Site, look: Look) -> None:
    page = simulated(look(busy))
    panel = closer(page, "This builds on last week")
    helpful = panel.locator("[data-measure=helpful]")
    assert helpful.get_attribute("aria-pressed") == "true"
    panel.locator("[data-measure=items]").focus()
    page.keyboard.press("Enter")
    panel.locator("[data-measure=items][aria-pressed=true]").wait_for()
    assert "learners completed" in panel.locator(".nudge-section-trial .nudge-finding").inner_text()
    focused = page.evaluate(
        "document.querySelector('.nudge-dashboard').shadowRoot.activeElement?.dataset.measure"
    )
    assert focused == "items"


def test_groups_are_shown_by_round_numbers_and_small_ones_not_at_all(busy: Site, look: Look) -> None:
    page = look(busy)
    segments = closer(page, "A nudge, or none?").locator(".nudge-section-segments")
    segments.get_by_role("button", name="Table", exact=True).click()
    counts = [
        int(text.removeprefix("about "))
        for text in segments.locator("tbody td:nth-of-type(1)").all_inner_texts()
    ]
    assert counts
    assert min(counts) >= 10
    assert all(count % 5 == 0 for count in counts)
    assert "at most one in ten" in segments.inner_text()


def test_an_open_question_is_in_the_address_and_opens_for_others(busy: Site, look: Look) -> None:
    page = look(busy)
    closer(page, "A nudge, or none?")
    state = page.evaluate("location.hash")
    assert re.fullmatch(r"#nudge=days:30,experiment:\d+\.none\.items", state)
    other = look(busy, state=state.removeprefix("#nudge="))
    other.locator(f"{CLOSER} .nudge-section-segments").wait_for()
    other.get_by_role("button", name=re.compile("^Close:")).click()
    assert other.locator(CLOSER).count() == 0
    assert other.evaluate("location.hash") == "#nudge=days:30"


def test_one_question_is_open_at_a_time(busy: Site, look: Look) -> None:
    page = simulated(look(busy))
    closer(page, "This builds on last week")
    closer(page, "A nudge, or none?")
    assert page.locator(CLOSER).count() == 1


def test_a_redraw_leaves_the_open_question_open(busy: Site, look: Look) -> None:
    page = look(busy)
    closer(page, "A nudge, or none?")
    page.get_by_role("button", name="7 days").click()
    page.locator("[data-days='7'][aria-pressed='true']").wait_for()
    assert page.locator(f"{CLOSER} .nudge-section-segments").is_visible()


def test_a_failure_leaves_the_other_figures_alone_and_can_be_tried_again(busy: Site, look: Look) -> None:
    page = look(busy)

    def broken(route: Route) -> None:
        if "experiment" in (route.request.post_data or ""):
            route.fulfill(status=500, body="{}")
        else:
            route.continue_()

    page.route(re.compile("/analytics/"), broken)
    page.get_by_role("button", name="Refresh").click()
    page.get_by_text("The experiments could not be worked out").wait_for()
    assert page.locator(".nudge-section-votes").is_visible()
    page.unroute(re.compile("/analytics/"))
    page.locator(".nudge-section-experiments").get_by_role("button", name="Try again").click()
    rows(page).first.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["days:30", "tables:trial+segments"])
def test_axe_finds_nothing(busy: Site, look: Look, scheme: str, state: str) -> None:
    page = simulated(look(busy, state=state, color_scheme=scheme))
    closer(page, "This builds on last week")
    assert violations(page, ".nudge-dashboard") == []


def test_nothing_is_cut_off_at_320_pixels(busy: Site, look: Look) -> None:
    page = simulated(look(busy, viewport={"width": 320, "height": 640}))
    closer(page, "This builds on last week")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    boxes = [box for one in page.locator(f"{CLOSER} button").all() if (box := one.bounding_box())]
    assert min(min(box["height"], box["width"]) for box in boxes) >= 24


def test_days_run_from_right_to_left_in_arabic(busy: Site, look: Look) -> None:
    page = look(busy)
    page.context.add_cookies([{"name": "django_language", "value": "ar", "url": busy.url}])
    page.reload()
    page.locator(".nudge-frame[dir=rtl]").wait_for()
    rows(page).first.locator("button").click()
    looks = page.locator(f"{CLOSER} .nudge-look .nudge-touch")
    looks.last.wait_for(state="attached")
    first, last = looks.first.bounding_box(), looks.last.bounding_box()
    assert first is not None
    assert last is not None
    assert first["x"] > last["x"]
