"""How far a course run's learners come back more or less often than those of other course runs did.

How many will come through a course is told only in part by how busy it is. More of it shows in what became of
its own learners lately: of those who were active, fewer or more came back within a week than a regression
expects that knows how they had come until then. That needs no outcome, so it can be seen in a course run
whose outcomes nobody knows yet. Everything is counted in whole days since the run began: up to a moment
only what was complete by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from .blend import late, regression
from .calibration import sigmoid
from .moments import DAY, FloatArray, IntArray
from .sequences import Sequences

WINDOW = 7
"""Days: who was active so lately is expected to come back within so many."""
SMOOTHED = 4
"""Days whose surprises are averaged: a single one leans on the weekday."""
FADES = np.exp(-1 / np.array([2.0, 5.0, 10.0, 2.0, 10.0]))
"""A day's decay of three counts of active days and of two of events."""
FEATURES = 4 + len(FADES)
RIDGE = 1.0
UNMOVED = 1e12
"""For the levels where courses shall have none of their own."""
STEADY = 20.0
"""Learners of middling chances that a course run's level is drawn to nothing by."""
MOST_ROWS = 400_000
ROUNDS = 20

SHARE_RIDGE = 4.0
"""For the share: one part in a half of spread, against a few dozen courses."""
LEVEL_RIDGE = 12.0
"""For the levels of courses, which spread by about three tenths of log-odds."""


@dataclass(frozen=True)
class Surprise:
    """The level of a course run by day: `levels` [days], more log-odds of staying away than expected.

    The first one holds at `begin` seconds, before any day is complete.
    """

    begin: float
    levels: FloatArray

    def __call__(self, moments: FloatArray) -> FloatArray:
        """Of what was complete at each of the moments [n]; 0 where nothing can be said."""
        days = np.floor((moments - self.begin) / DAY)
        inside = (days >= 0) & (days < len(self.levels))
        return np.where(inside, self.levels[np.where(inside, days, 0).astype(np.int64)], 0.0)


