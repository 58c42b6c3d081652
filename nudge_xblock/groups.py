"""To whom nudges were shown: learners in groups, the small ones hidden.

The groups cover the whole course run up to the last midnight (UTC), whatever period is looked at, and shares
are rounded to whole percents: otherwise whoever compares two periods, or this hour with the last, could pick
out one learner.  Attributes that the law protects are grouped by only where the site uses them at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.keys import CourseKey

from . import cells, findings, regions
from .experiments import clustered_share
from .models import Decision, Enrolment

NOT_STATED = "not_stated"
LIKELY = 0.5
AGES = ((25, "under_25"), (35, "25_34"), (50, "35_49"), (200, "50_up"))

LABELS: Mapping[str, Promise] = {
    **regions.LABELS,
    NOT_STATED: _("Not stated"),
    "f": _("Women"),
    "m": _("Men"),
    "o": _("Another gender"),
    "under_25": _("Under 25"),
    "25_34": _("25 to 34"),
    "35_49": _("35 to 49"),
    "50_up": _("50 and over"),
    "audit": _("Audit"),
    "honor": _("Honour"),
    "verified": _("Verified"),
    "professional": _("Professional"),
    "masters": _("Master’s"),
    "new": _("First course here"),
    "returning": _("Took courses here before"),
    "leaving": _("Likely to leave"),
    "staying": _("Likely to stay"),
    "unpredicted": _("Not predicted yet"),
}


class Person(NamedTuple):
    """What groups a learner belongs to is read off these."""

    mode: str
    predictions: Mapping[str, float]
    profile: Mapping[str, Any]
    returning: bool
    year: int


class Tally(NamedTuple):
    """What one learner met: moments, nudges sent at them, votes."""

    moments: int
    sent: int
    helpful: int
    votes: int


@dataclass(frozen=True)
class Division:
    """One way to divide all learners, each into exactly one group."""

    name: str
    title: Promise
    group: Callable[[Person], str]
    protected: bool = False


def gender(person: Person) -> str:
    stated = str(person.profile.get("gender") or "")
    return stated if stated in {"f", "m", "o"} else NOT_STATED


def age(person: Person) -> str:
    born = person.profile.get("birth_year")
    if not isinstance(born, int) or not 0 <= person.year - born < AGES[-1][0]:
        return NOT_STATED
    return next(name for limit, name in AGES if person.year - born < limit)


def country(person: Person) -> str:
    return regions.region(str(person.profile.get("country") or "")) or NOT_STATED


def future(person: Person) -> str:
    leave = person.predictions.get("leave")
    if leave is None:
        return "unpredicted"
    return "leaving" if leave >= LIKELY else "staying"


DIVISIONS = (
    Division("future", _("Predicted"), future),
    Division("mode", _("Enrolment"), lambda person: person.mode or NOT_STATED),
    Division("experience", _("Experience"), lambda person: "returning" if person.returning else "new"),
    Division("gender", _("Gender"), gender, protected=True),
    Division("age", _("Age"), age, protected=True),
    Division("country", _("Country"), country, protected=True),
)


def divisions() -> tuple[Division, ...]:
    """Those that this site allows."""
    allowed = settings.NUDGE_USE_DEMOGRAPHICS
    return tuple(division for division in DIVISIONS if allowed or not division.protected)


def overview(course_key: CourseKey, until: datetime) -> dict[str, Any]:
    """Every division with its groups that may be shown, through the midnight before `until`."""
    through = until.replace(hour=0, minute=0, second=0, microsecond=0)
    tallies = tally(course_key, through)
    people = people_of(course_key, tallies, through.year)
    return tables(people, tallies, through)


def tables(people: Mapping[int, Person], tallies: Mapping[int, Tally], through: datetime) -> dict[str, Any]:
    """Every division of these learners, and the share of all their moments that were shown a nudge."""
    divided = [divide(division, people, tallies) for division in divisions()]
    moments, sent = (sum(getattr(met, name) for met in tallies.values()) for name in ("moments", "sent"))
    return {
        "through": (through - timedelta(microseconds=1)).date().isoformat(),
        "finding": finding(divided),
        "overall": round(sent / moments, 2) if moments else None,
        "divisions": divided,
    }


def tally(course_key: CourseKey, through: datetime) -> dict[int, Tally]:
    """Learner to what they met before `through`."""
    rows = (
        Decision.objects.filter(course_key=course_key, created__lt=through)
        .order_by()
        .values_list("learner_id")
        .annotate(
            moments=Count("created"),
            sent=Count("variant_id"),
            liked=Count("created", filter=Q(helpful=True)),
            votes=Count("helpful"),
        )
    )
    return {learner: Tally(*counts) for learner, *counts in rows}


def people_of(course_key: CourseKey, learners: Iterable[int], year: int) -> dict[int, Person]:
    """Learner to attributes; a learner whose enrolment is not known has none."""
    mine = Enrolment.objects.filter(course_key=course_key)
    others = Enrolment.objects.filter(learner__in=mine.values("learner")).exclude(course_key=course_key)
    returning = set(others.values_list("learner_id", flat=True))
    rows = mine.values_list("learner_id", "mode", "predictions", "learner__profile")
    known = {
        learner: Person(mode, predictions, profile, learner in returning, year)
        for learner, mode, predictions, profile in rows
    }
    return {learner: known.get(learner, Person("", {}, {}, False, year)) for learner in learners}


def divide(division: Division, people: Mapping[int, Person], tallies: Mapping[int, Tally]) -> dict[str, Any]:
    """One division as a table: the groups that may be shown, largest first."""
    members: dict[str, list[Tally]] = {}
    for learner, met in tallies.items():
        members.setdefault(division.group(people[learner]), []).append(met)
    visible = cells.shown({name: len(group) for name, group in members.items()})
    small = [name for name in members if name not in visible.learners]
    voters = {name: sum(met.votes > 0 for met in group) for name, group in members.items()}
    voting = cells.shown(voters, withheld=small).learners
    rows = [
        {
            "name": name,
            "label": str(LABELS.get(name, name)),
            "learners": learners,
            "shown": percent([met.sent for met in members[name]], [met.moments for met in members[name]]),
            "helpful": percent([met.helpful for met in members[name]], [met.votes for met in members[name]])
            if name in voting
            else None,
        }
        for name, learners in sorted(visible.learners.items(), key=lambda item: (-item[1], item[0]))
    ]
    return {"name": division.name, "title": str(division.title), "rows": rows, "hidden": visible.hidden}


def percent(successes: list[int], trials: list[int]) -> dict[str, float]:
    """A share over learners with its interval, in whole percents."""
    found = clustered_share(np.array(successes, np.float64), np.array(trials, np.float64))
    return {name: round(getattr(found, name), 2) for name in ("estimate", "low", "high")}


def finding(divided: list[dict[str, Any]]) -> findings.Sentence:
    """The two groups of one division that differ most.

    Only groups whose intervals are apart: that is so much stricter than a test of one difference that the
    number of pairs looked at does no harm.
    """
    if not any(table["rows"] for table in divided):
        return findings.reach_unknown()
    apart = [
        (most["shown"]["low"] - least["shown"]["high"], most, least)
        for table in divided
        for most in table["rows"]
        for least in table["rows"]
        if most["shown"]["low"] > least["shown"]["high"]
    ]
    if not apart:
        return findings.reach_alike()
    _gap, most, least = max(apart, key=lambda found: found[0])
    return findings.reach(
        most["label"], most["shown"]["estimate"], least["label"], least["shown"]["estimate"]
    )
