"""From attributes of learners to groups that can be compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from predictor.groups import grouped, meant, read_groups
from tests.predictor.study_world import World, world


def test_numbers_become_bands_and_blanks_unknown() -> None:
    groups = grouped([*(str(1950 + year) for year in range(50)), ""])
    assert len(set(groups.tolist())) == 6
    assert groups[-1] == "unknown"
    assert groups[0] == "1950 to 1959.8"


def test_many_texts_keep_the_commonest() -> None:
    groups = grouped([f"country-{i}" for i in range(40)] + ["country-0"] * 5)
    assert "other" in groups.tolist()
    assert len(set(groups.tolist())) == 13
    assert (groups == "country-0").sum() == 6


def test_few_values_stay_as_they_are() -> None:
    assert grouped(["f", "m", " f "]).tolist() == ["f", "m", "f"]


def test_groups_follow_the_cohort_not_the_table(tmp_path: Path) -> None:
    small = world(courses=2, learners=5)
    _, outcomes = small.write(tmp_path)
    everyone = small.cohort()
    groups = read_groups("gender", outcomes, everyone)["gender"]
    expected = {(row["course_id"], row["learner_id"]): row["gender"] for row in small.rows}
    people = everyone.enrolments
    keys = zip(people.courses.tolist(), people.learners.tolist(), strict=True)
    assert groups.tolist() == [expected[key] for key in keys]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    small = world(courses=1, learners=3)
    _, outcomes = small.write(tmp_path)
    with pytest.raises(ValueError, match="lacks the column age for --slices"):
        read_groups("gender, age", outcomes, small.cohort())


@pytest.fixture
def small() -> World:
    return world(courses=2, learners=5)


def table(folder: Path, rows: list[str]) -> str:
    path = folder / "learners.csv"
    path.write_text("\n".join(rows) + "\n")
    return str(path)


def test_a_table_of_learners_holds_for_all_their_courses(small: World, tmp_path: Path) -> None:
    everyone = small.cohort()
    learners = everyone.enrolments.learners.tolist()
    given = table(
        tmp_path, ["learner_id,gender,year_of_birth", *(f"{learner},f,1990" for learner in learners[:4])]
    )
    groups = read_groups(given, tmp_path / "unused.csv", everyone)
    assert groups["gender"].tolist() == ["f"] * 4 + ["unknown"] * 6
    assert groups["age"].tolist()[:5] == ["25 to 34"] * 4 + ["unknown"]


def test_a_table_with_courses_holds_for_each_course_alone(small: World, tmp_path: Path) -> None:
    people = small.cohort().enrolments
    rows = [f"{people.courses[0]},{people.learners[0]},verified", f"nowhere,{people.learners[1]},audit"]
    given = table(tmp_path, ["course_id,learner_id,mode", *rows])
    groups = read_groups(given, tmp_path / "unused.csv", small.cohort())
    assert groups["enrolment mode"].tolist() == ["verified"] + ["unknown"] * 9


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["learner_id", "x"], "no column beside the ids"),
        (["name,gender", "x,f"], "lacks the column learner_id"),
        (["learner_id,gender", "x,f", "x,m"], "row 2: learner x is in row 1 too"),
        (["learner_id,gender", "stranger,f"], "tells of no learner of this study"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(
    rows: list[str], words: str, small: World, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=words):
        read_groups(table(tmp_path, rows), tmp_path / "unused.csv", small.cohort())


def test_a_table_that_is_not_there_is_named(small: World, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none.csv does not exist"):
        read_groups(str(tmp_path / "none.csv"), tmp_path / "unused.csv", small.cohort())


@pytest.mark.parametrize(
    ("name", "value", "division", "group"),
    [
        ("age", "17", "age", "under 18"),
        ("age", "18", "age", "18 to 24"),
        ("Age", "54.0", "age", "45 to 54"),
        ("age", "70", "age", "55 and over"),
        ("age", "-3", "age", "unknown"),
        ("age", "old", "age", "unknown"),
        ("year_of_birth", "1996", "age", "18 to 24"),
        ("year_of_birth", "1850", "age", "unknown"),
        ("country", "eg", "country group", "Africa"),
        ("country", "DE", "country group", "Europe"),
        ("country", "Atlantis", "country group", "Atlantis"),
        ("country", "", "country group", "unknown"),
        ("level_of_education", "hs", "education", "secondary"),
        ("education", "Master", "education", "Master"),
        ("enrollment_mode", "audit", "enrolment mode", "audit"),
        ("language", " ar ", "language", "ar"),
    ],
)
def test_what_a_site_knows_is_grouped_by_what_it_means(
    name: str, value: str, division: str, group: str
) -> None:
    found, groups = meant(name, [value], [2020])
    assert (found, groups.tolist()) == (division, [group])


def test_a_blank_among_numbers_does_not_make_them_texts() -> None:
    groups = grouped([*(str(hours) for hours in range(100)), "", ""])
    assert groups[-2:].tolist() == ["unknown"] * 2
    assert len(np.unique(groups)) == 6
