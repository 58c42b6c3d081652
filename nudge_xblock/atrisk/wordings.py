"""What each factor of the risk model is called, and its sentence: `{own}` beside `{typical}`.

`{typical}` is the median of learners who had come by that point of the course and later completed it; the
sentences call them "learners who finish".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _as_it_is(value: float) -> float:
    return value


def _at_most_all(value: float) -> float:
    """Who is away for longer than the week that a number counts in has missed all of it, and no more."""
    return min(value, 1.0)


@dataclass(frozen=True)
class Wording:
    """A factor's name, the kind of its numbers (of `quantities.KINDS`), its sentence, and what of a number is
    told."""

    label: Promise
    kind: str
    sentence: Promise
    told: Callable[[float], float] = _as_it_is


_BESIDE = _("{factor}: {own}; learners who finish: usually {typical}.")

ABSENCE: Mapping[str, Wording] = {
    "never_came": Wording(_("Never came"), "number", _BESIDE),
    "days_away": Wording(
        _("Time away"), "pause", _("Away for {own}; learners who finish are usually back after {typical}.")
    ),
    "away_beyond_usual": Wording(
        _("This pause, against the longest before"),
        "percent",
        _("This pause is {own} of the longest before; for learners who finish it is usually {typical}."),
    ),
    "active_days_week": Wording(
        _("Days here in the last week"),
        "days",
        _("Here on {own} of the last week; learners who finish usually come on {typical}."),
    ),
    "active_days_fortnight": Wording(
        _("Days here in the last two weeks"),
        "days",
        _("Here on {own} of the last two weeks; learners who finish usually come on {typical}."),
    ),
    "week_missed": Wording(
        _("Share of last week’s activity in the course that was missed"),
        "percent",
        _("Missed {own} of last week’s activity in the course; learners who finish usually miss {typical}."),
        _at_most_all,
    ),
    "usual_gap": Wording(
        _("Usual pause between days here"),
        "pause",
        _("Comes back after {own} on average; learners who finish usually after {typical}."),
    ),
    "hours_week": Wording(
        _("Time spent here in the last week"),
        "hours",
        _("Spent {own} here in the last week; learners who finish usually spend {typical}."),
    ),
    "rank": Wording(
        _("Share of the other learners who did less"),
        "percent",
        _("Has done more here than {own} of the others; learners who finish usually more than {typical}."),
    ),
}

ASSIGNMENTS: Mapping[str, Wording] = {
    "submitted_a_day": Wording(
        _("Problems handed in on a day here"),
        "problems",
        _("Hands in {own} on a day here; learners who finish usually {typical}."),
    ),
    "submitted_of_visited": Wording(
        _("Problems handed in, of the pages visited"),
        "percent",
        _("Has handed in a problem on {own} of the pages visited; learners who finish usually on {typical}."),
    ),
    "days_without_submitting": Wording(
        _("Days here since the last problem handed in"),
        "days",
        _("Was here on {own} without handing in a problem; learners who finish usually {typical}."),
    ),
    "assignments_missed": Wording(
        _("Assignments missed"), "assignments", _("Missed {own}; learners who finish usually {typical}.")
    ),
    "assignments_late": Wording(
        _("Assignments handed in late"),
        "assignments",
        _("Handed in {own} late; learners who finish usually {typical}."),
    ),
    "days_late": Wording(
        _("How late assignments were handed in"),
        "pause",
        _("Hands in {own} late; learners who finish usually {typical}."),
    ),
    "share_handed_in": Wording(
        _("Assignments handed in, of those that were due"),
        "percent",
        _("Has handed in {own} of the assignments that were due; learners who finish usually {typical}."),
    ),
    "days_to_next_due": Wording(
        _("Time until the next due date"),
        "pause",
        _("The next assignment is due in {own}; for learners who finish it is usually {typical}."),
    ),
}

GRADES: Mapping[str, Wording] = {
    "right_answers": Wording(
        _("Right answers"),
        "percent",
        _("{own} of the answers are right; of learners who finish usually {typical}."),
    ),
    "wrong_in_a_row": Wording(
        _("Wrong answers in a row"),
        "answers",
        _("{own} wrong in a row; of learners who finish usually {typical}."),
    ),
    "score": Wording(
        _("Mean score"), "percent", _("Scores {own} on average; learners who finish usually {typical}.")
    ),
    "recent_score": Wording(
        _("Mean score in the last two weeks"),
        "percent",
        _("Scored {own} on average in the last two weeks; learners who finish usually {typical}."),
    ),
    "grade": Wording(
        _("Grade so far"),
        "percent",
        _("The grade so far is {own}; learners who finish usually have {typical}."),
    ),
    "short_of_passing": Wording(
        _("What the grade lacks to pass"),
        "percent",
        _("The grade lacks {own} to pass; learners who finish usually lack {typical} by now."),
    ),
}

PACE: Mapping[str, Wording] = {
    "hours_a_day": Wording(
        _("Time spent on a day here"),
        "hours",
        _("Spends {own} on a day here; learners who finish usually {typical}."),
    ),
    "hours_a_day_lately": Wording(
        _("Time spent on a day here in the last two weeks"),
        "hours",
        _("Spent {own} on a day here in the last two weeks; learners who finish usually {typical}."),
    ),
    "items_a_day": Wording(
        _("Pages visited on a day here"),
        "items",
        _("Visits {own} on a day here; learners who finish usually {typical}."),
    ),
    "items_a_day_lately": Wording(
        _("Pages visited on a day here in the last two weeks"),
        "items",
        _("Visited {own} on a day here in the last two weeks; learners who finish usually {typical}."),
    ),
    "part_a_day": Wording(
        _("Part of the course that a day here leads on"),
        "percent",
        _("Gets {own} of the course further on a day here; learners who finish usually {typical}."),
    ),
    "videos_a_day": Wording(
        _("Video actions on a day here"),
        "videos",
        _("{own} on a day here; of learners who finish usually {typical}."),
    ),
    "units_completed": Wording(
        _("Units completed"),
        "percent",
        _("Has completed {own} of the units; learners who finish have usually completed {typical} by now."),
    ),
}

HELP: Mapping[str, Wording] = {
    "forum_a_day": Wording(
        _("Forum actions on a day here"),
        "forum",
        _("{own} on a day here; of learners who finish usually {typical}."),
    ),
    "posts": Wording(
        _("Posts written"),
        "posts",
        _("Has written {own}; learners who finish have usually written {typical}."),
    ),
    "hints": Wording(
        _("Hints and answers shown, per try"),
        "hints",
        _("Asks for {own} or shown answers per try; learners who finish usually for {typical}."),
    ),
    "unanswered": Wording(
        _("Questions without an answer"),
        "questions",
        _("{own} of theirs got no answer; of learners who finish usually {typical}."),
    ),
}

DIFFICULTY: Mapping[str, Wording] = {
    "tries": Wording(
        _("Tries per problem"),
        "tries",
        _("Needs {own} for a problem; learners who finish usually {typical}."),
    ),
    "course_active": Wording(
        _("Learners of the course who came last week"),
        "percent",
        _("{own} of the learners here came last week; where learners finish it is usually {typical}."),
    ),
    "course_returned": Wording(
        _("Learners of the course who came on a second day"),
        "percent",
        _("{own} of the learners here came on a second day; where learners finish it is usually {typical}."),
    ),
    "course_keen": Wording(
        _("Learners of the course with twenty actions or more"),
        "percent",
        _(
            "{own} of the learners here did more than look around (twenty actions or more); where "
            "learners finish it is usually {typical}."
        ),
    ),
    "course_events": Wording(
        _("Actions of an active learner of the course in the last week"),
        "actions",
        _("An active learner here did {own} last week; where learners finish it is usually {typical}."),
        math.expm1,
    ),
    "course_trend": Wording(
        _("Last week’s activity in the course, of the week before"),
        "percent",
        _(
            "The whole course had {own} of the activity of the week before; where learners finish it is "
            "usually {typical}."
        ),
        math.exp,
    ),
    "course_new": Wording(
        _("Learners of the course who came first last week"),
        "percent",
        _("{own} of the learners here came first last week; where learners finish it is usually {typical}."),
    ),
    "course_history": Wording(
        _("Learners who did not finish earlier runs"),
        "percent",
        _("{own} did not finish earlier runs of this course; where learners finish it is usually {typical}."),
    ),
}

ENROLMENT: Mapping[str, Wording] = {
    "late_start": Wording(
        _("Start after the course began"),
        "pause",
        _("Came first {own} after the course began; learners who finish usually {typical}."),
    ),
    "courses_before": Wording(
        _("Courses begun before"),
        "courses",
        _("Has begun {own} before; learners who finish usually {typical}."),
    ),
    "completed_before": Wording(
        _("Share of earlier courses completed"),
        "percent",
        _("Has completed about {own} of earlier courses; learners who finish usually {typical}."),
    ),
    "months_here": Wording(
        _("Time since the first course here"),
        "months",
        _("Began a first course here {own} earlier; learners who finish usually {typical}."),
    ),
    "months_in_programme": Wording(
        _("Time in the programme"),
        "months",
        _("In the programme for {own}; learners who finish usually for {typical}."),
    ),
    "courses_now": Wording(
        _("Courses taken now"), "courses", _("Takes {own} now; learners who finish usually {typical}.")
    ),
}

WORDINGS: Mapping[str, Wording] = {
    **ABSENCE, **ASSIGNMENTS, **GRADES, **PACE, **HELP, **DIFFICULTY, **ENROLMENT,
}  # fmt: skip
"""Factor to its wording."""

_ANY = _("A feature table’s own number")
OF_UNITS: Mapping[str, Wording] = {
    "days": Wording(_ANY, "pause", _BESIDE),
    "count": Wording(_ANY, "number", _BESIDE),
    "share": Wording(_ANY, "percent", _BESIDE),
    "times": Wording(_ANY, "number", _BESIDE),
    "flag": Wording(_ANY, "number", _BESIDE),
    "hours": Wording(_ANY, "hours", _BESIDE),
    "months": Wording(_ANY, "months", _BESIDE),
    "number": Wording(_ANY, "number", _BESIDE),
}
"""Unit to the wording of a factor that is not known by name."""
