"""The author's form on the server: what it accepts, what it says, and what it warns of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock import editing
from nudge_xblock.editing import GRADED, READ, Item

from .moments import QUIZ, wording

SAVED = {"attempts": 1, "threshold": 0.5, "days": 7.0, "hours": 48.0, "objective_days": 7.0}
FORM: dict[str, Any] = {
    "display_name": "After the quiz",
    "when": "problem_failed",
    "item": QUIZ,
    "attempts": 2,
    "kind": "review",
    "audience": "all",
    "enabled": True,
    "course_wide": False,
    "objective": "vote",
    "may_retire": True,
    "variants": [wording("A"), wording("B")],
}
PROBLEM = Item(QUIZ, "Quiz 3", GRADED)

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def errors(**changes: Any) -> dict[str, str]:
    return editing.clean(FORM | changes, SAVED).errors


def warned(items: list[Item] | None = None, timed: bool = False, **changes: Any) -> str:
    cleaned = editing.clean(FORM | changes, SAVED)
    assert not cleaned.errors
    return " ".join(editing.warnings(cleaned.fields, [PROBLEM] if items is None else items, timed))


def test_a_complete_form_is_taken_as_it_is() -> None:
    cleaned = editing.clean(FORM, SAVED)
    assert cleaned.errors == {}
    assert cleaned.fields == {**SAVED, **FORM}
    assert isinstance(cleaned.fields["attempts"], int)


@given(st.dictionaries(st.sampled_from([*FORM, "days", "objective_days"]), json))
def test_whatever_is_sent_is_answered_with_errors_by_field_or_taken(sent: dict[str, Any]) -> None:
    cleaned = editing.clean(sent, SAVED)
    assert cleaned.errors or editing.clean(cleaned.fields, SAVED).fields == cleaned.fields


def test_what_a_nudge_is_for_is_chosen_and_the_days_count_only_where_items_do() -> None:
    fields = editing.clean(FORM | {"objective": "items", "objective_days": "14"}, SAVED).fields
    assert (fields["objective"], fields["objective_days"]) == ("items", 14.0)
    assert editing.clean(FORM | {"objective_days": "soon"}, SAVED).fields["objective_days"] == 7.0
    assert "1 to 60" in errors(objective="items", objective_days=90)["objective_days"]
    assert "1 to 60" in errors(objective="items", objective_days=None)["objective_days"]
    assert "what the nudge is for" in errors(objective="fame")["objective"]


def test_a_nudge_whose_link_is_to_be_followed_needs_one_in_each_wording() -> None:
    linked = wording("A", action_label="Watch", action_url="https://example.org")
    assert errors(objective="click", variants=[linked]) == {}
    assert (
        "following its link"
        in errors(objective="click", variants=[linked, wording("B")])["variants.1.action_url"]
    )


def test_a_form_without_a_message_says_what_to_write() -> None:
    assert "heading" in errors(variants=[wording("", body="")])["variants.0.heading"]
    assert "message" in errors(variants=[wording("", body="")])["variants.0.body"]
    assert "at least one message" in errors(variants=[])["variants"]


@pytest.mark.parametrize("attempts", [None, "", "many", 0, 1.5, float("nan"), 1e9])
def test_a_number_that_is_none_is_named(attempts: Any) -> None:
    assert "trigger.attempts" in errors(attempts=attempts)


def test_a_number_that_the_rule_does_not_use_cannot_be_wrong() -> None:
    assert errors(days="soon") == {}


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "example"])
def test_a_button_leads_nowhere_unsafe(url: str) -> None:
    found = errors(variants=[wording("A", action_label="Go", action_url=url)])
    assert ("variants.0.action_url" in found) == (url != "example")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"item": "block-v1:Harbour+NUM101+2026+type@problem+block@gone"}, "has left the unit"),
        ({"when": "score_below", "threshold": 0.99}, "Nearly every score"),
        ({"when": "inactivity", "days": 1}, "nearly everyone"),
        ({"when": "deadline_near", "hours": 300}, "always due"),
        ({"enabled": False}, "switched off"),
        ({"variants": [wording("A", body="One. Two! Three?")]}, "One or two short sentences"),
        ({"variants": [wording("LOOK AGAIN NOW")]}, "shouting"),
    ],
)
def test_a_rule_that_never_or_always_fires_is_pointed_out(changes: dict[str, Any], words: str) -> None:
    assert words in warned(**changes)


def test_a_rule_about_problems_needs_one() -> None:
    assert "no problem yet" in warned([], item="")
    assert "no problem yet" in warned([Item("x", "Text", READ)], item="")
    assert warned([], item="", course_wide=True) == ""
    assert "nothing to finish" in warned([], item="", when="item_completed")


def test_more_tries_than_the_problem_allows_never_come() -> None:
    few = [Item(QUIZ, "Quiz 3", GRADED, max_attempts=1)]
    assert "Quiz 3 allows 1 try" in warned(few)
    assert warned([Item(QUIZ, "Quiz 3", GRADED, max_attempts=2)]) == ""


def test_a_problem_that_hides_its_result_and_a_timed_exam_are_pointed_out() -> None:
    assert "does not tell" in warned([Item(QUIZ, "Quiz 3", GRADED, hides_results=True)])
    assert "timed exam" in warned(timed=True)
