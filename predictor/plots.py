"""Plots as inline SVG: no script, no font, no file from elsewhere; colours come from the page's style.

Coordinates are in the units of the view box, about a pixel each at the `width` asked for: a page draws a plot
for wide and for narrow screens rather than shrinking its letters. Every plot carries a title for those who do
not see it; the numbers stand in a table beside it. A plot without anything to show is None.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from .markup import Child, node

WIDE, NARROW = 720.0, 340.0
LEFT, TOP, BOTTOM = 44.0, 14.0, 34.0
LABELS = 118.0
LABEL_GAP = 15.0
LETTER = 7.0
"""Width of a letter, roughly."""
COLUMN = 44.0
"""Width that a value on the axis needs."""


@dataclass(frozen=True)
class Line:
    """A series: name, style class, and (x, y, low, high) per point; low and high may be None."""

    name: str
    style: str
    points: tuple[tuple[float, float, float | None, float | None], ...]


@dataclass(frozen=True)
class Bar:
    """One bin of a reliability plot: mean prediction, share observed, rows."""

    predicted: float
    observed: float
    n: int


@dataclass(frozen=True)
class Span:
    """A labelled value with its interval; None where that is not defined."""

    label: str
    value: float
    low: float | None
    high: float | None


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


def line_plot(
    title: str, lines: Sequence[Line], ticks: Sequence[tuple[float, str]], width: float = WIDE
) -> Element | None:
    """Series over time with interval whiskers, each named at its right end."""
    values = [value for line in lines for point in line.points for value in point[1:] if value is not None]
    if not values:
        return None
    height, right = max(300.0, width / 2), width - LABELS
    low, high = _round_limits(min(values), max(values))
    x = Axis(ticks[0][0], ticks[-1][0], LEFT + 14, right - 14)
    y = Axis(low, high, height - BOTTOM, TOP)
    shift = min(5.0, (right - LEFT) / 60)
    middle = (len(lines) - 1) / 2
    return _svg(
        title,
        (width, height),
        _grid(y, right),
        (_text(x(value), y.start + 20, text, text_anchor="middle") for value, text in ticks),
        (_series(line, x, y, shift * (place - middle)) for place, line in enumerate(lines)),
        _end_labels(lines, y, right + 8),
    )


def _round_limits(low: float, high: float, step: float = 0.05) -> tuple[float, float]:
    return math.floor(low / step) * step, (math.floor(high / step) + 1) * step


def _text(x: float, y: float, text: str, **attributes: object) -> Element:
    return node("text", text, x=x, y=y, **attributes)


def _rule(style: str, first: tuple[float, float], second: tuple[float, float]) -> Element:
    return node("line", class_=style, x1=first[0], y1=first[1], x2=second[0], y2=second[1])


def _grid(y: Axis, right: float, step: float = 0.05) -> Iterator[Element]:
    for index in range(round((y.high - y.low) / step) + 1):
        value = y.low + index * step
        yield _rule("grid", (LEFT, y(value)), (right, y(value)))
        yield _text(LEFT - 8, y(value) + 4, f"{value:.2f}", text_anchor="end")


def _columns(x: Axis, top: float, bottom: float) -> Iterator[Element]:
    """Upright lines with their values, as many as have room."""
    room = (x.end - x.start) / COLUMN
    step = 0.05 if x.high - x.low < 0.05 * room else 0.1
    for index in range(int((x.high - x.low) / step + 1e-9) + 1):
        value = x.low + index * step
        yield _rule("grid", (x(value), top), (x(value), bottom))
        yield _text(x(value), bottom + 20, f"{value:.2f}", text_anchor="middle")


def _series(line: Line, x: Axis, y: Axis, shift: float) -> Element:
    path = " ".join(f"{x(point[0]) + shift:.1f},{y(point[1]):.1f}" for point in line.points)
    marks: list[Child] = [node("polyline", points=path)]
    for at, value, low, high in line.points:
        place = x(at) + shift
        if low is not None and high is not None:
            marks.append(_rule("whisker", (place, y(low)), (place, y(high))))
        marks.append(_dot(place, y(value), 3.0, _told(line.name, value, low, high)))
    return node("g", marks, class_=line.style)


def _told(name: str, value: float, low: float | None, high: float | None) -> str:
    return f"{name}: {value:.3f}" + ("" if low is None or high is None else f" ({low:.3f} to {high:.3f})")


def _dot(x: float, y: float, radius: float, text: str, style: str | None = None) -> Element:
    return node("circle", node("title", text), class_=style, cx=x, cy=y, r=radius)


def _end_labels(lines: Sequence[Line], y: Axis, left: float) -> Iterator[Element]:
    """Names at the right ends, pushed apart so that none lies on another."""
    ordered = sorted(lines, key=lambda line: -line.points[-1][1])
    places = spread([y(line.points[-1][1]) for line in ordered], LABEL_GAP, TOP + 8, y.start)
    for place, line in zip(places, ordered, strict=True):
        yield _text(left, place + 4, line.name, class_=f"label {line.style}")


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


def reliability_plot(title: str, style: str, bars: Sequence[Bar]) -> Element | None:
    """Observed share over predicted probability with the diagonal of a model that keeps its word.

    Below it, how many learners were given each probability; the number of the highest bar is written out.
    """
    if not bars:
        return None
    size, left, foot = 200.0, 30.0, 40.0
    x, y = Axis(0, 1, left, size - 8), Axis(0, 1, size - 8, 8)
    most = max(bar.n for bar in bars)
    high = Axis(0, most, size + foot, size + 14)
    marks: list[Child] = [
        node("polyline", points=" ".join(f"{x(bar.predicted):.1f},{y(bar.observed):.1f}" for bar in bars))
    ]
    for bar in bars:
        text = f"predicted {bar.predicted:.3f}, observed {bar.observed:.3f}, {bar.n:,} learners"
        tall = max(1.0, high.start - high(bar.n))
        place = {"x": x(bar.predicted) - 4, "y": high.start - tall, "width": 8, "height": tall}
        marks.append(node("rect", node("title", text), class_="count", **place))
        marks.append(_dot(x(bar.predicted), y(bar.observed), 3.5, text))
    frame = {"x": x(0), "y": y(1), "width": x(1) - x(0), "height": y(0) - y(1)}
    return _svg(
        title,
        (size, size + foot + 20),
        node("rect", class_="frame", **frame),
        _rule("diagonal", (x(0), y(0)), (x(1), y(1))),
        (_text(left - 5, y(value) + 4, f"{value}", text_anchor="end") for value in (0, 1)),
        (_text(x(value), size + foot + 15, f"{value:g}", text_anchor="middle") for value in (0, 0.5, 1)),
        _text(left, size + 10, f"up to {most:,}"),
        node("g", marks, class_=style),
    )


def strip_plot(
    title: str, rows: Sequence[tuple[str, str, Sequence[tuple[float, str]]]], width: float = WIDE
) -> Element | None:
    """A row per model (name, style, (value, text) per course): a dot per course, a bar at their mean."""
    values = [value for _, _, dots in rows for value, _ in dots]
    if not values:
        return None
    low, high = _round_limits(min(values), max(values))
    step = 30.0
    bottom = step * len(rows) + 4
    x = Axis(low, high, LABELS + 8, width - 22)
    return _svg(
        title,
        (width, bottom + BOTTOM),
        _columns(x, 2, bottom),
        (_strip(*row, x, step * place + step / 2 + 2) for place, row in enumerate(rows)),
    )


def _strip(name: str, style: str, dots: Sequence[tuple[float, str]], x: Axis, y: float) -> Element:
    marks: list[Child] = [_text(LABELS - 6, y + 4, name, class_="label", text_anchor="end")]
    marks += [_dot(x(value), y, 4.0, text, "dot") for value, text in dots]
    if dots:
        mean = x(sum(value for value, _ in dots) / len(dots))
        marks.append(_rule("mean", (mean, y - 10), (mean, y + 10)))
    return node("g", marks, class_=style)


def interval_plot(title: str, style: str, rows: Sequence[Span], width: float = WIDE) -> Element | None:
    """A row per group: its name, and below it its value with its interval."""
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    if not ends:
        return None
    low, high = _round_limits(min(ends), max(ends))
    step = 36.0
    bottom = step * len(rows) + 4
    x = Axis(low, high, 14, width - 18)
    return _svg(
        title,
        (width, bottom + BOTTOM),
        _columns(x, 0, bottom),
        node("g", (_span(row, x, step * place + 26, width) for place, row in enumerate(rows)), class_=style),
    )


def _span(row: Span, x: Axis, y: float, width: float) -> Iterator[Element]:
    most = int((width - 24) / LETTER)
    name = row.label if len(row.label) <= most else row.label[: most - 1] + "…"
    yield _text(20.0, y - 9, name, class_="label")
    if row.low is not None and row.high is not None:
        yield _rule("whisker", (x(row.low), y), (x(row.high), y))
    yield _dot(x(row.value), y, 4.0, _told(row.label, row.value, row.low, row.high))


def _svg(title: str, size: tuple[float, float], *parts: Child) -> Element:
    box = f"0 0 {size[0]:g} {size[1]:g}"
    return node("svg", *parts, viewBox=box, role="img", aria_label=title)
