"""What staff see of a course: what was shown and held back, to whom, whether it helped, how the nights went.

Sums are made by the database, so that a course with 100,000 decisions answers within a second.  Only the
plot by day depends on the period that is looked at; effects and groups cover the whole course run, because
an always-valid interval must not forget, and because comparing two periods would find single learners.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max
from django.utils import timezone
from django.utils.translation import get_language, get_language_bidi
from opaque_keys.edx.keys import CourseKey

from . import daily, example, groups, latest, nights, questions, results, simulated
from .models import Decision, Night

PERIODS = (7, 30, 90)
DAY = timedelta(days=1)


def view(course_key: CourseKey, name: str, **options: Any) -> dict[str, Any]:
    """One view of the staff tab as JSON.

    "overview" (days: 7, 30 or 90), "pulse", "example", "experiments" (example: whether of the simulated
    course), or "experiment" (beside that nudge, against, measure: see `questions.detail`).

    Raises ValueError, in words, for a view or an option that does not exist.
    """
    if name in ("experiments", "experiment"):
        return experiments(course_key, name, **options)
    if name == "pulse":
        return pulse(course_key)
    if name == "example":
        return example.overview(course_key)
    if name != "overview":
        raise ValueError(f"There is no view {name!r}; there are overview, experiments, pulse and example.")
    days = options.get("days", 30)
    if days not in PERIODS:
        raise ValueError(f"days must be one of {', '.join(map(str, PERIODS))}, not {days!r}.")
    now = timezone.now().astimezone(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return overview(course_key, midnight - (days - 1) * DAY, now)


def experiments(
    course_key: CourseKey,
    name: str,
    example: bool = False,
    nudge: int = questions.COURSE,
    against: str = questions.AGAINST_NONE,
    measure: str = "",
) -> dict[str, Any]:
    """Every question of the course, or one of them in full."""
    now = timezone.now().astimezone(UTC)
    if name == "experiments":
        course = simulated.course(now) if example else questions.load(course_key, now)
        return questions.overview(course)
    course = simulated.course(now) if example else questions.load(course_key, now, nudge)
    return questions.detail(course, nudge, against, measure)


def pulse(course_key: CourseKey) -> dict[str, Any]:
    """A stamp that changes whenever the overview would; cheap enough to be asked for every few seconds."""
    seen = Decision.objects.filter(course_key=course_key).aggregate(
        Count("created"), Count("helpful"), Max("voted_at"), Count("shown_at"), Count("clicked_at")
    )
    night = Night.objects.values_list("pk", "step", "finished").first() or ()
    return {"view": "pulse", "stamp": " ".join(map(str, (*seen.values(), *night)))}


def overview(course_key: CourseKey, since: datetime, until: datetime) -> dict[str, Any]:
    """The first screen: four answers and the latest moments.

    since, until: aware; the plot by day runs from the day of one to the day of the other.
    """
    decisions = Decision.objects.filter(course_key=course_key, created__lte=until)
    stamp = pulse(course_key)["stamp"]
    return {
        "view": "overview",
        "stamp": stamp,
        "as_of": until.isoformat(),
        "language": get_language() or settings.LANGUAGE_CODE,
        "rtl": get_language_bidi(),
        "empty": not decisions.exists(),
        "shown": daily.shown_and_held(
            daily.by_day(decisions.filter(created__gte=since)), since.date(), until.date()
        ),
        "groups": groups.overview(course_key, until),
        "votes": results.votes(course_key, decisions),
        "effect": results.outcome(decisions),
        "nights": nights.history(),
        "moments": latest.moments(course_key, decisions),
    }