@dataclass(frozen=True)
class Expectation:
    """A logistic regression, `weights` [FEATURES], of who stays away for a week; stored with a stack."""

    weights: FloatArray

    @classmethod
    def fit(cls, courses: Iterable[tuple[Sequences, float]]) -> Expectation | None:
        """From course runs and when they began; None where none went on for longer than a week."""
        features, gone = [], []
        for sequences, begin in courses:
            active = _days(sequences, begin)
            end = active[1].max(initial=0) + 1
            for day, mine, away in _weeks(*active):
                if day + WINDOW <= end:
                    features.append(mine)
                    gone.append(away)
        if not gone:
            return None
        table, labels = np.concatenate(features), np.concatenate(gone)
        step = -(-len(labels) // MOST_ROWS)
        table, labels = table[::step], labels[::step]
        nothing = np.zeros(len(labels))
        group = np.zeros(len(labels), dtype=np.int64)
        prior = np.zeros(FEATURES)
        return cls(regression(nothing, table, labels, group, prior, RIDGE, UNMOVED))

    def of(self, sequences: Sequences, begin: float) -> Surprise:
        """What a course run that began at `begin` was like, day by day."""
        if not len(sequences.times):
            return Surprise(begin, np.zeros(1))
        owners, day, sizes = _days(sequences, begin)
        found = {today: self._level(mine, away) for today, mine, away in _weeks(owners, day, sizes)}
        low = int(day.min())
        levels = np.zeros(int(day.max()) - low + 2 * WINDOW + SMOOTHED + 1)
        for today, level in found.items():
            begins = today + WINDOW - low
            levels[begins : begins + SMOOTHED] += level / SMOOTHED
        return Surprise(begin + low * DAY, levels)

    def _level(self, features: FloatArray, gone: FloatArray) -> float:
        """The shift of log-odds that tells as many away as there were, drawn to nothing."""
        scores, level = features @ self.weights, 0.0
        for _ in range(ROUNDS):
            chance = sigmoid(scores + level)
            mass = float((chance * (1 - chance)).sum()) + STEADY
            step = (float((chance - gone).sum()) + STEADY * level) / mass
            level -= float(np.clip(step, -1, 1))
            if abs(step) < 1e-9:
                break
        return level


@dataclass(frozen=True)
class Lift:
    """The share of the surprise that a target's log-odds move by, and the times it was fitted for.

        share = a + b·u,   u = log(1 + days) - log(8),   kept between none and all

    Args:
        weights: a and b.
        shortest, longest: seconds; before and after, the share is the one there.
    """

    weights: FloatArray
    shortest: float
    longest: float

    def __call__(self, surprise: FloatArray, at: FloatArray) -> FloatArray:
        """Log-odds [n] to add, from surprises [n] and ages [n] in seconds."""
        share = late(np.clip(at, self.shortest, self.longest)) @ self.weights
        lifted: FloatArray = np.clip(share, 0.0, 1.0) * surprise
        return lifted

    @classmethod
    def fit(
        cls, scores: FloatArray, surprise: FloatArray, at: FloatArray, labels: FloatArray, groups: IntArray
    ) -> Lift:
        """From learners whom the scores [n] have not learned from; `groups` [n] numbers their courses.

        Every course has a level of its own at every moment, which only the surprise and the moment explain:
        so many learners of one course are no more than one witness.
        """
        if not len(labels):
            return cls(np.zeros(2), 0.0, 0.0)
        _, group = np.unique(np.stack((groups, at)), axis=1, return_inverse=True)
        moments = at[:, None] == np.unique(at)
        design = np.concatenate((late(at) * surprise[:, None], moments), axis=1)
        prior = np.zeros(design.shape[1])
        ridge = np.append(np.full(2, SHARE_RIDGE), np.ones(moments.shape[1]))
        weights = regression(scores, design, labels, np.ravel(group), prior, ridge, LEVEL_RIDGE)
        return cls(weights[:2], float(at.min()), float(at.max()))


def _days(sequences: Sequences, begin: float) -> tuple[IntArray, IntArray, FloatArray]:
    """Who was active on which day since `begin`, by learner and day: places, days, events (logarithm)."""
    owners = np.repeat(np.arange(len(sequences.offsets) - 1), np.diff(sequences.offsets))
    day = np.floor((np.asarray(sequences.times, dtype=np.float64) - begin) / DAY).astype(np.int64)
    low = int(day.min(initial=0))
    width = int(day.max(initial=0)) - low + 1
    pairs, sizes = np.unique(owners * width + (day - low), return_counts=True)
    return pairs // width, pairs % width + low, np.log1p(sizes.astype(np.float64))


def _weeks(
    owners: IntArray, days: IntArray, sizes: FloatArray
) -> Iterator[tuple[int, FloatArray, FloatArray]]:
    """For each day at whose start someone was lately active: the day, features [m, FEATURES], away [m].

    Who was active when is as `_days` tells. Away is who has no event within a week from then, so that it is
    known a week later.
    """
    if not len(days):
        return
    learners = int(owners.max()) + 1
    same = np.append(owners[1:] == owners[:-1], False)
    nexts = np.where(same, np.roll(days, -1), np.iinfo(np.int64).max)
    order = np.argsort(days, kind="stable")
    first, active = np.zeros(learners), np.zeros(learners)
    last = np.full(learners, int(days.min()) - 2 * WINDOW)
    following, fading = np.zeros(learners, dtype=np.int64), np.zeros((learners, len(FADES)))
    for today in np.unique(np.add.outer(np.unique(days), np.arange(1, WINDOW + 1))).tolist():
        rows = order[slice(*np.searchsorted(days, (today - 1, today), sorter=order))]
        who, size = owners[rows], sizes[rows]
        fading[who] *= FADES ** (today - 1 - last[who])[:, None]
        fading[who] += np.stack((*np.ones((3, len(rows))), size, size), axis=1)
        first[who] = np.where(active[who] > 0, first[who], today - 1)
        active[who] += 1
        last[who], following[who] = today - 1, nexts[rows]
        lately = np.flatnonzero(last >= today - WINDOW)
        there, away = today - first[lately], today - last[lately]
        known = (np.ones(len(lately)), np.log(away), active[lately] / there, np.log(there))
        faded = fading[lately] * FADES ** (away - 1)[:, None]
        features = np.concatenate((np.stack(known, axis=1), faded), axis=1)
        yield today, features, (following[lately] >= today + WINDOW).astype(np.float64)
