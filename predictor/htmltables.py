"""Tables of the study's page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element

from .markup import node

TableRow = tuple[str | None, Sequence[Element]]


def number(value: float | None, signed: bool = False) -> str:
    """Three decimals with a proper minus; what is not defined says so."""
    if value is None:
        return "not defined"
    rounded = round(value, 3) + 0.0
    return (f"{rounded:+.3f}" if signed else f"{rounded:.3f}").replace("-", "−")


def between(low: float | None, high: float | None) -> str:
    """The ends of an interval, nothing where it is not defined."""
    return "" if low is None or high is None else f"{number(low)} to {number(high)}"


def chance(p: float | None) -> str:
    """A p-value, rounded so that its side of .05 stays the right one."""
    if p is None:
        return ""
    if p < 0.001:
        return "p < .001"
    return f"p = {p:.4f}" if 0.045 < p < 0.055 else f"p = {p:.3f}"


def labelled(value: object) -> str:
    """A setting's value for people."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def cell(text: str, small: str | Iterable[str] = "", style: str | None = None) -> Element:
    """A value, and in small letters below it what qualifies it."""
    lines = [small] if isinstance(small, str) else list(small)
    return node("td", text, (node("small", line) for line in lines if line), class_=style)


def rowhead(text: str) -> Element:
    """A row's name, kept apart from the text around it whichever way it runs."""
    return node("th", node("bdi", text), scope="row")


def table(head: Sequence[str], rows: Iterable[TableRow], style: str | None = None) -> Element:
    """A table that scrolls by itself where the screen is too narrow; each row with its style."""
    top = node("tr", (node("th", name, scope="col") for name in head))
    body = (node("tr", cells, class_=row_style) for row_style, cells in rows)
    inside = node("table", node("thead", top), node("tbody", body), class_=style)
    return node("div", inside, class_="scroll", tabindex=0, role="region", aria_label=f"Table: {head[0]}")


def plain_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Element:
    """A table of names and texts."""
    texts = ([rowhead(row[0]), *(node("td", text, class_="words") for text in row[1:])] for row in rows)
    return table(head, ((None, cells) for cells in texts), "plain")
