"""Which messages lower what learners complete afterwards, however much they are liked.

Pure numpy: logged moments in, findings out; safe to repeat every night.

A message is compared with holding back at the moments where chance decided between the two.  Let p be the
logged chance of the message and h that of holding back.  Each such moment adds (h / (p + h)) r to the
message's sum where it was sent and -(p / (p + h)) r where it was held back; r is the outcome less what was
to be expected of that learner.  Whatever the model of what was to be expected, the sum has no drift where the
message changes nothing, and its drift is the effect times the information p h / (p + h).

*How large.*  The effect of each message is shrunk over the groups it belongs to (site, kind, placement), in
a tree of normal effects whose spread at each level is estimated from the messages themselves.

*How sure.*  The sums are martingales, so evidence of harm is an e-value: the one-sided normal mixture
(Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021), valid whenever it is looked at.  Over all messages
the false discovery rate is held by e-BH (Wang and Ramdas 2022), which needs no independence between them.
Noise is taken as it was seen (self-normalised), so for few moments this is an approximation; messages with
fewer than `LEAST` moments on either side are never condemned.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .gate import HOLD
from .normaltree import Belief, shrink

Floats = npt.NDArray[np.float64]

FALSE_DISCOVERIES = 0.05
LEAST = 20
WORTHWHILE = 0.25
"""Harm of the size that the test is most sensitive to, in standard deviations of the outcome."""
_NORMAL = NormalDist()


class Moment(NamedTuple):
    """One logged moment whose outcome is known.

    `chances` maps each candidate and HOLD to its logged probability; `taken` is the one that happened.
    `outcome` is what the learner did afterwards (more is better), `before` what tells it in advance, such as
    the same count over as many days before.
    """

    chances: Mapping[str, float]
    taken: str
    outcome: float
    before: float = 0.0


@dataclass(frozen=True, slots=True)
class Tally:
    """What chance tells of one message.

    `information` is the sum of p h / (p + h), `gain` the sum described above, `noise` the sum of its squared
    steps; `sent` and `held` count the moments on either side.
    """

    information: float = 0.0
    gain: float = 0.0
    noise: float = 0.0
    sent: int = 0
    held: int = 0

    @property
    def effect(self) -> float:
        """The effect of one send, unshrunk; not a number without information."""
        return self.gain / self.information if self.information else math.nan

    @property
    def variance(self) -> float:
        """Of `effect`; infinite without information or without noise to tell it from."""
        return self.noise / self.information**2 if self.information and self.noise else math.inf


@dataclass(frozen=True, slots=True)
class Finding:
    """One message: its tally, its effect shrunk over its groups, the e-value of harm, and the verdict."""

    tally: Tally
    effect: Belief
    evidence: float
    harmful: bool


def tally(moments: Iterable[Moment]) -> dict[str, Tally]:
    """Fold the moments of every message at which it could have been sent and could have been held back."""
    known = [moment for moment in moments if moment.chances.get(HOLD, 0.0) > 0.0]
    surplus = _surplus(known)
    sums: dict[str, list[float]] = {}
    for moment, rest in zip(known, surplus.tolist(), strict=True):
        hold = moment.chances[HOLD]
        for name, chance in moment.chances.items():
            if name == HOLD or chance <= 0.0:
                continue
            row = sums.setdefault(name, [0.0, 0.0, 0.0, 0, 0])
            row[0] += chance * hold / (chance + hold)
            if moment.taken in (name, HOLD):
                sent = moment.taken == name
                step = rest * (hold if sent else -chance) / (chance + hold)
                row[1] += step
                row[2] += step * step
                row[3 if sent else 4] += 1
    return {name: Tally(row[0], row[1], row[2], int(row[3]), int(row[4])) for name, row in sums.items()}


def judge(
    tallies: Mapping[str, Tally],
    groups: Mapping[str, Sequence[str]] | None = None,
    level: float = FALSE_DISCOVERIES,
    retired: frozenset[str] = frozenset(),
) -> dict[str, Finding]:
    """Find the messages that lower the outcome.

    Args:
        tallies: by message.
        groups: the groups of each message, broadest first, such as kind and placement; none by default.
        level: the false discovery rate.
        retired: messages that were found harmful before; they stay so until their shrunken effect is no
            longer below zero.
    """
    names = list(tallies)
    chains = [tuple((groups or {}).get(name, ())) for name in names]
    effects = shrink(
        [(tallies[name].effect, tallies[name].variance) for name in names],
        chains,
    )
    evidence = [e_value(tallies[name]) for name in names]
    condemned = e_bh(evidence, level)
    return {
        name: Finding(
            tallies[name],
            effect,
            proof,
            effect.mean < 0.0 and (name in retired or (guilty and _is_seen(tallies[name]))),
        )
        for name, effect, proof, guilty in zip(names, effects, evidence, condemned, strict=True)
    }


def harmful(findings: Mapping[str, Finding]) -> frozenset[str]:
    """The messages to retire."""
    return frozenset(name for name, finding in findings.items() if finding.harmful)


def e_value(found: Tally) -> float:
    """Evidence that the message does harm: what a bet on it pays; at most 1 on average where it does none.

    2 / sqrt(1 + s^2 V) exp(s^2 X^2 / (2 (1 + s^2 V))) Phi(s X / sqrt(1 + s^2 V)), where X is the gain the
    other way round, V its noise, and s sets the harm that is tested for (a half-normal over its size).
    """
    if not found.noise or not found.information:
        return 1.0
    scale = WORTHWHILE * math.sqrt(found.information / found.noise)
    spread = 1.0 + scale**2 * found.noise
    lead = -found.gain * scale / math.sqrt(spread)
    return 2.0 / math.sqrt(spread) * math.exp(min(lead**2 / 2.0, 600.0)) * _NORMAL.cdf(lead)


def e_bh(evidence: Sequence[float], level: float) -> list[bool]:
    """Which hypotheses are rejected at this false discovery rate, from one e-value each."""
    order = sorted(range(len(evidence)), key=lambda place: -evidence[place])
    ranks = [rank for rank, place in enumerate(order, 1) if rank * evidence[place] * level >= len(evidence)]
    rejected = set(order[: max(ranks, default=0)])
    return [place in rejected for place in range(len(evidence))]


def _is_seen(found: Tally) -> bool:
    return min(found.sent, found.held) >= LEAST


def _surplus(moments: Sequence[Moment]) -> Floats:
    """The outcomes less what was to be expected from what went before: a straight line through all, [n]."""
    if not moments:
        return np.zeros(0)
    outcome = np.array([moment.outcome for moment in moments], np.float64)
    before = np.array([moment.before for moment in moments], np.float64)
    centred = before - before.mean()
    spread = float(centred @ centred)
    slope = float(centred @ outcome) / spread if spread else 0.0
    return np.asarray(outcome - outcome.mean() - slope * centred, np.float64)
