"""A learner's counts over all time, as `Learner.answers` holds them.

{"sent": 4, "answered": 2, "helpful": 1, …, "foreseen_helpful": 1.31, …, "kinds": {"review": {"sent": 3, …}}};
what is zero is left out.  What was foreseen is summed over the sends, for a learner of whom nothing is known.
Pure: every function returns a new value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from predictor.leanings import Answers

COUNTED = ("sent", "answered", "helpful", "not_helpful", "clicked", "dismissed")
FORESEEN = ("foreseen_helpful", "foreseen_not_helpful", "foreseen_dismissed")
READ = (*(name for name in COUNTED if name != "answered"), *FORESEEN)


def changed(answers: Mapping[str, Any], kind: str, changes: Mapping[str, float]) -> dict[str, Any]:
    """The counts after `changes` to a message of `kind`; none falls below zero."""
    kinds = dict(answers.get("kinds") or {})
    kinds[kind] = _plus(kinds.get(kind) or {}, changes)
    return {**_plus(answers, changes), "kinds": {name: row for name, row in kinds.items() if row}}


def count(answers: Mapping[str, Any], name: str) -> int:
    """One count; zero for what is not there."""
    value = answers.get(name)
    return value if isinstance(value, int) else 0


def total(answers: Mapping[str, Any]) -> Answers:
    """The counts as the model reads them."""
    return Answers(*(float(_number(answers, name)) for name in READ))


def by_kind(answers: Mapping[str, Any]) -> dict[str, Answers]:
    """The counts of each kind as the model reads them."""
    return {kind: total(row) for kind, row in (answers.get("kinds") or {}).items()}


def _plus(row: Mapping[str, Any], changes: Mapping[str, float]) -> dict[str, float]:
    sums: dict[str, float] = {name: max(0, count(row, name) + int(changes.get(name, 0))) for name in COUNTED}
    sums |= {name: round(max(0.0, _number(row, name) + changes.get(name, 0.0)), 4) for name in FORESEEN}
    return {name: value for name, value in sums.items() if value}


def _number(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    return value if isinstance(value, int | float) else 0.0
