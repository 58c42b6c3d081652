"""How much more or less learners complete after each message than is to be expected of them.

Pure numpy: logged moments in, beliefs out.  `harm` asks whether chance alone proves harm, and takes thousands
of moments for an answer; here every moment counts, sent and held, for a guess that may tip the choice between
messages and condemns none.

*Expected* is what learners of the site complete after as much before: a log-linear regression.  The observed
over the expected, less one, is the ratio of a message and that of a placement's moments without one:

    held at p:  a_p                 message m at p:  a_p + b + e_m          variance phi / expected

a_p belongs to the place (near a course's end there is less left to complete), b to sending at all, e_m to the
message.  a_p and e_m are normal around zero, their variances being found from all (EM; Dempster, Laird and
Rubin 1977), and e_m is what is returned: what is seen of a message after few moments hardly counts.  b is
left out: learners whom the gate sends to differ from those it does not, alike for all messages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .normaltree import Belief

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEWEST = 200
"""With fewer moments nothing is said."""
ROUNDS = 40
FIRST_GUESS = 0.03
"""Standard deviation of effects to begin with, as a share of what is completed."""
_BROAD = 1e-2  # prior precision of `b`
_SMALLEST = 1e-7


class Followed(NamedTuple):
    """One moment whose days are over: where, what was sent (None: nothing), and the items after and before.

    `long_before` are those over a longer time before; the same where it was not counted.
    """

    placement: str
    sent: str | None
    items: float
    before: float
    long_before: float


@dataclass(frozen=True, eq=False)
class _Sums:
    """Expected and surplus items: of each placement's moments without a message, and of each message.

    `place` [messages] is the number of its placement; `noise` the variance for one item expected.
    """

    held: Floats
    held_surplus: Floats
    sent: Floats
    sent_surplus: Floats
    place: Ints
    noise: float


def effects(moments: Iterable[Followed]) -> dict[str, Belief]:
    """By message: how much more (above zero) or less learners complete after it than after the others.

    As a share of what is expected, so -0.1 is a tenth less.  Empty for fewer than FEWEST moments.
    """
    rows = list(moments)
    if len(rows) < FEWEST or not any(row.items for row in rows):
        return {}
    names = list(dict.fromkeys(row.sent for row in rows if row.sent is not None))
    if not names:
        return {}
    found = _beliefs(_sums(rows, names))
    return dict(zip(names, found, strict=True))


def expected(before: Floats, long_before: Floats, items: Floats) -> Floats:
    """What learners with so much before complete on average [n]: a log-linear regression on all of them."""
    short, long = np.log1p(before), np.log1p(long_before)
    table = np.stack([np.ones(len(items)), short, long, before == 0.0, short * long], axis=1)
    weights = np.zeros(table.shape[1])
    weights[0] = math.log(max(float(items.mean()), 1e-6))
    prior = np.eye(len(weights))
    for _ in range(25):
        rate = np.exp(np.clip(table @ weights, -8.0, 8.0))
        slope = table.T @ (items - rate) - prior @ weights
        step = np.linalg.solve((table.T * rate) @ table + prior, slope)
        weights = weights + step
        if float(np.abs(step).max()) < 1e-7:
            break
    return np.asarray(np.exp(np.clip(table @ weights, -8.0, 8.0)), np.float64)


def _sums(rows: list[Followed], names: list[str]) -> _Sums:
    items, before, long_before = np.array([row[2:] for row in rows], np.float64).T
    rate = expected(before, long_before, items)
    surplus = items - rate
    numbers = {name: number for number, name in enumerate(names)}
    places: dict[str, int] = {}
    where = np.array([places.setdefault(row.placement, len(places)) for row in rows])
    what = np.array([-1 if row.sent is None else numbers[row.sent] for row in rows])
    sent, held = what >= 0, what < 0
    place = np.zeros(len(names), np.int64)
    place[what[sent]] = where[sent]
    return _Sums(
        _added(where[held], rate[held], len(places)),
        _added(where[held], surplus[held], len(places)),
        _added(what[sent], rate[sent], len(names)),
        _added(what[sent], surplus[sent], len(names)),
        place,
        float((surplus**2).sum() / rate.sum()),
    )


def _added(groups: Ints, values: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(groups, values, size), np.float64)


def _beliefs(sums: _Sums) -> list[Belief]:
    """The effects, the variances of effects and places being found on the way."""
    known, known_held = sums.sent / sums.noise, sums.held / sums.noise
    ratio, held_ratio = sums.sent_surplus / sums.sent, sums.held_surplus / sums.noise
    places, place = len(known_held), sums.place
    spread = spread_of_places = FIRST_GUESS**2
    usual = 0.0
    effect, doubt = np.zeros(len(known)), np.full(len(known), spread)
    for _ in range(ROUNDS):
        through = 1.0 / (1.0 / known + spread)
        precision = known_held + np.bincount(place, through, places) + 1.0 / spread_of_places
        own = (held_ratio + np.bincount(place, through * (ratio - usual), places)) / precision
        share = known / (known + 1.0 / spread)
        effect = share * (ratio - usual - own[place])
        doubt = (1.0 - share) * spread + share**2 / precision[place]
        spread = max(_SMALLEST, float((effect**2 + doubt).mean()))
        spread_of_places = max(_SMALLEST, float((own**2 + 1.0 / precision).mean()))
        weight = 1.0 / (1.0 / known + spread + 1.0 / precision[place])
        usual = float(weight @ (ratio - own[place])) / (float(weight.sum()) + _BROAD)
    return [Belief(float(mean), math.sqrt(float(each))) for mean, each in zip(effect, doubt, strict=True)]
