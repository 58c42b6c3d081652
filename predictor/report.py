"""The study as a page: plots first, every number in a table below, one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from .cohort import duration
from .moments import DAY
from .plots import Line, line_plot, reliability_plot, strip_plot

Row = Mapping[str, Any]

STYLE = """
:root { color-scheme: light dark; --ink: #1c2329; --soft: #5b6770; --line: #d5dbe0; --page: #fff;
  --ours: #b0301c; --c0: #1f5fa8; --c1: #2f7d4f; --c2: #7a4fa3; --c3: #8a6d1d; --c4: #287e8a;
  --c5: #a04a7c; --c6: #57606a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecef; --soft: #a3afb8; --line: #3a444c;
  --page: #14191d; --ours: #ff8d75; --c0: #84b6f2; --c1: #7fd0a0; --c2: #c7a3ee; --c3: #dcc067; --c4: #7fd1dd;
  --c5: #f0a0cc; --c6: #b3bdc6; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 64rem; color: var(--ink); background: var(--page);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { margin-top: 2.5rem; font-size: 1.2rem; }
p, figcaption { max-width: 42rem; } figcaption, .note { color: var(--soft); font-size: .9rem; }
figure { margin: 1rem 0; } svg { width: 100%; height: auto; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { color: var(--soft); font-weight: 600; }
td.best { font-weight: 700; }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); } svg .label { fill: var(--ink); }
.grid { stroke: var(--line); } .diagonal { stroke: var(--soft); stroke-dasharray: 4 4; }
g { --s: var(--c6); } g polyline { fill: none; stroke: var(--s); stroke-width: 1.5; }
g circle { fill: var(--s); } g .whisker { stroke: var(--s); opacity: .5; } g .dot { opacity: .55; }
g .mean { stroke: var(--s); stroke-width: 2.5; }
g.m-ours polyline { stroke-width: 3; } .m-ours { --s: var(--ours); }
svg .label.m-ours { fill: var(--ours); font-weight: 700; }
.m-boosting { --s: var(--c0); } svg .label.m-boosting { fill: var(--c0); }
.m-lstm_raw { --s: var(--c1); } svg .label.m-lstm_raw { fill: var(--c1); }
.m-lstm_features { --s: var(--c2); } svg .label.m-lstm_features { fill: var(--c2); }
.m-ensemble { --s: var(--c3); } svg .label.m-ensemble { fill: var(--c3); }
.m-forest { --s: var(--c4); } svg .label.m-forest { fill: var(--c4); }
.m-knn { --s: var(--c5); } svg .label.m-knn { fill: var(--c5); }
"""


def page(result: Mapping[str, Any]) -> str:
    """The HTML of a study's JSON content."""
    config = result["config"]
    title = f"Predicting {config['target']}"
    sections = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{_headline(result)}</p>",
        _auc_section(result),
        _significance_section(result),
        _calibration_section(result),
        _spread_section(result),
        _slices_section(result.get("slices", [])),
        _inflation_section(result["inflation"]),
        _protocol_section(config),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f"{''.join(sections)}</main></body></html>\n"
    )


def _headline(result: Mapping[str, Any]) -> str:
    """Which model is best when, in words."""
    winners = []
    for at in result["config"]["at"]:
        rows = [row for row in result["rows"] if row["at"] == at and row["auc"] is not None]
        if rows:
            best = max(rows, key=lambda row: float(row["auc"]))
            winners.append(f"{escape(best['model'])} after {escape(at)} ({best['auc']:.3f})")
    if not winners:
        return "No horizon has learners of both outcomes: no model can be told from another."
    people = max(row["n"] for row in result["rows"])
    return f"Best AUC on courses the models had not seen: {', '.join(winners)}; up to {people:,} learners."


def _auc_section(result: Mapping[str, Any]) -> str:
    ticks = _ticks(result)
    pooled = line_plot(
        "AUC of each model over time, with 95% intervals",
        _lines(result, "auc", "auc_low", "auc_high"),
        ticks,
    )
    means = line_plot(
        "Mean AUC over courses of each model over time, with 95% intervals",
        _lines(result, "auc_course_mean", "auc_course_low", "auc_course_high"),
        ticks,
    )
    return _section(
        "How well, and how early",
        "Whiskers are 95% bootstrap intervals.",
        _figure(pooled, "AUC over all test learners pooled; intervals over learners."),
        _figure(means, "Mean of the courses' own AUCs; intervals over courses."),
        _auc_table(result),
    )


def _section(title: str, text: str, *body: str) -> str:
    return f"<section><h2>{escape(title)}</h2><p>{escape(text)}</p>{''.join(body)}</section>"


def _figure(plot: str, caption: str) -> str:
    return f"<figure>{plot}<figcaption>{escape(caption)}</figcaption></figure>" if plot else ""


def _ticks(result: Mapping[str, Any]) -> list[tuple[float, str]]:
    return sorted((duration(at) / DAY, at) for at in result["config"]["at"])


def _lines(result: Mapping[str, Any], value: str, low: str, high: str) -> list[Line]:
    lines = []
    for model in result["config"]["models"]:
        rows = [row for row in result["rows"] if row["model"] == model and row[value] is not None]
        points = sorted((duration(row["at"]) / DAY, row[value], row[low], row[high]) for row in rows)
        if points:
            lines.append(Line(model, f"m-{model}", tuple(points)))
    return lines


