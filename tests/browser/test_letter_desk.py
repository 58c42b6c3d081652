"""The desk that letters are written at: the editor, drafts, what was written, and everybody who uses it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .choosing import ask
from .conftest import Look, Site, violations
from .writing import QUERY, done, heading, message, preview, row, send, write

pytestmark = pytest.mark.browser
FOCUS = "document.querySelector('.nudge-communicator').shadowRoot.activeElement"


# The editor


def test_lists_and_links_are_made_by_keyboard(desk: Page) -> None:
    message(desk).focus()
    desk.keyboard.type("See the notes")
    desk.keyboard.press("Control+Shift+ArrowLeft")
    desk.keyboard.press("Shift+Tab")
    for _ in range(4):
        desk.keyboard.press("ArrowRight")
    desk.keyboard.press("Enter")
    desk.keyboard.type("example.org/notes")
    desk.keyboard.press("Enter")
    link = preview(desk).locator("a").first
    expect(link).to_have_text("notes")
    expect(link).to_have_attribute("href", "https://example.org/notes")
    desk.keyboard.press("End")
    desk.keyboard.press("Enter")
    desk.keyboard.press("Shift+Tab")
    desk.keyboard.press("Home")
    desk.keyboard.press("ArrowRight")
    desk.keyboard.press("ArrowRight")
    desk.keyboard.press("Enter")
    desk.keyboard.type("First")
    desk.keyboard.press("Enter")
    desk.keyboard.type("Second")
    expect(preview(desk).locator("ul li")).to_have_text(["First", "Second"])


def test_what_is_pasted_keeps_its_form_and_no_script(desk: Page) -> None:
    message(desk).click()
    message(desk).evaluate(
        """(node) => {
            const data = new DataTransfer();
            data.setData("text/html", '<p style="color:red" onclick="x()">A <strong>bold</strong> word'
                + '<script>window.stolen = 1</script><img src=x onerror="window.stolen = 1">'
                + '<a href="javascript:window.stolen=1">here</a></p>');
            const told = {clipboardData: data, bubbles: true, cancelable: true};
            node.dispatchEvent(new ClipboardEvent("paste", told));
        }"""
    )
    expect(preview(desk).locator("b")).to_have_text("bold")
    assert message(desk).locator("script, img, a, [style], [onclick]").count() == 0
    assert preview(desk).locator("script, img, a, [style], [onclick]").count() == 0
    assert desk.evaluate("window.stolen") is None


def test_links_into_the_course_stand_below_the_message(desk: Page) -> None:
    write(desk)
    desk.get_by_role("button", name="Attach a link").click()
    desk.get_by_label("Where to").select_option(label="Dates")
    desk.get_by_role("button", name="Attach", exact=True).click()
    expect(preview(desk).get_by_role("link", name="Dates")).to_have_attribute("href", re.compile("/dates$"))
    desk.get_by_role("button", name="Attach a link").click()
    desk.get_by_label("Where to").locator("optgroup").first.wait_for(state="attached")
    desk.get_by_label("Where to").select_option(label="Storks and babies")
    assert desk.get_by_label("Words of the link").input_value() == "Storks and babies"
    desk.get_by_role("button", name="Attach", exact=True).click()
    expect(preview(desk).get_by_role("link", name="Storks and babies")).to_have_attribute(
        "href", re.compile("/jump_to/.*unit")
    )
    desk.get_by_role("button", name="Attach a link").click()
    desk.get_by_label("Where to").select_option(label="Another place…")
    desk.get_by_label("Its address or location ID").fill("nowhere")
    desk.get_by_label("Words of the link").fill("Nowhere")
    desk.keyboard.press("Enter")
    expect(desk.locator(".nudge-problems")).to_contain_text("no place in this course")
    desk.get_by_role("button", name="Remove “Nowhere”").click()
    expect(desk.locator(".nudge-problems")).to_be_empty()


# Drafts and what was written


def test_a_reload_loses_nothing(desk: Page) -> None:
    write(desk, "Half a", "Half a thought")
    desk.reload()
    desk.locator(".nudge-compose").wait_for()
    assert desk.get_by_label("Subject").input_value() == "Half a"
    assert message(desk).inner_text().strip() == "Half a thought"


def test_a_failure_keeps_the_message_and_says_so(desk: Page) -> None:
    write(desk, "Kept", "Every word of it")
    desk.route(re.compile(r"/letters$"), lambda route: route.abort())
    desk.get_by_role("button", name="Keep as a draft").click()
    alert = desk.locator(".nudge-failed")
    alert.wait_for()
    assert "no connection to the server" in alert.inner_text()
    assert "Your message is kept on this page; nothing was sent." in alert.inner_text()
    assert desk.get_by_label("Subject").input_value() == "Kept"
    desk.unroute(re.compile(r"/letters$"))
    desk.get_by_role("button", name="Keep as a draft").click()
    desk.get_by_text("The draft is kept").wait_for()
    assert alert.count() == 0


def test_a_draft_is_found_again_gone_on_with_and_thrown_away(desk: Page, course: Site, screen: Look) -> None:
    write(desk, "Unfinished", "So far")
    desk.get_by_role("button", name="Keep as a draft").click()
    desk.get_by_text("The draft is kept").wait_for()
    colleague = screen(course, "sent", wait=".nudge-letters >> nth=0")
    draft = row(colleague, "Unfinished")
    assert "Draft" in draft.inner_text()
    draft.get_by_role("button", name="Go on writing").click()
    expect(colleague.get_by_label("Subject")).to_have_value("Unfinished")
    assert "#nudge-write&" + QUERY in colleague.evaluate("location.hash")
    assert re.search(r"letter=\d+$", colleague.evaluate("location.hash"))
    colleague.get_by_role("link", name="Letters").click()
    row(colleague, "Unfinished").get_by_role("button", name="Delete").click()
    row(colleague, "Unfinished").wait_for(state="detached")
    assert all(letter["subject"] != "Unfinished" for letter in ask(colleague, "letters"))


def test_two_who_change_one_draft_lose_neither_version(desk: Page, course: Site, screen: Look) -> None:
    write(desk, "Of two", "As it began")
    desk.get_by_role("button", name="Keep as a draft").click()
    desk.get_by_text("The draft is kept").wait_for()
    colleague = screen(course, "sent", wait=".nudge-letters >> nth=0")
    row(colleague, "Of two").get_by_role("button", name="Go on writing").click()
    expect(colleague.get_by_label("Subject")).to_have_value("Of two")
    colleague.get_by_label("Subject").fill("Of two: theirs")
    colleague.get_by_role("button", name="Keep as a draft").click()
    colleague.get_by_text("The draft is kept").wait_for()
    desk.get_by_label("Subject").fill("Of two: mine")
    desk.get_by_role("button", name="Keep as a draft").click()
    expect(desk.locator(".nudge-failed")).to_contain_text("Somebody else changed this message")
    assert desk.get_by_label("Subject").input_value() == "Of two: mine"
    desk.get_by_role("button", name="Keep mine as a new draft").click()
    desk.get_by_text("The draft is kept").wait_for()
    subjects = {letter["subject"] for letter in ask(desk, "letters")}
    assert {"Of two: mine", "Of two: theirs"} <= subjects


def test_history_says_who_got_it_and_why_and_copies_it(desk: Page) -> None:
    write(desk, "For the record")
    reachable = ask(desk, f"learners/count?{QUERY}")["reachable"]
    send(desk)
    done(desk)
    desk.get_by_role("button", name="Who got it").click()
    letter = row(desk, "For the record")
    assert "By grace" in letter.inner_text()
    assert f"{reachable} mails sent" in letter.inner_text()
    letter.locator("tbody tr").first.wait_for()
    line = letter.locator("tbody tr").first.inner_text()
    found = re.match(
        r"Learner [0-9A-F]{6}\s+Sent\s+Likely to pass: (\d+)% · Likely to complete: (\d+)%", line
    )
    assert found
    assert int(found[1]) <= 20
    assert int(found[2]) <= 40
    assert "@" not in letter.inner_text()
    letter.get_by_role("button", name="Use again").click()
    expect(desk.get_by_label("Subject")).to_have_value("For the record")
    assert message(desk).inner_text().strip() == "Two quizzes are left."
    desk.get_by_role("link", name="Letters").click()
    desk.locator("summary", has_text="Who did what here").click()
    calls = desk.locator(".nudge-calls tbody tr").first
    calls.wait_for()
    assert "grace" in calls.inner_text()


def test_without_letters_it_says_what_to_do(desk: Page) -> None:
    desk.route(re.compile(r"/letters$"), lambda route: route.fulfill(json=[]))
    desk.get_by_role("link", name="Letters").click()
    desk.get_by_text("No letters yet. Choose learners, then write to them.").wait_for()


# Everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", [f"write&{QUERY}", "write", "sent"])
def test_axe_finds_nothing(course: Site, screen: Look, scheme: str, view: str) -> None:
    page = screen(course, view, wait=".nudge-views", color_scheme=scheme)
    page.wait_for_timeout(1500)
    assert violations(page, ".nudge-communicator") == []


def test_a_letter_is_written_and_sent_by_keyboard_alone(course: Site, screen: Look) -> None:
    others = "pass=21-100"  # whom no other test wrote to: the cool-down would keep the mail back
    page = screen(course, f"write&{others}", wait=".nudge-compose")
    heading(page)
    label = (
        f"{FOCUS}?.labels?.[0]?.textContent || {FOCUS}?.getAttribute('aria-label') || {FOCUS}?.textContent"
    )

    def reach(wanted: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if str(page.evaluate(label)).startswith(wanted):
                return
        raise AssertionError(f"Tab never comes to {wanted}")

    page.get_by_role("link", name="Letters").focus()
    reach("Subject")
    page.keyboard.type("By keys alone")
    reach("Message")
    page.keyboard.type("Written without a mouse.")
    expect(page.locator("[data-send]")).to_be_enabled()
    reach("Send to")
    page.keyboard.press("Enter")
    page.locator("[data-confirm]").wait_for()
    reach("Yes, send it")
    page.keyboard.press("Enter")
    done(page)
    assert ask(page, "letters")[0]["subject"] == "By keys alone"


@pytest.mark.parametrize("view", [f"write&{QUERY}", "sent"])
def test_nothing_is_cut_off_or_too_small_at_320_pixels(course: Site, screen: Look, view: str) -> None:
    page = screen(course, view, wait=".nudge-views", viewport={"width": 320, "height": 640})
    page.wait_for_timeout(1500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    boxes = [
        box
        for one in page.locator(".nudge-communicator :is(button, input, select, summary)").all()
        if (box := one.bounding_box())
    ]
    assert min(min(box["height"], box["width"]) for box in boxes) >= 24
    assert violations(page, ".nudge-communicator") == []


def test_the_screens_run_from_right_to_left_in_arabic(desk: Page, course: Site) -> None:
    desk.context.add_cookies([{"name": "django_language", "value": "ar", "url": course.url}])
    desk.reload()
    desk.locator(".nudge-frame[dir=rtl] .nudge-compose").wait_for()
    form, mail = (
        desk.locator(name).bounding_box() for name in (".nudge-message", ".nudge-compose .nudge-preview")
    )
    assert form is not None
    assert mail is not None
    assert form["x"] > mail["x"]
    desk.wait_for_timeout(1000)
    assert violations(desk, ".nudge-communicator") == []


def test_the_page_of_its_own_holds_the_same_screens(desk: Page, course: Site) -> None:
    desk.goto(f"{course.url}/nudge/courses/course-v1:Harbour+NUM101+2026_T4/learners/#nudge-learners&{QUERY}")
    desk.locator(".nudge-count").wait_for()
    desk.get_by_role("button", name=re.compile("^Write to")).click()
    assert heading(desk).startswith("This goes to")
    assert violations(desk, "main") == []
