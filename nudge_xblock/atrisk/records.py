"""What became of learners in earlier courses, read anew from the night's tables; no model keeps it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from nudge_xblock import labels
from predictor.outcomes import LEARNER, Outcomes
from predictor.records import LearnerRecords
from predictor.risk import RiskModel
from predictor.tables import csv_rows


def of(learners: Collection[str], model: RiskModel) -> LearnerRecords | None:
    """The earlier courses of these learners alone; None before the first night wrote the tables."""
    wanted = set(learners)
    paths = [path for path in (labels.trained_on(), labels.held_out()) if path.exists()]
    outcomes = Outcomes.from_rows(row for path in paths for row in _rows(path, wanted))
    if model.target not in outcomes.targets:
        return None
    return LearnerRecords.of(outcomes, model.target, model.adverse, model.length)


def _rows(path: Path, wanted: Collection[str]) -> Iterator[dict[str, Any]]:
    """The rows of these learners; of a large site's table hardly more is held than these."""
    names, rows = csv_rows(str(path))
    place = names.index(LEARNER)
    for row in rows:
        if row and len(row) == len(names) and row[place] in wanted:
            yield dict(zip(names, row, strict=True))