def _auc_table(result: Mapping[str, Any]) -> str:
    columns = ("auc", "auc_low", "auc_high", "auc_course_mean", "ece", "n")
    best = {
        at: max((row["auc"] or 0.0 for row in result["rows"] if row["at"] == at), default=0.0)
        for at in result["config"]["at"]
    }
    rows = [
        [_cell(row["model"]), _cell(row["at"])]
        + [
            _cell(
                row[column], best=column == "auc" and row["auc"] is not None and row["auc"] == best[row["at"]]
            )
            for column in columns
        ]
        for row in result["rows"]
    ]
    return _table(("model", "after", "AUC", "from", "to", "mean of courses", "ECE", "learners"), rows)


def _significance_section(result: Mapping[str, Any]) -> str:
    tests = _against_first_choice(result)
    if not tests:
        return ""
    rows = [
        [
            _cell(f"{first} − {second}"),
            *map(_cell, (row["at"], sign * row["difference"], row["p"], row["courses"])),
        ]
        for first, second, sign, row in tests
    ]
    return _section(
        "Is the difference more than luck?",
        "Differences of the courses' own AUCs, tested in pairs by flipping signs. Below .05 counts as "
        "significant; the p-values are not corrected for the number of comparisons. Every pair of models is "
        "in the JSON file.",
        _table(("models", "after", "difference", "p", "courses"), rows),
    )


def _against_first_choice(result: Mapping[str, Any]) -> list[tuple[str, str, float, Row]]:
    """Tests of `ours` (or else the last model) against each other one."""
    models = result["config"]["models"]
    first = "ours" if "ours" in models else models[-1]
    found = []
    for row in result["significance"]:
        if first in (row["first"], row["second"]) and row["difference"] is not None:
            sign = 1.0 if row["first"] == first else -1.0
            other = row["second"] if sign > 0 else row["first"]
            found.append((first, other, sign, row))
    return sorted(found, key=lambda item: (item[1], duration(item[3]["at"])))


def _calibration_section(result: Mapping[str, Any]) -> str:
    panels = []
    for at in result["config"]["at"]:
        lines = [
            Line(
                row["model"],
                f"m-{row['model']}",
                tuple((bar["predicted"], bar["observed"], None, None) for bar in row["bins"]),
            )
            for row in result["reliability"]
            if row["at"] == at and row["bins"]
        ]
        plot = reliability_plot(f"Observed share over predicted probability after {at}", lines)
        panels.append(_figure(plot, f"Observed share over predicted probability, after {at}"))
    return _section(
        "Do the probabilities keep their word?",
        "A point on the dashed line means that of the learners given that probability, just that share had "
        "the outcome. Points of fewer than ten learners are joined with their neighbours.",
        f'<div class="panels">{"".join(panels)}</div>',
    )


def _spread_section(result: Mapping[str, Any]) -> str:
    plots = []
    for at in result["config"]["at"]:
        rows = []
        for model in result["config"]["models"]:
            dots = [
                (row["auc"], f"{row['course']}: {row['auc']:.3f}, {row['n']} learners")
                for row in result["per_course"]
                if row["model"] == model and row["at"] == at and row["auc"] is not None
            ]
            rows.append((model, f"m-{model}", dots))
        plot = strip_plot(f"AUC of each course after {at}", rows)
        plots.append(_figure(plot, f"AUC of each course, after {at}"))
    return _section("From course to course", "A dot is a course, the bar their mean.", *plots)


def _slices_section(slices: Sequence[Row]) -> str:
    if not slices:
        return ""
    columns = ("n", "auc", "auc_low", "auc_high", "ece", "abroca", "abroca_low", "abroca_high")
    rows = [
        [_cell(f"{row['column']}: {row['group']}"), _cell(row["model"]), _cell(row["at"])]
        + (
            [_cell("hidden")] + [_cell("")] * 7
            if row.get("hidden")
            else [_cell(row[name]) for name in columns]
        )
        for row in slices
    ]
    head = ("group", "model", "after", "learners", "AUC", "from", "to", "ECE", "ABROCA", "from", "to")
    return _section(
        "For whom",
        "ABROCA is the area between the group's ROC curve and everyone else's: 0 where a model ranks both "
        "alike; chance alone makes it larger in small groups. Groups of fewer than ten are hidden.",
        _table(head, rows),
    )


def _inflation_section(inflation: Sequence[Row]) -> str:
    if not inflation:
        return ""
    columns = ("auc_unseen_courses", "auc_same_courses", "inflation")
    rows = [
        [_cell(row["model"]), _cell(row["at"]), *(_cell(row[name]) for name in columns)] for row in inflation
    ]
    return _section(
        "What a course already seen would feign",
        "The same models with learners folded instead of courses: every test course is in training too.",
        _table(("model", "after", "unseen courses", "same courses", "inflation"), rows),
    )


def _protocol_section(config: Row) -> str:
    rows = [[_cell(key.replace("_", " ")), _cell(_plain(value))] for key, value in config.items()]
    return _section(
        "How it was measured",
        "No model sees an event at or after the moment of its prediction. Test courses are predicted in "
        "full, learners without a single event included. For the paper's own models the commoner outcome was "
        "cut down in each training course; their probabilities are given back the odds that took.",
        _table(("setting", "value"), rows),
    )


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value


def _cell(value: object, best: bool = False) -> str:
    if isinstance(value, float):
        text = f"{value:.3f}" if abs(value) >= 0.0005 or value == 0 else f"{value:.1e}"
    else:
        text = "not defined" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
    return f'<td class="best">{escape(text)}</td>' if best else f"<td>{escape(text)}</td>"


def _table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    head_and_body = f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="scroll" tabindex="0"><table>{head_and_body}</table></div>'
