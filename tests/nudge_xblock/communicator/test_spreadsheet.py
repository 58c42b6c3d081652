"""A table stays a table of values, whatever its cells say."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock.communicator.spreadsheet import FORMULA, written


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("x")'])
def test_a_formula_is_shown_and_not_run(text: str) -> None:
    rows = list(csv.reader(io.StringIO(written(["a"], [[text]]), newline="")))
    assert rows == [["a"], [f"'{text}"]]


def test_numbers_stay_numbers_and_nothing_is_an_empty_cell() -> None:
    assert written(["n", "m"], [[-3, None]]) == "n,m\r\n-3,\r\n"


@given(st.lists(st.lists(st.text() | st.integers(), min_size=2, max_size=2)))
def test_every_table_is_read_back_cell_by_cell_and_none_begins_a_formula(rows: list[list[str | int]]) -> None:
    read = list(csv.reader(io.StringIO(written(["a", "b"], rows), newline="")))[1:]
    assert [[cell.removeprefix("'") for cell in row] for row in read] == [
        [str(cell).removeprefix("'") for cell in row] for row in rows
    ]
    texts = [
        got
        for row, had in zip(read, rows, strict=True)
        for got, it in zip(row, had, strict=True)
        if isinstance(it, str)
    ]
    assert not any(text.startswith(FORMULA) for text in texts)
