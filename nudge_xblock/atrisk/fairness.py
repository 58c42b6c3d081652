"""Whether learners of one group are flagged without need more often than others, and how well it is foreseen.

Flagged is who was at or above the course's lowest tier in the middle of what was assessed.  Looked at are
those of whom it is known what became of them; only who completed can have been flagged without need, so a
live run tells as soon as some have.  Where nobody has, the newest earlier run of the course speaks for it.

Attributes that the law protects are looked at here alone, where the site uses them at all
(NUDGE_USE_DEMOGRAPHICS); none is among the model's factors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import Max, Min
from django.utils.translation import gettext as _
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import groups
from nudge_xblock.compat import platform
from nudge_xblock.groups import LABELS, Division
from predictor.fairness import Scores
from predictor.flags import Share, flagging, tellable

from . import ended, plan, tiers
from .models import RiskDay

FEWEST = 10
NEAR = timedelta(days=7)
"""How old a learner's newest assessment may be on the day that is looked at."""
LEFT_OUT = frozenset({"future"})
"""Divisions by what is predicted, which say nothing of who somebody is."""

Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.str_]
Row = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """Learners [n] of one run on one day: chances, 1 where lost (NaN: not known), and their groups."""

    course_key: CourseKey
    day: date
    user_ids: npt.NDArray[np.int64]
    chances: Floats
    lost: Floats
    groups: Mapping[str, Texts]


def fairness(course_key: CourseKey, now: datetime) -> dict[str, Any]:
    """Every division of the learners with its groups, small ones hidden; shares are whole percents.

    {"slices": [{"by", "by_words", "rows", "abroca", "sentence"}], "as_of", "run", "sentence"}.  A row has
    "name", "n", "flagged", "did_not", "wrongly" and "wrongly_others" (flagged of who completed, here and
    among everyone else), their "difference" with "low" and "high" in points, "p" (Holm), "over", "auc", "ece"
    and "sentence"; what is not defined yet is None, and so is a share that would count fewer than ten.
    """
    limits = plan.of(course_key).limits
    threshold = tiers.least(limits.marginal)
    for key in (course_key, *ended.earlier(course_key, now)):
        seen = _seen(key, now)
        if seen is not None and (seen.lost == 0).sum() >= FEWEST:
            return _told(seen, threshold, key == course_key)
    return {"slices": [], "as_of": None, "run": None, "sentence": _("Nothing can be said yet.")}


def _seen(course_key: CourseKey, now: datetime) -> Seen | None:
    """The run's learners in the middle of what was assessed; None where nothing was."""
    days = RiskDay.objects.filter(enrolment__course_key=course_key, day__lte=now.date()).order_by()
    span = days.aggregate(first=Min("day"), last=Max("day"))
    if span["first"] is None:
        return None
    middle = span["first"] + (span["last"] - span["first"]) / 2
    near = days.filter(day__gt=middle - NEAR, day__lte=middle).order_by("day")
    rows = near.values_list("enrolment__learner__user_id", "enrolment__learner_id", "chance")
    newest = {user_id: (learner, chance) for user_id, learner, chance in rows.iterator(chunk_size=5000)}
    staff = platform().staff_ids(course_key)
    user_ids = sorted(set(newest) - staff)
    outcomes = ended.lost(course_key, now)
    people = groups.people_of(course_key, [newest[user_id][0] for user_id in user_ids], middle.year)
    persons = [people[newest[user_id][0]] for user_id in user_ids]
    return Seen(
        course_key,
        middle,
        np.array(user_ids, np.int64),
        np.array([newest[user_id][1] for user_id in user_ids], np.float64),
        np.array([outcomes.get(user_id, np.nan) for user_id in user_ids], np.float64),
        {each.name: np.array([each.group(one) for one in persons], np.str_) for each in _divisions()},
    )


def _divisions() -> list[Division]:
    return [each for each in groups.divisions() if each.name not in LEFT_OUT]


def _told(seen: Seen, threshold: float, own: bool) -> dict[str, Any]:
    named = seen.user_ids.astype(np.str_)
    flags = list(flagging(seen.lost, seen.chances, threshold, seen.groups, named))
    scores = _Scored(seen)
    slices = [
        _slice(each, [row for row in flags if row["column"] == each.name], seen, scores)
        for each in _divisions()
    ]
    over = [row["name"] for part in slices for row in part["rows"] if row.get("over")]
    return {
        "slices": slices,
        "as_of": datetime(seen.day.year, seen.day.month, seen.day.day, tzinfo=UTC).isoformat(),
        "run": str(seen.course_key),
        "sentence": _sentence(over, own),
    }


