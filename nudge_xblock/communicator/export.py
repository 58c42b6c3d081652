"""The learners of a course run as they leave the server: for the browser, counted, or as a table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from opaque_keys.edx.keys import CourseKey

from . import figures, spreadsheet
from .figures import Learners
from .presets import PRESETS, REASONS, WORDS
from .selection import NEVER, PERCENTS, SEEN, UNKNOWN, Selection
from .selection import REASONS as BITS

TITLES = ("learner", *PERCENTS, "days_since_seen", "mode", "reasons", "tier", "risk", "reachable")


def payload(course_key: CourseKey, now: datetime) -> dict[str, Any]:
    """What the browser chooses from, with the words for it in the language in use."""
    return {
        **figures.payload(figures.learners(course_key, now)),
        "reasons": [{"key": key, "words": str(REASONS[key])} for key in BITS],
        **{
            f"{kind}s": [{"key": key, "words": str(words)} for key, words in names.items()]
            for kind, names in WORDS.items()
        },
        "presets": [
            {"key": key, "words": str(preset.words), "query": preset.query} for key, preset in PRESETS.items()
        ],
    }


def count(course_key: CourseKey, query: str) -> dict[str, int]:
    """How many match, and how many of them a mail may reach.  Raises Unreadable."""
    selection = Selection.parse(query)
    found = figures.learners(course_key)
    matched = selection.matches(found.figures)
    return {"matched": int(matched.sum()), "reachable": int((matched & found.reachable).sum())}


def table(course_key: CourseKey, query: str) -> str:
    """Those who match, as CSV.  Raises Unreadable."""
    selection = Selection.parse(query)
    found = figures.learners(course_key)
    rows = np.flatnonzero(selection.matches(found.figures)).tolist()
    names = found.names()
    return spreadsheet.written(TITLES, ([names[row], *_cells(found, row)] for row in rows))


def _cells(found: Learners, row: int) -> list[Any]:
    columns = found.figures.columns
    percents = [None if columns[name][row] == UNKNOWN else int(columns[name][row]) for name in PERCENTS]
    seen = None if columns[SEEN][row] == NEVER else int(columns[SEEN][row])
    told = found.why(row)
    risk = [told.get("tier", ""), told.get("risk", "")]
    return [*percents, seen, told["mode"], " ".join(told["reasons"]), *risk, int(found.reachable[row])]
