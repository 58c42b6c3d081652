"""The page of all courses' cases is for staff of any course and for who works on the cases of every one."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from .people import ADVISER, COURSE, WHO, clients

pytestmark = pytest.mark.django_db
PAGE = "/nudge/cases/"
ALLOWED = {"staff of another course", "course staff", "global staff", ADVISER}


@pytest.fixture(autouse=True)
def configured(settings: Any) -> None:
    settings.NUDGE_COMPAT = "tests.nudge_xblock.atrisk.people.Roles"


@pytest.fixture
def people() -> dict[str, Client]:
    return clients()


def told(page: Any) -> dict[str, Any]:
    """What the screens are told when they start."""
    found = re.search(r'<script id="nudge-communicator-args"[^>]*>(.*?)</script>', page.content.decode())
    assert found is not None
    args: dict[str, Any] = json.loads(found[1])
    return args


@pytest.mark.parametrize("who", WHO[1:])
def test_who_is_staff_of_no_course_is_refused(people: dict[str, Client], who: str) -> None:
    assert people[who].get(PAGE).status_code == (200 if who in ALLOWED else 403)


def test_whoever_is_not_logged_in_is_asked_to(people: dict[str, Client], settings: Any) -> None:
    answer = people["anonymous"].get(PAGE)
    assert answer.status_code == 302
    assert answer["Location"] == f"{settings.LOGIN_URL}?next={PAGE}"


def test_it_holds_the_screen_of_cases_alone(people: dict[str, Client]) -> None:
    page = people["course staff"].get(PAGE)
    args = told(page)
    assert (args["api"], args["only"]) == ("/api/nudge/v1/", "cases")
    assert people["course staff"].get(args["api"] + "cases").status_code == 200
    assert args["csrf"]
    assert "no-store" in page["Cache-Control"]


def test_it_leads_to_the_pages_of_courses(people: dict[str, Client]) -> None:
    page = told(people["course staff"].get(PAGE))["course"].replace("{course}", str(COURSE))
    assert people["course staff"].get(page).status_code == 200


def test_who_is_staff_of_no_course_is_not_led_to_pages_that_refuse_them(people: dict[str, Client]) -> None:
    assert told(people[ADVISER].get(PAGE))["course"] == ""


def test_it_speaks_the_readers_language(people: dict[str, Client]) -> None:
    page = people["course staff"].get(PAGE, HTTP_ACCEPT_LANGUAGE="ar").content.decode()
    assert '<html lang="ar" dir="rtl">' in page


def test_nothing_can_be_sent_to_it(people: dict[str, Client]) -> None:
    assert people["course staff"].post(PAGE).status_code == 405