def _sentence(over: Sequence[str], own: bool) -> str:
    if over:
        said = _("Flagged without need more often than others: {groups}.").format(groups=", ".join(over))
    else:
        said = _("No group is flagged without need more often than others, beyond chance.")
    return said if own else said + " " + _("This was so in the newest earlier run; this run cannot tell yet.")


class _Scored:
    """How well groups are foreseen, of the learners of whom it is known what became of them."""

    def __init__(self, seen: Seen) -> None:
        self._seen, self._known = seen, np.isfinite(seen.lost)
        labels = seen.lost[self._known].astype(np.int64)
        both = 0 < labels.sum() < len(labels)
        self._scores = Scores(labels, seen.chances[self._known]) if both else None

    def of(self, division: str, name: str) -> dict[str, float | None]:
        """AUC, calibration error and ABROCA of a group; None where they are not defined yet."""
        nothing: dict[str, float | None] = dict.fromkeys(("auc", "ece", "abroca"))
        inside = self._seen.groups[division][self._known] == name
        lost = self._seen.lost[self._known][inside]
        if self._scores is None or min((lost == 0).sum(), (lost == 1).sum()) < FEWEST:
            return nothing
        served = self._scores.of(inside)
        values = {"auc": served.auc.value, "ece": served.ece.value, "abroca": served.area.value}
        return {key: round(value, 3) if np.isfinite(value) else None for key, value in values.items()}

    def did_not(self, division: str) -> dict[str, int]:
        """Percent of each group who did not complete, where that is known of all and counts no small cell."""
        values, lost = self._seen.groups[division], self._seen.lost
        named = {name: lost[values == name] for name in np.unique(values).tolist()}
        shares = {name: Share(int((mine == 1).sum()), len(mine)) for name, mine in named.items()}
        told = tellable(list(shares.values()))
        return {
            name: round(100 * share.value)
            for (name, share), may in zip(shares.items(), told, strict=True)
            if may and np.isfinite(named[name]).all()
        }


def _slice(division: Division, flags: list[Row], seen: Seen, scores: _Scored) -> Row:
    did_not = scores.did_not(division.name)
    rows = [_row(division, flag, scores, did_not.get(flag["group"])) for flag in flags]
    rows.sort(key=lambda row: (bool(row.get("hidden")), -row.get("n", 0), row["name"]))
    shown = [row for row in rows if not row.get("hidden")]
    areas = [row.pop("abroca") for row in shown]
    over = [row for row in shown if row["over"]]
    if not shown:
        sentence = _("Too few learners so far to say anything.")
    elif over:
        sentence = " ".join(row["sentence"] for row in over)
    else:
        sentence = _("No difference beyond chance.")
    return {
        "by": division.name,
        "by_words": str(division.title),
        "rows": rows,
        "abroca": max((area for area in areas if area is not None), default=None),
        "sentence": sentence,
    }


def _row(division: Division, flag: Row, scores: _Scored, did_not: int | None) -> Row:
    name = str(LABELS.get(flag["group"], flag["group"]))
    if flag.get("hidden"):
        return {"name": name, "hidden": True}
    points = {key: _percent(flag[key]) for key in ("wrongly", "wrongly_others", "difference", "low", "high")}
    return {
        "name": name,
        "n": flag["n"],
        "flagged": _percent(flag["flagged"]),
        "did_not": did_not,
        **points,
        "p": None if flag["p_holm"] is None else round(flag["p_holm"], 3),
        "over": bool(flag["over"]),
        **scores.of(division.name, flag["group"]),
        "hidden": False,
        "sentence": _of_row(name, points, bool(flag["over"])),
    }


def _of_row(name: str, points: Mapping[str, int | None], over: bool) -> str:
    if points["wrongly"] is None or points["wrongly_others"] is None:
        return _("There is nobody else to compare with.")
    said = _("{group}: {mine}% of those who completed were flagged; of everyone else {others}%.").format(
        group=name, mine=points["wrongly"], others=points["wrongly_others"]
    )
    return said + " " + (_("That is more than chance explains.") if over else _("That may be chance."))


def _percent(share: float | None) -> int | None:
    return None if share is None or not np.isfinite(share) else round(100 * share)
