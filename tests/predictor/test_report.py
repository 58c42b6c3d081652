"""The page of a study: everything is in it, nothing is fetched, nothing breaks out of its place."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from predictor.evaluation import Study
from predictor.figures import figures
from predictor.report import page
from predictor.slices import slices
from tests.predictor.test_figures import findings

VOID = {"meta", "circle", "line", "polyline"}


class Balanced(HTMLParser):
    """Collects open tags and fails on a wrong closing one."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID or (not self.get_starttag_text().rstrip().endswith("/>") and tag != "meta"):  # type: ignore[union-attr]
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def result(target: str = "passed") -> dict[str, object]:
    study = Study(target, ("7d",), ("good", "bad"))
    found = findings()
    groups = found.cohort.enrolments.courses.copy()
    groups[:5] = "<script>alert(1)</script>"
    content = figures(study, found)
    content["slices"] = list(slices(study, found, {"group": groups}))
    content["config"] = {"target": target, "at": ["7d"], "models": ["good", "bad"], "learners": 240}
    return content


def test_the_page_is_well_formed_and_stands_alone() -> None:
    text = page(result())
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert {"svg", "polyline", "table", "main", "h1"} <= parser.tags
    assert "script" not in parser.tags
    assert not re.search(r"https?://|@import|url\(", text)
    assert "prefers-color-scheme: dark" in text


def test_text_from_the_data_stays_text() -> None:
    text = page(result(target="<b>passed</b>"))
    assert "<script>" not in text
    assert "<b>passed" not in text
    assert "&lt;b&gt;passed" in text


def test_the_figures_are_in_the_tables() -> None:
    content = result()
    text = page(content)
    for row in content["rows"]:  # type: ignore[attr-defined]
        assert f"{row['auc']:.3f}" in text
    assert "hidden" in text
    assert "Best AUC on courses the models had not seen: good after 7d" in text


def test_a_study_without_any_defined_figure_still_has_a_page() -> None:
    content = result()
    for row in content["rows"]:  # type: ignore[attr-defined]
        row.update(auc=None, auc_low=None, auc_high=None, auc_course_mean=None)
    content["significance"] = []
    content["per_course"] = []
    text = page(content)
    assert "No horizon has learners of both outcomes" in text
    assert "not defined" in text


@pytest.mark.parametrize("key", ["slices", "inflation"])
def test_what_was_not_asked_for_has_no_heading(key: str) -> None:
    content = result()
    before = page(content).count("<h2>")
    content[key] = []
    assert page(content).count("<h2>") == before - 1
