"""The workbench runtime, brought nearer to the platform: real keys, real users, real events."""

from __future__ import annotations

import itertools
import json
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse
from eventtracking import tracker
from lxml import etree
from opaque_keys.edx.keys import UsageKey
from workbench.runtime import WorkbenchRuntime
from xblock.core import XBlock
from xblock.fields import Scope
from xblock.reference.user_service import UserService, XBlockUser
from xblock.runtime import IdGenerator, IdReader, KeyValueStore, KvsFieldData

from . import blocks, outline, people
from .models import BlockFields

BLOCKS: dict[str, type[XBlock]] = {
    "unit": blocks.UnitBlock,
    "text": blocks.TextBlock,
    "lecture": blocks.LectureBlock,
    "quiz": blocks.QuizBlock,
}


class CourseIds(IdReader, IdGenerator):
    """Usage keys of the demo course; a definition is named like its one usage."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self.name = ""

    def create_definition(self, block_type: str, slug: str | None = None) -> str:
        return f"{block_type}@{self.name or next(self._numbers)}"

    def create_usage(self, def_id: str) -> UsageKey:
        block_type, _, name = def_id.partition("@")
        return outline.COURSE_KEY.make_usage_key(block_type, name)

    def get_definition_id(self, usage_id: UsageKey) -> str:
        return f"{usage_id.block_type}@{usage_id.block_id}"

    def get_block_type(self, def_id: str) -> str:
        return def_id.partition("@")[0]

    def get_usage_id_from_aside(self, aside_id: Any) -> Any:
        raise NotImplementedError("the demo course has no asides")

    get_definition_id_from_aside = get_aside_type_from_usage = get_aside_type_from_definition = (
        get_usage_id_from_aside
    )

    def create_aside(self, definition_id: str, usage_id: UsageKey, aside_type: str) -> Any:
        raise NotImplementedError("the demo course has no asides")


class CourseStore(KeyValueStore):
    """Field values in the demo's table; keys of blocks are text there."""

    @staticmethod
    def _name(key: KeyValueStore.Key) -> str:
        scope = (
            key.scope.attr_name if key.scope in (Scope.parent, Scope.children) else key.scope.block.attr_name
        )
        return f"{scope}/{key.user_id}/{key.block_scope_id}"

    def _values(self, key: KeyValueStore.Key) -> dict[str, Any]:
        return BlockFields.objects.filter(key=self._name(key)).values_list("values", flat=True).first() or {}

    def get(self, key: KeyValueStore.Key) -> Any:
        value = self._values(key)[key.field_name]
        if key.scope == Scope.children:
            return [UsageKey.from_string(child) for child in value]
        return UsageKey.from_string(value) if key.scope == Scope.parent and value else value

    def set(self, key: KeyValueStore.Key, value: Any) -> None:
        self.set_many({key: value})

    def set_many(self, update_dict: dict[KeyValueStore.Key, Any]) -> None:
        # Each statement by itself: a transaction that reads before it writes is refused by a busy SQLite.
        for key, value in update_dict.items():
            row, _ = BlockFields.objects.get_or_create(key=self._name(key))
            row.values[key.field_name] = json.loads(json.dumps(value, default=str))
            row.save()

    def delete(self, key: KeyValueStore.Key) -> None:
        row = BlockFields.objects.get(key=self._name(key))
        del row.values[key.field_name]
        row.save()

    def has(self, key: KeyValueStore.Key) -> bool:
        return key.field_name in self._values(key)


class DemoUserService(UserService):
    """The signed-in user with the attributes that the platform gives."""

    def __init__(self, user: User | None) -> None:
        super().__init__(user=_xblock_user(user))

    def get_current_user(self) -> XBlockUser:
        return self._user

    def get_user_by_anonymous_id(self, uid: str | None = None) -> User | None:
        return people.by_anonymous_id(uid)


class DemoRuntime(WorkbenchRuntime):
    """Runs the demo course for one user; ``studio`` as a course author sees it."""

    def __init__(self, user: User | None = None, studio: bool = False) -> None:
        super().__init__(user.id if user else None)
        self.studio = studio
        self.id_reader = self.id_generator = IDS
        self._services["field-data"] = KvsFieldData(STORE)
        self._services["user"] = DemoUserService(None if studio else user)

    def load_block_type(self, block_type: str) -> type[XBlock]:
        return BLOCKS.get(block_type) or super().load_block_type(block_type)

    def get_block(self, usage_id: UsageKey, for_parent: XBlock | None = None) -> XBlock:
        """A block by its usage key, with what the platform's mixins would add."""
        block = super().get_block(usage_id, for_parent=for_parent)
        self._patch_xblock(block)
        return block

    def _patch_xblock(self, block: XBlock) -> None:
        """What the platform's mixins give every block: its place, its course, and when it is due."""
        unit = outline.unit_of(block.scope_ids.usage_id)
        block.location = block.scope_ids.usage_id
        block.course_id = outline.COURSE_KEY
        block.due = unit.due if unit else None
        block.is_time_limited = False

    def _usage_id_from_node(self, node: etree._Element, parent_id: UsageKey | None) -> UsageKey:
        self.id_generator.name = node.attrib.pop("url_name", "")
        return super()._usage_id_from_node(node, parent_id)

    def handler_url(
        self, block: XBlock, handler_name: str, suffix: str = "", query: str = "", thirdparty: bool = False
    ) -> str:
        url = reverse("handler", args=[str(block.scope_ids.usage_id), handler_name, suffix])
        return f"{url}?{query}" if query else url

    def publish(self, block: XBlock, event_type: str, event_data: dict[str, Any]) -> None:
        """Completion becomes the platform's completion event; the rest goes to the tracker as it is."""
        if event_type == "completion":
            event_type = "edx.completion.block_completion.changed"
            event_data = {"block_id": str(block.scope_ids.usage_id), "completion": event_data["completion"]}
        context = {"module": {"usage_key": str(block.scope_ids.usage_id)}}
        with tracker.get_tracker().context("demo.block", context):
            tracker.emit(event_type, event_data)


def load_course() -> None:
    """Parse every unit's OLX into the store.  What authors changed in Studio since is overwritten."""
    BlockFields.objects.filter(key__startswith=f"{Scope.children.attr_name}/").delete()
    runtime = DemoRuntime()
    for unit in outline.units():
        runtime.parse_xml_string(unit.xml)


def _xblock_user(user: User | None) -> XBlockUser:
    if user is None or not user.is_authenticated:
        return XBlockUser(is_current_user=True)
    person = XBlockUser(is_current_user=True, emails=[user.email], full_name=user.get_full_name())
    person.opt_attrs.update(
        {
            "edx-platform.user_id": user.id,
            "edx-platform.username": user.username,
            "edx-platform.anonymous_user_id": people.anonymous_id(user),
            "edx-platform.is_authenticated": True,
            "edx-platform.user_is_staff": user.is_staff,
            "edx-platform.user_is_global_staff": user.is_superuser,
            "edx-platform.user_role": "staff" if user.is_staff else "student",
            "edx-platform.user_preferences": {"pref-lang": "en"},
        }
    )
    return person


IDS = CourseIds()
STORE = CourseStore()
