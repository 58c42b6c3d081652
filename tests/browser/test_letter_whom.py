"""Whom a letter reaches, and where answers go, as the screen says it: by channel, by example, by owner."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import Look, Site
from .writing import heading, newest, preview, write

pytestmark = pytest.mark.browser


def count(text: str) -> int:
    found = re.search(r"\d+", text)
    assert found, text
    return int(found[0])


def test_the_sentence_tells_the_audience_of_the_channel(desk: Page) -> None:
    with desk.expect_response(re.compile("letters/preview")) as answer:
        write(desk, "Whom", "Look again.")
    audience = answer.value.json()["audience"] or {}
    heading(desk)
    if not audience:
        pytest.fail("the first preview counts")
    assert count(heading(desk)) == audience["mail"]
    assert audience["nudge"] != audience["mail"], "else this shows nothing"
    desk.get_by_label("As a pop-up at the next visit").check()
    expect(desk.locator(".nudge-compose-head h2")).to_have_text(re.compile("pop-up"))
    assert count(heading(desk)) == audience["nudge"]


def test_while_only_words_change_nobody_is_counted_until_it_is_to_be_sent(desk: Page) -> None:
    counted: list[bool] = []
    heading(desk)
    desk.on(
        "request",
        lambda sent: (
            counted.append(json.loads(sent.post_data or "{}")["count"])
            if sent.url.endswith("letters/preview")
            else None
        ),
    )
    write(desk, "Words", "Only words.")
    expect(preview(desk)).to_contain_text("Only words.")
    assert counted
    assert not any(counted)
    desk.locator("[data-send]").click()
    desk.locator("[data-confirm]").wait_for()
    assert counted[-1] is True
    desk.keyboard.press("Escape")


def test_the_mail_is_shown_with_its_frame_for_the_example_one_chooses(desk: Page) -> None:
    write(desk, "Hello [:fullname:]", "Dear [:fullname:]")
    frame = desk.frame_locator(".nudge-mail-html")
    expect(frame.get_by_role("link", name="Unsubscribe")).to_have_attribute("href", "#")
    examples = desk.get_by_label("Learner to show it for")
    other = examples.locator("option").nth(2).inner_text()
    examples.select_option(label=other)
    expect(desk.locator(".nudge-mail-subject")).to_have_text(f"Hello Learner {other}")
    expect(examples).to_have_value(re.compile(f"^{other.lower()}"))


def test_a_colleagues_address_for_answers_makes_room_for_the_usual_one(
    desk: Page, course: Site, screen: Look
) -> None:
    write(desk, "Between colleagues", "So far")
    desk.get_by_role("button", name="Keep as a draft").click()
    desk.get_by_text("The draft is kept").wait_for()

    def anothers(route: Route) -> None:
        if route.request.method != "GET":
            return route.continue_()
        answer = route.fetch()
        return route.fulfill(response=answer, json={**answer.json(), "reply_to": "colleague@example.org"})

    number = newest(desk)["id"]
    colleague = screen(course, "sent", wait=".nudge-letters >> nth=0")
    colleague.route(re.compile(rf"/letters/{number}$"), anothers)
    colleague.locator(".nudge-letter").filter(has_text="Between colleagues").get_by_role(
        "button", name="Go on writing"
    ).click()
    expect(colleague.get_by_label("Subject")).to_have_value("Between colleagues")
    expect(colleague.get_by_label("Answers go to")).not_to_have_value("")
    colleague.get_by_role("button", name="Keep as a draft").click()
    colleague.get_by_text("The draft is kept").wait_for()
