"""Coefficients over the course as a drawing that stands alone: one panel per group of factors."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

import numpy as np

from .factors import GROUPS
from .markup import node
from .plots import WIDE, Line, line_plot
from .risk import RiskModel

POINTS = np.linspace(0, 1, 21)
TICKS = ((0.0, "start"), (0.25, "25%"), (0.5, "50%"), (0.75, "75%"), (1.0, "end of the course"))
COLOURS = ("#1f5fa8", "#b0301c", "#2a7448", "#7a4fa3", "#80640f", "#1f7480", "#a04a7c", "#57606a", "#b0531c")
ROOM = 90.0
"""Width beside a panel for the longer names."""
HEAD, GAP = 30.0, 24.0
LEAST = 0.01
"""A curve that nowhere reaches this is left out: it would lie on the axis."""
STYLE = """
svg { background: #fff; } text { font: 12px system-ui, sans-serif; fill: #56626b; }
.head { font-size: 15px; font-weight: 600; fill: #1c2329; } .grid { stroke: #e3e7ea; }
g polyline { fill: none; stroke-width: 1.8; }
"""


def drawing(model: RiskModel) -> str:
    """An SVG file: what one spread of each factor adds to the log-odds, from start to end of a course."""
    panels = [(group, plot) for group in GROUPS if (plot := _panel(model, group)) is not None]
    parts: list[Element] = []
    y = GAP
    for group, plot in panels:
        _, _, width, height = (float(text) for text in plot.get("viewBox", "").split())
        parts.append(node("text", group, class_="head", x=8.0, y=y))
        for name, value in (("x", 0.0), ("y", y + 8), ("width", width), ("height", height)):
            plot.set(name, f"{value:g}")
        plot.set("overflow", "visible")
        parts.append(plot)
        y += height + HEAD + GAP
    title = "What one spread of each factor adds to the log-odds of not completing, over the course"
    root = node(
        "svg", node("title", title), node("style", STYLE + _colours()), parts,
        viewBox=f"0 0 {WIDE + ROOM:g} {y:g}", xmlns="http://www.w3.org/2000/svg", role="img",
    )  # fmt: skip
    return tostring(root, encoding="unicode") + "\n"


def _panel(model: RiskModel, group: str) -> Element | None:
    curves = model.curves(POINTS)[:, 1:]
    places = [place for place in model.places[group].tolist() if np.abs(curves[:, place]).max() >= LEAST]
    lines = []
    for number, place in enumerate(places):
        points = zip(POINTS.tolist(), curves[:, place].tolist(), strict=True)
        name = model.factors[place].name.replace("_", " ")
        line = tuple((share, value, None, None) for share, value in points)
        lines.append(Line(name, f"c{number % len(COLOURS)}", line))
    return line_plot(f"Coefficients of {group} over the course", lines, TICKS) if lines else None


def _colours() -> str:
    return " ".join(
        f"g.c{number} polyline {{ stroke: {colour}; }} g.c{number} circle {{ fill: {colour}; }} "
        f"text.c{number} {{ fill: {colour}; }}"
        for number, colour in enumerate(COLOURS)
    )
