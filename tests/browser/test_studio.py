"""The author's form: the sentence, the card to write in, what it refuses and what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from .conftest import NUDGE, Visit, violations

pytestmark = pytest.mark.browser
Make = Callable[..., Visit]
SCRIPT = "<script>window.stolen = 1</script>"


class Author:
    """Somebody who edits the nudge after lecture 4 or quiz 3."""

    def __init__(self, visit: Visit, block: str) -> None:
        self.visit, self.block, self.page = visit, block, visit.page

    def open(self) -> Author:
        self.visit.open(f"/studio/edit/{NUDGE}{self.block}/")
        self.heading.wait_for()
        return self

    def field(self, path: str) -> Locator:
        return self.page.locator(f"[data-path='{path}']")

    def blank(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def heading(self) -> Locator:
        return self.field("variants.0.heading")

    @property
    def preview(self) -> Locator:
        return self.page.locator(".stage .nudge-card")

    @property
    def rule(self) -> str:
        """The sentence as it reads, with what is chosen in its blanks."""
        words: str = self.page.locator(".sentence").evaluate(
            """node => [...node.childNodes].map(part =>
                part.localName === "select" ? part.selectedOptions[0].label
                : part.localName === "input" ? part.value : part.textContent).join("")"""
        )
        return words

    def saved(self) -> Author:
        """Save, and come back to the form."""
        self.button("Save").click()
        self.page.wait_for_url("**/studio/*/")
        return self.open()


@pytest.fixture
def author(visit: Make) -> Iterator[Callable[..., Author]]:
    def make(block: str = "after-lecture4", name: str = "grace", **options: Any) -> Author:
        return Author(visit(name, **options), block).open()

    return make


def test_the_rule_reads_as_a_sentence_and_changes_with_its_blanks(author: Callable[..., Author]) -> None:
    form = author("after-quiz3")
    assert form.rule.startswith("When a learner fails Quiz 3")
    assert form.rule.endswith("from try number 2 on, the learner may see this message:")
    form.blank("What happens").select_option(label="comes back after at least")
    expect(form.blank("What happens")).to_be_focused()
    form.blank("Days").fill("5")
    form.blank("Where it is shown").select_option(label="anywhere in the course")
    assert form.rule == (
        "When a learner comes back after at least 5 days away,"
        " the learner may see this message anywhere in the course:"
    )


def test_a_rule_can_wait_for_each_block_of_the_unit_or_for_the_whole_course(
    author: Callable[..., Author],
) -> None:
    form = author("after-quiz3")
    labels = form.blank("Where it happens").locator("option").all_inner_texts()
    assert labels == ["any problem in this unit", "Quiz 3: Correlation", "any problem in the course"]
    form.blank("What happens").select_option(label="finishes")
    assert "Lecture 3: Storks and babies" in form.blank("Where it happens").inner_text()


def test_the_preview_is_the_card_and_follows_each_key(author: Callable[..., Author]) -> None:
    form = author()
    form.heading.fill("")
    form.heading.press_sequentially("Just so")
    expect(form.preview.get_by_role("heading")).to_have_text("Just so")
    form.field("variants.0.body").fill("One thing. And another.")
    expect(form.preview.locator(".body")).to_have_text("One thing. And another.")
    form.preview.get_by_role("button", name="Yes").click()
    assert form.preview.get_by_text("Thank you").is_visible()
    form.button("Dark").click()
    colour = form.preview.locator(".card").evaluate("node => getComputedStyle(node).backgroundColor")
    assert max(int(part) for part in colour[4:-1].split(",")) < 60
    form.button("Phone").click()
    assert form.preview.bounding_box()["width"] <= 320


def test_a_form_without_a_message_is_refused_at_the_field(author: Callable[..., Author]) -> None:
    form = author()
    before = form.heading.input_value()
    form.heading.fill("  ")
    form.button("Save").click()
    expect(form.heading).to_have_attribute("aria-invalid", "true")
    error = form.page.locator(f"#{form.heading.get_attribute('aria-describedby')}")
    expect(error).to_contain_text("Write a heading")
    assert form.heading.evaluate("node => node === node.getRootNode().activeElement")
    expect(form.page.get_by_role("alert")).to_contain_text("nothing was saved")
    form.heading.fill("A heading again")
    expect(error).to_be_hidden()
    form.heading.fill(before)
    form.button("Cancel").click()


def test_an_error_in_another_wording_brings_that_wording_to_the_front(author: Callable[..., Author]) -> None:
    form = author("after-quiz3")
    form.button("Try another wording").click()
    form.field("variants.2.action_url").fill("javascript:alert(1)")
    form.field("variants.2.action_label").fill("Go")
    form.page.get_by_role("tab", name="Wording A").click()
    form.button("Save").click()
    expect(form.field("variants.2.action_url")).to_be_focused()
    expect(form.page.get_by_role("tab", name="Wording C")).to_have_attribute("aria-selected", "true")


def test_what_is_saved_is_there_again_and_script_stays_text(author: Callable[..., Author]) -> None:
    form = author()
    kept = form.heading.input_value(), form.field("variants.0.body").input_value()
    form.heading.fill(SCRIPT)
    form.field("variants.0.body").fill(f"Ünï — العربية {SCRIPT}")
    form.saved()
    assert form.heading.input_value() == SCRIPT
    expect(form.preview.get_by_role("heading")).to_have_text(SCRIPT)
    form.visit.open("/studio/charts/")
    expect(form.page.locator(".nudge-card").get_by_role("heading").first).to_have_text(SCRIPT)
    assert form.page.evaluate("window.stolen") is None
    form.open()
    form.heading.fill(kept[0])
    form.field("variants.0.body").fill(kept[1])
    form.saved()


def test_a_ready_message_is_put_in_and_can_be_taken_back(author: Callable[..., Author]) -> None:
    form = author()
    before = form.heading.input_value()
    form.page.get_by_text("Start from a ready message").click()
    starters = form.page.locator(".starter")
    assert starters.count() >= 12
    expect(starters.first).to_contain_text("A lecture was just watched")
    starters.filter(has_text="Good to see you again").click()
    assert form.heading.input_value() == "Good to see you again"
    expect(form.preview.get_by_role("heading")).to_have_text("Good to see you again")
    form.button("Put back what was there").click()
    assert form.heading.input_value() == before


def test_wordings_are_added_moved_and_removed_and_a_removal_is_undone(author: Callable[..., Author]) -> None:
    form = author("after-quiz3")
    first = form.heading.input_value()
    form.button("Move later").click()
    assert form.field("variants.1.heading").input_value() == first
    form.button("Remove this wording").click()
    assert form.page.get_by_role("tab").count() == 1
    form.button("Undo").click()
    assert form.field("variants.1.heading").input_value() == first
    form.page.get_by_role("tab", name="Wording B").focus()
    form.page.keyboard.press("ArrowLeft")
    expect(form.page.get_by_role("tab", name="Wording A")).to_be_focused()
    expect(form.page.get_by_role("tab", name="Wording A")).to_have_attribute("aria-selected", "true")


def test_a_rule_that_would_nearly_always_fire_is_pointed_out_while_editing(
    author: Callable[..., Author],
) -> None:
    form = author()
    form.blank("What happens").select_option(label="has something due within")
    form.blank("Hours").fill("700")
    expect(form.page.locator(".warnings")).to_contain_text("something is always due")
    form.blank("Hours").fill("48")
    expect(form.page.locator(".warnings")).to_be_empty()


def test_what_a_nudge_is_for_is_chosen_and_kept(author: Callable[..., Author]) -> None:
    form = author()
    form.page.locator(".more summary").click()
    assert form.field("objective_days").count() == 0
    form.blank("It succeeds when").select_option(label="learners complete more")
    expect(form.field("objective")).to_be_focused()
    form.blank("Days after it that count").fill("90")
    form.button("Save").click()
    expect(form.field("objective_days")).to_have_attribute("aria-invalid", "true")
    form.blank("Days after it that count").fill("14")
    form.blank("Take it out of use by itself if learners complete less after it").uncheck()
    form.saved()
    form.page.locator(".more summary").click()
    assert form.field("objective").input_value() == "items"
    assert form.field("objective_days").input_value() == "14"
    assert not form.blank("Take it out of use by itself if learners complete less after it").is_checked()
    form.visit.open("/studio/charts/")
    expect(form.page.locator(".nudge-rule").first).to_contain_text("complete more than expected in 14 days")
    form.open()
    form.page.locator(".more summary").click()
    form.blank("It succeeds when").select_option(label="learners find it helpful")
    form.blank("Take it out of use by itself if learners complete less after it").check()
    form.saved()


def test_leaving_with_changes_asks_first(author: Callable[..., Author]) -> None:
    form = author()
    form.heading.fill("Changed")
    form.button("Cancel").click()
    expect(form.button("Keep editing")).to_be_focused()
    form.button("Keep editing").click()
    assert form.heading.input_value() == "Changed"
    form.button("Cancel").click()
    form.button("Leave").click()
    form.page.wait_for_url("**/studio/charts/")
    assert form.open().heading.input_value() != "Changed"
    expect(form.page.locator(".notice")).to_be_empty()


def test_what_a_closed_window_did_not_save_can_be_brought_back(author: Callable[..., Author]) -> None:
    form = author()
    form.heading.fill("Nearly lost")
    form.page.wait_for_function("Object.keys(localStorage).some(key => key.startsWith('nudge-draft'))")
    form.page.on("dialog", lambda dialog: dialog.accept())
    form.page.reload()
    assert form.heading.input_value() != "Nearly lost"
    form.button("Bring them back").click()
    assert form.heading.input_value() == "Nearly lost"


def test_a_server_that_is_down_loses_nothing(author: Callable[..., Author]) -> None:
    form = author()
    form.page.route("**/studio_submit/**", lambda route: route.abort())
    form.heading.fill("Still here")
    form.button("Save").click()
    expect(form.page.get_by_role("alert")).to_contain_text("the server did not answer")
    assert form.heading.input_value() == "Still here"
    expect(form.button("Save")).to_be_enabled()


@pytest.mark.parametrize(
    ("name", "scheme", "width"), [("grace", "light", 1280), ("grace", "dark", 320), ("yusuf", "light", 1280)]
)
def test_axe_finds_nothing_and_nothing_is_cut_off(
    author: Callable[..., Author], name: str, scheme: str, width: int
) -> None:
    form = author("after-quiz3", name, color_scheme=scheme, viewport={"width": width, "height": 900})
    for summary in form.page.locator("summary").all():
        summary.click()
    form.page.wait_for_timeout(800)
    assert violations(form.page, ".nudge-studio") == []
    host = form.page.locator(".nudge-studio")
    assert host.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
