"""The log as trials: the moments at which chance decided between two things, for `comparison`.

Everything ends at a midnight (UTC), so that a result changes once a day and nobody is found by comparing this
hour with the last.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.db.models import Count, Q, QuerySet
from opaque_keys.edx.keys import CourseKey

from . import effects, windows
from .comparison import Bools, Ints, Trials
from .experiments import Floats
from .gate import HOLD
from .models import Decision
from .reasons import GATED

NONE = 0  # in place of a wording's id: held back
FRESH = 600.0
MOST_COURSES = 4
SETTLED = timedelta(days=1)  # a vote or a click that has not come by then does not count


class Log(NamedTuple):
    """Moments left to chance, in order of time; arrays of one length.

    `taken` is the id of the wording that was sent, or NONE; `chances` the logged probability of each.
    `outcomes` are NaN until they are known.
    """

    day: Ints
    learner: Ints
    taken: Ints
    chances: Mapping[int, Floats]
    outcomes: Mapping[str, Floats]
    before: Floats


def midnight(at: datetime) -> datetime:
    """The last midnight."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def logs(decisions: QuerySet[Decision], through: datetime) -> dict[int, Log]:
    """The log of every nudge that these decisions are of, by placement id; `through` is aware."""
    decisions = decisions.filter(reason__in=GATED, propensity__lt=1.0)
    columns = ("placement_id", "learner_id", "variant_id", "created", "propensities", "outcome")
    answers = ("helpful", "voted_at", "clicked_at")
    rows: dict[int, list[Any]] = {}
    for row in decisions.order_by("created", "pk").values_list(*columns, *answers).iterator(2000):
        rows.setdefault(row[0], []).append(row[1:])
    return {key: log(found, through) for key, found in rows.items()}


def log(rows: list[Any], through: datetime) -> Log:
    """Rows as `logs` reads them, in columns."""
    learner, taken, created, propensities, outcome, helpful, voted, clicked = zip(*rows, strict=True)
    names = sorted({name for row in propensities for name in row})
    settled = np.array([at < through - SETTLED for at in created], np.bool_)
    liked = [
        vote is True and in_time(at, when) for vote, at, when in zip(helpful, created, voted, strict=True)
    ]
    followed = [in_time(at, when) for at, when in zip(created, clicked, strict=True)]
    items = [one.get("items") if windows.is_over(one) else None for one in outcome]
    return Log(
        np.array([at.toordinal() for at in created], np.int64),
        np.array(learner, np.int64),
        np.array([one or NONE for one in taken], np.int64),
        {number_of(name): np.array([row.get(name, 0.0) for row in propensities]) for name in names},
        {
            "helpful": np.where(settled, liked, np.nan),
            "clicked": np.where(settled, followed, np.nan),
            "items": np.array(items, np.float64),  # None becomes NaN
        },
        np.array([one.get("items_before") for one in outcome], np.float64),
    )


def in_time(sent: datetime, answered: datetime | None) -> bool:
    """Whether an answer came, and within a day."""
    return answered is not None and answered - sent <= SETTLED


def number_of(name: str) -> int:
    """The id that stands for a name of `Decision.propensities`."""
    return NONE if name == HOLD else int(name)


def nudged(found: Log, measure: str) -> Trials:
    """Any wording against none."""
    hold = found.chances.get(NONE, np.zeros(len(found.day)))
    return trials(found, measure, found.taken != NONE, 1.0 - hold, (hold > 0) & (hold < 1))


def worded(found: Log, first: int, base: int, measure: str) -> Trials:
    """One wording against another, at the moments when one was sent and the other might have been."""
    nothing = np.zeros(len(found.day))
    one, other = found.chances.get(first, nothing), found.chances.get(base, nothing)
    kept = ((found.taken == first) | (found.taken == base)) & (one > 0) & (other > 0)
    chance = np.divide(one, one + other, out=np.zeros_like(one), where=kept)
    return trials(found, measure, found.taken == first, chance, kept)


def trials(found: Log, measure: str, first: Bools, chance: Floats, kept: Bools) -> Trials:
    """Some of the log as trials; the outcome is NaN where it is not yet known."""
    every = Trials(found.day, found.learner, first, chance, found.outcomes[measure], found.before)
    return every.where(kept)


def known(every: Trials) -> Trials:
    """Those whose outcome is known."""
    return every.where(np.isfinite(every.outcome))


def joined(many: list[Trials]) -> Trials:
    """Trials of several nudges together, in order of days."""
    columns = [np.concatenate(parts) for parts in zip(*many, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return Trials(*(column[order] for column in columns))


def control(decisions: QuerySet[Decision]) -> Trials:
    """Learners who may be nudged against the control group, each at the first moment open to either.

    Items alone can be compared: who is shown nothing neither votes nor clicks.  Empty without such a group.
    """
    rows = sorted(effects.group(decisions), key=lambda row: row.created)
    return Trials(
        np.array([row.created.toordinal() for row in rows], np.int64),
        np.array([row.learner for row in rows], np.int64),
        np.array([row.sent for row in rows], np.bool_),
        np.array([row.chance for row in rows], np.float64),
        np.array([row.outcome["items"] for row in rows], np.float64),
        np.array([row.outcome["items_before"] for row in rows], np.float64),
    )


# What was read, for a while


class Course(NamedTuple):
    """A course through a midnight: its log by nudge, the control group, and its counts.

    `counts`: placement to wording (or NONE) to moments that the gate decided, and those left to chance.
    """

    logs: Mapping[int, Log]
    control: Trials
    counts: Mapping[int, Mapping[int, tuple[int, int]]]


def of_course(course_key: CourseKey, through: datetime) -> Course:
    """All that the questions of a course are answered from; at most FRESH seconds old.

    Every click asks for the same, and it changes with the night alone: kept per process for a few courses.
    """
    kept = int(time.monotonic() // FRESH), windows.days(), float(settings.NUDGE_CONTROL_SHARE)
    return _of_course(course_key, through, kept)


def forget() -> None:
    """Read everything afresh at the next question in this process."""
    _of_course.cache_clear()


@lru_cache(maxsize=MOST_COURSES)
def _of_course(course_key: CourseKey, through: datetime, _kept: tuple[float, ...]) -> Course:
    decisions = Decision.objects.filter(course_key=course_key, created__lt=through)
    return Course(logs(decisions, through), control(decisions), counted(decisions))


def counted(decisions: QuerySet[Decision]) -> dict[int, dict[int, tuple[int, int]]]:
    """As in `Course.counts`."""
    rows = (
        decisions.filter(reason__in=GATED)
        .order_by()
        .values_list("placement_id", "variant_id")
        .annotate(every=Count("created"), chance=Count("created", filter=Q(propensity__lt=1.0)))
    )
    found: dict[int, dict[int, tuple[int, int]]] = {}
    for placement, variant, moments, chance in rows:
        found.setdefault(placement, {})[variant or NONE] = (moments, chance)
    return found
