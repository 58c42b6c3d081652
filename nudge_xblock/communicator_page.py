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
    return {
        "api": learners.removesuffix("learners"),
        "language": get_language() or settings.LANGUAGE_CODE,
        "rtl": get_language_bidi(),
        "text": communicator_texts.communicator(),
    }
