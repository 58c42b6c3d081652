"""The learner's card, one behaviour at a time, on the real course in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import UNIT, Visit, slow, violations

pytestmark = pytest.mark.browser
Make = Callable[..., Visit]
PHONE = {"viewport": {"width": 360, "height": 640}}
QUEUE = "JSON.parse(localStorage.getItem('nudge-outbox') || '[]')"


def inner(visit: Visit) -> Any:
    """The frame of the unit."""
    return next(frame for frame in visit.page.frames if "/xblock/" in frame.url)


def boxes(visit: Visit, selector: str) -> list[dict[str, float]]:
    """Where things are on the screen."""
    return [one.bounding_box() for one in visit.unit.locator(selector).all() if one.bounding_box()]


def apart(one: dict[str, float], other: dict[str, float]) -> bool:
    return (
        one["x"] + one["width"] <= other["x"]
        or other["x"] + other["width"] <= one["x"]
        or one["y"] + one["height"] <= other["y"]
        or other["y"] + other["height"] <= one["y"]
    )


def test_a_failed_quiz_brings_a_card_that_is_recorded_as_shown(visit: Make) -> None:
    learner = visit().nudged()
    assert learner.card.get_by_role("heading").count() == 1
    assert learner.card.get_by_text("Was this helpful?").is_visible()
    learner.until(lambda: learner.said("shown") == 1, "the card was not reported as shown")
    learner.until(lambda: learner.site.decision(learner.name)["shown_at"] is not None, "not recorded")


def test_the_card_moves_neither_focus_nor_content(visit: Make) -> None:
    learner = visit().open()
    learner.fail()
    answer = learner.unit.locator(".demo-quiz input").nth(1)
    answer.focus()
    before = boxes(learner, ".demo-quiz fieldset")
    height = inner(learner).evaluate("document.documentElement.scrollHeight")
    learner.card.wait_for()
    assert answer.evaluate("node => node === document.activeElement")
    assert boxes(learner, ".demo-quiz fieldset") == before
    assert inner(learner).evaluate("document.documentElement.scrollHeight") == height


def test_the_card_is_in_the_visible_part_of_a_unit_taller_than_the_screen(visit: Make) -> None:
    learner = visit(viewport={"width": 1280, "height": 700}).nudged()
    assert learner.page.locator("#unit-iframe").bounding_box()["height"] > 700
    assert learner.page.evaluate("scrollY") > 0
    card = learner.card.bounding_box()
    assert card["y"] >= 0
    assert card["y"] + card["height"] <= 700
    assert card["x"] + card["width"] <= 1280


def test_the_card_covers_nothing_to_answer_with(visit: Make) -> None:
    learner = visit().nudged()
    card = learner.card.bounding_box()
    for control in boxes(learner, ".demo-quiz input, .demo-quiz button"):
        assert apart(card, control)


def test_where_a_phone_has_no_room_the_card_waits_at_the_end_and_covers_nothing(visit: Make) -> None:
    learner = visit(viewport={"width": 360, "height": 560}).open()
    learner.fail()
    learner.unit.locator(".demo-quiz fieldset").nth(1).scroll_into_view_if_needed()
    learner.card.wait_for()
    card = learner.card.bounding_box()
    assert all(
        apart(card, one) for one in boxes(learner, ".demo-quiz input, .demo-quiz label, .demo-quiz button")
    )
    sign = learner.unit.locator(".nudge-peek")
    if card["y"] + 40 > 560:
        sign.wait_for()
        assert all(apart(sign.bounding_box(), one) for one in boxes(learner, ".demo-quiz input"))
        sign.get_by_role("button").click()
        learner.until(lambda: learner.said("shown") == 1, "the sign did not lead to the card")
        assert not sign.is_visible()


def test_the_card_also_works_on_a_page_of_its_own(visit: Make) -> None:
    learner = visit().open(f"/xblock/{UNIT}/")
    learner.fail()
    learner.card.wait_for()
    card = learner.card.bounding_box()
    assert 0 <= card["y"] <= 800 - card["height"]


def test_without_the_platforms_listeners_the_marks_in_the_page_tell(visit: Make) -> None:
    learner = visit()
    learner.page.add_init_script(
        "let kept; Object.defineProperty(window, 'Logger',"
        " { get: () => kept && { log: kept.log }, set: (value) => (kept = value) })"
    )
    learner.open()
    inner_check = ".demo-check"
    learner.unit.locator(inner_check).wait_for()
    learner.unit.locator(inner_check).evaluate("node => node.classList.add('submit')")
    learner.fail()
    learner.card.wait_for()


def test_the_card_is_announced_politely_and_is_no_dialog(visit: Make) -> None:
    learner = visit().nudged()
    live = learner.unit.locator(".nudge-unseen[role=status]")
    heading = learner.card.get_by_role("heading").inner_text()
    learner.until(lambda: heading in live.inner_text(), "nothing was announced")
    assert live.inner_text().startswith("A message for you:")
    assert learner.unit.locator("[role=dialog], [role=alertdialog], [aria-modal]").count() == 0


def test_escape_closes_the_card(visit: Make) -> None:
    learner = visit().nudged()
    learner.page.keyboard.press("Escape")
    learner.card.wait_for(state="detached")
    learner.until(lambda: learner.site.decision(learner.name)["dismissed_at"] is not None, "not recorded")


def test_closing_by_keyboard_gives_the_focus_back(visit: Make) -> None:
    learner = visit().nudged()
    submit = learner.unit.locator(".demo-show")
    submit.focus()
    for _ in range(8):
        learner.page.keyboard.press("Tab")
        if learner.card.evaluate("node => node.contains(document.activeElement)"):
            break
    else:
        raise AssertionError("the card cannot be reached with the Tab key")
    learner.page.keyboard.press("Escape")
    assert submit.evaluate("node => node === document.activeElement")


def test_a_vote_is_thanked_for_at_once_and_can_be_undone(visit: Make) -> None:
    learner = visit().nudged()
    learner.button("Yes").click()
    assert learner.card.get_by_text("Thank you").is_visible()
    learner.until(lambda: learner.site.decision(learner.name)["helpful"] == 1, "the vote did not arrive")
    assert learner.button("Undo").evaluate("node => node === node.getRootNode().activeElement")
    learner.button("Undo").click()
    assert learner.button("No").is_visible()
    learner.until(lambda: learner.site.decision(learner.name)["helpful"] is None, "the vote still stands")
    learner.button("No").click()
    learner.until(lambda: learner.site.decision(learner.name)["helpful"] == 0, "the new vote did not arrive")


def test_a_vote_without_a_network_waits_and_is_sent_once(visit: Make) -> None:
    learner = visit().nudged()
    learner.until(lambda: learner.site.decision(learner.name)["shown_at"] is not None, "not shown")
    learner.context.set_offline(True)
    learner.button("Yes").click()
    assert learner.card.get_by_text("Thank you").is_visible()
    learner.until(lambda: len(inner(learner).evaluate(QUEUE)) == 1, "the vote was not kept")
    assert learner.site.decision(learner.name)["helpful"] is None
    learner.posted.clear()
    learner.context.set_offline(False)
    learner.until(lambda: learner.site.decision(learner.name)["helpful"] == 1, "the vote was not sent")
    learner.until(lambda: inner(learner).evaluate(QUEUE) == [], "the vote is still kept")
    assert learner.said("helpful") == 1


def test_a_vote_left_behind_is_sent_by_the_next_page_and_counts_once(visit: Make) -> None:
    learner = visit().nudged()
    learner.page.route("**/respond/**", lambda route: route.abort())
    learner.button("Fewer of these").click()
    learner.until(lambda: len(inner(learner).evaluate(QUEUE)) >= 1, "the answer was not kept")
    kept = inner(learner).evaluate("localStorage.getItem('nudge-outbox')")
    learner.page.unroute("**/respond/**")
    learner.page.reload()
    learner.until(lambda: learner.said("fewer") >= 1, "the next page did not send it")
    learner.until(lambda: inner(learner).evaluate(QUEUE) == [], "the answer is still kept")
    # As if the page had been torn away between sending and forgetting.
    inner(learner).evaluate("kept => localStorage.setItem('nudge-outbox', kept)", kept)
    learner.page.reload()
    learner.until(lambda: inner(learner).evaluate(QUEUE) == [], "the answer is still kept")
    sql = (
        "SELECT l.fewer FROM nudge_xblock_learner l JOIN auth_user u ON u.id = l.user_id WHERE u.username = ?"
    )
    assert learner.site.rows(sql, learner.name) == [(1,)]


def test_fewer_then_none_then_back_again(visit: Make) -> None:
    learner = visit().nudged()
    sql = (
        "SELECT l.opted_out FROM nudge_xblock_learner l JOIN auth_user u ON u.id = l.user_id"
        " WHERE u.username = ?"
    )
    learner.button("Fewer of these").click()
    assert learner.card.get_by_text("you will see fewer").is_visible()
    learner.button("Stop them").click()
    learner.until(lambda: learner.site.rows(sql, learner.name) == [(1,)], "they were not stopped")
    learner.button("Turn them on again").click()
    learner.until(lambda: learner.site.rows(sql, learner.name) == [(0,)], "they did not come back")


def test_not_now_closes_and_is_recorded(visit: Make) -> None:
    learner = visit().nudged()
    learner.button("Not now").click()
    learner.card.wait_for(state="detached")
    learner.until(lambda: learner.site.decision(learner.name)["dismissed_at"] is not None, "not recorded")


@pytest.mark.parametrize("answer", ["abort", "fail", "nonsense"])
def test_a_server_that_is_down_leaves_the_page_as_it_is(visit: Make, answer: str) -> None:
    learner = visit()
    ways: dict[str, Callable[[Any], None]] = {
        "abort": lambda route: route.abort(),
        "fail": lambda route: route.fulfill(status=500, body="oops"),
        "nonsense": lambda route: route.fulfill(status=200, body="<html>"),
    }
    learner.page.route("**/ask/**", ways[answer])
    said: list[str] = []
    learner.page.on("console", lambda message: said.append(message.text))
    learner.open()
    learner.fail()
    learner.page.wait_for_timeout(2500)
    assert learner.card.count() == 0
    assert [words for words in said if "Failed to load resource" not in words] == []


def test_an_answer_that_comes_too_late_is_not_shown(visit: Make) -> None:
    learner = visit()
    learner.page.route("**/ask/**", slow(4))
    learner.open()
    learner.fail(tries=2)
    learner.page.wait_for_timeout(5500)
    assert learner.card.count() == 0


def test_one_card_at_a_time(visit: Make) -> None:
    learner = visit().nudged()
    asked: list[str] = []
    learner.page.on("request", lambda request: asked.append(request.url) if "/ask/" in request.url else None)
    learner.unit.locator(".demo-check").click()
    learner.unit.locator(".demo-result", has_text="try 3").wait_for()
    learner.page.wait_for_timeout(2000)
    assert (learner.card.count(), asked) == (1, [])
    learner.button("Not now").click()
    learner.until(lambda: len(asked) == 1, "the moment that waited was forgotten")


def test_two_copies_of_the_script_share_one_page(visit: Make) -> None:
    learner = visit().open()
    frame = inner(learner)
    frame.wait_for_function("window.nudgePage")
    assert frame.evaluate(
        """async () => {
            const before = window.nudgePage;
            const script = document.createElement("script");
            script.src = document.querySelector("script[src*='popup.js']").src + "?again";
            await new Promise((done) => { script.onload = done; document.head.append(script); });
            const element = document.querySelector(".nudge-here").closest(".xblock-v1, .vert");
            const args = { view: "learner", text: {}, trigger: { when: "problem_failed" } };
            const none = { problems: [], others: [], played: [] };
            new window.NudgeCard({ handlerUrl: () => "/" }, element, { ...args, ...none });
            return window.nudgePage === before;
        }"""
    )


def test_right_to_left_the_card_mirrors(visit: Make) -> None:
    learner = visit("yusuf").nudged()
    assert learner.card.evaluate("node => getComputedStyle(node).direction") == "rtl"
    card, quiz = learner.card.bounding_box(), learner.unit.locator(".demo-quiz").bounding_box()
    assert card["x"] < quiz["x"] + quiz["width"] / 2
    assert card["x"] >= 0
    foot = learner.card.locator(".foot button")
    assert foot.nth(0).bounding_box()["x"] > foot.nth(1).bounding_box()["x"]
    assert learner.card.get_by_text("Was this helpful?").count() == 0


@pytest.mark.parametrize("width", [320, 360])
def test_at_320_pixels_nothing_is_cut_off_and_all_can_be_pressed(visit: Make, width: int) -> None:
    learner = visit(viewport={"width": width, "height": 640}).nudged()
    assert inner(learner).evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    card = learner.card.bounding_box()
    assert card["x"] >= 0
    assert card["x"] + card["width"] <= width
    for control in learner.card.locator("button, a").all():
        box = control.bounding_box()
        assert box["width"] >= 24
        assert box["height"] >= 24
        assert box["x"] + box["width"] <= card["x"] + card["width"]


@pytest.mark.parametrize(("motion", "animated"), [("reduce", False), ("no-preference", True)])
def test_who_wants_no_motion_gets_none(visit: Make, motion: str, animated: bool) -> None:
    learner = visit(reduced_motion=motion).nudged()
    name = learner.card.locator(".card").evaluate("node => getComputedStyle(node).animationName")
    assert (name != "none") == animated


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_before_and_after_a_vote(visit: Make, scheme: str) -> None:
    learner = visit(color_scheme=scheme, reduced_motion="reduce").nudged()
    assert violations(inner(learner), ".nudge-card") == []
    learner.button("Yes").click()
    assert violations(inner(learner), ".nudge-card") == []
    learner.button("Fewer of these").click()
    assert violations(inner(learner), ".nudge-card") == []


def test_the_dark_card_is_dark(visit: Make) -> None:
    learner = visit(color_scheme="dark").nudged()
    colour = learner.card.locator(".card").evaluate("node => getComputedStyle(node).backgroundColor")
    assert max(int(part) for part in colour[4:-1].split(",")) < 60


def test_following_the_link_is_recorded(visit: Make) -> None:
    learner = visit()

    def linked(route: Any) -> None:
        response = route.fetch()
        answer = response.json()
        if answer["nudge"]:
            answer["nudge"]["action"] = {"label": "Look there", "url": "#there"}
        route.fulfill(response=response, json=answer)

    learner.page.route("**/ask/**", linked)
    learner.nudged()
    learner.card.get_by_role("link", name="Look there").click()
    learner.until(lambda: learner.site.decision(learner.name)["clicked_at"] is not None, "not recorded")


@pytest.mark.parametrize("url", ["javascript:window.stolen=1", "data:text/html,x"])
def test_an_address_that_is_a_script_makes_no_link(visit: Make, url: str) -> None:
    learner = visit()

    def tampered(route: Any) -> None:
        response = route.fetch()
        answer = response.json()
        if answer["nudge"]:
            answer["nudge"] |= {"body": "<img src=x onerror=stolen=1>", "action": {"label": "Go", "url": url}}
        route.fulfill(response=response, json=answer)

    learner.page.route("**/ask/**", tampered)
    learner.nudged()
    assert learner.card.get_by_text("<img src=x").is_visible()
    assert learner.card.locator("img, a").count() == 0
    assert inner(learner).evaluate("window.stolen") is None


def test_staff_move_between_their_tabs_by_keyboard(visit: Make) -> None:
    staff = visit("grace").open()
    tabs = staff.unit.get_by_role("tab")
    tabs.first.wait_for()
    tabs.first.focus()
    staff.page.keyboard.press("ArrowRight")
    assert tabs.nth(1).get_attribute("aria-selected") == "true"
    assert tabs.nth(1).evaluate("node => node === document.activeElement")
    staff.page.keyboard.press("Home")
    assert staff.card.first.is_visible()
    assert violations(inner(staff), ".nudge-staff .nudge-tabs") == []
