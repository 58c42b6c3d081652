"""What the screens for choosing learners and writing to them are told when they start."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language, get_language_bidi
from opaque_keys.edx.keys import CourseKey

from . import communicator_texts


def mount(course_key: CourseKey | None) -> dict[str, Any] | None:
    """Where their REST calls go, and their words; None outside courses and where a host serves no REST."""
    try:
        learners = reverse("nudge_xblock:learners", kwargs={"course_key": str(course_key)})
    except NoReverseMatch:
        return None
    return _told(learners.removesuffix("learners"))


def programme(teaches: bool) -> dict[str, Any]:
    """The same for the at-risk cases of several courses; teaches: whether the reader is staff of any."""
    told = _told(reverse("nudge_xblock:openapi").removesuffix("openapi.json"))
    return {**told, "only": "cases", "course": told["course"] if teaches else ""}


def _told(api: str) -> dict[str, Any]:
    return {
        "api": api,
        "course": _any_course(),
        "programme": reverse("nudge_xblock:programme"),
        "language": get_language() or settings.LANGUAGE_CODE,
        "rtl": get_language_bidi(),
        "text": communicator_texts.communicator(),
    }


def _any_course() -> str:
    """The address of a course's page, with {course} where its key belongs."""
    some = "course-v1:org+course+run"
    return reverse("nudge_xblock:page", args=[some]).replace(some, "{course}")
