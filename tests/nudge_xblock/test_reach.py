"""Staff find their learners from the course and from both instructor dashboards; nobody else does."""

from __future__ import annotations

import importlib
import json
import logging
import re
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import crum
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse
from mako.lookup import TemplateLookup
from openedx_filters.learning.filters import InstructorDashboardRenderStarted
from openedx_filters.tooling import OpenEdxPublicFilter
from web_fragments.fragment import Fragment

from nudge_xblock import coursetab
from nudge_xblock.settings import wiring

from .communicator.people import ALLOWED, OTHER, WHO, clients
from .moments import COURSE

pytestmark = pytest.mark.django_db
PAGE = f"/nudge/courses/{COURSE}/learners"


@pytest.fixture(autouse=True)
def configured(settings: Any) -> None:
    settings.NUDGE_COMPAT = "tests.nudge_xblock.communicator.people.Roles"
    settings.OPEN_EDX_FILTERS_CONFIG = {}
    wiring.add_filters(settings)


@pytest.fixture
def people() -> dict[str, Client]:
    return clients()


def user(who: str) -> Any:
    names = {"staff of another course": "other-staff", "course staff": "staff", "global staff": "global"}
    if who == "anonymous":
        return AnonymousUser()
    return get_user_model().objects.get(username=names.get(who, who.split()[0]))


class TestThePage:
    @pytest.mark.parametrize("who", WHO[1:])
    def test_it_is_for_the_courses_staff_alone(self, people: dict[str, Client], who: str) -> None:
        assert people[who].get(PAGE).status_code == (200 if who in ALLOWED else 403)

    def test_whoever_is_not_logged_in_is_asked_to(self, people: dict[str, Client], settings: Any) -> None:
        answer = people["anonymous"].get(PAGE)
        assert answer.status_code == 302
        assert answer["Location"].startswith(f"{settings.LOGIN_URL}?next=/nudge/courses/")

    def test_it_holds_the_screens_with_their_address_words_and_token(self, people: dict[str, Client]) -> None:
        page = people["course staff"].get(PAGE)
        told = re.search(r'<script id="nudge-communicator-args"[^>]*>(.*?)</script>', page.content.decode())
        assert told is not None
        args = json.loads(told[1])
        assert args["api"] == f"/api/nudge/v1/courses/{COURSE}/"
        assert args["text"]["view_learners"] == "Choose learners"
        assert "no-store" in page["Cache-Control"]
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = people["course staff"].cookies
        saved = strict.post(
            args["api"] + "selections",
            {"name": "Mine", "query": "pass=0-40"},
            "application/json",
            HTTP_X_CSRFTOKEN=args["csrf"],
        )
        assert saved.status_code == 201

    def test_it_leads_back_to_the_course(self, people: dict[str, Client], settings: Any) -> None:
        settings.NUDGE_SITE_URL = "https://lms.example.org"
        page = people["course staff"].get(PAGE).content.decode()
        assert f'href="https://lms.example.org/courses/{COURSE}/course/"' in page

    def test_it_speaks_the_readers_language(self, people: dict[str, Client]) -> None:
        page = people["course staff"].get(PAGE, HTTP_ACCEPT_LANGUAGE="ar").content.decode()
        assert '<html lang="ar" dir="rtl">' in page

    def test_what_is_no_course_is_not_found(self, people: dict[str, Client]) -> None:
        assert people["course staff"].get("/nudge/courses/a+b+c d/learners").status_code == 404

    def test_nothing_can_be_sent_to_it(self, people: dict[str, Client]) -> None:
        assert people["course staff"].post(PAGE).status_code == 405


def dashboard(who: str, course: Any = COURSE) -> list[dict[str, Any]]:
    """The sections of the older instructor dashboard after the platform has run its filters."""
    context = {"course": SimpleNamespace(id=course), "sections": [{"section_key": "course_info"}]}
    with crum.impersonate(user(who)):
        context, template = InstructorDashboardRenderStarted.run_filter(
            context=context, template_name="dashboard.html"
        )
    assert template == "dashboard.html"
    sections: list[dict[str, Any]] = context["sections"]
    assert sections[0] == {"section_key": "course_info"}
    return sections[1:]


