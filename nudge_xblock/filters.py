"""What joins the platform's own pages: course-wide nudges a unit, the learners the instructor dashboard."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from openedx_filters import PipelineStep
from web_fragments.fragment import Fragment

from . import pages
from .compat import platform
from .models import Placement

LOG = logging.getLogger(__name__)

STUDENT_VIEW = "student_view"
SECTION = "nudge_learners"


class AddCourseWideNudges(PipelineStep):  # type: ignore[misc]
    """A step of `org.openedx.learning.vertical_block.render.completed.v1`."""

    def run_filter(self, block: Any, fragment: Any, context: Any, view: str) -> dict[str, Any]:
        """Append the course's active course-wide nudges to a learner's unit; staff and visitors see none.

        Whatever goes wrong, the unit is shown as if there were no nudge.
        """
        try:
            if view == STUDENT_VIEW and _is_learner(block):
                for key in _elsewhere(block):
                    _append(block, key, fragment)
        except Exception:
            LOG.exception("Course-wide nudges could not be added to the unit %s", block.scope_ids.usage_id)
        return {"block": block, "fragment": fragment, "context": context, "view": view}


class AddLearnersSection(PipelineStep):  # type: ignore[misc]
    """A step of `org.openedx.learning.instructor.dashboard.render.started.v1`, of the older releases."""

    def run_filter(self, context: dict[str, Any], template_name: str) -> dict[str, Any]:
        """Append the section in which the course's staff choose learners and write to them.

        Whatever goes wrong, the dashboard is shown as if there were none.
        """
        try:
            course_key, user_id = context["course"].id, platform().current_user_id()
            if user_id is not None and platform().is_course_staff(user_id, course_key):
                context["sections"].append(_section(course_key))
        except Exception:
            LOG.exception("The learners' section could not be added to the instructor dashboard")
        return {"context": context, "template_name": template_name}


class AddLearnersTab(PipelineStep):  # type: ignore[misc]
    """A step of `org.openedx.learning.instructor.dashboard.tabs.requested.v1`, of the newer ones."""

    def run_filter(self, tabs: list[dict[str, Any]], user: Any, course_key: Any) -> dict[str, Any]:
        """Append a tab that leads to the page; the dashboard follows whole addresses alone out of itself."""
        root = platform().root_url()
        if root and platform().is_course_staff(user.pk, course_key):
            url = root + pages.address(course_key)
            tabs = [*tabs, {"tab_id": SECTION, "title": _("Learners"), "url": url, "sort_order": 1000}]
        return {"tabs": tabs, "user": user, "course_key": course_key}


def _section(course_key: Any) -> dict[str, Any]:
    """As the instructor dashboard's template wants it; it includes prefix + key + ".html"."""
    return {
        "section_key": SECTION,
        "section_display_name": _("Learners"),
        "course_id": str(course_key),
        "template_path_prefix": "/nudge_xblock/instructor/",
        "fragment": Fragment(pages.section(course_key)),
    }


def _is_learner(block: Any) -> bool:
    attributes = block.runtime.service(block, "user").get_current_user().opt_attrs
    return bool(attributes.get("edx-platform.user_id")) and not attributes.get("edx-platform.user_is_staff")


def _elsewhere(block: Any) -> Iterable[Any]:
    """Return the usage keys of the course-wide nudges that are not in this unit anyway."""
    rules = Placement.objects.filter(
        course_key=block.scope_ids.usage_id.course_key, course_wide=True, active=True
    )
    here = {None, *block.children}
    return [key for key in rules.order_by("pk").values_list("usage_key", flat=True) if key not in here]


def _append(block: Any, key: Any, fragment: Any) -> None:
    # The platform binds the block to the learner, and gives None to one who has no access to it.
    nudge = block.runtime.get_block(key)
    if nudge is not None:
        rendered = nudge.render(STUDENT_VIEW, {})
        fragment.add_content(rendered.content)
        fragment.add_fragment_resources(rendered)
