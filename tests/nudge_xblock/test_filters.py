"""Course-wide nudges join every unit of their course, for learners alone, and never break one."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from opaque_keys.edx.keys import CourseKey, UsageKey
from openedx_filters.learning.filters import VerticalBlockRenderCompleted
from web_fragments.fragment import Fragment

from nudge_xblock.models import Placement
from nudge_xblock.settings.wiring import add_filters

pytestmark = pytest.mark.django_db

COURSE = CourseKey.from_string("course-v1:Org+Course+Run")


class Runtime:
    """As much of the LMS's runtime as a filter step sees."""

    def __init__(self, **attributes: Any) -> None:
        self.attributes = {f"edx-platform.{name}": value for name, value in attributes.items()}

    def service(self, block: Any, name: str) -> Any:
        assert name == "user"
        return SimpleNamespace(get_current_user=lambda: SimpleNamespace(opt_attrs=self.attributes))

    def get_block(self, key: UsageKey) -> Any:
        if key.block_id == "closed":
            return None
        return SimpleNamespace(render=lambda view, context: self._rendered(key))

    def _rendered(self, key: UsageKey) -> Fragment:
        if key.block_id == "broken":
            raise RuntimeError("this nudge cannot be rendered")
        fragment = Fragment(f"<div>{key.block_id}</div>")
        fragment.add_javascript_url("popup.js")
        return fragment


@pytest.fixture(autouse=True)
def configured(settings: Any) -> None:
    settings.OPEN_EDX_FILTERS_CONFIG = {}
    add_filters(settings)


def nudge(name: str, course_wide: bool = True, active: bool = True, course: CourseKey = COURSE) -> UsageKey:
    key = course.make_usage_key("nudge", name)
    Placement.objects.create(
        key=str(key), usage_key=key, course_key=course, course_wide=course_wide, active=active
    )
    return key


def unit(*children: UsageKey, view: str = "student_view", **attributes: Any) -> Fragment:
    """A unit's fragment after the platform has run its filters, for a learner unless told otherwise."""
    scope = SimpleNamespace(usage_id=COURSE.make_usage_key("vertical", "u1"))
    runtime = Runtime(**({"user_id": 7, "user_is_staff": False} | attributes))
    block = SimpleNamespace(runtime=runtime, children=list(children), scope_ids=scope)
    _, fragment, _, _ = VerticalBlockRenderCompleted.run_filter(
        block=block, fragment=Fragment("<p>unit</p>"), context={}, view=view
    )
    assert fragment.content.startswith("<p>unit</p>")
    return fragment


def test_a_course_wide_nudge_joins_the_unit_with_its_script() -> None:
    nudge("n1")
    fragment = unit()
    assert "<div>n1</div>" in fragment.content
    assert [resource.data for resource in fragment.resources] == ["popup.js"]


def test_nothing_else_does() -> None:
    nudge("local", course_wide=False)
    nudge("off", active=False)
    nudge("elsewhere", course=CourseKey.from_string("course-v1:Org+Other+Run"))
    assert unit().content == "<p>unit</p>"


def test_one_that_is_in_the_unit_already_is_not_shown_twice() -> None:
    assert unit(nudge("n1")).content == "<p>unit</p>"


def test_one_that_the_learner_has_no_access_to_is_left_out() -> None:
    nudge("closed")
    assert unit().content == "<p>unit</p>"


@pytest.mark.parametrize(
    "who",
    [{"user_is_staff": True}, {"user_id": None}, {"view": "public_view"}],
    ids=["staff", "a visitor", "the public view"],
)
def test_others_than_learners_see_none(who: dict[str, Any]) -> None:
    nudge("n1")
    assert unit(**who).content == "<p>unit</p>"


def test_a_nudge_that_fails_leaves_the_unit_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    nudge("broken")
    with caplog.at_level(logging.ERROR):
        assert unit().content == "<p>unit</p>"
    assert "could not be added to the unit" in caplog.text
