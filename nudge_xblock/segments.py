"""Whom it helps: one comparison group by group, with false discoveries held and small cells hidden.

Groups are by what was known of learners before, never by what they did since.  Whoever looks at many groups
finds something in one of them by mistake; here at most `confidence.FALSE_DISCOVERIES` of the groups said to
show an effect is expected to show none, at whatever look one stops, although groups overlap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import cells, groups, verdicts
from .comparison import Measure, Trials, evidence, newest, sides
from .confidence import discoveries, level_after
from .experiments import ENOUGH_LEARNERS, Interval

LATER = {"future"}  # a division of `groups` that rests on what learners did since, perhaps because of a nudge
ACTIVE, BUSY = 1, 6  # items completed in the days before the first moment
LABELS: Mapping[str, Promise] = {
    **groups.LABELS,
    "idle": _("Nothing completed before"),
    "active": _("A few items completed before"),
    "busy": _("Many items completed before"),
}


class Division(NamedTuple):
    """One way to divide the learners: each learner's group."""

    name: str
    title: str
    members: Mapping[int, str]


class Group(NamedTuple):
    """A group that may be shown; `learners` down to fives.  `trials`: None where a side is too small."""

    name: str
    learners: int
    trials: Trials | None


def table(trials: Trials, measure: Measure, people: Mapping[int, groups.Person]) -> dict[str, Any]:
    """Every division with its groups, as JSON.  trials: of known outcome; people: their learners."""
    divided = [(division, *divide(division, trials)) for division in divisions(trials, people)]
    asked = [one.trials for _division, rows, _hidden in divided for one in rows if one.trials is not None]
    found = sum(discoveries([evidence(each, measure) for each in asked]))
    level = level_after(found, len(asked))
    tables, effects = [], []
    for division, groups_, hidden in divided:
        rows = [row(one, measure, level) for one in groups_]
        effects += [(division.title, str(one["label"])) for one in rows if one["found"]]
        tables.append({"name": division.name, "title": division.title, "rows": rows, "hidden": hidden})
    return {"finding": verdicts.segments(effects, len(asked)), "asked": len(asked), "divisions": tables}


def row(group: Group, measure: Measure, level: float) -> dict[str, Any]:
    """One group as JSON, its figures rounded so that nobody is found by comparing two days."""
    label = str(LABELS.get(group.name, group.name))
    change = None if group.trials is None else newest(group.trials, measure, level)
    return {
        "name": group.name,
        "label": label,
        "learners": group.learners,
        "change": rounded(change, measure) if change else None,
        "found": change is not None and 0.0 not in change,
    }


def rounded(change: Interval, measure: Measure) -> dict[str, float]:
    """To tenths of an item, or to whole percents."""
    digits = 1 if measure.name == "items" else 2
    return {name: round(getattr(change, name), digits) + 0.0 for name in ("estimate", "low", "high")}


def divisions(trials: Trials, people: Mapping[int, groups.Person]) -> Sequence[Division]:
    """The ways to divide the learners that this site allows, and by what they did before."""
    known = [
        Division(one.name, str(one.title), {learner: one.group(people[learner]) for learner in people})
        for one in groups.divisions()
        if one.name not in LATER
    ]
    return [Division("activity", str(_("Activity before")), activity(trials)), *known]


def activity(trials: Trials) -> dict[int, str]:
    """How much each learner had completed before the first of the trials."""
    learners, first = np.unique(trials.learner, return_index=True)
    return {
        int(learner): groups.NOT_STATED
        if np.isnan(before)
        else "idle"
        if before < ACTIVE
        else "active"
        if before < BUSY
        else "busy"
        for learner, before in zip(learners, trials.before[first], strict=True)
    }


def divide(division: Division, trials: Trials) -> tuple[list[Group], bool]:
    """The groups that may be shown, largest first, and whether others are hidden.

    A group's effect may be shown where either side holds ten learners, and where no other group's side can be
    had by subtraction.
    """
    names = np.array([division.members[learner] for learner in trials.learner.tolist()], np.str_)
    members = {str(name): trials.where(names == name) for name in np.unique(names)}
    visible = cells.shown(Counter(division.members[int(learner)] for learner in np.unique(trials.learner)))
    small = [name for name in members if name not in visible.learners]
    smaller = {name: min(sides(part)) for name, part in members.items()}
    open_ = cells.shown(smaller, withheld=small).learners
    rows = [
        Group(name, count, members[name] if name in open_ and smaller[name] >= ENOUGH_LEARNERS else None)
        for name, count in sorted(visible.learners.items(), key=lambda item: (-item[1], item[0]))
    ]
    return rows, visible.hidden
