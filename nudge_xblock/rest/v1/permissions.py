"""Who may call what: learners for themselves, a course's staff for that course, global staff for the site."""

from __future__ import annotations

from typing import Any

from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request

from nudge_xblock.compat import platform

__all__ = [
    "IsAuthenticated",
    "IsCourseStaff",
    "IsGlobalStaff",
    "MaySeeCases",
    "WorksOnCases",
    "course_key_of",
]


def course_key_of(text: str) -> CourseKey:
    """The course run named in a URL.  Raises NotFound for what is no course key."""
    try:
        return CourseKey.from_string(text)
    except InvalidKeyError:
        raise NotFound(f"{text} is no course key; one looks like course-v1:Org+Course+Run.") from None


class IsGlobalStaff(BasePermission):  # type: ignore[misc]
    """Staff of the whole site, which the platform keeps as Django's `is_staff`."""

    message = "Only staff of the whole site may do this."

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_active and request.user.is_staff)


class IsCourseStaff(BasePermission):  # type: ignore[misc]
    """Staff of the course run in the URL, as the platform says; not those of another."""

    message = "Only staff of this course may see this."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        return platform().is_course_staff(request.user.pk, course_key_of(view.kwargs["course_key"]))


class MaySeeCases(IsCourseStaff):
    """Staff of the course run in the URL, and who may work on the at-risk cases of every one."""

    message = "Only staff of this course, and who works on the cases of all, may see this."

    def has_permission(self, request: Request, view: Any) -> bool:
        if super().has_permission(request, view):
            return True
        return bool(request.user and platform().may_work_cases(request.user.pk))


class WorksOnCases(BasePermission):  # type: ignore[misc]
    """Staff of any course run, and who may work on the at-risk cases of every one."""

    message = "Only staff of a course, and who works on the cases of all, may see this."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        return platform().teaches(request.user.pk) or platform().may_work_cases(request.user.pk)
