"""Plots keep to their box and their labels apart."""

from __future__ import annotations

from itertools import pairwise
from xml.etree.ElementTree import Element, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.plots import (
    NARROW,
    WIDE,
    Bar,
    Line,
    Span,
    interval_plot,
    line_plot,
    reliability_plot,
    spread,
    strip_plot,
)

LINES = [
    Line(f"m{i}", f"m-m{i}", ((7.0, 0.5 + i / 20, 0.4, 0.95), (30.0, 0.9, None, None))) for i in range(8)
]
DOTS = [("boosting", "m-boosting", [(0.5, "c1"), (0.9, "c2")]), ("lstm_features", "m-x", [])]
SPANS = [Span("gender: " + "very " * 30 + "long", 0.7, 0.6, 0.8), Span("mode: audit", 0.5, None, None)]
BARS = [Bar(0.05, 0.0, 4000), Bar(0.5, 0.6, 12), Bar(0.99, 1.0, 300)]


@given(st.lists(st.floats(0, 300), max_size=12))
def test_labels_are_apart_in_order_and_inside_as_far_as_they_fit(places: list[float]) -> None:
    moved = spread(sorted(places), 15.0, 10.0, 300.0)
    assert len(moved) == len(places)
    assert all(later - earlier >= 15.0 - 1e-6 for earlier, later in pairwise(moved))
    assert all(place <= 300.0 + 1e-6 for place in moved)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("kind", ["line", "strip", "interval", "reliability"])
def test_everything_lies_inside_the_box(kind: str, width: float) -> None:
    plot = {
        "line": line_plot("t", LINES, [(7.0, "7d"), (30.0, "30d")], width),
        "strip": strip_plot("t", DOTS, width),
        "interval": interval_plot("t", "m-ours", SPANS, width),
        "reliability": reliability_plot("t", "m-ours", BARS),
    }[kind]
    assert plot is not None
    right, bottom = (float(text) for text in str(plot.get("viewBox")).split()[2:])
    for element in plot.iter():
        for name, limit in (("x", right), ("y", bottom)):
            ends = [float(element.get(key, "0")) for key in (name, f"{name}1", f"{name}2", f"c{name}")]
            assert all(0 <= end <= limit for end in ends), tostring(element)
        if element.tag == "text":
            assert _right_end(element) <= right + 4, element.text


def _right_end(text: Element) -> float:
    """Roughly where a text ends: seven units a letter."""
    share = {"end": 0.0, "middle": 0.5}.get(text.get("text-anchor", "start"), 1.0)
    return float(text.get("x", "0")) + 7 * len(text.text or "") * share


def test_every_series_is_drawn_with_its_whiskers() -> None:
    plot = line_plot("t", LINES, [(7.0, "7d"), (30.0, "30d")])
    assert plot is not None
    assert len(plot.findall(".//polyline")) == 8
    assert len(plot.findall(".//*[@class='whisker']")) == 8


def test_every_bin_has_its_count() -> None:
    plot = reliability_plot("t", "m-ours", BARS)
    assert plot is not None
    bars = plot.findall(".//*[@class='count']")
    assert bars[0].findtext("title") == "predicted 0.050, observed 0.000, 4,000 learners"
    heights = [float(bar.get("height", "0")) for bar in bars]
    assert heights[0] > heights[2] > heights[1] >= 1
    assert "up to 4,000" in [text.text for text in plot.iter("text")]


def test_a_single_moment_is_drawn_too() -> None:
    plot = line_plot("t", [Line("m", "m-m", ((7.0, 0.8, 0.7, 0.9),))], [(7.0, "7d")])
    assert plot is not None
    assert len(plot.findall(".//circle")) == 1


@pytest.mark.parametrize(
    "empty",
    [
        line_plot("t", [], [(7.0, "7d")]),
        strip_plot("t", [("m", "m-m", [])]),
        interval_plot("t", "m-m", []),
        reliability_plot("t", "m-m", []),
    ],
)
def test_nothing_to_draw_gives_nothing(empty: Element | None) -> None:
    assert empty is None


def test_titles_and_names_stay_text() -> None:
    plot = line_plot('a "quoted" <title>', [Line("<m>", "m-m", ((0.5, 0.5, None, None),))], [(0.5, "12h")])
    assert plot is not None
    text = tostring(plot, encoding="unicode", method="html")
    assert "<title>&lt;m&gt;" in text
    assert 'aria-label="a &quot;quoted&quot; ' in text