class TestTheOlderDashboard:
    @pytest.mark.parametrize("who", WHO)
    def test_its_section_is_for_the_courses_staff_alone(self, people: dict[str, Client], who: str) -> None:
        assert len(dashboard(who)) == (who in ALLOWED)

    def test_the_platforms_template_shows_the_screens(self, people: dict[str, Client]) -> None:
        (section,) = dashboard("course staff")
        lookup = TemplateLookup(directories=[str(wiring.TEMPLATES)])
        lookup.put_string(
            "/page.html",
            "% for section_data in sections:\n"
            "<%include file=\"${ section_data.get('template_path_prefix', '') }"
            '${ section_data[\'section_key\'] }.html" args="section_data=section_data" />\n'
            "% endfor\n",
        )
        shown = lookup.get_template("/page.html").render(sections=[section])
        assert '<div class="nudge-communicator" id="nudge-communicator">' in shown
        assert f"/api/nudge/v1/courses/{COURSE}/" in shown
        assert section["section_display_name"] == "Learners"
        assert isinstance(section["fragment"], Fragment)

    def test_a_section_that_fails_leaves_the_dashboard_as_it_was(
        self, people: dict[str, Client], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("nudge_xblock.pages.section", lambda course: 1 / 0)
        with caplog.at_level(logging.ERROR):
            assert dashboard("course staff") == []
        assert "could not be added to the instructor dashboard" in caplog.text


class TabsRequested(OpenEdxPublicFilter):
    """As the newer releases of openedx-filters have it; the older have none."""

    filter_type = "org.openedx.learning.instructor.dashboard.tabs.requested.v1"


def tabs(who: str) -> list[dict[str, Any]]:
    """What the newer instructor dashboard is told, beside the platform's own tabs."""
    own = [{"tab_id": "course_info", "title": "Course Info", "url": "/x", "sort_order": 10}]
    asked = user(who)
    told = TabsRequested.run_pipeline(tabs=own, user=asked, course_key=COURSE)
    assert (told["user"], told["course_key"]) == (asked, COURSE)
    assert told["tabs"][:1] == own
    added: list[dict[str, Any]] = told["tabs"][1:]
    return added


class TestTheNewerDashboard:
    @pytest.mark.parametrize("who", WHO[1:])
    def test_its_tab_is_for_the_courses_staff_alone(
        self, people: dict[str, Client], settings: Any, who: str
    ) -> None:
        settings.NUDGE_SITE_URL = "https://lms.example.org"
        expected = {
            "tab_id": "nudge_learners",
            "title": "Learners",
            "url": f"https://lms.example.org{PAGE}",
            "sort_order": 1000,
        }
        assert tabs(who) == ([expected] if who in ALLOWED else [])

    def test_there_is_none_where_the_sites_address_is_not_known(self, people: dict[str, Client]) -> None:
        assert tabs("course staff") == []


class PlatformTab:
    """xmodule/tabs.py, as much of it as leads from a tab to its address."""

    view_name = ""

    def __init__(self, tab_dict: dict[str, Any]) -> None:
        self.name = tab_dict.get("name", self.title)  # type: ignore[attr-defined]

    @property
    def link_func(self) -> Any:
        return lambda course, reverse_func: reverse_func(self.view_name, args=[str(course.id)])


@pytest.fixture
def tab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The tab as the platform loads it, by its entry point."""
    found = ModuleType("xmodule.tabs")
    found.CourseTab = PlatformTab  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "xmodule", ModuleType("xmodule"))
    monkeypatch.setitem(sys.modules, "xmodule.tabs", found)
    yield importlib.reload(coursetab).LearnersTab
    monkeypatch.undo()
    importlib.reload(coursetab)


class TestTheCourseTab:
    @pytest.mark.parametrize("who", WHO)
    def test_it_is_for_the_courses_staff_alone(self, people: dict[str, Client], tab: Any, who: str) -> None:
        assert tab.is_enabled(SimpleNamespace(id=COURSE), user=user(who)) is (who in ALLOWED)
        assert tab.is_enabled(SimpleNamespace(id=OTHER), user=user(who)) is (
            who in ("staff of another course", "global staff")
        )

    def test_studio_which_asks_for_nobody_shows_none(self, tab: Any) -> None:
        assert tab.is_enabled(SimpleNamespace(id=COURSE)) is False

    def test_it_is_a_tab_of_the_platform_and_leads_to_the_page(self, tab: Any) -> None:
        assert issubclass(tab, PlatformTab)
        shown = tab({})
        assert shown.name == "Learners"
        assert shown.link_func(SimpleNamespace(id=COURSE), reverse) == PAGE

    def test_it_is_not_stored_with_the_course(self, tab: Any) -> None:
        assert tab.is_dynamic
