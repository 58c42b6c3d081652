"""What a course team can ask of its nudges, and the answers: nudge or none, and wording against wording.

Every nudge is an experiment as long as chance has a say in it; nobody has to set one up.  A question has one
answer of five: it helps, it harms, no effect found, too early to say, cannot be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _
from opaque_keys.edx.keys import CourseKey

from . import addressed, findings, groups, objectives, segments, trials, verdicts, wording
from .comparison import ITEMS, MEASURES, Comparison, Measure, Trials, compare, mismatch, over_time
from .confidence import LEVEL
from .models import Placement, Variant
from .results import interval
from .trials import NONE, Log

COURSE = 0  # in place of a nudge's id: all of them
AGAINST_NONE, AGAINST_CONTROL = "none", "control"
PRIMARY = {objectives.VOTE: "helpful", objectives.CLICK: "clicked", objectives.ITEMS: "items"}
POINTS = 60  # looks that a plot shows at most
ANSWERS = ("helps", "harms", "none")

People = Callable[[Iterable[int]], Mapping[int, groups.Person]]


@dataclass(frozen=True)
class Nudge:
    """One nudge; its wordings, the default first; `counts`: wording id (or NONE) to moments, by chance."""

    id: int
    title: str
    audience: str
    objective: str
    active: bool
    wordings: tuple[Variant, ...]
    counts: Mapping[int, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Course:
    """What the questions of a course are answered from, through a midnight."""

    through: datetime
    nudges: tuple[Nudge, ...]
    logs: Mapping[int, Log]
    people: People
    control: Trials | None = None


@dataclass(frozen=True)
class Question:
    """One comparison: of what (`against`: "none", "control" or a wording's id), and by which measures."""

    against: str
    label: str
    first: str
    base: str
    measures: tuple[str, ...]
    level: float
    trials: Callable[[str], Trials]


def load(course_key: CourseKey, until: datetime, nudge: int | None = None) -> Course:
    """The course through the midnight before `until`; with `nudge`, only what one nudge's questions need."""
    through = trials.midnight(until)
    one = nudge or None
    placements = Placement.objects.filter(course_key=course_key, **({"pk": one} if one else {}))
    placements = placements.exclude(kind=addressed.KIND)  # chance has no part in them
    read = trials.of_course(course_key, through)
    return Course(
        through,
        tuple(nudge_of(placement, read.counts) for placement in placements.prefetch_related("variants")),
        read.logs if one is None else {key: log for key, log in read.logs.items() if key == one},
        lambda learners: groups.people_of(course_key, learners, through.year),
        read.control if one is None and len(read.control.day) else None,
    )


def nudge_of(placement: Placement, counts: Mapping[int, Mapping[int, tuple[int, int]]]) -> Nudge:
    """A placement as the questions take it: wordings in use, and those that were."""
    mine = counts.get(placement.pk, {})
    wordings = sorted(placement.variants.all(), key=lambda one: (not one.active, one.position, one.pk))
    kept = tuple(one for one in wordings if one.active or one.pk in mine)
    audience = "" if placement.audience == "all" else str(wording.AUDIENCES.get(placement.audience, ""))
    return Nudge(placement.pk, str(placement), audience, placement.objective, placement.active, kept, mine)


# All questions of a course


def overview(course: Course) -> dict[str, Any]:
    """Every nudge with who gets what, and each question with its answer in a sentence."""
    nudges = sorted(course.nudges, key=lambda one: (not one.active, -moments(one), one.id))
    several = sum(moments(one) > 0 for one in nudges) > 1 or course.control is not None
    shown = [whole(course), *nudges] if several else nudges
    told = [nudge_figures(course, one) for one in shown if moments(one) or one.active]
    asked = [question for one in told for question in one["questions"]]
    open_ = [question for question in asked if question["verdict"] != "no_comparison"]
    answered = sum(question["verdict"] in ANSWERS for question in open_)
    return {
        "view": "experiments",
        "through": course.through.isoformat(),
        "finding": verdicts.overview(answered, len(open_)),
        "nudges": told if any(map(moments, course.nudges)) else [],
    }


def whole(course: Course) -> Nudge:
    """All nudges of the course as one."""
    sums: dict[int, tuple[int, int]] = {}
    for nudge in course.nudges:
        for taken, (every, chance) in nudge.counts.items():
            place = taken if taken == NONE else -1
            before = sums.get(place, (0, 0))
            sums[place] = (before[0] + every, before[1] + chance)
    return Nudge(COURSE, _("All nudges of this course"), "", objectives.ITEMS, True, (), sums)


def moments(nudge: Nudge) -> int:
    """How many moments the gate decided."""
    return sum(every for every, _chance in nudge.counts.values())


def nudge_figures(course: Course, nudge: Nudge) -> dict[str, Any]:
    """One nudge as JSON."""
    return {
        "id": nudge.id,
        "title": nudge.title,
        "audience": nudge.audience,
        "active": nudge.active,
        "moments": moments(nudge),
        "shares": shares(nudge),
        "questions": [headline(nudge, one) for one in questions(course, nudge)],
    }


def shares(nudge: Nudge) -> list[dict[str, Any]]:
    """Who gets what: wordings and holding back, each with its moments and how many of them chance decided."""
    every = moments(nudge) or 1
    names = {one.pk: one.heading for one in nudge.wordings} or {-1: _("Shown a nudge")}
    told = []
    for number, (taken, label) in enumerate([*names.items(), (NONE, _("Shown nothing"))]):
        count, chance = nudge.counts.get(taken, (0, 0))
        retired = any(one.pk == taken and not one.active for one in nudge.wordings)
        tone = "none" if taken == NONE else number
        share = {"label": label, "share": count / every, "count": count, "chance": chance}
        told.append(share | {"tone": tone, "active": not retired})
    return told


def headline(nudge: Nudge, question: Question) -> dict[str, Any]:
    """A question and its answer by the measure that matters most for the nudge."""
    measure = preferred(nudge, question)
    found = compare(trials.known(question.trials(measure)), MEASURES[measure], question.level)
    return {
        "against": question.against,
        "label": question.label,
        "measure": measure,
        "verdict": found.verdict,
        "finding": answer(question, measure, found),
        "learners": found.learners,
        "needed": found.needed,
    }


def preferred(nudge: Nudge, question: Question) -> str:
    """What the nudge is for, where that can be compared."""
    wanted = PRIMARY[nudge.objective]
    return wanted if wanted in question.measures else question.measures[0]


# One question


def detail(course: Course, nudge_id: int, against: str, measure: str = "") -> dict[str, Any]:
    """One question answered in full.  Raises ValueError for one that does not exist."""
    nudge, question = find(course, nudge_id, against)
    chosen = measure or preferred(nudge, question)
    if chosen not in question.measures:
        raise ValueError(f"measure must be one of {', '.join(question.measures)}, not {chosen!r}.")
    every = question.trials(chosen)
    known = trials.known(every)
    measured = MEASURES[chosen]
    found = compare(known, measured, question.level)
    people = course.people(set(known.learner.tolist()))
    return {
        "view": "experiment",
        "nudge": nudge.id,
        "against": question.against,
        "measure": chosen,
        "measures": list(question.measures),
        "days": settings.NUDGE_OUTCOME_DAYS,
        **figures(question, chosen, found),
        "how": verdicts.how(chosen, found.count + found.base_count, settings.NUDGE_OUTCOME_DAYS),
        "alarm": alarm(every),
        "looks": looks(known, measured, question.level),
        "segments": segments.table(known, measured, people),
    }


def find(course: Course, nudge_id: int, against: str) -> tuple[Nudge, Question]:
    """The nudge and its question.  Raises ValueError."""
    nudge = next((one for one in [whole(course), *course.nudges] if one.id == nudge_id), None)
    found = next((one for one in questions(course, nudge) if one.against == against), None) if nudge else None
    if nudge is None or found is None:
        raise ValueError(f"There is no question about nudge {nudge_id!r} against {against!r} in this course.")
    return nudge, found


def figures(question: Question, measure: str, found: Comparison) -> dict[str, Any]:
    """A comparison as JSON."""
    means = {"mean": found.mean, "base_mean": found.base_mean, "worthwhile": found.worthwhile}
    return {
        "first": question.first,
        "base": question.base,
        "finding": answer(question, measure, found),
        "verdict": found.verdict,
        "change": interval(found.change) if found.change else None,
        "count": found.count,
        "base_count": found.base_count,
        "learners": found.learners,
        "needed": found.needed,
        "narrowed": findings.narrowed(found),
        **{name: value if np.isfinite(value) else None for name, value in means.items()},
    }


def answer(question: Question, measure: str, found: Comparison) -> findings.Sentence:
    """The answer in a sentence."""
    if question.against == AGAINST_CONTROL:
        return verdicts.controlled(found, settings.NUDGE_OUTCOME_DAYS)
    if question.against == AGAINST_NONE:
        return findings.effect(found, settings.NUDGE_OUTCOME_DAYS)
    return verdicts.worded(found, measure, question.first, question.base)


def alarm(every: Trials) -> findings.Sentence | None:
    """The words for chance not having decided as logged, if it has not."""
    if not mismatch(every.first, every.chance):
        return None
    return verdicts.mismatch(int(every.first.sum()), float(every.chance.sum()))


def looks(known: Trials, measure: Measure, level: float) -> list[dict[str, Any]]:
    """The interval day by day, thinned to what a plot can show; the last is today's."""
    found = over_time(known, measure, level)
    places = sorted({round(place) for place in np.linspace(0, len(found) - 1, min(POINTS, len(found)))})
    return [
        {
            "day": datetime.fromordinal(one.day).replace(tzinfo=UTC).date().isoformat(),
            "learners": one.learners,
            **interval(one.change),
        }
        for one in (found[place] for place in places)
    ]


# The questions of one nudge


def questions(course: Course, nudge: Nudge) -> list[Question]:
    """Nudge or none first, then every other wording against the default one."""
    if nudge.id == COURSE:
        return course_questions(course)
    log = course.logs.get(nudge.id)
    if log is None:
        return []
    first, none = _("Shown a nudge"), _("Shown nothing")
    label, measures = _("A nudge, or none?"), (ITEMS.name,)
    return [
        Question(
            AGAINST_NONE, label, first, none, measures, LEVEL, lambda measure: trials.nudged(log, measure)
        ),
        *wordings(nudge, log),
    ]


def course_questions(course: Course) -> list[Question]:
    """Of all nudges together: against showing nothing at that moment, and against never showing any."""
    logs, first = list(course.logs.values()), _("Shown a nudge")
    found = []
    if logs:
        found.append(
            Question(
                AGAINST_NONE,
                _("A nudge, or none?"),
                first,
                _("Shown nothing"),
                (ITEMS.name,),
                LEVEL,
                lambda measure: trials.joined([trials.nudged(log, measure) for log in logs]),
            )
        )
    kept = course.control
    if kept is not None:
        names = (
            _("Nudges, or never any?"),
            _("Learners who may be nudged"),
            _("Learners who never are"),
        )
        found.append(Question(AGAINST_CONTROL, *names, (ITEMS.name,), LEVEL, lambda measure: kept))
    return found


def wordings(nudge: Nudge, log: Log) -> list[Question]:
    """Every other wording against the default; their intervals hold together (Bonferroni)."""
    if len(nudge.wordings) < 2:
        return []
    base, *others = nudge.wordings
    # A wording and the one that it replaced were never both possible: there is nothing to ask.
    others = [one for one in others if one.active or len(trials.worded(log, one.pk, base.pk, "items").day)]
    level = 1.0 - (1.0 - LEVEL) / max(1, len(others))
    return [
        Question(
            str(one.pk),
            _("“{first}”, or “{base}”?").format(first=one.heading, base=base.heading),
            one.heading,
            base.heading,
            measured(one, base),
            level,
            pair(log, one.pk, base.pk),
        )
        for one in others
    ]


def measured(one: Variant, other: Variant) -> tuple[str, ...]:
    """How two wordings can be compared; by their links where both have one."""
    linked = bool(one.action_url and other.action_url)
    return ("helpful", "clicked", "items") if linked else ("helpful", "items")


def pair(log: Log, first: int, base: int) -> Callable[[str], Trials]:
    """The trials of two wordings, by measure."""
    return lambda measure: trials.worded(log, first, base, measure)
