"""What worked: for each kind of help and reason, what became of learners with it, and would have without.

Two ways to know.  *control*: nothing goes out by itself to the control group, drawn by chance.  That group is
the whole product's, so what it tells of is all that goes out by itself, mails, pop-ups and nudges, as one;
and of each learner only the first time in a tier, as what comes later may be for what went out.  Everyone
else counts as having got it, read or not.  *alike*: where there is no such group, and for what people do,
learners in the same tier for the same reason who did not have it yet after as long, made comparable by what
was known at the time; who got it later is on both sides, as nobody knew of that.  Nothing is told of fewer
than ten learners on a side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
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
from .episodes import ADVISER, INTERVENTIONS, LETTERS, MAIL, POPUP, Episode
from .plan import NONE
from .sentences import group_words
from .tiers import ORDER

ALL = "all"
BY_ITSELF = "letters"
KINDS = (BY_ITSELF, *INTERVENTIONS)
SPREAD = 0.6180339887
"""Multiples of it, their whole parts taken off, lie evenly between 0 and 1 however many there are."""
FEWEST = 10
CONTROL, ALIKE = "control", "alike"

WORDS: Mapping[str, Promise] = {
    BY_ITSELF: gettext_lazy("What goes out by itself"),
    MAIL: gettext_lazy("Mail with next steps"),
    POPUP: gettext_lazy("Pop-up"),
    ADVISER: gettext_lazy("A person"),
}
SENTENCES: Mapping[str, Promise] = {
    SEEN: gettext_lazy(
        "With it, {mine}% of all who are compared would come back within two weeks; without it, {others}%."
    ),
    RISK: gettext_lazy(
        "With it, the risk of all who are compared would change by {mine} points in two weeks; without it, "
        "by {others}."
    ),
    COMPLETED: gettext_lazy(
        "With it, {mine}% of all who are compared would complete; without it, {others}%."
    ),
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
        for kind, groups in _ways(course_key, tier, every).items()
        for group, way in groups.items()
    }
    moments = [side.moment for way in ways.values() for side in way.sides]
    after = Aftermath(course_key, now, moments)
    rows = [
        row
        for tier in ORDER
        for kind in KINDS
        for outcome in OUTCOMES
        for row in _rows(tier, kind, outcome, ways, after)
    ]
    return {"rows": rows, "assumption": _assumption({way.design for way in ways.values()})}


def _ways(course_key: CourseKey, tier: str, every: Sequence[Episode]) -> dict[str, dict[str, Way]]:
    """Kind of help and reason to who is compared with whom in one tier; kinds nobody got are left out."""
    mine = [each for each in every if each.tier == tier]
    kinds = [kind for kind in INTERVENTIONS if any(kind in each.done for each in mine)]
    found: dict[str, dict[str, Way]] = {}
    if set(kinds) & set(LETTERS):
        drawn = _by_chance(course_key, tier, every)
        if drawn and min(_counts(side for way in drawn.values() for side in way.sides)) >= FEWEST:
            found[BY_ITSELF] = drawn
            kinds = [kind for kind in kinds if kind not in LETTERS]
    # Whether a learner is in a tier later on may be what letters did before.
    first = {each.user_id: each for each in sorted(every, key=lambda each: each.start, reverse=True)}
    alone = [each for each in mine if first[each.user_id] is each]
    return found | {kind: _by_likeness(kind, alone if kind in LETTERS else mine) for kind in kinds}


def _by_chance(course_key: CourseKey, tier: str, every: Sequence[Episode]) -> dict[str, Way]:
    """Who was in the tier the first time that they were in any while letters went out by themselves."""
    share = float(settings.NUDGE_CONTROL_SHARE)
    if not 0.0 < share < 1.0:
        return {}
    times = {span for spans in episodes.switched_on(course_key).values() for span in spans}
    first: dict[int, Moment] = {}
    for each in every:
        for begun, stopped in times:
            at = max(each.start, begun)
            before = first.get(each.user_id)
            if each.is_open(at) and (stopped is None or at < stopped) and (not before or at < before.at):
                first[each.user_id] = Moment(each, at)
    found: dict[str, list[Side]] = {}
    for user_id, moment in sorted(first.items()):
        if moment.episode.tier == tier:
            helped = not policy.is_control(user_id, course_key)
            found.setdefault(moment.episode.group, []).append(Side(moment, helped))
    return {group: Way(CONTROL, 1.0 - share, sides) for group, sides in found.items()}


def _by_likeness(kind: str, mine: Sequence[Episode]) -> dict[str, Way]:
    """Who got it, from then on, and who was in the tier after as long and did not have it yet.

    To leave out who got it later would leave those who were better before anybody came to them.
    """
    waits = sorted(each.done[kind] - each.start for each in mine if kind in each.done)
    if not waits:
        return {}
    found: dict[str, list[Side]] = {}
    for place, each in enumerate(mine):
        given = each.done.get(kind)
        if given is not None:
            found.setdefault(each.group, []).append(Side(Moment(each, given), True))
        at = each.start + waits[int(len(waits) * (place * SPREAD % 1.0))]
        if each.is_open(at) and (given is None or at < given):
            found.setdefault(each.group, []).append(Side(Moment(each, at), False))
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
    """What is shown: percents of shares, points of risk; the difference is that of what is shown."""
    scale = 1.0 if outcome == RISK else 100.0
    mine, others = (round(scale * value) for value in (found.with_it, found.without))
    if outcome != RISK:
        mine, others = (min(100, max(0, value)) for value in (mine, others))
    low, high = (round(scale * value) for value in (found.low, found.high))
    difference = mine - others
    said = str(SENTENCES[outcome]).format(mine=mine, others=others)
    sure = _("That is more than chance explains.") if low > 0 or high < 0 else _("That may be chance.")
    return {
        "with": mine,
        "without": others,
        "difference": difference,
        "low": min(low, difference),
        "high": max(high, difference),
        "n_with": found.n_with,
        "n_without": found.n_without,
        "sentence": f"{said} {sure}",
    }


def _assumption(designs: set[str]) -> str:
    parts = []
    if CONTROL in designs:
        parts.append(
            _(
                "Chance decided which learners get nothing by itself in this course, nudges included (the "
                "control group). A difference between them and the others is made by all that goes out by "
                "itself together, not by one letter. Looked at is each learner’s first time in a tier since "
                "letters go out; who is not in the control group counts as having got them, read or not."
            )
        )
    if ALIKE in designs:
        parts.append(
            _(
                "Where nobody drew lots, learners with it are compared with learners in the same tier and "
                "for the same reason who did not have it yet after as long; some of these got it later. "
                "That assumes that learners of the same risk, made up of the same reasons, flagged for as "
                "long and at the same time of the course differ in nothing else that matters. For letters "
                "only each learner’s first time in a tier counts."
            )
        )
    if parts:
        parts.append(_("Each interval holds for one look at it, not for looking every day."))
    return " ".join(parts)
