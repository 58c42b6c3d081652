"""The study as a page: plots first, the numbers in tables beside them, one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from .cohort import duration
from .figures import SIGNIFICANT, significant
from .htmltables import between, cell, chance, labelled, number, plain_table, rowhead, table
from .markup import Child, document, node
from .moments import DAY
from .plots import NARROW, WIDE, Bar, Line, line_plot, reliability_plot, strip_plot
from .slicereport import slices_section

Row = Mapping[str, Any]
Draw = Callable[[float], Element | None]

STYLE = Path(__file__).with_name("report.css")

WITHIN_FOLDS = (
    "Pooled over folds, the scores of {folds} models are compared with each other: each is trained on other "
    "courses, and their levels differ. Within a fold all scores are one model’s, as where one model serves "
    "several new courses; intervals are over learners, drawn within their folds."
)


@dataclass(frozen=True)
class Cost:
    """When a study was written, and what it took: seconds by model, and again with the course in training."""

    written: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    shared: Mapping[str, float] = field(default_factory=dict)


def page(result: Row, cost: Cost) -> str:
    """The HTML of a study's JSON content."""
    config = result["config"]
    title = f"Predicting {config['target']}"
    body = node(
        "main",
        node("h1", title),
        node("p", _headline(result), class_="lead"),
        _said(result),
        _auc_section(result),
        _lead_section(result),
        _calibration_section(result),
        _spread_section(result),
        slices_section(result),
        _inflation_section(result["inflation"]),
        _protocol_section(config, cost),
    )
    head = node(
        "head",
        node("meta", charset="utf-8"),
        node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        node("title", title),
        node("style", STYLE.read_text()),
    )
    return document(node("html", head, node("body", body), lang="en", dir="ltr"))


def told(verdict: Row) -> str:
    """A verdict as a sentence."""
    when, model = f"After {verdict['at']}", verdict["model"]
    if not verdict["not_above"]:
        return f"{when}, {model} is significantly above each of the paper’s own models."
    if not verdict["above"]:
        return f"{when}, {model} is not significantly above any of the paper’s own models."
    return (
        f"{when}, {model} is significantly above {', '.join(verdict['above'])} "
        f"but not above {', '.join(verdict['not_above'])}."
    )


def _headline(result: Row) -> str:
    """Which model is best when, in words."""
    winners = []
    for at in result["config"]["at"]:
        rows = [row for row in result["rows"] if row["at"] == at and row["auc"] is not None]
        if rows:
            best = max(rows, key=lambda row: float(row["auc"]))
            winners.append(f"{best['model']} after {at} ({best['auc']:.3f})")
    if not winners:
        return "No horizon has learners of both outcomes: no model can be told from another."
    people = max(row["n"] for row in result["rows"])
    courses = len({row["course"] for row in result["per_course"]})
    among = f" in {courses} courses" if courses else ""
    return f"Best AUC on courses the models had not seen: {', '.join(winners)}; {people:,} learners{among}."


def _said(result: Row) -> Element | None:
    verdicts = [told(verdict) for verdict in result["verdicts"]]
    return node("ul", (node("li", text) for text in verdicts)) if verdicts else None


def _section(title: str, text: str, *body: Child | Sequence[Child]) -> Element:
    return node("section", node("h2", title), node("p", text), *body)


def _figure(draw: Draw, caption: str) -> Element | None:
    """A plot for wide and one for narrow screens."""
    wide, narrow = draw(WIDE), draw(NARROW)
    if wide is None or narrow is None:
        return None
    wide.set("class", "wide")
    narrow.set("class", "narrow")
    return node("figure", wide, narrow, node("figcaption", caption))


def _auc_section(result: Row) -> Element:
    ticks = sorted((duration(at) / DAY, at) for at in result["config"]["at"])
    pooled = _lines(result, "auc", "auc_low", "auc_high")
    means = _lines(result, "auc_course_mean", "auc_course_low", "auc_course_high")
    return _section(
        "How well, and how early",
        "Whiskers are 95% bootstrap intervals: of the pooled AUC over learners, of the mean over courses.",
        _figure(
            lambda width: line_plot("AUC of each model over time, with 95% intervals", pooled, ticks, width),
            "AUC over all test learners pooled.",
        ),
        _figure(
            lambda width: line_plot("Mean AUC over courses of each model over time", means, ticks, width),
            "Mean of the courses’ own AUCs.",
        ),
        node("h3", "Pooled AUC"),
        _auc_table(result, "auc", "auc_low", "auc_high"),
        *_within_folds(result),
        node("h3", "Mean over courses"),
        _auc_table(result, "auc_course_mean", "auc_course_low", "auc_course_high"),
    )


