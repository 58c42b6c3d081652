"""A simulated course of eight weeks, for staff whose experiments have no data yet: what answers look like.

Nobody in it exists and nothing is stored.  One nudge helps, one changes nothing, one has hardly been shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np

from . import trials
from .example import person
from .groups import Person
from .models import Variant
from .questions import Course, Nudge
from .starters import STARTERS
from .trials import NONE, Log

SEED = 20_200_615
DAYS, LEARNERS = 56, 900
NUDGES = (  # moments, items more after a nudge, share who find each wording helpful
    (6000, 0.9, (0.22, 0.34)),
    (9000, 0.0, (0.30, 0.30)),
    (70, 0.4, (0.25,)),
)
HELD = 0.3


def course(now: datetime) -> Course:
    """The simulated course, in the shape of `questions.load`."""
    through = trials.midnight(now)
    made = [nudge(number, through) for number in range(len(NUDGES))]

    def people(learners: Iterable[int]) -> dict[int, Person]:
        return {learner: person(learner, now.year) for learner in learners}

    return Course(through, tuple(one for one, _ in made), {one.id: log for one, log in made}, people)


def nudge(number: int, through: datetime) -> tuple[Nudge, Log]:
    """One nudge and its log."""
    rng, (count, effect, likes) = np.random.default_rng([SEED, number]), NUDGES[number]
    wordings = worded(number, len(likes))
    ids = np.array([NONE, *(one.pk for one in wordings)])
    chances = np.array([HELD, *([(1.0 - HELD) / len(likes)] * len(likes))])
    taken = rng.choice(len(ids), count, p=chances)
    learner = rng.integers(0, LEARNERS, count)
    pace = rng.gamma(2.0, 2.0, LEARNERS)[learner]
    sent, first = taken > 0, through.toordinal() - DAYS
    found = Log(
        first + np.sort(rng.integers(0, DAYS - 8, count)),
        learner,
        ids[taken],
        {int(key): np.full(count, chance) for key, chance in zip(ids, chances, strict=True)},
        {
            "helpful": (rng.random(count) < np.array([0.0, *likes])[taken]).astype(np.float64),
            "clicked": (sent & (rng.random(count) < 0.2)).astype(np.float64),
            "items": rng.poisson(pace + effect * sent).astype(np.float64),
        },
        rng.poisson(pace).astype(np.float64),
    )
    counts = {int(key): (int((taken == place).sum()),) * 2 for place, key in enumerate(ids)}
    title = str(STARTERS[number].situation)
    return Nudge(-1 - number, title, "", "vote", True, tuple(wordings), counts), found


def worded(number: int, count: int) -> list[Variant]:
    """Ready-made messages as the nudge's wordings, not stored."""
    return [
        Variant(
            pk=10 * (number + 1) + place, heading=str(STARTERS[place * 3 + number].heading), action_url="#"
        )
        for place in range(count)
    ]
