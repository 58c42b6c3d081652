"""The whole life of a case, in a real browser with a real server: found by the night, worked on, ended."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from .casework import history, listed, opened, row, spoken, state, told
from .choosing import COURSE, ask
from .conftest import Look, Site, night, slow, violations
from .risks import ADVISER

pytestmark = pytest.mark.browser
WIDE = {"width": 1280, "height": 900}


@pytest.fixture
def cases(ward: Site, screen: Look) -> Page:
    """Today's cases."""
    return screen(ward, "cases", wait=".nudge-case-rows", viewport=WIDE)


# The list


def test_todays_cases_stand_by_urgency_and_are_counted(cases: Page) -> None:
    found = told(cases)
    assert listed(cases) == [each["id"] for each in found["cases"]]
    for tier in ("high", "moderate", "marginal"):
        tile = cases.locator(f"[data-keep=tier-{tier}] strong")
        assert int(tile.inner_text()) == found["counts"][tier] > 0
    first = found["cases"][0]
    text = row(cases, first["id"]).inner_text()
    assert f"Learner {first['learner'][:6].upper()}" in text
    assert f"{first['chance']}%" in text
    assert first["sentence"] in text
    assert first["owner_words"] in text
    assert "crowd" not in json.dumps(found)


def test_filters_narrow_the_list_and_stand_in_the_address(cases: Page) -> None:
    cases.locator("[data-keep=tier-high]").click()
    expect(cases.locator("[data-keep=tier-high]")).to_have_attribute("aria-pressed", "true")
    cases.get_by_label("Reason", exact=True).select_option(label="Absence")
    expect(cases.locator("li.nudge-case .nudge-case-tier").first).to_have_text("High")
    asked = "tier=high&group=absence"
    wanted = [each["id"] for each in told(cases, asked)["cases"]]
    assert listed(cases) == wanted
    cases.wait_for_timeout(500)
    assert cases.evaluate("location.hash") == f"#nudge-cases&{asked}"
    cases.reload()
    cases.locator(".nudge-case-rows").wait_for()
    assert listed(cases) == wanted
    cases.get_by_label("Reason", exact=True).select_option(label="Several things together")
    expect(cases.locator(".nudge-case-table, .nudge-empty").first).to_be_visible()
    expect(spoken(cases)).to_have_text(re.compile(r"^(\d+|No) "))
    cases.get_by_role("button", name="Start over").click()
    expect(cases.get_by_label("Reason", exact=True)).to_have_value("")
    expect(spoken(cases)).to_contain_text(str(told(cases)["total"]))
    assert len(listed(cases)) > len(wanted)


def test_a_filter_that_is_not_known_is_refused_in_words(ward: Site, screen: Look) -> None:
    page = screen(ward, "cases&owner=nobody", wait="[role=alert]", viewport=WIDE)
    assert "nobody is not known here; there are: adviser" in page.get_by_role("alert").inner_text()
    page.get_by_role("button", name="Show all open cases").click()
    page.locator(".nudge-case-rows").wait_for()


# A case


def test_a_case_is_taken_noted_resolved_and_opened_again(ward: Site, cases: Page) -> None:
    [first, *_] = listed(cases)
    opened(cases, first)
    expect(cases.locator(".nudge-case-title h2")).to_be_focused()
    case = ask(cases, f"cases/{first}")
    finding = cases.locator(".nudge-section-days .nudge-finding").inner_text()
    assert finding.startswith(f"{case['chance']}%")
    assert cases.locator(".nudge-day").count() == len(case["days"])
    for reason in case["reasons"]:
        part = cases.locator(f".nudge-reasons [data-group={reason['group']}]").inner_text()
        assert f"the risk would be {reason['chance_if_typical']}%, not {case['chance']}%" in part
        assert all(number["said"] in part for number in reason["numbers"])
    cases.get_by_role("button", name="Take it").click()
    expect(history(cases).first).to_contain_text("Given to grace")
    cases.get_by_label("Give the case to").select_option(label=ADVISER)
    cases.get_by_role("button", name="Assign").click()
    expect(history(cases).first).to_contain_text(f"Given to {ADVISER}")
    expect(spoken(cases)).to_have_text(f"It is now {ADVISER}’s case.")
    cases.get_by_label("Note", exact=True).fill("Works nights until Friday. <b>Call</b> after.")
    cases.get_by_role("button", name="Add note").click()
    said = history(cases).first.locator("blockquote")
    expect(said).to_have_text("Works nights until Friday. <b>Call</b> after.")
    expect(cases.get_by_label("Note", exact=True)).to_have_value("")
    assert cases.get_by_role("button", name="Close the case").is_disabled()
    cases.get_by_label("How it ended").select_option(label="Got the help that was needed")
    cases.get_by_label("What was done, in a sentence").fill("Quiz 3 is due a week later.")
    cases.get_by_role("button", name="Close the case").click()
    expect(cases.locator("[data-state=resolved]")).to_have_text("Resolved: Got the help that was needed")
    assert state(ward, first)[:2] == ("resolved", "helped")
    cases.get_by_role("link", name="All cases").click()
    cases.locator(".nudge-case-rows").wait_for()
    assert first not in listed(cases)
    cases.get_by_label("State").select_option(label="Ended")
    row(cases, first).wait_for()
    opened(cases, first)
    cases.get_by_role("button", name="Open it again").click()
    cases.get_by_role("button", name="Close the case").wait_for()
    assert state(ward, first)[0] == "open"


