"""Small tables as text, from CSV and Parquet alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from predictor.spreadsheet import read_columns


def test_csv_and_parquet_read_alike(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "t.csv").write_text("name, value\na,0.5\n\n b ,\n")
    parquet.write_table(arrow.table({"name": ["a", "b"], "value": [0.5, None]}), tmp_path / "t.parquet")
    expected = {"name": ["a", "b"], "value": ["0.5", ""]}
    assert read_columns(tmp_path / "t.csv") == expected
    assert read_columns(tmp_path / "t.parquet") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1\n", "row 1: 1 values for 2 columns"),
        ("a,b\n1,2\n1,2,3\n", "row 2: 3 values for 2 columns"),
        ("a,a\n1,2\n", "the column a twice"),
        ("", "empty"),
    ],
)
def test_a_broken_csv_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_columns(path)


def test_a_missing_file_and_a_false_parquet_say_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_columns(tmp_path / "none.csv")
    pytest.importorskip("pyarrow")
    (tmp_path / "t.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(ValueError, match="no readable Parquet"):
        read_columns(tmp_path / "t.parquet")
