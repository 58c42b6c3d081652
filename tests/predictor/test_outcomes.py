"""Outcome tables."""

import math
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.outcomes import Outcomes, begins, read_outcomes

HEAD = "course_id,learner_id,course_start,passed,passed_at,country"


def table(path: Path, *lines: str, head: str = HEAD) -> Path:
    path.write_text("\n".join([head, *lines, ""]))
    return path


def test_labels_starts_and_times_known(tmp_path: Path) -> None:
    path = table(
        tmp_path / "o.csv",
        "c2,1,2025-01-13,1,2025-03-01T12:00:00Z,NO",
        "c1,2,,0,,IS",
        "c1,1,2025-01-06,,,NO",
    )
    outcomes = read_outcomes(path, ["passed"])
    assert outcomes.targets == ("passed",)
    assert (outcomes.courses, len(outcomes)) == (("c1", "c2"), 3)
    first, second = outcomes.of("c1"), outcomes.of("c2")
    assert first.learners == ["1", "2"]
    np.testing.assert_array_equal(first.labels["passed"], np.array([math.nan, 0], dtype=np.float32))
    assert first.start == datetime(2025, 1, 6, tzinfo=UTC).timestamp()
    assert math.isnan(first.starts[1])
    assert second.known_at["passed"].tolist() == [datetime(2025, 3, 1, 12, tzinfo=UTC).timestamp()]
    assert math.isnan(first.known_at["passed"][0])


def test_without_starts_a_course_has_none(tmp_path: Path) -> None:
    outcomes = read_outcomes(table(tmp_path / "o.csv", "c,1,1", head="course_id,learner_id,passed"))
    assert outcomes.of("c").start is None
    assert outcomes.of("c").known_at == {}


@pytest.mark.parametrize("text", ["", " ", "nan", "NaN", "NULL", "None", "NA", "<NA>"])
def test_an_unknown_label_is_nan(tmp_path: Path, text: str) -> None:
    outcomes = read_outcomes(
        table(tmp_path / "o.csv", f"c,1,{text}", "c,2,1", head="course_id,learner_id,passed")
    )
    assert np.isnan(outcomes.of("c").labels["passed"]).tolist() == [True, False]


def test_other_columns_are_left_alone_and_say_why_they_are_no_target(tmp_path: Path) -> None:
    outcomes = read_outcomes(table(tmp_path / "o.csv", "c,1,,1,,NO"))
    with pytest.raises(
        ValueError, match=r"o.csv, row 1: country is 'NO', where only 0, 1 or nothing can stand"
    ):
        outcomes.require("country")
    with pytest.raises(ValueError, match=r"no outcome is called 'completed'; there are: passed"):
        outcomes.require("completed")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["c,1,,1,,", "d,1,,1,,", "c,1,,1,,"], "row 3: course c, learner 1 is in row 1 already"),
        (["c,1,,1,,", "c,2,,2,,"], "row 2: passed is '2', where only 0, 1 or nothing can stand"),
        (["c,1,,yes,,"], "row 1: passed is 'yes'"),
        (["c,1,soon,1,,"], "row 1: course_start is 'soon', which is no date"),
        (["c,1,,1,2025-02-30,"], "row 1: passed_at is '2025-02-30', which is no date"),
        ([",1,,1,,"], "row 1: course_id is empty"),
        (["c,,,1,,"], "row 1: learner_id is empty"),
        (["c,1,,1"], "row 1: 4 values for 6 columns"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_outcomes(table(tmp_path / "o.csv", *lines), ["passed"])


def test_missing_columns_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="lacks the columns learner_id, completed; it has course_id, passed"):
        read_outcomes(table(tmp_path / "o.csv", head="course_id,passed"), ["completed"])
    with pytest.raises(FileNotFoundError, match="give an outcome table"):
        read_outcomes(tmp_path / "none.csv")


