"""HTML and SVG as a tree of elements, never as pasted strings: text from the data stays text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias
from xml.etree.ElementTree import Element, tostring

Child: TypeAlias = "Element | str | Iterable[Child] | None"


def node(name: str, /, *children: Child, **attributes: object) -> Element:
    """An element; children are elements, text, or iterables of them, None being left out.

    A trailing underscore in an attribute's name is dropped, others become hyphens (`class_`, `text_anchor`);
    an attribute that is None is left out.
    """
    told = {
        key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None
    }
    element = Element(name, {key: _number(value) for key, value in told.items()})
    for child in _flat(children):
        _append(element, child)
    return element


def _number(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def _flat(children: Iterable[Child]) -> Iterable[Element | str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Element | str):
            yield child
        else:
            yield from _flat(child)


def _append(element: Element, child: Element | str) -> None:
    if isinstance(child, Element):
        element.append(child)
    elif len(element):
        element[-1].tail = (element[-1].tail or "") + child
    else:
        element.text = (element.text or "") + child


def document(root: Element) -> str:
    """A whole HTML page."""
    return f"<!doctype html>{tostring(root, encoding='unicode', method='html')}\n"
