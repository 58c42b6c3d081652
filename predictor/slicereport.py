"""The page's part on groups of learners: where a model ranks or rates one of them otherwise than the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from .figures import SIGNIFICANT
from .htmltables import between, cell, chance, number, rowhead, table
from .markup import node
from .plots import NARROW, WIDE, Span, interval_plot

Row = Mapping[str, Any]

HEAD = ("group", "learners", "AUC", "ECE", "said / seen", "ABROCA", "calibration gap")
HIDDEN = "hidden: fewer than ten, or needed to hide those"
KINDS = (("abroca", "ranks"), ("calibration", "rates"))


def slices_section(result: Row) -> Element | None:
    """The gaps in words, a plot, and a table per horizon, of the leading model first."""
    rows = result["slices"]
    if not rows:
        return None
    models = result["config"]["models"]
    first = "ours" if "ours" in models else models[-1]
    return node(
        "section",
        node("h2", "For whom"),
        node(
            "p",
            "ABROCA is the area between the group’s ROC curve and everyone else’s, the calibration gap the "
            "mean distance between what the group and everyone else made of the same probability. Both are 0 "
            "where a model treats both alike, and larger by chance in small groups: hence the test beside "
            "them. “Said / seen” is the mean probability and the share that had the outcome. Groups of fewer "
            "than ten learners are hidden, and so is another where subtraction would give them away.",
        ),
        node("h3", "Gaps that are more than luck"),
        gaps(rows),
        node("h3", first),
        _of_model(result, first),
        node(
            "details",
            node("summary", "The other models"),
            ([node("h3", model), _of_model(result, model)] for model in models if model != first),
        )
        if len(models) > 1
        else None,
    )


def gaps(rows: Sequence[Row]) -> Element:
    """Every significant gap as a sentence; p-values are corrected for the groups of a model and horizon."""
    found = [node("li", text) for row in rows for text in _gaps_of(row)]
    if not found:
        return node("p", f"None: no test is below {SIGNIFICANT:g} after correction for the number of groups.")
    return node("ul", found)


def _gaps_of(row: Row) -> list[str]:
    texts = []
    for kind, verb in KINDS:
        p = row.get(f"{kind}_p_holm")
        if p is not None and p < SIGNIFICANT:
            value = row["abroca"] if kind == "abroca" else row["calibration_gap"]
            texts.append(
                f"{row['model']} {verb} {row['column']} “{row['group']}” otherwise than the rest after "
                f"{row['at']}: {_name(kind)} {number(value)}, by chance {number(row[f'{kind}_chance'])}, "
                f"{chance(p)}"
            )
    return texts


def _name(kind: str) -> str:
    return "ABROCA" if kind == "abroca" else "calibration gap"


def _of_model(result: Row, model: str) -> list[Element]:
    parts = []
    for at in result["config"]["at"]:
        rows = [row for row in result["slices"] if row["model"] == model and row["at"] == at]
        spans = [
            Span(f"{row['column']}: {row['group']}", row["auc"], row["auc_low"], row["auc_high"])
            for row in rows
            if row.get("auc") is not None
        ]
        title = f"AUC of {model} by group after {at}, with 95% intervals"
        figure = node(
            "figure", _plots(title, f"m-{model}", spans), node("figcaption", f"AUC by group after {at}.")
        )
        parts += [figure, _table(at, rows)]
    return parts


def _plots(title: str, style: str, spans: Sequence[Span]) -> list[Element]:
    found = []
    for name, width in (("wide", WIDE), ("narrow", NARROW)):
        plot = interval_plot(title, style, spans, width)
        if plot is not None:
            plot.set("class", name)
            found.append(plot)
    return found


def _table(at: str, rows: Sequence[Row]) -> Element:
    body: list[tuple[str | None, list[Element]]] = []
    column = ""
    for row in rows:
        if row["column"] != column:
            column = row["column"]
            body.append((None, [node("th", node("bdi", column), scope="rowgroup", colspan=len(HEAD))]))
        body.append((None, _cells(row)))
    return table([f"after {at}", *HEAD[1:]], body)


def _cells(row: Row) -> list[Element]:
    name = rowhead(row["group"])
    if row.get("hidden"):
        return [name, node("td", HIDDEN, colspan=len(HEAD) - 1, class_="words")]
    return [
        name,
        cell(f"{row['n']:,}"),
        cell(number(row["auc"]), between(row["auc_low"], row["auc_high"])),
        cell(number(row["ece"]), between(row["ece_low"], row["ece_high"])),
        cell(f"{row['predicted']:.3f} / {row['observed']:.3f}"),
        _gap(row, "abroca", row["abroca"], between(row["abroca_low"], row["abroca_high"])),
        _gap(row, "calibration", row["calibration_gap"], ""),
    ]


def _gap(row: Row, kind: str, value: float | None, ends: str) -> Element:
    if value is None:
        return cell(number(None))
    p = row[f"{kind}_p_holm"]
    sure = "sure" if p is not None and p < SIGNIFICANT else None
    return cell(number(value), [ends, f"by chance {number(row[f'{kind}_chance'])}", chance(p)], sure)
