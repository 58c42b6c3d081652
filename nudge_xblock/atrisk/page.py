"""One case with all that helps to work on it: reasons, days, history, next steps, who could take it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from nudge_xblock.communicator.models import Letter
from nudge_xblock.compat import platform

from . import desk, happenings, moves, outcomes, plan, rows, sentences, steps, tiers
from .happenings import MAIL, POPUP
from .models import Case, CaseEvent, Risk, RiskDay, Tier

LEAST_POINTS = 1.0
"""What moved the risk by less is not named."""

_CHANGE = (("before", "from"), ("after", "to"))


def told(case: Case, user_id: int, now: datetime) -> dict[str, Any]:
    """A case as JSON, as somebody who may see it sees it."""
    [row] = rows.rows([case], now)
    risk = rows.risk_of(case)
    people = desk.staff(case.course_key)
    if case.assignee_id is not None and row["assignee"]["name"]:
        people = {**people, case.assignee_id: row["assignee"]["name"]}
    if user_id not in people:
        people = {**people, **platform().names_of([user_id])}
    return {
        **row,
        "reasons": reasons(risk) if risk else [],
        "unknown": [rows.group_words(group) for group in risk.unknown] if risk else [],
        "days": days(case),
        "limits": plan.of(case.course_key).limits.as_json(),
        "history": past(case),
        "next_steps": next_steps(case, now),
        "staff": [
            {"id": pk, "name": people[pk], "me": pk == user_id}
            for pk in sorted(people, key=lambda pk: people[pk])
        ],
        "outcomes": outcomes.choices(),
        "others": others(case, user_id),
    }


def reasons(risk: Risk) -> list[dict[str, Any]]:
    """What raises the risk, strongest first, with the numbers behind it and what it would be without."""
    return [
        {
            "group": each["group"],
            "words": rows.group_words(each["group"]),
            "sentence": str(sentences.sentence(each["group"], each["numbers"], risk.days)),
            "numbers": sentences.described(each["numbers"]),
            "chance_if_typical": tiers.percent(each["chance_if_typical"]),
            "points": tiers.percent(risk.chance) - tiers.percent(each["chance_if_typical"]),
        }
        for each in risk.reasons
    ]


def days(case: Case) -> list[dict[str, Any]]:
    """The risk on each day, and what moved it since the day before that is kept."""
    found: list[dict[str, Any]] = []
    before: RiskDay | None = None
    for day in RiskDay.objects.filter(enrolment=case.enrolment_id).order_by("day"):
        moved = _moved(before, day) if before else []
        found.append({"day": day.day.isoformat(), "chance": tiers.percent(day.chance), "moved": moved})
        before = day
    return found


def _moved(before: RiskDay, day: RiskDay) -> list[dict[str, Any]]:
    points = moves.moved(before.chance, day.chance, before.contributions, day.contributions)
    told = sorted(points.items(), key=lambda each: -abs(each[1]))
    return [
        {"group": group, "words": _mover(group), "points": round(change)}
        for group, change in told
        if abs(change) >= LEAST_POINTS
    ]


def _mover(group: str) -> str:
    return _("The course went on") if group == moves.BASELINE else rows.group_words(group)


def past(case: Case) -> list[dict[str, Any]]:
    """What happened to the case, oldest first."""
    events = list(case.events.all())
    named = {event.author_id for event in events} | {event.about_id for event in events}
    names = platform().names_of(pk for pk in named if pk is not None)
    subjects = _subjects(events)
    return [
        {
            "at": event.at.isoformat(),
            "who": names.get(event.author_id or 0, ""),
            "what": event.what,
            "words": words(event, names, subjects),
            "text": event.text,
        }
        for event in events
    ]


def _subjects(events: Iterable[CaseEvent]) -> dict[int, str]:
    """What the letters that went out are called."""
    sent = {event.detail.get("letter") for event in events if event.what in (MAIL, POPUP)}
    return dict(Letter.objects.filter(pk__in=sent).values_list("pk", "subject")) if sent else {}


def words(event: CaseEvent, names: Mapping[int, str], subjects: Mapping[int, str]) -> str:
    """What happened, in a sentence."""
    detail: Mapping[str, Any] = event.detail
    if event.what == happenings.OPENED:
        said = _("Opened as %(tier)s: %(group)s")
        return said % {"tier": _tier(detail.get("tier")), "group": rows.group_words(detail.get("group", ""))}
    if event.what == happenings.MOVED:
        said = _("From %(before)s to %(after)s")
        return said % {"before": _tier(detail.get("from")), "after": _tier(detail.get("to"))}
    if event.what == happenings.LED:
        said = _("From %(before)s to %(after)s")
        return said % {name: rows.group_words(detail.get(key, "")) for name, key in _CHANGE}
    if event.what in (happenings.CLOSED, happenings.RESOLVED):
        said = _("%(what)s: %(outcome)s")
        outcome = outcomes.words(str(detail.get("outcome", "")))
        return said % {"what": happenings.WORDS[event.what], "outcome": outcome}
    if event.what == happenings.ASSIGNED:
        if detail.get("nobody"):
            return _("Given back: nobody has it")
        return _("Given to %(name)s") % {"name": names.get(event.about_id or 0) or _("someone who has left")}
    subject = subjects.get(detail.get("letter", 0), "")
    happened = str(happenings.WORDS.get(event.what, event.what))
    return _("%(what)s: “%(subject)s”") % {"what": happened, "subject": subject} if subject else happened


def _tier(value: Any) -> str:
    return str(Tier(value).label) if value in Tier.values else str(value or "")


def next_steps(case: Case, now: datetime) -> list[dict[str, str]]:
    """What this learner could do next in the course, while the case is open."""
    if case.state != Case.State.OPEN:
        return []
    user_id = case.enrolment.learner.user_id
    found = steps.next_steps(case.course_key, [user_id], now)[user_id]
    return [{"words": step.words, "url": step.url} for step in found]


def others(case: Case, user_id: int) -> list[dict[str, Any]]:
    """How the learner's other courses go, of those that the caller may see."""
    learner = case.enrolment.learner_id
    found = Risk.objects.filter(enrolment__learner=learner).exclude(enrolment=case.enrolment_id)
    risks = list(found.select_related("enrolment").defer("enrolment__state", "reasons", "contributions"))
    keys = [risk.enrolment.course_key for risk in risks]
    seen = set(keys) if _works_on_all(user_id, keys) else platform().staffed(user_id, keys)
    titles = platform().course_titles(seen) if seen else {}
    told = [
        {
            "course": str(risk.enrolment.course_key),
            "title": titles[risk.enrolment.course_key],
            "chance": tiers.percent(risk.chance),
            "tier": risk.tier,
        }
        for risk in risks
        if risk.enrolment.course_key in seen
    ]
    return sorted(told, key=lambda each: (-each["chance"], each["title"]))


def _works_on_all(user_id: int, keys: Iterable[Any]) -> bool:
    return bool(list(keys)) and platform().may_work_cases(user_id)
