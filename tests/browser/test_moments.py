"""What the page tells the server of a moment, in a real browser with the built script."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Visit

pytestmark = pytest.mark.browser
QUIZ = "block-v1:Harbour+NUM101+2026_T4+type@quiz+block@quiz"
START = """(args) => {
    const mount = document.body.appendChild(document.createElement("div"));
    window.NudgeCard({ handlerUrl: (element, name) => `/handled/${name}` }, mount, args);
}"""


def occasions(visit: Callable[..., Visit], when: str, **args: Any) -> list[dict[str, Any]]:
    """The moments that a placement with this trigger asks about in its first three seconds."""
    learner = visit().open()
    learner.unit.locator(".demo-quiz fieldset").first.wait_for()
    frame = next(frame for frame in learner.page.frames if "/xblock/" in frame.url)
    frame.wait_for_function("!!window.NudgeCard")
    asked = []

    def handle(route: Any) -> None:
        asked.append(json.loads(route.request.post_data)["occasion"])
        route.fulfill(json={"nudge": None})

    learner.page.route("**/handled/ask", handle)
    plain = {"problems": [], "others": [], "played": [], "wide": False, "elsewhere": False}
    trigger = {"when": when, "item": args.pop("item", "")}
    frame.evaluate(START, {"view": "learner", "text": {}, "trigger": trigger, **plain, **args})
    learner.page.wait_for_timeout(3000)
    return asked


@pytest.mark.parametrize("when", ["item_completed", "problem_failed", "problem_passed"])
def test_what_lies_in_another_unit_is_asked_about_but_not_claimed(visit: Any, when: str) -> None:
    [asked] = occasions(visit, when, item=QUIZ, elsewhere=True)
    assert asked == {"when": when, "item": QUIZ, "attempts": 0, "elsewhere": True}


def test_a_rule_of_the_whole_course_asks_when_the_page_opens(visit: Any) -> None:
    [asked] = occasions(visit, "problem_failed", wide=True)
    assert asked == {"when": "problem_failed", "item": "", "attempts": 0, "elsewhere": True}


def test_what_is_in_no_unit_is_asked_about_once(visit: Any) -> None:
    [asked] = occasions(visit, "inactivity")
    assert asked["elsewhere"] is True


def test_a_unit_is_claimed_as_seen_only_when_it_was_looked_at(visit: Any) -> None:
    [asked] = occasions(visit, "unit_seen", wide=True)
    assert asked == {"when": "unit_seen", "item": "", "attempts": 0, "elsewhere": False}


def test_what_is_on_this_page_is_not_asked_about_before_it_happens(visit: Any) -> None:
    assert occasions(visit, "problem_failed", item=QUIZ, problems=[QUIZ]) == []
