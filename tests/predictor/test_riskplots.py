"""The drawing of coefficients over the course."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np

from predictor.factors import GROUPS
from predictor.riskplots import drawing
from tests.predictor.test_risk import model

SVG = "{http://www.w3.org/2000/svg}"


def test_every_group_has_a_panel_with_a_line_per_factor() -> None:
    found = model()
    root = ElementTree.fromstring(drawing(found))
    heads = [text.text for text in root.findall(f"{SVG}text")]
    assert heads == list(GROUPS)
    assert len(root.findall(f".//{SVG}polyline")) == len(found.factors)


def test_lines_lie_below_one_another_and_inside_the_drawing() -> None:
    root = ElementTree.fromstring(drawing(model()))
    height = float(root.get("viewBox", "").split()[3])
    panels = [
        (float(panel.get("y", "")), float(panel.get("height", ""))) for panel in root.findall(f"{SVG}svg")
    ]
    ends = [top + tall for top, tall in panels]
    assert all(end < top for end, (top, _) in zip(ends, panels[1:], strict=False))
    assert ends[-1] < height


def test_a_factor_that_adds_nothing_is_left_out() -> None:
    weights = np.zeros_like(model().weights)
    weights[5] = 1.0
    root = ElementTree.fromstring(drawing(replace(model(), weights=weights)))
    assert len(root.findall(f".//{SVG}polyline")) == 1
