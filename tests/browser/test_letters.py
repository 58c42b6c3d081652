"""Letters are written in the browser and arrive at a real mail server, one behaviour at a time."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.nudge_xblock.communicator.post_office import PostOffice, opened, parts

from .choosing import ask
from .conftest import Look, Site, gather, served
from .writing import FEW, SLICES, done, heading, message, newest, preview, row, send, write

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    with opened() as office:
        yield office


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, office: PostOffice) -> Iterator[Site]:
    """A course of a few learners whose letters go to the post office."""
    home = tmp_path_factory.mktemp("letters")
    with served(home, NUDGE_DEMO_SMTP=f"127.0.0.1:{office.port}") as site:
        gather(home, FEW)
        yield site


@pytest.fixture
def desk(course: Site, screen: Look, office: PostOffice) -> Page:
    """The screen for writing to some learners whom no letter has reached; no mail has arrived before."""
    office.mails.clear()
    office.envelopes.clear()
    return screen(course, f"write&{next(SLICES)}", wait=".nudge-compose")


def meant(page: Page) -> dict[str, int]:
    """How many the page writes to, as the server counts them."""
    counted: dict[str, int] = ask(page, f"learners/count?{re.search('pass=[^&]+', page.url)[0]}")  # type: ignore[index]
    return counted


def test_the_sentence_says_whom_it_reaches_and_the_server_counts_the_same(desk: Page) -> None:
    told = meant(desk)
    assert heading(desk) == f"This goes to {told['reachable']} learners now."
    out = told["matched"] - told["reachable"]
    assert (f"{out} of the {told['matched']} chosen cannot be written to" in desk.inner_text("body")) == bool(
        out
    )
    assert "Likely to pass: 0% to 3%" in desk.locator(".nudge-who-line").inner_text()
    desk.get_by_label("Now, and to new matches each morning until").check()
    desk.get_by_label("Last day").fill("2030-06-30")
    sentence = (
        f"This goes to {told['reachable']} learners now, and to new matches each morning until June 30."
    )
    expect(desk.locator(".nudge-compose-head h2")).to_have_text(sentence)
    desk.get_by_label("As a pop-up, then by mail").check()
    expect(desk.locator(".nudge-compose-head h2")).to_contain_text(
        "Where it is not seen within 3 days, a mail"
    )


def test_every_reachable_learner_gets_one_mail_in_their_name(desk: Page, office: PostOffice) -> None:
    desk.get_by_label("Subject").fill("A word, ")
    desk.get_by_role("button", name="First name").click()
    message(desk).click()
    desk.keyboard.type("Hi ")
    desk.get_by_role("button", name="First name").click()
    desk.keyboard.type(",")
    desk.keyboard.press("Enter")
    desk.keyboard.type("two quizzes are ")
    desk.keyboard.press("Control+b")
    desk.keyboard.type("left")
    expect(preview(desk).locator("b")).to_have_text("left")
    assert desk.locator(".nudge-mail-subject").inner_text() == "A word, Learner"
    told = meant(desk)
    desk.locator("[data-send]").click()
    expect(desk.locator(".nudge-sending")).to_contain_text(f"This goes to {told['reachable']} learners now.")
    assert not office.mails
    desk.locator("[data-confirm]").click()
    done(desk)
    assert sorted(office.received.values()) == [1] * told["reachable"]
    text, html = parts(office.mails[0])
    assert office.mails[0]["Subject"] == "A word, Robin"
    assert "Hi Robin," in text
    assert "<b>left</b>" in html
    assert f"{told['reachable']} mails sent" in desk.locator(".nudge-sending").inner_text()


def test_not_yet_sends_nothing_and_keeps_the_message(desk: Page, office: PostOffice) -> None:
    write(desk, "Not yet")
    desk.locator("[data-send]").click()
    desk.get_by_role("button", name="Not yet").click()
    assert desk.get_by_label("Subject").input_value() == "Not yet"
    assert desk.locator("[data-send]").evaluate("node => node === node.getRootNode().activeElement")
    assert not office.mails
    assert all(letter["subject"] != "Not yet" for letter in ask(desk, "letters"))


def test_a_test_mail_goes_to_oneself_alone(desk: Page, office: PostOffice) -> None:
    write(desk, "A trial")
    desk.get_by_role("button", name="Send a test to myself").click()
    desk.get_by_text("A test mail is on its way to grace@example.com").wait_for()
    assert list(office.received) == ["grace@example.com"]


def test_sending_is_stopped_and_what_was_sent_stays_sent(desk: Page, office: PostOffice) -> None:
    swift = office.handle_DATA

    async def slow(*args: Any) -> str:
        await asyncio.sleep(1.0)
        return await swift(*args)

    office.handle_DATA = slow  # type: ignore[method-assign, assignment]
    try:
        write(desk, "Halt")
        send(desk)
        desk.get_by_text(re.compile(r"[1-9]\d* mails? sent")).wait_for(timeout=120_000)
        desk.locator("[data-stop]").click()
        done(desk, "Stopped: what was sent by then stays sent")
        desk.wait_for_timeout(2500)  # a mail that was on the wire arrives
    finally:
        office.handle_DATA = swift  # type: ignore[method-assign]
    reachable = meant(desk)["reachable"]
    told = newest(desk)
    assert told["state"] == "stopped"
    assert 0 < len(office.mails) < reachable
    assert told["counts"]["sent"] == len(office.mails)


def test_when_the_selection_has_changed_it_asks_once_more(desk: Page, office: PostOffice) -> None:
    seen: list[int] = []

    def meanwhile(route: Route) -> None:
        expected = json.loads(route.request.post_data or "{}")["expected"]
        seen.append(expected)
        route.continue_(post_data=json.dumps({"expected": expected + (len(seen) == 1)}))

    desk.route(re.compile(r"/letters/\d+/send$"), meanwhile)
    write(desk, "Changed")
    send(desk)
    expect(desk.locator(".nudge-sending")).to_contain_text("The selection holds")
    assert not office.mails
    desk.locator("[data-confirm]").click()
    done(desk)
    assert len(seen) == 2
    assert set(office.received.values()) == {1}


def test_a_letter_waits_for_its_time_and_can_be_stopped(desk: Page, office: PostOffice) -> None:
    write(desk, "Later")
    desk.get_by_label("At a time", exact=True).check()
    desk.get_by_label("When it goes out").fill("2031-05-04T08:00")
    expect(desk.locator(".nudge-compose-head h2")).to_contain_text("This goes out on May 4, 2031")
    send(desk)
    done(desk, "Goes out on May 4, 2031")
    desk.get_by_role("button", name="Who got it").click()
    later = row(desk, "Later")
    assert "Waiting for its time" in later.inner_text()
    later.get_by_role("button", name="Stop").click()
    expect(row(desk, "Later")).to_contain_text("Stopped")
    assert not office.mails


def test_a_pop_up_is_seen_at_the_next_visit(course: Site, screen: Look, visit: Any) -> None:
    page = screen(course, "write&pass=80-100", wait=".nudge-compose")
    [[name]] = course.rows(
        "SELECT u.username FROM auth_user u JOIN nudge_xblock_learner l ON l.user_id = u.id"
        " JOIN nudge_xblock_enrolment e ON e.learner_id = l.id"
        " WHERE json_extract(e.predictions, '$.pass') > 0.81 AND u.email <> '' LIMIT 1"
    )
    write(page, "Quiz 3 is open", "Ten minutes today make it easy.")
    page.get_by_label("As a pop-up at the next visit").check()
    expect(page.get_by_label("From")).to_be_hidden()
    expect(page.locator(".nudge-compose-head h2")).to_contain_text("see this as a pop-up at their next visit")
    send(page)
    done(page, "Shown to each of them at the next visit")
    learner = visit(name)
    learner.site = course
    learner.open()
    learner.card.get_by_text("Quiz 3 is open").wait_for()
    page.get_by_role("button", name="Who got it").click()
    expect(row(page, "Quiz 3 is open")).to_contain_text("1 seen as a pop-up")


def test_what_is_wrong_is_said_in_words_and_cannot_be_sent(desk: Page) -> None:
    write(desk, "A word", "Dear [:surname:]")
    problems = desk.locator(".nudge-problems")
    expect(problems).to_contain_text("There is no placeholder [:surname:]")
    expect(desk.locator("[data-send]")).to_be_disabled()
    write(desk, "", "Dear all")
    expect(problems).to_contain_text("Write a subject")