def test_rows_of_python_values() -> None:
    outcomes = Outcomes.from_rows(
        [
            {"course_id": "c", "learner_id": 7, "passed": True, "course_start": date(2025, 1, 6)},
            {
                "course_id": "c",
                "learner_id": 8,
                "passed": None,
                "passed_at": datetime(2025, 3, 1, tzinfo=UTC),
            },
            {"course_id": "c", "learner_id": 9.0, "passed": math.nan},
        ]
    )
    found = outcomes.of("c")
    assert found.learners == ["7", "8", "9"]
    assert np.isnan(found.labels["passed"]).tolist() == [False, True, True]
    assert found.start == datetime(2025, 1, 6, tzinfo=UTC).timestamp()
    assert found.known_at["passed"][1] == datetime(2025, 3, 1, tzinfo=UTC).timestamp()


def test_no_rows_are_no_outcomes() -> None:
    outcomes = Outcomes.from_rows([])
    assert (outcomes.courses, outcomes.targets, len(outcomes)) == ((), (), 0)


row = st.fixed_dictionaries(
    {
        "passed": st.sampled_from([0, 1, None]),
        "left": st.sampled_from([0, 1]),
        "passed_at": st.none() | st.integers(1_000_000_000, 1_700_000_000),
        "course_start": st.none() | st.integers(1_000_000_000, 1_700_000_000),
    }
)
keys = st.tuples(
    st.sampled_from(["a", "course-v1:a+b+c", 'q"u,o']),
    st.text("abc1é ", min_size=1).map(str.strip).filter(bool),
)


@given(st.dictionaries(keys, row, min_size=1, max_size=12))
@settings(max_examples=50)
def test_written_outcomes_read_the_same(tmp_path_factory: pytest.TempPathFactory, rows: dict) -> None:
    made = Outcomes.from_rows({"course_id": c, "learner_id": n, **values} for (c, n), values in rows.items())
    path = tmp_path_factory.mktemp("outcomes") / "o.csv"
    made.write(path)
    found = read_outcomes(path)
    assert found.courses == made.courses
    assert set(found.targets) == set(made.targets) == {"passed", "left"}
    for course in made.courses:
        ours, theirs = made.of(course), found.of(course)
        assert ours.learners == theirs.learners
        np.testing.assert_array_equal(ours.starts, theirs.starts)
        np.testing.assert_array_equal(ours.known_at["passed"], theirs.known_at["passed"])
        for target in made.targets:
            np.testing.assert_array_equal(ours.labels[target], theirs.labels[target])


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {
        "course_id": ["c", "c"],
        "learner_id": [1, 2],
        "course_start": [date(2025, 1, 6), None],
        "passed": [True, None],
        "left": [0.0, 1.0],
    }
    parquet.write_table(arrow.table(columns), tmp_path / "o.parquet")
    found = read_outcomes(tmp_path / "o.parquet", ["passed", "left"]).of("c")
    assert found.learners == ["1", "2"]
    assert found.start == datetime(2025, 1, 6, tzinfo=UTC).timestamp()
    np.testing.assert_array_equal(found.labels["passed"], np.array([1, math.nan], dtype=np.float32))


def test_a_course_begins_as_told_of_the_learner_else_of_the_course_else_with_its_first_event() -> None:
    rows = [
        {"course_id": course, "learner_id": learner, "course_start": start, "passed": "1"}
        for course, learner, start in (
            ("c1", "a", "2000"),
            ("c1", "b", ""),
            ("c1", "c", "1000"),
            ("c2", "a", ""),
        )
    ]
    told = Outcomes.from_rows(rows)
    assert begins(told.of("c1"), ["c", "a", "0", "b", "z"], 5.0).tolist() == [1000, 2000, 1000, 1000, 1000]
    assert begins(told.of("c2"), ["a", "b"], 86_399.5).tolist() == [86_399.5] * 2
    assert begins(None, ["a"], 86_399.5).tolist() == [86_399.5]
    assert np.isnan(begins(told.of("c2"), ["a"], None)).all()
