"""On which days learners come in, and how likely that was before the day began.

Pure numpy.  A day is foreseen from the learner's days before it: how often the learner came of late and at
all, since when, the day of the week, and how many moments for a nudge there were; a log-linear regression on
the days of all learners together (Poisson with log link, as for relative risks; Zou 2004).  Who comes more
often than that all along has a level of their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FADING = 0.8
"""What is left of a moment's weight a day later: half after three days."""
LASTS = 14
"""Days after a moment that are looked at; what is left then is a twentieth."""
_RATES = (0.0, 0.5, 0.8, 0.93)
_SAMPLE = 200_000  # learner-days that the regression is fitted on
_MOST = 0.97  # chance of coming
OWN = 20.0
"""Foreseen days that a learner's own level has to be seen on before it counts half."""
_ROUNDS = 25


class Attendance:
    """The days of some learners, [n learners, days]: who came, who met moments, and which days count.

    A day counts from the one after the learner's first to LASTS days after a moment.
    """

    def __init__(
        self, came: Mapping[str, Iterable[int]], met: Mapping[str, Iterable[int]], days: int
    ) -> None:
        """`came` and `met`: by learner, the days with anything and those of moments, from 0 to `days` - 1.

        Other days are left out.
        """
        self.days = days
        self.place = {learner: number for number, learner in enumerate(met)}
        self.came = np.zeros((len(self.place), days), np.bool_)
        self.met = np.zeros((len(self.place), days), np.uint8)
        for learner, number in self.place.items():
            there = [day for day in came.get(learner, ()) if 0 <= day < days]
            self.came[number, there] = True
            for day in met[learner]:
                if 0 <= day < days:
                    self.met[number, day] += self.met[number, day] < 255
        known = self.came | (self.met > 0)
        self.first = np.where(known.any(axis=1), known.argmax(axis=1), days)

    def counted(self, who: npt.NDArray[np.int64]) -> Flags:
        """Which of their days count, [len(who), days]."""
        since = _since(self.met[who] > 0)
        return np.asarray((np.arange(self.days) > self.first[who][:, None]) & (since <= LASTS), np.bool_)

    def inputs(self, who: npt.NDArray[np.int64]) -> Floats:
        """What their days are foreseen by, all known the night before, [len(who), days, inputs]."""
        came, met = self.came[who].astype(np.float64), self.met[who].astype(np.float64)
        day = np.arange(self.days)
        age = np.maximum(day - self.first[who][:, None], 0).astype(np.float64)
        gone, old = np.log1p(np.minimum(_since(self.came[who]), self.days)), np.log1p(age)
        usual = np.log((faded(came, 1.0) + 0.5) / (age + 2.0))
        week = [np.broadcast_to(day % 7 == number, came.shape) for number in range(1, 7)]
        lately = [np.log1p(faded(came, rate)) for rate in _RATES]
        asked = [np.log1p(faded(met, rate)) for rate in (0.5, FADING)]
        told = [np.ones_like(came), *lately, *asked, usual, usual**2, old, usual * old, gone, usual * gone]
        return np.stack([*told, *week], axis=-1)

    def weights(self) -> Floats | None:
        """The regression's weights [inputs]; None where nothing is counted or nobody ever came again."""
        if not self.place:
            return None
        each = max(1, math.ceil(len(self.place) * self.days / _SAMPLE))
        tables, answers = [], []
        for begin in range(0, len(self.place), 1000 * each):
            who = np.arange(begin, min(begin + 1000 * each, len(self.place)), each)
            counts = self.counted(who)
            tables.append(self.inputs(who)[counts])
            answers.append(self.came[who][counts])
        table, came = np.concatenate(tables), np.concatenate(answers).astype(np.float64)
        return _fitted(table, came) if came.any() else None

    def foreseen(self, who: npt.NDArray[np.int64], weights: Floats) -> Floats:
        """How likely each of their days was [len(who), days], by the days before and the learner's own level.

        The level is the days come in, over those foreseen, of all days that count, drawn towards one.
        Without it whoever knows that level, as a gate that tells learners apart may, would seem to cause it.
        """
        counts, likely = self.counted(who), chance(self.inputs(who), weights)
        there = (self.came[who] & counts).sum(axis=1) + OWN
        level = there / (np.where(counts, likely, 0.0).sum(axis=1) + OWN)
        return np.asarray(np.minimum(likely * level[:, None], _MOST), np.float64)


def chance(inputs: Floats, weights: Floats) -> Floats:
    """How likely each day was, [...] for inputs [..., inputs]."""
    return np.asarray(np.exp(np.clip(inputs @ weights, -10.0, math.log(_MOST))), np.float64)


def faded(values: Floats, rate: float) -> Floats:
    """What of `values` [n, days, ...] of the days before is left on each day, a share `rate` from day to day.

    Yesterday's counts whole; `rate` 0 is yesterday alone.
    """
    left = np.zeros_like(values)
    for day in range(1, values.shape[1]):
        left[:, day] = rate * left[:, day - 1] + values[:, day - 1]
    return left


def _since(happened: Flags) -> Floats:
    """Days since it last happened before each day [n, days]; infinite where it never had."""
    days = np.arange(happened.shape[1])
    last = np.maximum.accumulate(np.where(happened, days, -np.inf), axis=1)
    before = np.concatenate([np.full((len(happened), 1), -np.inf), last[:, :-1]], axis=1)
    return np.asarray(days - before, np.float64)


def _fitted(table: Floats, answers: Floats) -> Floats:
    """Weights of the log-linear regression, standardised and slightly shrunk (Newton)."""
    centre, scale = table.mean(axis=0), table.std(axis=0) + 1e-9
    centre[0], scale[0] = 0.0, 1.0
    units = (table - centre) / scale
    weights = np.zeros(table.shape[1])
    weights[0] = math.log(float(answers.mean()))
    prior = np.eye(len(weights))
    for _ in range(_ROUNDS):
        rate = np.exp(np.clip(units @ weights, -10.0, 2.0))
        slope = units.T @ (answers - rate) - prior @ weights
        step = np.linalg.solve((units.T * rate) @ units + prior, slope)
        weights = weights + step
        if float(np.abs(step).max()) < 1e-6:
            break
    own = weights / scale
    own[0] -= float(centre @ own)
    return np.asarray(own, np.float64)
