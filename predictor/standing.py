"""Where learners of a course run stand at a moment: the numbers that the risk model's factors read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .coursework import coursework, first_submission
from .description import Description
from .factors import Factor
from .facts import Told
from .moments import DAY, Enrolments, FloatArray, cut
from .records import CourseRecords, LearnerRecords
from .sequences import Sequences
from .signals import Columns
from .stack import alike

Mask = NDArray[np.bool_]

FURTHEST, MISSED = "furthest of all", "missed of week"
GRACE = 7 * DAY
"""So many seconds who enrolled late has to come for the first time before anybody speaks of absence."""


@dataclass(frozen=True)
class Known:
    """What is known beside events; each may lack.

    Args:
        facts: a feature table, or whatever else tells numbers.
        courses: earlier runs of courses.
        learners: learners' earlier courses.
        lengths: course run -> seconds from its beginning to its end.
        joined: course run -> learner -> unix seconds of the enrolment, of those who came to it late.
    """

    facts: Told | None = None
    courses: CourseRecords | None = None
    learners: LearnerRecords | None = None
    lengths: Mapping[str, float] = field(default_factory=dict)
    joined: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def askable(begins: FloatArray, joined: FloatArray, moments: FloatArray, came: Mask) -> Mask:
    """Of which learners [n] it makes sense to ask at `moments` whether they are at risk.

    Who enrolled after a run's beginning (`joined`, NaN where that is not known) was not absent before, nor at
    once afterwards: until GRACE has passed they are asked about only when they have been there (`came`).
    """
    late = joined > begins
    return came | ~late | (joined + GRACE <= moments)


@dataclass(frozen=True)
class Numbers:
    """Factors of n learners: `values` [n, factors], NaN where unknown; `came` [n] whether ever there."""

    values: FloatArray
    came: Mask


class Standing:
    """One course run, and the learners of it who are asked about."""

    def __init__(
        self, factors: Sequence[Factor], clock: str, sequences: Sequences, people: Enrolments, known: Known
    ) -> None:
        self._factors, self._sequences, self._people, self._known = factors, sequences, people, known
        self._described = Description((), clock).described(sequences, people)
        self._first = first_submission(sequences)

    def numbers(self, ages: FloatArray) -> Numbers:
        """At `ages` [n] seconds of each learner's clock, from what was known before."""
        people = self._people
        values = np.full((len(people), len(self._factors)), np.nan)
        came = np.zeros(len(people), dtype=np.bool_)
        names = (*dict.fromkeys(factor.column for factor in self._factors), FURTHEST)
        own = self._own(ages)
        for rows in alike(ages):
            table = self._described.table(ages, names, rows).astype(np.float64)
            columns = dict(zip(names, table.T, strict=True))
            columns |= {name: numbers[rows] for name, numbers in own.items()}
            if MISSED in columns:  # who is away for longer than a week missed all of it
                columns[MISSED] = np.minimum(columns[MISSED], 1.0)
            columns["part per active day"] = columns[FURTHEST] / columns["days there"]
            came[rows] = columns["never"] == 0
            for place, factor in enumerate(self._factors):
                told = columns[factor.column]
                values[rows, place] = np.where(came[rows], told, np.nan) if factor.of_visits else told
        return Numbers(values, came)

    def _own(self, ages: FloatArray) -> Columns:
        """Columns [n] that need no mates."""
        people, known = self._people, self._known
        moments = people.starts + ages
        past = cut(self._sequences, np.arange(len(people)), people.learners, moments)
        columns = coursework(past, self._first)
        course_id = self._sequences.course_id
        if known.facts:
            columns |= known.facts.at(course_id, people.learners, moments)
        if known.courses:
            begin = float(people.begins.min()) if len(people) else 0.0
            columns["course history"] = np.full(len(people), known.courses.lost_before(course_id, begin))
        if known.learners:
            columns |= known.learners.columns(people.learners, people.begins)
        return columns
