"""A host for blocks in tests: a real XBlock runtime with usage keys, users and a unit, without a platform."""

from __future__ import annotations

import json
from typing import Any

from lxml import etree
from opaque_keys.edx.keys import UsageKey
from webob import Request
from xblock.core import XBlock
from xblock.fields import Boolean, Integer, Scope, ScopeIds, String
from xblock.reference.user_service import UserService, XBlockUser
from xblock.runtime import DictKeyValueStore, KvsFieldData, MemoryIdManager, NullI18nService, Runtime

from nudge_xblock.block import NudgeXBlock

from .moments import COURSE

KEY = COURSE.make_usage_key("nudge", "n1")
UNIT = COURSE.make_usage_key("vertical", "unit")
EXAM = COURSE.make_usage_key("sequential", "week")


class Container(XBlock):
    """A unit or a subsection."""

    has_children = True
    is_time_limited = Boolean(default=False, scope=Scope.settings)


class Problem(XBlock):
    """A graded block."""

    has_score = True
    display_name = String(default="Quiz 3", scope=Scope.settings)
    max_attempts = Integer(default=None, scope=Scope.settings)
    show_correctness = String(default="always", scope=Scope.settings)


class Video(XBlock):
    """A block that completes itself."""

    has_custom_completion = True
    display_name = String(default="Lecture 3", scope=Scope.settings)


class Html(XBlock):
    """A block that is read."""

    display_name = String(default="Reading", scope=Scope.settings)


TYPES = {
    "vertical": Container,
    "sequential": Container,
    "problem": Problem,
    "video": Video,
    "html": Html,
    "nudge": NudgeXBlock,
}


class Users(UserService):
    """The user who looks."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        super().__init__()
        self.person = XBlockUser(is_current_user=True)
        self.person.opt_attrs = {f"edx-platform.{name}": value for name, value in attributes.items()}

    def get_current_user(self) -> XBlockUser:
        return self.person


class Host(Runtime):
    """Holds one unit of one subsection: a problem, a video, a page to read and the nudge."""

    def __init__(self, **user: Any) -> None:
        ids = MemoryIdManager()
        services = {
            "field-data": KvsFieldData(DictKeyValueStore()),
            "user": Users(user or {"user_id": 7, "user_is_staff": False, "is_authenticated": True}),
            "i18n": NullI18nService(),
        }
        super().__init__(ids, ids, services=services)
        self.blocks: dict[UsageKey, XBlock] = {}
        names = [("problem", "quiz"), ("video", "lecture"), ("html", "text"), ("nudge", "n1")]
        self.make(EXAM, None, [UNIT])
        self.make(UNIT, EXAM, [COURSE.make_usage_key(kind, name) for kind, name in names])
        for kind, name in names:
            self.make(COURSE.make_usage_key(kind, name), UNIT)

    def make(self, key: UsageKey, parent: UsageKey | None, children: list[UsageKey] | None = None) -> XBlock:
        block = self.construct_xblock_from_class(TYPES[key.block_type], ScopeIds(7, key.block_type, key, key))
        block.parent = parent
        if children:
            block.children = children
        self.blocks[key] = block
        return block

    def nudge(self, **fields: Any) -> NudgeXBlock:
        """The nudge block with these fields."""
        block = self.blocks[KEY]
        for name, value in fields.items():
            setattr(block, name, value)
        return block

    def load_block_type(self, block_type: str) -> type[XBlock]:
        return TYPES[block_type]

    def get_block(self, usage_id: UsageKey, for_parent: Any = None) -> XBlock:
        return self.blocks[usage_id]

    def handler_url(self, block: XBlock, handler_name: str, *_args: Any, **_kwargs: Any) -> str:
        return f"/{handler_name}"

    def local_resource_url(self, block: XBlock, uri: str) -> str:
        return f"/resource/{uri}"

    def resource_url(self, resource: str) -> str:
        return f"/{resource}"

    def publish(self, block: XBlock, event_type: str, event_data: Any) -> None:
        raise AssertionError("a nudge publishes nothing")


def call(block: NudgeXBlock, handler: str, body: Any) -> tuple[int, Any]:
    """POST `body` to a handler; the status and the JSON of the answer."""
    request = Request.blank(f"/{handler}", method="POST", body=json.dumps(body).encode())
    response = block.runtime.handle(block, handler, request)
    return response.status_int, json.loads(response.body)


def parsed(xml: str) -> NudgeXBlock:
    """A block read from OLX."""
    ids = ScopeIds(7, "nudge", KEY, KEY)
    return NudgeXBlock.parse_xml(etree.fromstring(xml), Host(), ids)


def exported(block: NudgeXBlock) -> str:
    """The OLX of a block."""
    node = etree.Element("unknown")
    block.add_xml_to_node(node)
    return etree.tostring(node, encoding="unicode", pretty_print=True)