def test_a_learner_who_does_better_is_let_go_by_the_night(ward: Site, cases: Page) -> None:
    number = listed(cases)[1]
    opened(cases, number)
    night(ward.database.parent, "better", str(number))
    cases.reload()
    expect(cases.locator("[data-state=closed]")).to_have_text("Closed by itself: Is doing better")
    assert state(ward, number)[:2] == ("closed", "improved")
    expect(history(cases).first).to_contain_text("by itself")


def test_who_is_overtaken_sees_by_whom_and_loses_nothing(cases: Page, ward: Site, screen: Look) -> None:
    number = listed(cases)[2]
    opened(cases, number)
    cases.get_by_label("How it ended").select_option(label="Could not be reached")
    cases.get_by_label("What was done, in a sentence").fill("Called twice.")
    cases.get_by_label("Note", exact=True).fill("Half a thought")
    colleague = screen(ward, f"cases&case={number}", wait=".nudge-work", viewport=WIDE)
    colleague.get_by_role("button", name="Take it").click()
    expect(history(colleague).first).to_contain_text("Given to grace")
    cases.get_by_role("button", name="Close the case").click()
    alert = cases.get_by_role("alert")
    expect(alert).to_contain_text("was changed meanwhile")
    expect(alert).to_contain_text("Given to grace")
    assert state(ward, number)[0] == "open"
    expect(cases.get_by_label("How it ended")).to_have_value("no_answer")
    expect(cases.get_by_label("What was done, in a sentence")).to_have_value("Called twice.")
    expect(cases.get_by_label("Note", exact=True)).to_have_value("Half a thought")
    cases.get_by_role("button", name="Close the case").click()
    expect(cases.locator("[data-state=resolved]")).to_be_visible()
    cases.reload()
    expect(cases.get_by_label("Note", exact=True)).to_have_value("Half a thought")


def test_what_is_typed_outlives_a_failure(cases: Page) -> None:
    opened(cases, listed(cases)[3])
    cases.get_by_label("Note", exact=True).fill("Kept")
    broken = {"status": 500, "body": json.dumps({"error": {"message": "The database is locked."}})}
    cases.route(re.compile("/notes$"), lambda route: route.fulfill(**broken))
    cases.get_by_role("button", name="Add note").click()
    expect(cases.get_by_role("alert")).to_contain_text("The database is locked.")
    expect(cases.get_by_label("Note", exact=True)).to_have_value("Kept")
    cases.unroute(re.compile("/notes$"))
    cases.get_by_role("button", name="Add note").click()
    expect(history(cases).first.locator("blockquote")).to_have_text("Kept")


def test_pressing_twice_does_a_thing_once(ward: Site, cases: Page) -> None:
    number = listed(cases)[-1]
    opened(cases, number)
    calls: list[str] = []
    wait = slow(0.4)

    def late(route: Route) -> None:
        calls.append(route.request.url.split("/")[-1])
        wait(route)

    cases.route(re.compile("/(notes|resolve)$"), late)
    cases.get_by_label("Note", exact=True).fill("Once")
    cases.get_by_role("button", name="Add note").dblclick()
    expect(history(cases).first.locator("blockquote")).to_have_text("Once")
    cases.get_by_label("How it ended").select_option(label="Could not be reached")
    cases.get_by_role("button", name="Close the case").dblclick()
    expect(cases.locator("[data-state=resolved]")).to_be_visible()
    assert calls == ["notes", "resolve"]
    assert cases.get_by_role("alert").count() == 0
    expect(cases.locator(".nudge-work [aria-disabled]")).to_have_count(0)
    assert state(ward, number)[:2] == ("resolved", "no_answer")


