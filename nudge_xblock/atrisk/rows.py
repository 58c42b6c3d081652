"""Cases as staff see them in a list: under pseudonyms, in words, and with what is known of the learner now.

However many cases and courses there are, a page of them is a handful of statements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Max, Q
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import platform
from nudge_xblock.models import InboxEvent

from . import outcomes, plan, sentences, tiers
from .models import Case, Owner, Risk, RiskDay, Tier

DIGITS = 16
"""Hexadecimal digits of a pseudonym."""
WEEK = timedelta(days=7)
OLDEST = timedelta(days=13)
"""How old the day may be that stands for a week ago where nights are missing."""
DAY = timedelta(days=1)
NEVER = "never"


@dataclass(frozen=True)
class Surroundings:
    """What rows need beside the cases themselves: read once for all of them."""

    now: datetime
    titles: Mapping[CourseKey, str]
    settings: Mapping[CourseKey, plan.Settings]
    names: Mapping[int, str]
    before: Mapping[int, float]
    seen: Mapping[tuple[int, CourseKey], datetime]


def rows(cases: Sequence[Case], now: datetime) -> list[dict[str, Any]]:
    """Cases as JSON.  They must have been read with their enrolments, learners and risks."""
    around = surroundings(cases, now)
    return [row(case, around) for case in cases]


def surroundings(cases: Sequence[Case], now: datetime) -> Surroundings:
    """Read what the rows of these cases need, in five statements."""
    keys = {case.course_key for case in cases}
    return Surroundings(
        now=now,
        titles=platform().course_titles(keys) if keys else {},
        settings=plan.of_many(keys) if keys else {},
        names=platform().names_of({case.assignee_id for case in cases if case.assignee_id is not None}),
        before=_a_week_ago(cases),
        seen=_lately(cases),
    )


def row(case: Case, around: Surroundings) -> dict[str, Any]:
    """One case."""
    risk = risk_of(case)
    is_open = case.state == Case.State.OPEN
    told = around.settings[case.course_key].help(case.group)
    chance = risk.chance if is_open and risk else case.chance
    return {
        "id": case.pk,
        "course": str(case.course_key),
        "course_title": around.titles[case.course_key],
        "learner": pseudonym(case.enrolment.learner.user_id, case.course_key),
        "tier": case.tier,
        "tier_words": str(Tier(case.tier).label),
        "chance": tiers.percent(chance),
        "change": _change(case, chance, around) if is_open else None,
        "group": case.group,
        "group_words": group_words(case.group),
        "sentence": sentence(case, risk),
        "owner": case.owner,
        "owner_words": str(Owner(case.owner).label),
        "intervention": told.intervention,
        "assignee": person(case.assignee_id, around.names),
        "state": case.state,
        "state_words": str(Case.State(case.state).label),
        "outcome": case.outcome,
        "outcome_words": outcomes.words(case.outcome),
        "opened": case.opened.isoformat(),
        "tier_since": case.tier_since.isoformat(),
        "closed": case.closed.isoformat() if case.closed else None,
        "seen": _seen(case, around),
        "partial": bool(risk and risk.partial),
        "version": case.version,
    }


def risk_of(case: Case) -> Risk | None:
    """The newest assessment of a case's learner; None of who has left, or is not assessed any more."""
    return getattr(case.enrolment, "risk", None)


def group_words(group: str) -> str:
    """The reason's name."""
    return str(sentences.group_words(group)) if group else str(plan.NO_GROUP)


def sentence(case: Case, risk: Risk | None) -> str:
    """What a case is about, in words with numbers: its own reason, else the strongest that there is now."""
    told = list(risk.reasons) if risk else []
    mine = [each for each in told if each["group"] == case.group] or told
    if not risk:
        return ""
    if not mine:
        return str(sentences.together())
    return str(sentences.sentence(mine[0]["group"], mine[0]["numbers"], risk.days))


def person(user_id: int | None, names: Mapping[int, str]) -> dict[str, Any] | None:
    """A member of staff as JSON."""
    return None if user_id is None else {"id": user_id, "name": names.get(user_id, "")}


def pseudonym(user_id: int, course_key: CourseKey) -> str:
    """The learner's name in this course."""
    return platform().anonymous_id(user_id, course_key)[:DIGITS]


def _a_week_ago(cases: Sequence[Case]) -> dict[int, float]:
    """Enrolment to the chance on the newest day that is a week older than its assessment."""
    days: dict[int, date] = {}
    for case in cases:
        if risk := risk_of(case):
            days[case.enrolment_id] = risk.at.astimezone(UTC).date()
    if not days:
        return {}
    kept = RiskDay.objects.filter(
        enrolment__in=list(days), day__gte=min(days.values()) - OLDEST, day__lte=max(days.values()) - WEEK
    )
    found: dict[int, float] = {}
    for number, day, chance in kept.order_by("day").values_list("enrolment_id", "day", "chance"):
        if days[number] - OLDEST <= day <= days[number] - WEEK:
            found[number] = chance
    return found


def _change(case: Case, chance: float, around: Surroundings) -> int | None:
    before = around.before.get(case.enrolment_id)
    return None if before is None else tiers.percent(chance) - tiers.percent(before)


def _lately(cases: Sequence[Case]) -> dict[tuple[int, CourseKey], datetime]:
    """Learner and course to the newest live event, which the night may not have folded in yet."""
    who = {case.enrolment.learner.user_id for case in cases}
    if not who:
        return {}
    of = Q(user_id__in=who, course_key__in={case.course_key for case in cases})
    newest: Any = InboxEvent.objects.filter(of).order_by().values_list("user_id", "course_key")
    return {(user_id, key): at for user_id, key, at in newest.annotate(at=Max("time"))}


def _seen(case: Case, around: Surroundings) -> int | str | None:
    """Whole days since the learner was there, or NEVER; None where that is not known."""
    live = around.seen.get((case.enrolment.learner.user_id, case.course_key))
    times = [time for time in (case.enrolment.last_seen, live) if time is not None]
    if times:
        return max(0, (around.now - max(times)) // DAY)
    risk = risk_of(case)
    return None if risk is None else NEVER
