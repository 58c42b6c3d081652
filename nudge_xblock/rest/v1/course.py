"""How a course run stands in an address."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

# Course keys of today (course-v1:Org+Course+Run) and of old (Org/Course/Run).
COURSE = r"^courses/(?P<course_key>[^/+]+(?:/|\+)[^/+]+(?:/|\+)[^/?]+)/"


def of_course(rest: str, view: Any, name: str) -> Any:
    """The address of a call about one course run; `rest` is what follows the course."""
    return re_path(COURSE + rest, view.as_view(), name=name)
