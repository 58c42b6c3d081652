"""Takes the pictures in docs/screens anew: `python -m tests.browser.shots`.

They are of the demo course with learners who do not exist, and of letters that nobody gets.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from .choosing import COURSE, ask
from .conftest import FLAGS, ROOT, STAFF, Site, night, served
from .writing import done, write

OUT = ROOT / "docs" / "screens"
LEARNERS = 1234
QUERY = "pass=0-40&complete=60-100"
PATH = f"/nudge/courses/{COURSE}/learners/"
LOOKS = (("desktop", 1280, "en"), ("phone", 360, "en"), ("arabic", 1280, "ar"))


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, served(Path(home)) as site, sync_playwright() as driver:
        night(Path(home), "begin", str(LEARNERS))
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, width, language in LOOKS:
            with opened(browser, site, width, language) as page:
                letters(page, site, name)
        with opened(browser, site, 1280, "en") as page:
            work(page, site)
        for name, width, language in LOOKS:
            with opened(browser, site, width, language) as page:
                cases(page, site, name)
        browser.close()


@contextmanager
def opened(browser: Browser, site: Site, width: int, language: str) -> Iterator[Page]:
    """A window of this width, of the course's staff, in a language."""
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{site.url}/as/{STAFF}/?next=/static/demo/demo.css")
    context.add_cookies([{"name": "django_language", "value": language, "url": site.url}])
    yield page
    context.close()


def letters(page: Page, site: Site, name: str) -> None:
    """Choosing learners, writing to them, and what was written."""
    page.goto(f"{site.url}{PATH}#nudge-learners&{QUERY}")
    page.locator(".nudge-spark[role=img]").first.wait_for()
    take(page, f"learners-{name}")
    page.goto(f"{site.url}{PATH}#nudge-write&{QUERY}")
    page.locator(".nudge-compose").wait_for()
    if name != "arabic":
        compose(page)
        take(page, f"write-{name}")
    if name == "desktop":
        page.locator("[data-send]").click()
        page.locator("[data-confirm]").click()
        done(page)
        page.get_by_role("button", name="Who got it").click()
        page.locator(".nudge-letter tbody tr").first.wait_for()
        take(page, "letters-desktop")


def compose(page: Page) -> None:
    write(page, "A quick word before the third quiz", "You have done nearly everything in this course.")
    page.keyboard.press("Enter")
    page.keyboard.type("Two quizzes would bring you to a pass, ")
    page.get_by_role("button", name="First name").click()
    page.keyboard.type(".")
    page.get_by_role("button", name="Attach a link").click()
    page.get_by_role("button", name="Attach", exact=True).click()


def work(page: Page, site: Site) -> None:
    """Some of the morning's work on cases, so that there is something to see of it."""
    page.goto(f"{site.url}{PATH}#nudge-cases")
    number = moving(page)
    others = [each["id"] for each in ask(page, "cases")["cases"] if each["id"] != number][3:6:2]
    notes = {number: "Works nights until the end of the month. Asks for a later date for quiz 3."}
    for case, note in (notes | dict.fromkeys(others, "")).items():
        page.goto(f"{site.url}{PATH}#nudge-cases&case={case}")
        page.get_by_role("button", name="Take it").click()
        page.locator(".nudge-history [data-what=assigned]").wait_for()
        if note:
            page.get_by_label("Note", exact=True).fill(note)
            page.get_by_role("button", name="Add note").click()
            page.locator(".nudge-history blockquote").wait_for()


def cases(page: Page, site: Site, name: str) -> None:
    """Today's cases, one of them, the course's settings, and all courses."""
    page.goto(f"{site.url}{PATH}#nudge-cases")
    page.locator("li.nudge-case").first.wait_for()
    if name != "arabic":
        take(page, f"cases-{name}", tall=1500)
    page.goto(f"{site.url}{PATH}#nudge-cases&case={moving(page)}")
    page.locator(".nudge-work").wait_for()
    take(page, f"case-{name}")
    if name == "desktop":
        page.goto(f"{site.url}{PATH}#nudge-cases&part=settings")
        page.locator(".nudge-plan").wait_for()
        take(page, "case-settings-desktop")
        page.goto(f"{site.url}/nudge/cases/")
        page.locator("li.nudge-case").first.wait_for()
        take(page, "cases-programme-desktop", tall=1200)


def moving(page: Page) -> int:
    """The case of today's whose risk has risen most."""
    found: list[dict[str, Any]] = ask(page, "cases")["cases"]
    return int(max(found, key=lambda each: (each["change"] or 0, each["id"]))["id"])


def take(page: Page, name: str, tall: int | None = None) -> None:
    """A picture of the screens; of a long list the beginning, `tall` pixels of it."""
    page.evaluate("document.activeElement?.blur()")
    page.wait_for_timeout(2000)
    screens = page.locator(".nudge-communicator")
    box = screens.bounding_box()
    assert box is not None
    if tall is None or box["height"] <= tall:
        screens.screenshot(path=OUT / f"{name}.png", animations="disabled")
        return
    clip = {"x": box["x"], "y": box["y"], "width": box["width"], "height": float(tall)}
    page.screenshot(path=OUT / f"{name}.png", clip=clip, full_page=True, animations="disabled")  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
