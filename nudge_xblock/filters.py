"""Course-wide rules: the cards that may show in any unit are added to each unit as it is rendered."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from openedx_filters import PipelineStep

from .models import Placement

LOG = logging.getLogger(__name__)

STUDENT_VIEW = "student_view"


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
