"""What the risk model weighs: its factors, the groups that a person understands, and what each may say.

A factor reads one column. Its direction is what keeps reasons believable: days away may raise the risk or
leave it, never lower it, whatever a chance correlation in the data says (0 lets the data decide).

Who a learner is by law or by birth is never among the factors: see `protected`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .moments import FloatArray

ABSENCE, ASSIGNMENTS, GRADES, PACE = "absence", "assignments", "grades", "pace"
DIFFICULTY, HELP, ENROLMENT = "difficulty", "help", "enrolment"
GROUPS = (ABSENCE, ASSIGNMENTS, GRADES, PACE, DIFFICULTY, HELP, ENROLMENT)

RAISES, EITHER, LOWERS = 1, 0, -1
LOG, PLAIN = "log", "plain"
UNITS = ("days", "count", "share", "times", "flag", "hours", "number", "months")

PROTECTED = (
    "age", "birth", "caste", "child", "citizen", "city", "color", "colour", "country", "disabilit",
    "education", "ethnic", "gender", "income", "marital", "married", "nationality", "native", "postcode",
    "pregnan", "race", "racial", "religio", "sex", "veteran", "yob", "zip",
)  # fmt: skip
"""Words, or beginnings of words, that name an attribute which may be audited and never weighed."""
LONGEST_WHOLE = 4
"""Names of so few letters must be a whole word."""


@dataclass(frozen=True)
class Factor:
    """One thing that the model weighs.

    Args:
        name: key, stable from version to version: whoever words reasons knows it by this.
        group: one of `GROUPS`.
        column: where its number is found.
        shape: "log" weighs log(1 + number), "plain" the number.
        direction: 1 may only raise the risk, -1 only lower it, 0 either.
        unit: of the number, one of `UNITS`.
        of_visits: whether it says nothing about a learner who never came.
        of_course: whether it is the same for everyone in a course run.
    """

    name: str
    group: str
    column: str
    shape: str
    direction: int
    unit: str
    of_visits: bool = True
    of_course: bool = False

    def scaled(self, numbers: FloatArray) -> FloatArray:
        """Numbers as they are weighed; NaN stays."""
        return np.log1p(np.maximum(numbers, 0.0)) if self.shape == LOG else numbers

    def number(self, scaled: FloatArray) -> FloatArray:
        """The inverse of `scaled`."""
        return np.expm1(scaled) if self.shape == LOG else scaled

    def to_json(self) -> dict[str, Any]:
        """Plain data for a manifest."""
        return asdict(self)


def _of(
    group: str, *rows: tuple[str, str, str, int, str], of_visits: bool = True, of_course: bool = False
) -> tuple[Factor, ...]:
    return tuple(
        Factor(name, group, column, shape, direction, unit, of_visits, of_course)
        for name, column, shape, direction, unit in rows
    )


OF_EVENTS = (
    *_of(ABSENCE, ("never_came", "never", PLAIN, RAISES, "flag"), of_visits=False),
    *_of(
        ABSENCE,
        ("days_away", "away", LOG, RAISES, "days"),
        ("away_beyond_usual", "away per longest gap", LOG, RAISES, "times"),
        ("active_days_week", "active days 7", PLAIN, LOWERS, "days"),
        ("active_days_fortnight", "active days 14", PLAIN, LOWERS, "days"),
        ("week_missed", "missed of week", PLAIN, RAISES, "share"),
        ("usual_gap", "mean gap", LOG, RAISES, "days"),
        ("hours_week", "hours 7", LOG, LOWERS, "hours"),
        ("rank", "events: rank", PLAIN, LOWERS, "share"),
    ),
    *_of(
        ASSIGNMENTS,
        ("submitted_a_day", "submitted per active day", LOG, LOWERS, "count"),
        ("submitted_of_visited", "submitted of visited", PLAIN, LOWERS, "share"),
        ("days_without_submitting", "days there without submitting", LOG, RAISES, "days"),
    ),
    *_of(
        GRADES,
        ("right_answers", "right", PLAIN, LOWERS, "share"),
        ("wrong_in_a_row", "wrong in a row", LOG, RAISES, "count"),
        ("score", "score", PLAIN, LOWERS, "share"),
        ("recent_score", "recent score", PLAIN, LOWERS, "share"),
    ),
    *_of(
        PACE,
        ("hours_a_day", "hours per active day", LOG, LOWERS, "hours"),
        ("hours_a_day_lately", "hours per active day 14", LOG, LOWERS, "hours"),
        ("items_a_day", "items per active day", LOG, LOWERS, "count"),
        ("items_a_day_lately", "items per active day 14", LOG, LOWERS, "count"),
        ("part_a_day", "part per active day", PLAIN, LOWERS, "share"),
        ("videos_a_day", "videos per active day", LOG, LOWERS, "count"),
    ),
    *_of(DIFFICULTY, ("tries", "tries", LOG, RAISES, "times")),
    *_of(
        HELP,
        ("forum_a_day", "forum per active day", LOG, LOWERS, "count"),
        ("posts", "posts", LOG, LOWERS, "count"),
        ("hints", "hints per attempt", LOG, EITHER, "times"),
    ),
    *_of(
        ENROLMENT,
        ("late_start", "delay", LOG, EITHER, "days"),
    ),
    *_of(
        DIFFICULTY,
        ("course_active", "course: active 7", PLAIN, EITHER, "share"),
        ("course_returned", "course: second day", PLAIN, EITHER, "share"),
        ("course_keen", "course: keen", PLAIN, EITHER, "share"),
        ("course_events", "course: events 7 per active", PLAIN, EITHER, "number"),
        ("course_trend", "course: trend", PLAIN, EITHER, "number"),
        ("course_new", "course: new 7", PLAIN, EITHER, "share"),
        of_visits=False,
        of_course=True,
    ),
)
"""What the event stream tells of a learner, of mates and of the course run."""

OF_RECORDS = (
    *_of(
        DIFFICULTY,
        ("course_history", "course history", PLAIN, RAISES, "share"),
        of_visits=False,
        of_course=True,
    ),
    *_of(
        ENROLMENT,
        ("courses_before", "courses before", LOG, EITHER, "count"),
        ("completed_before", "completed before", PLAIN, LOWERS, "share"),
        ("months_here", "months here", LOG, EITHER, "months"),
        of_visits=False,
    ),
)
"""What earlier runs tell of a course, and earlier courses of a learner."""

OF_TABLES = (
    *_of(
        ASSIGNMENTS,
        ("assignments_missed", "assignments.missed", LOG, RAISES, "count"),
        ("assignments_late", "assignments.late", LOG, RAISES, "count"),
        ("days_late", "assignments.days_late", LOG, RAISES, "days"),
        ("share_handed_in", "assignments.handed_in", PLAIN, LOWERS, "share"),
        ("days_to_next_due", "assignments.days_to_next_due", LOG, EITHER, "days"),
        of_visits=False,
    ),
    *_of(
        GRADES,
        ("grade", "grades.grade", PLAIN, LOWERS, "share"),
        ("short_of_passing", "grades.short_of_passing", PLAIN, RAISES, "share"),
        of_visits=False,
    ),
    *_of(PACE, ("units_completed", "pace.completed", PLAIN, LOWERS, "share"), of_visits=False),
    *_of(HELP, ("unanswered", "help.unanswered", LOG, RAISES, "count"), of_visits=False),
    *_of(
        ENROLMENT,
        ("months_in_programme", "enrolment.months_in_programme", LOG, EITHER, "months"),
        ("courses_now", "enrolment.courses_now", LOG, EITHER, "count"),
        of_visits=False,
    ),
)
"""Columns of a feature table whose meaning is known; any other `group.name` is weighed either way."""

_KNOWN = {factor.column: factor for factor in OF_TABLES}


def of_table(columns: Iterable[str]) -> tuple[Factor, ...]:
    """The factors of a feature table's columns, which are named `group.name`.

    Raises:
        ValueError: a column has no group that is known, or is protected; the message says what to do.
    """
    return tuple(_KNOWN.get(column) or _unknown(column) for column in columns)


def _unknown(column: str) -> Factor:
    group, dot, name = column.partition(".")
    if protected(column):
        raise ValueError(
            f"the feature table's column {column} is a protected attribute, which may be audited (--slices) "
            "and never weighed: leave it out"
        )
    if not dot or not name or group not in GROUPS:
        raise ValueError(
            f"the feature table's column {column} must be called GROUP.NAME with one of the groups "
            f"{', '.join(GROUPS)}, such as assignments.missed"
        )
    return Factor(f"{group}_{name}", group, column, PLAIN, EITHER, "number", of_visits=False)


def protected(column: str) -> bool:
    """Whether a column's name says that it is an attribute which may be audited and never weighed."""
    words = re.split(r"[^a-z]+", column.lower())
    return any(
        word == name or (len(name) > LONGEST_WHOLE and word.startswith(name))
        for word in words
        for name in PROTECTED
    )


def from_json(rows: Iterable[Any]) -> tuple[Factor, ...]:
    """The inverse of `Factor.to_json`, row by row; ValueError where one is no factor."""
    try:
        return tuple(Factor(**row) for row in rows)
    except TypeError as error:
        raise ValueError(f"the model's factors are not what this code knows: {error}") from None