def test_a_case_leads_to_a_letter_to_all_alike(cases: Page) -> None:
    case = told(cases, "tier=moderate")["cases"][0]
    opened(cases, case["id"])
    cases.get_by_role("link", name="Write to all with this reason and tier").click()
    wanted = f"tier={case['tier']}&risk={case['group'] or 'several'}"
    assert cases.evaluate("location.hash") == f"#nudge-write&{wanted}"
    assert ask(cases, f"learners/count?{wanted}")["matched"] >= 1


def test_a_case_leads_to_a_letter_to_this_learner_alone(cases: Page) -> None:
    number = listed(cases)[4]
    opened(cases, number)
    who = ask(cases, f"cases/{number}")["learner"]
    cases.get_by_role("link", name="Write to this learner").click()
    expect(cases.locator(".nudge-whom")).to_have_text(f"Learner {who[:6].upper()}")
    assert cases.evaluate("location.hash") == f"#nudge-write&who={who}"
    reach = ask(cases, f"learners/count?who={who}")
    assert reach["matched"] == 1
    expect(cases.locator(".nudge-compose-head h2")).to_have_text(
        re.compile(f"^This goes to {reach['reachable']} learners? now")
    )
    cases.get_by_role("link", name="Choose learners").click()
    expect(cases.locator(".nudge-count")).to_have_text("1")


def test_the_plot_and_its_table_hold_the_same_days(cases: Page) -> None:
    opened(cases, listed(cases)[5])
    mark = cases.locator(".nudge-day").first
    mark.focus()
    cases.keyboard.press("End")
    last = cases.locator(".nudge-day").last
    expect(last).to_be_focused()
    cases.keyboard.press("t")
    rows = cases.locator(".nudge-section-days tbody tr")
    expect(rows).to_have_count(cases.locator(".nudge-day").count())
    percent = rows.first.locator("td").first.inner_text()
    assert f"Risk: {percent}" in (last.get_attribute("aria-label") or "")
    cases.wait_for_timeout(500)
    assert "tables=days" in cases.evaluate("location.hash")


# The other states


def test_waiting_nothing_and_failure_are_told_apart(ward: Site, screen: Look) -> None:
    listing = re.compile(r"/cases\?")
    page = screen(ward, wait=".nudge-count", viewport=WIDE)
    page.route(listing, slow(1.0))
    page.get_by_role("link", name="At risk").click()
    page.get_by_text("Fetching today’s cases…").wait_for()
    page.locator(".nudge-case-rows").wait_for()
    page.unroute(listing)
    page.get_by_label("State").select_option(label="Ended")
    page.locator("[data-keep=assignee-me]").click()
    page.get_by_label("Reason", exact=True).select_option(label="Pace")
    page.locator(".nudge-empty").wait_for()

    def offline(route: Route) -> None:
        route.abort()

    page.route(listing, offline)
    page.locator("[data-keep=assignee-none]").click()
    expect(page.get_by_role("alert")).to_contain_text("no connection to the server")
    page.unroute(listing)
    page.get_by_role("button", name="Try again").click()
    page.locator(".nudge-cases-finding").wait_for()


def answer(page: Page, path: str) -> Any:
    """The status with which the server answers the reader."""
    return page.evaluate("async (path) => (await fetch(path)).status", path)


def test_learners_are_refused_and_advisers_see_every_course(ward: Site, screen: Look) -> None:
    page = screen(ward, wait="", viewport=WIDE)
    page.goto(f"{ward.url}/as/crowd1/?next=/static/demo/demo.css")
    assert answer(page, "/nudge/cases/") == 403
    assert answer(page, "/api/nudge/v1/cases") == 403
    page.goto(f"{ward.url}/as/{ADVISER}/?next=/nudge/cases/")
    page.locator(".nudge-courses tbody tr").nth(1).wait_for()
    assert page.get_by_role("link", name="Course page").count() == 0
    for part in ("worked", "fairness", "settings"):
        assert answer(page, f"/api/nudge/v1/courses/{COURSE}/cases/{part}") == 403
        page.evaluate("(part) => { location.hash = `#nudge-cases&part=${part}`; }", part)
    expect(page.locator("li.nudge-case").first).to_be_visible()
    assert page.locator(".nudge-parts").count() == 0
    assert page.get_by_role("alert").count() == 0
    opened(page, listed(page)[0])
    assert page.get_by_role("link", name="Write to").count() == 0
    assert violations(page, ".nudge-communicator") == []
