"""Places in a course that a letter links to: its blocks by usage key, its pages by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import UsageKey

from nudge_xblock.addressees import PAGES
from nudge_xblock.compat import platform

from .letters import Places
from .markup import is_address

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey


def places(course_key: CourseKey) -> Places:
    """What finds the address of a usage key, a page or a web address, for letters of this course run."""

    def address(place: str) -> str:
        host = platform()
        if place in PAGES:
            return host.page_url(course_key, place)
        if place.startswith(("https://", "http://")) and is_address(place):
            return place
        try:
            usage_key = UsageKey.from_string(place)
        except InvalidKeyError:
            text = _("“%(place)s” is no place in this course. Use a block's usage key or one of %(pages)s.")
            raise ValueError(text % {"place": place[:80], "pages": ", ".join(PAGES)}) from None
        if not usage_key.course_key.run:
            usage_key = usage_key.map_into_course(course_key)
        if usage_key.course_key != course_key:
            raise ValueError(_("“%(place)s” is a place in another course.") % {"place": place[:80]})
        return host.block_url(usage_key)

    return address


def outline(course_key: CourseKey) -> list[dict[str, Any]]:
    """The course's sections as JSON, with the key and name of each place in them."""
    return [
        {"title": title, "places": [{"url": str(key), "label": name} for key, name in found]}
        for title, found in platform().outline(course_key)
    ]


def carried(text: str, old: CourseKey, new: CourseKey) -> str:
    """The text with every link into one course run leading into another.

    The keys of a run hold `org+course+run`, in addresses perhaps with colons and plus signs quoted.
    """
    for plus in ("+", "%2B", "%2b"):
        was, becomes = _run(old, plus), _run(new, plus).replace("\\", r"\\")
        text = re.sub(rf"(-v1(?::|%3A)){re.escape(was)}(?![\w.~-])", rf"\g<1>{becomes}", text)
    return text


def _run(key: CourseKey, plus: str) -> str:
    return plus.join(str(part) for part in (key.org, key.course, key.run))