def _within_folds(result: Row) -> Sequence[Element]:
    """What one model does on several courses; nothing where there is one model only, pooled already."""
    folds = max(row["folds"] for row in result["rows"])
    if folds < 2:
        return ()
    return (
        node("h3", "All learners of a fold, mean over folds"),
        node("p", WITHIN_FOLDS.format(folds=folds), class_="note"),
        _auc_table(result, "auc_fold_mean", "auc_fold_low", "auc_fold_high"),
    )


def _lines(result: Row, value: str, low: str, high: str) -> list[Line]:
    lines = []
    for model in result["config"]["models"]:
        rows = [row for row in result["rows"] if row["model"] == model and row[value] is not None]
        points = sorted((duration(row["at"]) / DAY, row[value], row[low], row[high]) for row in rows)
        if points:
            lines.append(Line(model, f"m-{model}", tuple(points)))
    return lines


def _auc_table(result: Row, value: str, low: str, high: str) -> Element:
    """A row per model, a column per horizon; the best of each in bold."""
    found = {(row["model"], row["at"]): row for row in result["rows"]}
    moments, models = result["config"]["at"], result["config"]["models"]
    best = {at: max((found[model, at][value] or 0.0 for model in models), default=0.0) for at in moments}
    body = []
    for model in models:
        row = [found[model, at] for at in moments]
        cells = [
            cell(
                number(each[value]),
                between(each[low], each[high]),
                "best" if each[value] and each[value] == best[each["at"]] else None,
            )
            for each in row
        ]
        body.append((_first(model), [rowhead(model), *cells]))
    return table(["model", *(f"after {at}" for at in moments)], body)


def _first(model: str) -> str | None:
    return "first" if model == "ours" else None


def _lead_section(result: Row) -> Element | None:
    rows = result["lead"]
    if not rows:
        return None
    model, moments = rows[0]["model"], result["config"]["at"]
    found = {(row["over"], row["at"]): row for row in rows}
    body: list[tuple[str | None, list[Element]]] = []
    groups = (("the paper’s own models", True), ("other models", False))
    for name, papers in groups:
        others = list(dict.fromkeys(row["over"] for row in rows if row["papers_own"] == papers))
        if others:
            body.append((None, [node("th", name, scope="rowgroup", colspan=len(moments) + 1)]))
        for other in others:
            body.append((None, [rowhead(other), *(_lead_cell(found[other, at]) for at in moments)]))
    courses = max(row["courses"] for row in rows)
    return _section(
        f"Is the lead of {model} more than luck?",
        f"Each cell is the mean difference of {model} over courses, paired course by course, with its 95% "
        "interval and the p-value of flipping signs, corrected after Holm for the "
        f"{len(rows) // len(moments)} comparisons of its column. Bold: {model} is ahead and p is below "
        f"{SIGNIFICANT:g}.{_floor(courses)}",
        table([f"{model} over", *(f"after {at}" for at in moments)], body),
        node(
            "p",
            "Wilcoxon’s signed-rank test and every other pair of models are in the JSON file.",
            class_="note",
        ),
    )


def _floor(courses: int) -> str:
    """A warning where there are too few courses for any difference to be significant."""
    least = 2.0 ** (1 - courses)
    if least < SIGNIFICANT:
        return ""
    return f" With {courses} courses no p can be below {least:.2g}: give more courses to tell models apart."


def _lead_cell(row: Row) -> Element:
    if row["difference"] is None:
        return cell("not defined")
    text = number(row["difference"], signed=True)
    small = [between(row["low"], row["high"]), chance(row["p_holm"])]
    return cell(text, small, "sure" if significant(row) else None)


