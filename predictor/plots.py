"""Plots as inline SVG: no script, no font, no file from elsewhere; colours come from the page's style.

Coordinates are in the units of the view box. Every plot carries a title for those who do not see it; the
numbers stand in a table beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 132.0, 16.0, 40.0
LABEL_GAP = 15.0


@dataclass(frozen=True)
class Line:
    """A series: name, style class, and (x, y, low, high) per point; low and high may be None."""

    name: str
    style: str
    points: tuple[tuple[float, float, float | None, float | None], ...]


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` onto pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.start + share * (self.end - self.start)


def line_plot(title: str, lines: Sequence[Line], ticks: Sequence[tuple[float, str]]) -> str:
    """Series over time with interval whiskers, each named at its right end."""
    values = [value for line in lines for point in line.points for value in point[1:] if value is not None]
    if not values:
        return ""
    low, high = _round_limits(min(values), max(values))
    x = Axis(ticks[0][0], ticks[-1][0], LEFT + 12, WIDTH - RIGHT)
    y = Axis(low, high, HEIGHT - BOTTOM, TOP)
    parts = [_grid(y, low, high), *(_tick(x(value), HEIGHT - BOTTOM, text) for value, text in ticks)]
    shift = 5.0
    for index, line in enumerate(lines):
        parts.append(_series(line, x, y, shift * (index - (len(lines) - 1) / 2)))
    parts += _end_labels(lines, y)
    return _svg(title, WIDTH, HEIGHT, parts)


def _round_limits(low: float, high: float, step: float = 0.05) -> tuple[float, float]:
    return int(low / step) * step, (int(high / step) + 1) * step


def _grid(y: Axis, low: float, high: float, step: float = 0.05) -> str:
    count = round((high - low) / step)
    parts = []
    for index in range(count + 1):
        place = y(low + index * step)
        parts.append(
            f'<line class="grid" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{place:.1f}" y2="{place:.1f}"/>'
            f'<text class="axis" x="{LEFT - 6:g}" y="{place + 4:.1f}" text-anchor="end">'
            f"{low + index * step:.2f}</text>"
        )
    return "".join(parts)


def _tick(x: float, y: float, text: str) -> str:
    return f'<text class="axis" x="{x:.1f}" y="{y + 20:.1f}" text-anchor="middle">{escape(text)}</text>'


def _series(line: Line, x: Axis, y: Axis, shift: float) -> str:
    path = " ".join(f"{x(point[0]) + shift:.1f},{y(point[1]):.1f}" for point in line.points)
    parts = [f'<polyline points="{path}"/>']
    for at, value, low, high in line.points:
        place = x(at) + shift
        if low is not None and high is not None:
            ends = f'y1="{y(low):.1f}" y2="{y(high):.1f}"'
            parts.append(f'<line class="whisker" x1="{place:.1f}" x2="{place:.1f}" {ends}/>')
        text = escape(f"{line.name}: {value:.3f}" + ("" if low is None else f" ({low:.3f} to {high:.3f})"))
        parts.append(f'<circle cx="{place:.1f}" cy="{y(value):.1f}" r="3"><title>{text}</title></circle>')
    return f'<g class="{escape(line.style)}">{"".join(parts)}</g>'


def _end_labels(lines: Sequence[Line], y: Axis) -> list[str]:
    """Names at the right ends, pushed apart so that none lies on another."""
    ordered = sorted(lines, key=lambda line: -line.points[-1][1])
    places = spread([y(line.points[-1][1]) for line in ordered], LABEL_GAP, TOP + 8, HEIGHT - BOTTOM)
    return [
        f'<text class="label {escape(line.style)}" x="{WIDTH - RIGHT + 26:g}" y="{place + 4:.1f}">'
        f"{escape(line.name)}</text>"
        for place, line in zip(places, ordered, strict=True)
    ]


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Ascending places moved apart to at least `gap`, kept within low and high as far as they fit."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap if moved else low))
    over = moved[-1] - high if moved else 0.0
    limit = high
    if over > 0:
        for index in range(len(moved) - 1, -1, -1):
            moved[index] = min(moved[index], limit)
            limit = moved[index] - gap
    return moved


def reliability_plot(title: str, lines: Sequence[Line]) -> str:
    """Observed share over predicted probability, with the diagonal of a model that keeps its word."""
    size, margin = 300.0, 40.0
    x = Axis(0, 1, margin, size - 10)
    y = Axis(0, 1, size - margin, 10)
    parts = [f'<line class="diagonal" x1="{x(0):g}" y1="{y(0):g}" x2="{x(1):g}" y2="{y(1):g}"/>']
    for value in (0.0, 0.5, 1.0):
        parts.append(_tick(x(value), size - margin, f"{value:g}"))
        parts.append(
            f'<text class="axis" x="{margin - 6:g}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    parts += [_series(line, x, y, 0.0) for line in lines]
    return _svg(title, size, size, parts)


def strip_plot(title: str, rows: Sequence[tuple[str, str, Sequence[tuple[float, str]]]]) -> str:
    """A row per model (name, style, (value, text) per course): a dot per course, a bar at their mean."""
    values = [value for _, _, dots in rows for value, _ in dots]
    if not values:
        return ""
    low, high = _round_limits(min(values), max(values))
    height = 34.0 * len(rows) + BOTTOM
    x = Axis(low, high, 110.0, WIDTH - 20)
    parts = [_tick(x(value), height - BOTTOM, f"{value:.2f}") for value in (low, (low + high) / 2, high)]
    for index, (name, style, dots) in enumerate(rows):
        parts.append(_strip(name, style, dots, x, 34.0 * index + 18))
    return _svg(title, WIDTH, height, parts)


def _strip(name: str, style: str, dots: Iterable[tuple[float, str]], x: Axis, y: float) -> str:
    dots = list(dots)
    parts = [f'<text class="label" x="100" y="{y + 4:.1f}" text-anchor="end">{escape(name)}</text>']
    for value, text in dots:
        tip = f"<title>{escape(text)}</title>"
        parts.append(f'<circle class="dot" cx="{x(value):.1f}" cy="{y:.1f}" r="4">{tip}</circle>')
    if dots:
        mean = x(sum(value for value, _ in dots) / len(dots))
        ends = f'y1="{y - 10:.1f}" y2="{y + 10:.1f}"'
        parts.append(f'<line class="mean" x1="{mean:.1f}" x2="{mean:.1f}" {ends}/>')
    return f'<g class="{escape(style)}">{"".join(parts)}</g>'


def _svg(title: str, width: float, height: float, parts: Iterable[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title, quote=True)}">'
        f"{''.join(parts)}</svg>"
    )
