"""What worked: for each kind of help and reason, what became of learners with it, and would have without.

Two ways to know.  *control*: letters go out by themselves to everyone but the control group, drawn by chance;
everyone else counts as having got them from the day on which they were due, read or not.  *alike*: where
there is no such group, and for what people do, learners in the same tier for the same reason who did not get
it, made comparable by what was known at the time.  Nothing is told of fewer than ten learners on a side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import policy
from predictor.effects import Unanswerable
from predictor.factors import GROUPS
from predictor.slices import hidden_groups

from . import episodes
from .aftermath import COMPLETED, OUTCOMES, RISK, SEEN, Aftermath, Moment
from .comparing import Compared, compare
from .episodes import ADVISER, INTERVENTIONS, MAIL, POPUP, Episode
from .plan import NONE
from .sentences import group_words
from .tiers import ORDER

ALL = "all"
FEWEST = 10
CONTROL, ALIKE = "control", "alike"

WORDS: Mapping[str, Promise] = {
    MAIL: gettext_lazy("Mail with next steps"),
    POPUP: gettext_lazy("Pop-up"),
    ADVISER: gettext_lazy("A person"),
}
SENTENCES: Mapping[str, Promise] = {
    SEEN: gettext_lazy(
        "{mine}% of those with it came back within two weeks; without it, it would have been {others}%."
    ),
    RISK: gettext_lazy(
        "Two weeks later the risk of those with it had changed by {mine} points; without it, it would have "
        "been {others}."
    ),
    COMPLETED: gettext_lazy("{mine}% of those with it completed; without it, it would have been {others}%."),
}

Row = dict[str, Any]


class Side(NamedTuple):
    """A moment and whether the learner was helped."""

    moment: Moment
    helped: bool


class Way(NamedTuple):
    """Who is compared with whom: `share` is the chance of being helped where it was drawn."""

    design: str
    share: float | None
    sides: Sequence[Side]


def worked(course_key: CourseKey, now: datetime) -> dict[str, Any]:
    """A row for each tier, kind of help, reason and outcome; the reason "all" takes them together.

    {"rows": [...], "assumption"}; with, without and difference are whole percents and points.
    """
    every = episodes.of(course_key)
    ways = {
        (tier, kind, group): way
        for tier in ORDER
        for kind in INTERVENTIONS
        for group, way in _ways(course_key, tier, kind, every).items()
    }
    moments = [side.moment for way in ways.values() for side in way.sides]
    after = Aftermath(course_key, now, moments)
    rows = [
        row
        for tier in ORDER
        for kind in INTERVENTIONS
        for outcome in OUTCOMES
        for row in _rows(tier, kind, outcome, ways, after)
    ]
    return {"rows": rows, "assumption": _assumption({way.design for way in ways.values()})}


def _ways(course_key: CourseKey, tier: str, kind: str, every: Sequence[Episode]) -> dict[str, Way]:
    """Reason to who is compared with whom, for one kind of help in one tier; empty where nobody got it."""
    mine = [each for each in every if each.tier == tier]
    if not any(kind in each.done for each in mine):
        return {}
    drawn = _by_chance(course_key, tier, kind, mine) if kind != ADVISER else {}
    if drawn and min(_counts([side for way in drawn.values() for side in way.sides])) >= FEWEST:
        return drawn
    return _by_likeness(kind, mine)


def _by_chance(course_key: CourseKey, tier: str, kind: str, mine: Sequence[Episode]) -> dict[str, Way]:
    """Everyone in the tier while such letters went out; all but the control group may get one."""
    share = float(settings.NUDGE_CONTROL_SHARE)
    if not 0.0 < share < 1.0:
        return {}
    times = episodes.switched_on(course_key)
    found: dict[str, list[Side]] = {}
    for each in mine:
        for begun, stopped in times.get((tier, each.group, kind), ()):
            at = max(each.start, begun)
            if each.is_open(at) and (stopped is None or at < stopped):
                helped = not policy.is_control(each.user_id, course_key)
                found.setdefault(each.group, []).append(Side(Moment(each, at), helped))
                break
    return {group: Way(CONTROL, 1.0 - share, sides) for group, sides in found.items()}


def _by_likeness(kind: str, mine: Sequence[Episode]) -> dict[str, Way]:
    """Who got it, from then on, and who was still in the tier after as long without it."""
    waits = [(each.done[kind] - each.start).total_seconds() for each in mine if kind in each.done]
    wait = timedelta(seconds=median(waits))
    found: dict[str, list[Side]] = {}
    for each in mine:
        if kind in each.done:
            found.setdefault(each.group, []).append(Side(Moment(each, each.done[kind]), True))
        elif each.is_open(each.start + wait):
            found.setdefault(each.group, []).append(Side(Moment(each, each.start + wait), False))
    return {group: Way(ALIKE, None, sides) for group, sides in found.items()}


def _counts(sides: Iterable[Side]) -> tuple[int, int]:
    """Learners with and without."""
    users: tuple[set[int], set[int]] = (set(), set())
    for side in sides:
        users[not side.helped].add(side.moment.episode.user_id)
    return len(users[0]), len(users[1])


def _rows(
    tier: str, kind: str, outcome: str, ways: Mapping[tuple[str, str, str], Way], after: Aftermath
) -> list[Row]:
    """The reasons of one tier, kind of help and outcome, then all of them together."""
    groups = [group for group in (*GROUPS, NONE) if (tier, kind, group) in ways]
    told = {
        group: [
            (side, value)
            for side in ways[tier, kind, group].sides
            if (value := after.outcome(side.moment, outcome)) is not None
        ]
        for group in groups
    }
    known = [group for group in groups if any(side.helped for side, _value in told[group])]
    if not known:
        return []
    sizes = [min(_counts(side for side, _value in told[group])) for group in groups]
    hidden = {groups[place] for place in hidden_groups(sizes)}
    rows = []
    for group in known:
        row = _head(tier, kind, outcome, group)
        rows.append({**row, "hidden": True} if group in hidden else _row(row, ways, [group], told, after))
    if len(known) > 1:
        rows.append(_row(_head(tier, kind, outcome, ALL), ways, groups, told, after))
    return rows


def _head(tier: str, kind: str, outcome: str, group: str) -> Row:
    named = {ALL: _("All reasons"), NONE: _("Several things together")}
    return {
        "group": group,
        "group_words": named.get(group) or group_words(group),
        "tier": tier,
        "intervention": kind,
        "words": str(WORDS[kind]),
        "outcome": outcome,
    }


def _row(
    row: Row,
    ways: Mapping[tuple[str, str, str], Way],
    groups: Sequence[str],
    told: Mapping[str, Sequence[tuple[Side, float]]],
    after: Aftermath,
) -> Row:
    way = ways[row["tier"], row["intervention"], groups[0]]
    pairs = [pair for group in groups for pair in told[group]]
    of_group = [[float(side.moment.episode.group == group) for group in groups[1:]] for side, _value in pairs]
    context = [after.context(side.moment) + of_group[place] for place, (side, _value) in enumerate(pairs)]
    try:
        if min(_counts(side for side, _value in pairs)) < FEWEST:
            raise Unanswerable("fewer than ten learners are on one of the two sides")
        found = compare(
            np.array([value for _side, value in pairs], np.float64),
            np.array([side.helped for side, _value in pairs], np.bool_),
            np.array([side.moment.episode.user_id for side, _value in pairs], np.int64),
            np.array(context, np.float64),
            way.share,
        )
    except Unanswerable:
        return {**row, "hidden": True}
    return row | _numbers(row["outcome"], found) | {"design": way.design, "hidden": False}


def _numbers(outcome: str, found: Compared) -> Row:
    """What is shown: percents of shares, points of risk."""
    scale = 1.0 if outcome == RISK else 100.0
    mine, others = (round(scale * value) for value in (found.with_it, found.without))
    if outcome != RISK:
        others = min(100, max(0, others))
    low, high = (round(scale * value) for value in (found.low, found.high))
    said = str(SENTENCES[outcome]).format(mine=mine, others=others)
    sure = _("That is more than chance explains.") if low > 0 or high < 0 else _("That may be chance.")
    return {
        "with": mine,
        "without": others,
        "difference": round(scale * found.difference),
        "low": low,
        "high": high,
        "n_with": found.n_with,
        "n_without": found.n_without,
        "sentence": f"{said} {sure}",
    }


def _assumption(designs: set[str]) -> str:
    parts = []
    if CONTROL in designs:
        parts.append(
            _(
                "Chance decided which learners get no letters by themselves (the control group), so only "
                "chance can be behind a difference between them and the others; the others count as having "
                "got the letter, whether they read it or not."
            )
        )
    if ALIKE in designs:
        parts.append(
            _(
                "Where nobody drew lots, learners with it are compared with learners in the same tier and "
                "for the same reason without it, after as long. That assumes that learners of the same "
                "risk, made up of the same reasons, and flagged for as long differ in nothing else that "
                "matters."
            )
        )
    if parts:
        parts.append(_("Each interval holds for one look at it, not for looking every day."))
    return " ".join(parts)
