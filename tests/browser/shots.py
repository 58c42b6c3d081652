"""Takes the pictures in docs/screens anew: `python -m tests.browser.shots`.

They are of the demo course with learners who do not exist, and of letters that nobody gets.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from .conftest import FLAGS, ROOT, STAFF, gather, served
from .writing import done, write

OUT = ROOT / "docs" / "screens"
LEARNERS = 1234
QUERY = "pass=0-40&complete=60-100"
PATH = "/nudge/courses/course-v1:Harbour+NUM101+2026_T4/learners/"


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, served(Path(home)) as site, sync_playwright() as driver:
        gather(Path(home), LEARNERS)
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, width, language in (("desktop", 1280, "en"), ("phone", 360, "en"), ("arabic", 1280, "ar")):
            context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
            page = context.new_page()
            page.goto(f"{site.url}/as/{STAFF}/?next=/static/demo/demo.css")
            context.add_cookies([{"name": "django_language", "value": language, "url": site.url}])
            page.goto(f"{site.url}{PATH}#nudge-learners&{QUERY}")
            page.locator(".nudge-spark[role=img]").first.wait_for()
            take(page, f"learners-{name}")
            page.goto(f"{site.url}{PATH}#nudge-write&{QUERY}")
            page.locator(".nudge-compose").wait_for()
            if language == "en":
                compose(page)
                take(page, f"write-{name}")
            if name == "desktop":
                page.locator("[data-send]").click()
                page.locator("[data-confirm]").click()
                done(page)
                page.get_by_role("button", name="Who got it").click()
                page.locator(".nudge-letter tbody tr").first.wait_for()
                take(page, "letters-desktop")
            context.close()
        browser.close()


def compose(page: Page) -> None:
    write(page, "A quick word before the third quiz", "You have done nearly everything in this course.")
    page.keyboard.press("Enter")
    page.keyboard.type("Two quizzes would bring you to a pass, ")
    page.get_by_role("button", name="First name").click()
    page.keyboard.type(".")
    page.get_by_role("button", name="Attach a link").click()
    page.get_by_role("button", name="Attach", exact=True).click()


def take(page: Page, name: str) -> None:
    page.evaluate("document.activeElement?.blur()")
    page.wait_for_timeout(2000)
    page.locator(".nudge-communicator").screenshot(path=OUT / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    main()
