"""Tables as CSV that a spreadsheet opens as what they are: values, never formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula, or skips before one."""


def written(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The table as text, its lines ended as RFC 4180 wants; None is an empty cell."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(titles)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return file.getvalue()


def _safe(cell: Any) -> Any:
    """A text that would be run as a formula is shown as text instead."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
