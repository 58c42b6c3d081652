"""The course tab that leads a course's staff to its learners; nobody else sees it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop

from .compat import course_tab, platform


class LearnersTab(course_tab()):  # type: ignore[misc]
    """Named in the entry point group `openedx.course_tab`."""

    type = "nudge_learners"
    title = gettext_noop("Learners")
    view_name = "nudge_xblock:page"
    priority = 310  # next to the instructor's own
    is_dynamic = True  # by who looks, not by what the course stores

    @classmethod
    def is_enabled(cls, course: Any, user: Any = None) -> bool:
        """Whether the user is of the course's staff; nobody is in Studio, which asks without one."""
        return bool(user and user.is_authenticated and platform().is_course_staff(user.pk, course.id))
