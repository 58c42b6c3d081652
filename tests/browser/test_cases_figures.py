"""What worked and whether it is fair, drawn as they are after some months of a course."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from .choosing import COURSE
from .conftest import Look, Site, violations

pytestmark = pytest.mark.browser


def helped(group: str, words: str, difference: int) -> dict[str, Any]:
    """What became of those who got a mail for a reason."""
    return {
        **{"group": group, "group_words": words, "tier": "marginal", "intervention": "mail", "words": "Mail"},
        **{"outcome": "seen", "with": 61, "without": 61 - difference, "difference": difference},
        **{"low": difference - 9, "high": difference + 9, "n_with": 64, "n_without": 71, "hidden": False},
        "sentence": f"61% came back; without it {61 - difference}%.",
    }


def group(name: str, mine: int, others: int) -> dict[str, Any]:
    """How many of a group had been flagged without need."""
    return {
        **{"name": name, "n": 90, "flagged": 50, "did_not": None, "wrongly": mine, "wrongly_others": others},
        **{"difference": mine - others, "low": mine - others - 8, "high": mine - others + 8, "p": 0.004},
        **{"over": mine - others > 8, "auc": 0.81, "ece": None, "hidden": False},
        "sentence": f"{name}: {mine}% against {others}%.",
    }


SECRET = {**helped("help", "Asking for help", 0), "hidden": True}
WORKED = {
    "assumption": "Chance decided who got none.",
    "rows": [
        helped("absence", "Absence", 13),
        helped("pace", "Pace", 3),
        helped("all", "All reasons", 11),
        SECRET,
    ],
}
MODES = {
    **{"by": "mode", "by_words": "Enrolled as", "abroca": 0.064, "sentence": "Audit: more than others."},
    "rows": [group("Audit", 32, 12), group("Verified", 12, 32), {"name": "Honour code", "hidden": True}],
}
FAIR = {
    **{"as_of": "2026-11-08T00:00:00+00:00", "run": COURSE, "slices": [MODES]},
    "sentence": "Flagged without need more often: Audit.",
}


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_what_worked_is_drawn_told_and_tabulated(ward: Site, screen: Look, width: int, scheme: str) -> None:
    page = screen(
        ward, "cases", ".nudge-case-rows", viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page.route(re.compile("/cases/worked$"), lambda route: route.fulfill(json=WORKED))
    page.get_by_role("link", name="What worked").click()
    part = page.locator(".nudge-section-worked_seen")
    expect(part.locator(".nudge-finding")).to_have_text(
        "2 of 3 kinds of help made a difference: Mail – All reasons (Marginal), Mail – Absence (Marginal)"
    )
    assert "Chance decided who got none." in page.locator(".nudge-assumption").inner_text()
    assert "Asking for help" in part.locator(".nudge-note").inner_text()
    marks = part.locator("[role=img]")
    expect(marks).to_have_count(3)
    zero, dot = (part.locator(f".nudge-{mark}").nth(2).bounding_box() for mark in ("zero", "dot"))
    assert zero is not None
    assert dot is not None
    assert dot["x"] > zero["x"]
    assert violations(page, ".nudge-communicator") == []
    marks.first.focus()
    page.keyboard.press("t")
    assert "+11 points" in part.locator("tbody tr").first.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_from_right_to_left_figures_at_the_ends_of_the_scale_stay_within_it(ward: Site, screen: Look) -> None:
    page = screen(ward, "cases", ".nudge-case-rows", viewport={"width": 1280, "height": 900})
    ends = [helped("absence", "Absence", 30), helped("pace", "Pace", -30)]
    far = {**WORKED, "rows": [{**row, "low": row["difference"], "high": row["difference"]} for row in ends]}
    page.route(re.compile("/cases/worked$"), lambda route: route.fulfill(json=far))
    for language in ("en", "ar"):
        page.context.add_cookies([{"name": "django_language", "value": language, "url": ward.url}])
        page.goto("about:blank")
        page.goto(f"{ward.url}/nudge/courses/{COURSE}/learners/#nudge-cases&part=worked")
        marks = page.locator(".nudge-section-worked_seen [role=img]")
        expect(marks).to_have_count(2)
        for mark in marks.all():
            plot, text = mark.bounding_box(), mark.locator(".nudge-value").bounding_box()
            assert plot is not None
            assert text is not None
            assert plot["x"] <= text["x"], language
            assert text["x"] + text["width"] <= plot["x"] + plot["width"] + 0.5, language


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (320, "light")])
def test_groups_are_drawn_beside_everyone_else(ward: Site, screen: Look, width: int, scheme: str) -> None:
    page = screen(
        ward, "cases", ".nudge-case-rows", viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page.route(re.compile("/cases/fairness$"), lambda route: route.fulfill(json=FAIR))
    page.get_by_role("link", name="Fairness").click()
    expect(page.locator(".nudge-fairness h2")).to_have_text("Flagged without need more often: Audit.")
    part = page.locator(".nudge-section-fair_mode")
    expect(part.locator(".nudge-sure-worse")).to_have_count(1)
    assert "Honour code" in part.locator(".nudge-note").last.inner_text()
    assert violations(page, ".nudge-communicator") == []
    part.locator("[role=img]").first.focus()
    page.keyboard.press("t")
    row = part.locator("tbody tr").first
    expect(row).to_contain_text("+20 points")
    expect(row.locator("td").nth(7)).to_have_text("–")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
