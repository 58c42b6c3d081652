"""A nudge as OLX, readable and writable by hand:

<nudge display_name="After Quiz 1" when="problem_failed" item="block-v1:…" attempts="2" kind="review">
  <variant>
    <heading>This one is tricky for many</heading>
    <body>A second look often makes it click.</body>
    <action url="https://…">Watch that part again</action>
  </variant>
</nudge>
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from lxml import etree

VARIANT = {"heading": "", "body": "", "action_label": "", "action_url": ""}
TAGS = ("heading", "body", "action")
UNWRITABLE = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold; it never shows on a screen either."""


class BrokenOlx(ValueError):
    """The OLX of a nudge cannot be understood; the message says where and what to write instead."""


def plain(value: Any) -> str:
    """`value` as text that survives OLX: no control characters, one kind of line end, no outer space."""
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    return UNWRITABLE.sub("", text).strip()


def write(node: etree._Element, variants: Sequence[Mapping[str, str]]) -> None:
    """Append the variants to `node`."""
    for variant in variants:
        child = etree.SubElement(node, "variant")
        etree.SubElement(child, "heading").text = plain(variant.get("heading", ""))
        etree.SubElement(child, "body").text = plain(variant.get("body", ""))
        label, url = plain(variant.get("action_label", "")), plain(variant.get("action_url", ""))
        if label or url:
            action = etree.SubElement(child, "action", {"url": url})
            action.text = label


def read(node: etree._Element) -> list[dict[str, str]]:
    """The variants of `node`.  Raises BrokenOlx for anything that would be lost otherwise."""
    if plain(node.text or "") or any(plain(child.tail or "") for child in node):
        raise BrokenOlx(
            _("There is text directly inside <nudge>. Put it into <variant><body>…</body></variant>.")
        )
    return [_variant(child, number) for number, child in enumerate(_elements(node), start=1)]


def field(name: str, kind: Any, text: str) -> Any:
    """An attribute's value.  Raises BrokenOlx where it is not of the field's kind."""
    try:
        value = kind.from_string(text)
    except (TypeError, ValueError) as error:
        raise BrokenOlx(
            _('The attribute %(name)s="%(text)s" of <nudge> is not a value that it can have.')
            % {"name": name, "text": text}
        ) from error
    return value


def known(name: str, value: str, values: Collection[str]) -> None:
    """Check an attribute that is a choice.  Raises BrokenOlx, naming the choices."""
    if value not in values:
        raise BrokenOlx(
            _('The attribute %(name)s="%(text)s" of <nudge> is none of: %(choices)s.')
            % {"name": name, "text": value, "choices": ", ".join(values)}
        )


def _elements(node: etree._Element) -> list[etree._Element]:
    return [child for child in node if isinstance(child.tag, str)]


def _variant(node: etree._Element, number: int) -> dict[str, str]:
    if node.tag != "variant":
        raise BrokenOlx(_("<nudge> holds a <%(tag)s>. It can hold <variant> only.") % {"tag": node.tag})
    if plain(node.text or "") or any(plain(child.tail or "") for child in node):
        raise BrokenOlx(
            _("There is text directly inside <variant> number %(number)d. Put it into <body>…</body>.")
            % {"number": number}
        )
    variant = dict(VARIANT)
    seen: set[str] = set()
    for child in _elements(node):
        if child.tag not in TAGS or child.tag in seen:
            raise BrokenOlx(
                _("<variant> %(number)d can hold one <heading>, <body> and <action> each, not <%(tag)s>.")
                % {"number": number, "tag": child.tag}
            )
        seen.add(child.tag)
        if len(_elements(child)):
            raise BrokenOlx(
                _("<%(tag)s> of <variant> %(number)d holds markup. Messages are plain text: write &lt;.")
                % {"tag": child.tag, "number": number}
            )
        text = plain("".join(child.itertext(with_tail=False)))
        if child.tag == "action":
            variant["action_label"], variant["action_url"] = text, plain(child.get("url", ""))
        else:
            variant[child.tag] = text
    return variant