def _calibration_section(result: Row) -> Element:
    models = result["config"]["models"]
    first = "ours" if "ours" in models else models[-1]
    others = [model for model in models if model != first]
    return _section(
        "Do the probabilities keep their word?",
        "A point on the dashed line means that of the learners given that probability, just that share had "
        "the outcome. The bars below count the learners; bins of fewer than ten are joined with their "
        "neighbours. ECE, the expected calibration error, is the mean distance from the line.",
        node("h3", first),
        _panels(result, first),
        _folded(
            "The other models",
            [part for model in others for part in (node("h3", model), _panels(result, model))],
        ),
    )


def _folded(title: str, body: Sequence[Child]) -> Element | None:
    return node("details", node("summary", title), body) if body else None


def _panels(result: Row, model: str) -> Element:
    errors = {row["at"]: row["ece"] for row in result["rows"] if row["model"] == model}
    figures = []
    for row in result["reliability"]:
        if row["model"] == model:
            at = row["at"]
            bars = [Bar(bar["predicted"], bar["observed"], bar["n"]) for bar in row["bins"]]
            plot = reliability_plot(f"{model}: observed share over prediction after {at}", f"m-{model}", bars)
            caption = f"after {at}, ECE {number(errors[at])}"
            figures.append(node("figure", plot, node("figcaption", caption)))
    return node("div", figures, class_="panels")


def _spread_section(result: Row) -> Element | None:
    if not result["per_course"]:
        return None
    figures = []
    for at in result["config"]["at"]:
        rows = []
        for model in result["config"]["models"]:
            dots = [
                (row["auc"], f"{row['course']}: {row['auc']:.3f}, {row['n']:,} learners")
                for row in result["per_course"]
                if row["model"] == model and row["at"] == at and row["auc"] is not None
            ]
            rows.append((model, f"m-{model}", dots))
        figures.append(_strips(at, rows))
    return _section("From course to course", "A dot is a course, the bar their mean.", figures)


def _strips(at: str, rows: list[tuple[str, str, list[tuple[float, str]]]]) -> Element | None:
    return _figure(lambda width: strip_plot(f"AUC of each course after {at}", rows, width), f"After {at}.")


def _inflation_section(inflation: Sequence[Row]) -> Element | None:
    if not inflation:
        return None
    found = {(row["model"], row["at"]): row for row in inflation}
    moments = list(dict.fromkeys(row["at"] for row in inflation))
    models = list(dict.fromkeys(row["model"] for row in inflation))
    body = [
        (_first(model), [rowhead(model), *(_inflation_cell(found[model, at]) for at in moments)])
        for model in models
    ]
    return _section(
        "What a course already seen would feign",
        "The same models with learners folded instead of courses: every test course is in training too. Each "
        "cell is what a study that splits learners would promise too much of the pooled AUC, below it of the "
        "mean over courses, with its interval and the p of flipping signs.",
        table(["model", *(f"after {at}" for at in moments)], body),
    )


def _inflation_cell(row: Row) -> Element:
    mean = number(row["inflation_course_mean"], signed=True)
    small = [f"courses {mean}", between(row["inflation_low"], row["inflation_high"]), chance(row["p"])]
    return cell(number(row["inflation"], signed=True), small)


def _protocol_section(config: Row, cost: Cost) -> Element:
    clock = {"learner": "each learner’s own first event", "course": "the start of the course"}[
        config["clock"]
    ]
    rows = [[key.replace("_", " "), labelled(value)] for key, value in config.items()]
    return _section(
        "How it was measured",
        f"Time counts from {clock}. No model sees an event at or after the moment of its prediction. Test "
        "courses are predicted in full, learners without a single event included, as long as the course had "
        "an event in the week before the moment or later. For the paper’s own models the commoner outcome "
        "was cut down in each training course; their probabilities are given back the odds that took.",
        plain_table(["setting", "value"], rows),
        _cost_table(cost),
        node("p", f"Written {cost.written}.", class_="note") if cost.written else None,
    )


def _cost_table(cost: Cost) -> Element | None:
    if not cost.seconds:
        return None
    head = ["model", "seconds, all folds", *(["with courses seen"] if cost.shared else [])]
    rows = [
        [model, f"{seconds:,.1f}", *([f"{cost.shared[model]:,.1f}"] if cost.shared else [])]
        for model, seconds in cost.seconds.items()
    ]
    return plain_table(head, rows)
