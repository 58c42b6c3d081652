"""Learners who come in on some days, meet moments, and come back more or less often after them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nudge_xblock.activity import Moment
from nudge_xblock.attendance import FADING


class Campus(NamedTuple):
    """What the site knows of it: moments, and by learner the days on which there was anything."""

    moments: list[Moment]
    came: dict[str, list[int]]
    end: int


def campus(
    changes: Sequence[float],
    learners: int,
    seed: int,
    days: int = 40,
    levels: Sequence[float] = (0.0,) * 4,
    sends: float = 0.7,
    courses: int = 1,
) -> Campus:
    """Learners of their own habits for `days` days; a moment on half the days they come in.

    A send of message m changes the log-chance of coming by `changes[m]` on the next day, and by FADING of
    that on each further one; a moment at placement p does by `levels[p]`, sent or not.  Message m belongs to
    placement m modulo their number, a placement to a course likewise.
    """
    rng = np.random.default_rng(seed)
    habit = rng.beta(2.0, 4.0, learners) * 0.7
    start = rng.integers(0, days // 2, learners)
    boost = np.zeros(learners)
    offered = [np.arange(place, len(changes), len(levels)) for place in range(len(levels))]
    moments: list[Moment] = []
    came: dict[str, list[int]] = {f"u{number}": [] for number in range(learners)}
    for day in range(days):
        chance = np.clip(habit * np.exp(boost), 0.0, 0.97)
        there = (day >= start) & ((day == start) | (rng.random(learners) < chance))
        boost *= FADING
        for number in np.flatnonzero(there):
            learner = f"u{number}"
            came[learner].append(day)
            if rng.random() < 0.5:
                place = int(rng.integers(len(levels)))
                message = int(rng.choice(offered[place])) if rng.random() < sends else None
                boost[number] += levels[place] + (0.0 if message is None else changes[message])
                sent = None if message is None else f"m{message}"
                moments.append(Moment(learner, day, f"c{place % courses}", f"p{place}", sent))
    return Campus(moments, came, days)
