"""What lies around a nudge block in its course: the other blocks of the unit, and whether an exam is on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey, UsageKey
from xblock.plugin import PluginMissingError

from .editing import GRADED, PLAYED, READ, Item

if TYPE_CHECKING:
    from xblock.core import XBlock

DEPTH = 6  # block, unit, subsection, section, course, and one to spare
NOT_ITEMS = frozenset({"nudge", "discussion"})


def resolve(item: str, course_key: CourseKey | None) -> str:
    """The usage key of `item` (type/name, or a usage key of any run) in this course run.

    Runs are copied with their content, so a full key would wait for something in the old run for ever.
    """
    if not item or course_key is None:
        return item
    kind, _, name = short(item).partition("/")
    return str(course_key.make_usage_key(kind, name)) if name else item


def short(item: str) -> str:
    """`item` as OLX says it: problem/quiz1."""
    try:
        key = UsageKey.from_string(item)
    except InvalidKeyError:
        return item
    return f"{key.block_type}/{key.block_id}"


def ways(block: XBlock) -> dict[str, str]:
    """Usage key to how it is completed, for each block of the unit, from their classes: nothing is loaded."""
    parent = block.get_parent()
    found = {}
    for key in getattr(parent, "children", ()) or ():
        kind = getattr(key, "block_type", "")
        if kind and kind not in NOT_ITEMS:
            found[str(key)] = _way(block, kind)
    return found


def items(block: XBlock) -> list[Item]:
    """The blocks of the unit that a rule can wait for, with their names, for the author's form."""
    parent = block.get_parent()
    if parent is None:
        return []
    known = ways(block)
    siblings = [child for child in parent.get_children() if str(child.scope_ids.usage_id) in known]
    return [_item(child, known[str(child.scope_ids.usage_id)]) for child in siblings]


def is_timed(block: XBlock) -> bool:
    """Whether the block is in a timed or proctored exam, which is a setting of its subsection."""
    return any(bool(getattr(each, "is_time_limited", False)) for each in _upwards(block))


def _upwards(block: XBlock) -> Iterator[Any]:
    each: Any = block
    for _step in range(DEPTH):
        if each is None:
            return
        yield each
        each = each.get_parent()


def _way(block: XBlock, kind: str) -> str:
    try:
        cls = block.runtime.load_block_type(kind)
    except PluginMissingError:
        return READ
    if getattr(cls, "has_score", False):
        return GRADED
    return PLAYED if getattr(cls, "has_custom_completion", False) else READ


def _item(child: Any, way: str) -> Item:
    most = getattr(child, "max_attempts", None)
    return Item(
        key=str(child.scope_ids.usage_id),
        label=str(getattr(child, "display_name", None) or child.scope_ids.block_type),
        way=way,
        max_attempts=most if isinstance(most, int) else None,
        hides_results=getattr(child, "show_correctness", "always") == "never",
    )
