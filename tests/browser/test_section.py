"""The learners inside the platform's instructor dashboard, whose sections are all there from the start."""

from __future__ import annotations

import pytest
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import pages

from .conftest import Look, Site

pytestmark = pytest.mark.browser
COURSE = CourseKey.from_string("course-v1:Harbour+NUM101+2026_T4")
SCRIPT = "nudge_xblock/communicator.js"


def test_nothing_is_asked_for_until_the_section_is_opened(screen: Look, crowded: Site) -> None:
    page = screen(crowded, wait="")
    section = pages.section(COURSE).replace(f'src="{SCRIPT}"', f'src="/static/{SCRIPT}"')
    dashboard = f"{crowded.url}/instructor"
    page.route(dashboard, lambda route: route.fulfill(body=_dashboard(section), content_type="text/html"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(dashboard)
    page.wait_for_function("Boolean(window.NudgeCommunicator)")
    page.wait_for_timeout(500)
    assert not [url for url in asked if "/api/" in url]
    page.get_by_role("button", name="Learners").click()
    page.locator(".nudge-count").wait_for()
    assert [url for url in asked if url.endswith(f"/courses/{COURSE}/learners")]


def _dashboard(section: str) -> str:
    """As the platform shows one section at a time."""
    return (
        "<!DOCTYPE html><html lang=en><title>Dashboard</title><main><h1>Dashboard</h1>"
        "<button onclick='document.querySelector(\"section\").hidden = false'>Learners</button>"
        f"<section hidden>{section}</section></main></html>"
    )
