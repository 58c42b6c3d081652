"""A simulated week, for staff whose course has shown nothing yet: what the tab will look like.

Nobody in it exists and nothing is stored.  It is drawn from a fixed seed and goes through the same
calculations as a course's own figures.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language, get_language_bidi
from opaque_keys.edx.keys import CourseKey

from . import daily, groups, latest, nights, results
from .comparison import ITEMS, Trials, compare
from .experiments import Floats
from .models import Decision, Learner, Night, Placement, Variant
from .night import ENGAGEMENT
from .reasons import EXPLORED, Reason
from .starters import STARTERS

SEED = 20_180_814
LEARNERS, MOMENTS, DAYS, MESSAGES = 160, 640, 7, 3
GENDERS, COUNTRIES = ("f", "m"), ("US", "IN", "BR", "DE", "NG")
AUCS = (
    0.792,
    0.801,
    0.797,
    0.812,
    0.808,
    0.818,
)  # of the new model, night by night; it must beat the best so far


class Moment(NamedTuple):
    """One simulated moment; `items` were completed in the days after, `before` in as many days before."""

    day: int
    learner: int
    message: int
    reason: Reason
    p_sent: float
    sent: bool
    helpful: bool | None
    clicked: bool
    items: float
    before: float


def overview(course_key: CourseKey) -> dict[str, Any]:
    """The simulated week in the shape of `analytics.overview`."""
    week, now = simulate(np.random.default_rng(SEED)), timezone.now().astimezone(UTC)
    first = now.date() - timedelta(days=DAYS - 1)
    counts = Counter(((first + timedelta(days=one.day)).isoformat(), str(one.reason)) for one in week)
    return {
        "view": "example",
        "stamp": "",
        "as_of": now.isoformat(),
        "language": get_language() or settings.LANGUAGE_CODE,
        "rtl": get_language_bidi(),
        "empty": False,
        "shown": daily.shown_and_held(((*key, count) for key, count in counts.items()), first, now.date()),
        "groups": to_whom(week, now),
        "votes": votes(week),
        "effect": afterwards(week),
        "nights": nightly(now),
        "moments": latest.describe(course_key, decisions(week[-8:], now)),
    }


def simulate(rng: np.random.Generator) -> list[Moment]:
    """Learners who differ in taste and pace, and a gate that half knows their taste."""
    taste, pace = rng.beta(2.4, 1.2, LEARNERS), rng.gamma(3.0, 1.3, LEARNERS)
    return [moment(rng, number * DAYS // MOMENTS, taste, pace) for number in range(MOMENTS)]


def moment(rng: np.random.Generator, day: int, taste: Floats, pace: Floats) -> Moment:
    """One moment of a learner at random."""
    learner, draw, exploration = (
        int(rng.integers(LEARNERS)),
        float(rng.random()),
        settings.NUDGE_EXPLORATION_SHARE,
    )
    enough, likes = rng.random() < 0.08, taste[learner] + rng.normal(0.0, 0.15) > 0.55
    p_sent = 0.0 if enough else 1.0 if likes else exploration
    sent = draw < p_sent
    if sent:
        reason = Reason.EXPLORE if draw < exploration else Reason.HELPFUL
    else:
        reason = Reason.CAP_DAY if enough else Reason.LEARNER
    helpful = bool(rng.random() < taste[learner]) if sent and rng.random() < 0.45 else None
    clicked = sent and bool(rng.random() < 0.4 * taste[learner])
    items, before = float(rng.poisson(pace[learner] + 0.4 * sent)), float(rng.poisson(pace[learner]))
    message = int(rng.integers(MESSAGES))
    return Moment(day, learner, message, reason, p_sent, sent, helpful, clicked, items, before)


def to_whom(week: list[Moment], now: datetime) -> dict[str, Any]:
    """The groups of the simulated learners."""
    met: dict[int, list[Moment]] = {}
    for one in week:
        met.setdefault(one.learner, []).append(one)
    people = {learner: person(learner, now.year) for learner in met}
    tallies = {
        learner: groups.Tally(
            len(mine),
            sum(one.sent for one in mine),
            sum(one.helpful is True for one in mine),
            sum(one.helpful is not None for one in mine),
        )
        for learner, mine in met.items()
    }
    return groups.tables(people, tallies, now)


def person(learner: int, year: int) -> groups.Person:
    """Attributes spread evenly over the simulated learners."""
    profile = {
        "gender": GENDERS[learner % 2],
        "country": COUNTRIES[learner % 5],
        "birth_year": year - 18 - learner % 45,
    }
    mode = "verified" if learner % 3 == 0 else "audit"
    return groups.Person(mode, {"leave": learner * 37 % 100 / 100}, profile, learner % 4 == 0, year)


def votes(week: list[Moment]) -> dict[str, Any]:
    """Votes and clicks of the simulated week."""
    cast = np.zeros((3, 2, LEARNERS))
    for one in week:
        if one.helpful is not None:
            side = 2 if one.reason in EXPLORED else 1
            cast[[0, side], int(not one.helpful), one.learner] += 1
    rows = []
    for number, variant in enumerate(variants()):
        mine = [one for one in week if one.message == number and one.sent]
        voted = sum(one.helpful is not None for one in mine)
        liked = sum(one.helpful is True for one in mine)
        clicked = sum(one.clicked for one in mine)
        rows.append(results.message(variant, len(mine), len(mine), voted, liked, clicked))
    return results.vote_figures(cast, rows)


def variants() -> list[Variant]:
    """The first ready-made messages, not stored."""
    return [
        Variant(
            pk=-number,
            placement=Placement(title=str(starter.situation)),
            heading=str(starter.heading),
            action_url="#",
        )
        for number, starter in enumerate(STARTERS[:MESSAGES], start=1)
    ]


def afterwards(week: list[Moment]) -> dict[str, Any]:
    """What the simulated learners completed, where chance decided."""
    open_ = [one for one in week if 0.0 < one.p_sent < 1.0]
    trials = Trials(
        np.array([one.day for one in open_], np.int64),
        np.array([one.learner for one in open_], np.int64),
        np.array([one.sent for one in open_], np.bool_),
        np.array([one.p_sent for one in open_]),
        np.array([one.items for one in open_]),
        np.array([one.before for one in open_]),
    )
    return results.effect_figures(compare(trials, ITEMS), len(week), None)


def nightly(now: datetime) -> dict[str, Any]:
    """A week of nights in which some models were refused."""
    best, rows = None, []
    for number, auc in enumerate(AUCS):
        promoted = best is None or auc > best
        at = now - timedelta(days=len(AUCS) - number)
        new = {"auc": auc, "auc_low": auc - 0.014, "auc_high": auc + 0.014, "ece": 0.03}
        target = {"n": 2400, "new": new, "old": {"auc": best, "ece": 0.03} if best else None}
        rows.append(
            Night(
                pk=number,
                started=at,
                promoted=promoted,
                model_version=f"{at:%Y%m%d}",
                metrics={ENGAGEMENT: {"version": f"{at:%Y%m%d}", "targets": {"leave": target}}},
            )
        )
        best = max(best or 0.0, auc)
    return nights.describe(rows[::-1])


def decisions(week: list[Moment], now: datetime) -> list[Decision]:
    """The newest moments as decisions, not stored, newest first."""
    wordings = variants()
    return [
        Decision(
            learner=Learner(user_id=-one.learner),
            placement=wordings[one.message].placement,
            variant=wordings[one.message] if one.sent else None,
            reason=one.reason,
            propensity=one.p_sent if one.sent else 1.0 - one.p_sent,
            created=now - timedelta(minutes=37 * number),
            shown_at=now if one.sent else None,
            helpful=one.helpful,
            clicked_at=now if one.clicked else None,
        )
        for number, one in enumerate(reversed(week))
    ]
