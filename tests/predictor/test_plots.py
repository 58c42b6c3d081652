"""Plots keep to their box and their labels apart."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.plots import HEIGHT, WIDTH, Line, line_plot, reliability_plot, spread, strip_plot


@given(st.lists(st.floats(0, 300), max_size=12))
def test_labels_are_apart_in_order_and_inside_as_far_as_they_fit(places: list[float]) -> None:
    moved = spread(sorted(places), 15.0, 10.0, 300.0)
    assert len(moved) == len(places)
    assert all(later - earlier >= 15.0 - 1e-6 for earlier, later in pairwise(moved))
    assert all(place <= 300.0 + 1e-6 for place in moved)


def test_every_point_lies_inside_the_box() -> None:
    lines = [
        Line(f"m{i}", f"m-m{i}", ((7.0, 0.5 + i / 20, 0.4, 0.95), (30.0, 0.9, None, None))) for i in range(8)
    ]
    svg = line_plot("title", lines, [(7.0, "7d"), (30.0, "30d")])
    for x, y in re.findall(r'c[x]="([\d.-]+)" cy="([\d.-]+)"', svg):
        assert 0 <= float(x) <= WIDTH
        assert 0 <= float(y) <= HEIGHT
    assert svg.count("<polyline") == 8
    assert svg.count('class="whisker"') == 8


def test_a_single_moment_is_drawn_too() -> None:
    assert "<circle" in line_plot("t", [Line("m", "m-m", ((7.0, 0.8, 0.7, 0.9),))], [(7.0, "7d")])


@pytest.mark.parametrize("empty", [line_plot("t", [], [(7.0, "7d")]), strip_plot("t", [("m", "m-m", [])])])
def test_nothing_to_draw_gives_nothing(empty: str) -> None:
    assert empty == ""


def test_titles_and_names_are_escaped() -> None:
    svg = reliability_plot('a "quoted" <title>', [Line("<m>", "m-m", ((0.5, 0.5, None, None),))])
    assert "<title>&lt;m&gt;" in svg
    assert 'aria-label="a &quot;quoted&quot; &lt;title&gt;"' in svg
