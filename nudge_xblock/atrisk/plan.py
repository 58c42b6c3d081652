"""A course's limits between tiers, and who helps with which reason and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.communicator.selection import SEVERAL
from predictor.factors import ABSENCE, ASSIGNMENTS, DIFFICULTY, ENROLMENT, GRADES, GROUPS, HELP, PACE

from .models import Owner, RiskSettings
from .tiers import Limits

NONE = ""
"""The group of a case of which no single reason stands out."""
NO_GROUP = _("Several things together")
REASONS: Mapping[str, str] = {**{group: group for group in GROUPS}, SEVERAL: NONE}
"""What a reason is called in queries and plans to its group."""


@dataclass(frozen=True)
class Help:
    """Who can help with a reason, and what they do."""

    owner: str
    intervention: str


USUAL: Mapping[str, tuple[Owner, Promise]] = {
    ABSENCE: (Owner.ADVISER, _("Write or call, ask what keeps them away, and agree on a day to come back.")),
    ASSIGNMENTS: (
        Owner.ASSISTANT,
        _("Offer help with the next assignment, and see whether more time for the missed ones is possible."),
    ),
    GRADES: (Owner.ASSISTANT, _("Go through the answers that were wrong, and point to the parts to repeat.")),
    PACE: (Owner.ADVISER, _("Make a plan for the coming weeks together: when to study, and how much.")),
    DIFFICULTY: (
        Owner.TEAM,
        _("Look at the parts that many struggle with, and add an explanation or an exercise before them."),
    ),
    HELP: (Owner.ASSISTANT, _("Answer what is open in the forum, and invite them to ask.")),
    ENROLMENT: (
        Owner.ADVISER,
        _("Ask what they want from the course, and whether they take too many courses at once."),
    ),
    NONE: (Owner.ADVISER, _("Ask how the course goes, and what would help.")),
}
"""What is done where a course team says nothing else."""


@dataclass(frozen=True)
class Settings:
    """What holds in one course.

    `own` has what the course team changed of the usual plan; `version` is 0 where it never changed anything.
    """

    limits: Limits
    automatic: bool = False
    own: Mapping[str, Help] = field(default_factory=dict)
    version: int = 0

    def help(self, group: str) -> Help:
        """Who helps with a reason and how; of a group that is not known, as where none stands out."""
        return self.own.get(group if group in USUAL else NONE) or usual(group)


def usual(group: str) -> Help:
    """Who helps with a reason and how where a course team says nothing else."""
    owner, words = USUAL.get(group) or USUAL[NONE]
    return Help(owner.value, str(words))


def site_limits() -> Limits:
    """The limits of NUDGE_RISK_TIERS.  Raises ValueError where they are none."""
    told = settings.NUDGE_RISK_TIERS
    try:
        return Limits(**{name: int(told[name]) for name in ("marginal", "moderate", "high")})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"NUDGE_RISK_TIERS: {error}") from error


def of(course_key: CourseKey) -> Settings:
    """What holds in a course; of one without a row, what holds on the site."""
    return of_many([course_key])[course_key]


def of_many(course_keys: Iterable[CourseKey]) -> dict[CourseKey, Settings]:
    """The same of several courses, in one statement."""
    keys = list(course_keys)
    site = Settings(site_limits())
    rows = RiskSettings.objects.filter(course_key__in=keys)
    return dict.fromkeys(keys, site) | {row.course_key: _read(row) for row in rows}


def _read(row: RiskSettings) -> Settings:
    limits = Limits(row.marginal, row.moderate, row.high)
    return Settings(
        limits, row.automatic, {group: _help(told) for group, told in row.plan.items()}, row.version
    )


def _help(told: Mapping[str, Any]) -> Help:
    return Help(str(told["owner"]), str(told["intervention"]))
