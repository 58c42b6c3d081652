"""The page of a study: everything is in it, nothing is fetched, nothing breaks out of its place."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from predictor.evaluation import Study
from predictor.figures import figures
from predictor.report import Cost, page, told
from predictor.roster import PAPERS
from predictor.slices import slices
from tests.predictor.test_figures import findings, with_levels, with_rivals

VOID = {"meta"}


COST = Cost("2026-01-01T00:00", {"good": 12.3, "bad": 4.5}, {"good": 11.9, "bad": 4.4})


class Balanced(HTMLParser):
    """Collects open tags and fails on a wrong closing one."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def result(target: str = "passed") -> dict[str, object]:
    study = Study(target, ("7d",), ("good", "bad"))
    found = findings()
    groups = found.cohort.enrolments.courses.copy()
    groups[:5] = "<script>alert(1)</script>"
    content = figures(study, found)
    content["slices"] = list(slices(study, found, {"group": groups}))
    names = ("target", "at", "models", "learners", "clock")
    content["config"] = dict(zip(names, (target, ["7d"], ["good", "bad"], 240, "learner"), strict=True))
    return content


def test_the_page_is_well_formed_and_stands_alone() -> None:
    text = page(result(), COST)
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert {"svg", "polyline", "table", "main", "h1"} <= parser.tags
    assert "script" not in parser.tags
    assert not re.search(r"https?://|@import|url\(", text)
    assert "prefers-color-scheme: dark" in text


def test_text_from_the_data_stays_text() -> None:
    text = page(result(target="<b>passed</b>"), COST)
    assert "<script>" not in text
    assert "<b>passed" not in text
    assert "&lt;b&gt;passed" in text


def test_the_figures_are_in_the_tables() -> None:
    content = result()
    text = page(content, COST)
    for row in content["rows"]:  # type: ignore[attr-defined]
        assert f"{row['auc']:.3f}" in text
    assert "hidden: fewer than ten" in text
    assert "Best AUC on courses the models had not seen: good after 7d" in text


def test_what_one_model_does_on_a_folds_courses_has_its_table() -> None:
    content = {**result(), "rows": figures(Study("passed", ("7d",), ("good", "bad")), with_levels())["rows"]}
    table = page(content, COST).split("All learners of a fold, mean over folds")[1].split("</table>")[0]
    assert "the scores of 3 models are compared with each other" in table
    assert "1.000 to 1.000" in table
    guessing = content["rows"][1]
    assert f"{guessing['auc_fold_low']:.3f} to {guessing['auc_fold_high']:.3f}" in table


def test_one_model_for_all_test_courses_has_no_table_by_fold() -> None:
    assert "mean over folds" not in page(result(), COST)


def test_a_study_without_any_defined_figure_still_has_a_page() -> None:
    content = result()
    for row in content["rows"]:  # type: ignore[attr-defined]
        row.update(auc=None, auc_low=None, auc_high=None, auc_fold_mean=None, auc_course_mean=None, folds=0)
    content["lead"] = content["verdicts"] = content["significance"] = content["per_course"] = []
    text = page(content, COST)
    assert "No horizon has learners of both outcomes" in text
    assert "not defined" in text


@pytest.mark.parametrize("key", ["slices", "inflation"])
def test_what_was_not_asked_for_has_no_heading(key: str) -> None:
    content = result()
    before = page(content, COST).count("<h2>")
    content[key] = []
    assert page(content, COST).count("<h2>") == before - 1


def test_the_lead_over_the_papers_models_is_one_table() -> None:
    content = figures(Study("passed", ("7d",), (*PAPERS, "ours")), with_rivals(6))
    content["slices"] = []
    content["config"] = {**result()["config"], "models": [*PAPERS, "ours"]}  # type: ignore[dict-item]
    text = page(content, COST)
    assert "After 7d, ours is significantly above each of the paper’s own models." in text
    table = text[text.index("Is the lead of ours more than luck?") :]
    assert "the paper’s own models" in table
    assert table.count('class="sure"') == 6
    assert "p = 0.012" in table


def test_a_verdict_says_which_models_are_not_beaten() -> None:
    verdict = {"at": "7d", "model": "ours", "above": ["knn"], "not_above": ["forest", "logistic"]}
    assert told(verdict) == "After 7d, ours is significantly above knn but not above forest, logistic."
    assert "not significantly above any" in told({**verdict, "above": []})


def test_too_few_courses_to_tell_are_said_to_be_too_few() -> None:
    text = page({**result(), "lead": [{**row, "courses": 4} for row in result()["lead"]]}, COST)  # type: ignore[attr-defined]
    assert "With 4 courses no p can be below 0.12" in text


def test_what_it_cost_is_told_with_and_without_inflation() -> None:
    assert "with courses seen" in page(result(), COST)
    alone = page(result(), Cost("2026-01-01T00:00", {"good": 12.3}))
    assert "with courses seen" not in alone
    assert "12.3" in alone
    assert "seconds, all folds" not in page(result(), Cost())


def test_a_planted_gap_stands_in_words() -> None:
    content = result()
    row = next(row for row in content["slices"] if "n" in row)  # type: ignore[attr-defined]
    row.update(abroca_p_holm=0.004, abroca=0.21, abroca_chance=0.05, calibration_p_holm=0.3)
    text = page(content, COST)
    assert "otherwise than the rest after 7d: ABROCA 0.210, by chance 0.050, p = 0.004" in text
    assert "Time counts from each learner’s own first event" in text


def test_counts_stand_beside_the_reliability_of_each_bin() -> None:
    text = page(result(), COST)
    content = result()
    for row in content["reliability"]:  # type: ignore[attr-defined]
        for bar in row["bins"]:
            assert f"observed {bar['observed']:.3f}, {bar['n']} learners" in text
    assert 'class="count"' in text
