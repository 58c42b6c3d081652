"""Where the links of letters lead, and how they follow a course to its next run."""

from __future__ import annotations

import pytest
from django.test import override_settings
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.communicator.places import carried, places
from nudge_xblock.communicator.senders import header, senders

from ..moments import COURSE

OLD = CourseKey.from_string("course-v1:Harbour+NUM101+2025")
BLOCK = str(COURSE.make_usage_key("video", "v1"))


@pytest.fixture(autouse=True)
def site() -> object:
    with override_settings(NUDGE_SITE_URL="https://learn.example.org"):
        yield


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("progress", f"https://learn.example.org/courses/{COURSE}/progress"),
        ("dates", f"https://learn.example.org/courses/{COURSE}/dates"),
        (BLOCK, f"https://learn.example.org/courses/{COURSE}/jump_to/{BLOCK}"),
        ("https://example.com/a?b=c", "https://example.com/a?b=c"),
    ],
)
def test_places_have_addresses(place: str, address: str) -> None:
    assert places(COURSE)(place) == address


@pytest.mark.parametrize(
    "place", ["", "nowhere", "javascript:alert(1)", "https://", "//x.org", "../../admin"]
)
def test_what_is_no_place_is_said(place: str) -> None:
    with pytest.raises(ValueError, match="no place in this course"):
        places(COURSE)(place)


def test_a_place_in_another_course_is_refused() -> None:
    with pytest.raises(ValueError, match="another course"):
        places(COURSE)(str(OLD.make_usage_key("video", "v1")))


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("block-v1:Harbour+NUM101+2025+type@video+block@v1", BLOCK),
        ("/courses/course-v1:Harbour+NUM101+2025/x", f"/courses/{COURSE}/x"),
        ("/courses/course-v1%3AHarbour%2BNUM101%2B2025/x", "/courses/course-v1%3AHarbour%2BNUM101%2B2026/x"),
        ("course-v1:Harbour%2BNUM101%2B2025/x", "course-v1:Harbour%2BNUM101%2B2026/x"),
        ("course-v1:Harbour+NUM101+2025_T2/x", "course-v1:Harbour+NUM101+2025_T2/x"),
        ("course-v1:Harbour+NUM101+20251/x", "course-v1:Harbour+NUM101+20251/x"),
        ("Harbour+NUM101+2025", "Harbour+NUM101+2025"),
    ],
)
def test_links_follow_the_course(text: str, becomes: str) -> None:
    assert carried(text, OLD, COURSE) == becomes


def test_senders_are_usable_addresses_without_names() -> None:
    told = {COURSE.org: ["Courses <a@example.org>", "A@example.org", "no address", "b@x.org\nBcc: c@d.e"]}
    with override_settings(NUDGE_MAIL_SENDERS=told):
        assert senders(COURSE) == ["a@example.org", "b@x.org"]
    with override_settings(NUDGE_MAIL_SENDERS={}, DEFAULT_FROM_EMAIL="Site <site@example.org>"):
        assert senders(COURSE) == ["site@example.org"]


def test_a_courses_name_adds_no_header() -> None:
    assert header("a@example.org", "Num\r\nBcc: x@y.z") == '"Num Bcc: x@y.z" <a@example.org>'
    assert header("a@example.org", "") == "a@example.org"
