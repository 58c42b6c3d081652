"""A small table read whole, as text, column by column: decisions, and what learners are grouped by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .tables import csv_rows, is_parquet, parquet


def read_columns(path: str | Path) -> dict[str, list[str]]:
    """Column name -> values as text, "" where a Parquet table has null.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: a row is cut short or unreadable, or a column is there twice; the message names it.
    """
    name = str(path)
    if not Path(path).is_file():
        raise FileNotFoundError(f"{name} does not exist: give a table in CSV or Parquet")
    return _parquet(name) if is_parquet(name) else _csv(name)


def _parquet(name: str) -> dict[str, list[str]]:
    try:
        table = parquet().read_table(name)
    except (OSError, ValueError) as error:  # pyarrow's own errors derive from these two
        raise ValueError(f"{name} is no readable Parquet file: {error}") from None
    columns = table.to_pydict()
    return {str(column): [_text(value) for value in values] for column, values in columns.items()}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _csv(name: str) -> dict[str, list[str]]:
    names, rows = csv_rows(name)
    twice = [column for column in names if names.count(column) > 1]
    if twice:
        raise ValueError(f"{name} has the column {twice[0]} twice; keep one")
    columns: dict[str, list[str]] = {column: [] for column in names}
    for number, row in enumerate(rows, start=1):
        if row == []:
            continue
        if row is None or len(row) != len(names):
            raise ValueError(f"{name}, row {number}: {len(row or ())} values for {len(names)} columns")
        for column, value in zip(names, row, strict=True):
            columns[column].append(value.strip())
    return columns
