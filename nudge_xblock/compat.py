"""The only place that knows the platform: users, roles, dates, enrolments, grades and certificates.

Models are found by app label and name rather than imported, so that a missing app is an answer and not
an error.  `platform()` gives the configured `Platform`; a host that is not Open edX subclasses it and
names the subclass in NUDGE_COMPAT.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from functools import cache
from hashlib import blake2b, sha256
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.signals import setting_changed
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from .addressees import Addressees
from .addressees import objects as _objects
from .coursework_facts import CourseworkFacts
from .roles import Roles

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey, UsageKey

LOG = logging.getLogger(__name__)

# The certificate statuses with which the platform says that the learner passed.
CERTIFIED = ("downloadable", "generating")


class CourseDates(NamedTuple):
    """When a course run is; a time the platform does not know is None."""

    start: datetime | None = None
    end: datetime | None = None
    self_paced: bool = False
    title: str = ""
    language: str = ""
    effort: str = ""

    def is_over(self, now: datetime) -> bool:
        """Return whether the run has ended; one without an end never has."""
        return self.end is not None and self.end <= now


class Enrolled(NamedTuple):
    """One learner's enrolment in one course run."""

    user_id: int
    mode: str
    enrolled: datetime
    active: bool


class Result(NamedTuple):
    """How one enrolment went so far; a time is None where the thing has not happened."""

    user_id: int
    passed: bool
    completed: bool
    passed_at: datetime | None
    completed_at: datetime | None
    mode: str
    enrolled: datetime
    completions: int = 0


class Platform(Addressees, CourseworkFacts, Roles):
    """What the plugin asks of its host.  Without Open edX each method gives the answer it documents."""

    # Learners

    def profiles(self, user_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Return gender, birth_year, country, education and language of each user that has a profile.

        Unknown values are left out.  With NUDGE_USE_DEMOGRAPHICS off only the language is read.  Absent
        platform: empty.
        """
        profiles = _objects("student", "UserProfile")
        if profiles is None:
            return {}
        columns = {"language": "language"}
        if settings.NUDGE_USE_DEMOGRAPHICS:
            columns |= {
                "gender": "gender",
                "year_of_birth": "birth_year",
                "country": "country",
                "level_of_education": "education",
            }
        rows = profiles.filter(user_id__in=list(user_ids)).values("user_id", *columns)
        return {
            row["user_id"]: {
                name: row[column] if column == "year_of_birth" else str(row[column])
                for column, name in columns.items()
                if row[column]
            }
            for row in rows
        }

    def profile(self, user_id: int) -> dict[str, Any]:
        """Return one user's profile as `profiles` does; empty when there is none."""
        return self.profiles([user_id]).get(user_id, {})

    def user_ids(self, usernames: Iterable[str]) -> dict[str, int]:
        """Return the id of each username that exists.  Works on any host with Django users."""
        users = get_user_model().objects.filter(username__in=list(usernames))
        return dict(users.values_list("username", "pk"))

    def names_of(self, user_ids: Iterable[int]) -> dict[int, str]:
        """Return the user name of each user that exists.  Works on any host with Django users."""
        users = get_user_model().objects.filter(pk__in=list(user_ids))
        return dict(users.values_list("pk", "username"))

    def usernames(self, user_id: int) -> list[str]:
        """Return the user's name and, when the platform retires the user, the one from before."""
        names = set(get_user_model().objects.filter(pk=user_id).values_list("username", flat=True))
        retired = _objects("user_api", "UserRetirementStatus")
        if retired is not None:
            names.update(retired.filter(user_id=user_id).values_list("original_username", flat=True))
        return sorted(names)

    def anonymous_id(self, user_id: int, course_key: CourseKey) -> str:
        """Return a pseudonym of the user in the course, stable and not to be turned back without our key.

        Always our own: the platform's would link what leaves here to other services' data.
        """
        return self.anonymous_ids([user_id], course_key)[0]

    def anonymous_ids(self, user_ids: Iterable[int], course_key: CourseKey) -> list[str]:
        """Return the pseudonym of each user in the course, as `anonymous_id` does."""
        key, course = sha256(settings.SECRET_KEY.encode()).digest(), str(course_key)
        messages = (f"nudge {user_id} {course}".encode() for user_id in user_ids)
        return [blake2b(message, key=key, digest_size=16).hexdigest() for message in messages]

    def time_zone(self, user_id: int) -> tzinfo:
        """Return the user's time zone preference; the site's when there is none or it is unknown."""
        name = self._preference(user_id, "time_zone") or settings.TIME_ZONE
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            return UTC

    def language(self, user_id: int) -> str:
        """Return the language the user reads the site in; the site's when there is no preference."""
        return self._preference(user_id, "pref-lang") or settings.LANGUAGE_CODE

    def _preference(self, user_id: int, key: str) -> str:
        preferences = _objects("user_api", "UserPreference")
        if preferences is None:
            return ""
        return preferences.filter(user_id=user_id, key=key).values_list("value", flat=True).first() or ""

    # Staff

    def is_course_staff(self, user_id: int, course_key: CourseKey) -> bool:
        """Return whether the user may see the course's analytics, as `staffed` says."""
        return course_key in self.staffed(user_id, [course_key])

    def staffed(self, user_id: int, course_keys: Iterable[CourseKey]) -> set[CourseKey]:
        """Return those of these course runs whose analytics the user may see.  Absent platform: is_staff."""
        user = get_user_model().objects.filter(pk=user_id, is_active=True).first()
        if user is None:
            return set()
        try:
            from lms.djangoapps.courseware.access import has_access
        except ImportError:
            return set(course_keys) if user.is_staff else set()
        # The platform keeps a user's roles with the object that it was given: asked once, for all courses.
        return {key for key in course_keys if has_access(user, "staff", key)}

    # Courses

    def course_keys(self) -> list[CourseKey]:
        """Return every course run the platform has.  Absent platform: those with a nudge or an enrolment."""
        overviews = _objects("course_overviews", "CourseOverview")
        if overviews is not None:
            return list(overviews.order_by("id").values_list("id", flat=True))
        models = (_objects("nudge_xblock", name) for name in ("Placement", "Enrolment"))
        known = {
            key for rows in models if rows for key in rows.values_list("course_key", flat=True).distinct()
        }
        return sorted(known, key=str)

    def course_dates(self, course_key: CourseKey) -> CourseDates:
        """Return start, end, pace, title, language and effort.  Absent platform or course: all unknown."""
        overviews = _objects("course_overviews", "CourseOverview")
        row = overviews.filter(id=course_key).first() if overviews is not None else None
        if row is None:
            return CourseDates()
        return CourseDates(
            start=row.start,
            end=row.end,
            self_paced=bool(row.self_paced),
            title=row.display_name or "",
            language=row.language or "",
            effort=row.effort or "",
        )

    def due_dates(self, course_key: CourseKey, user_id: int) -> dict[str, datetime]:
        """Return usage key to due time for one learner, personal extensions and pace included.

        Absent platform, or a course without dates: empty.
        """
        if not apps.is_installed("edx_when"):
            return {}
        from edx_when.api import get_dates_for_course

        dates = get_dates_for_course(course_key, user=user_id)
        return {str(block): when for (block, field), when in dates.items() if field == "due" and when}

    def labels(self, usage_keys: Iterable[UsageKey]) -> dict[str, str]:
        """Return usage key to the name a teacher gave the block.  Absent platform or block: left out."""
        try:
            from xmodule.modulestore.django import modulestore
            from xmodule.modulestore.exceptions import ItemNotFoundError
        except ImportError:
            return {}
        names = {}
        for key in usage_keys:
            try:
                names[str(key)] = str(modulestore().get_item(key).display_name_with_default)
            except ItemNotFoundError:
                continue
        return names

    # Enrolments and what became of them

    def enrolments(self, course_key: CourseKey) -> Iterator[Enrolled]:
        """Yield every enrolment of the course run, inactive ones too.  Absent platform: none."""
        rows = _objects("student", "CourseEnrollment")
        if rows is not None:
            columns = rows.filter(course_id=course_key).values_list("user_id", "mode", "created", "is_active")
            for row in columns.iterator(chunk_size=2000):
                yield Enrolled(*row)

    def members(self, course_key: CourseKey) -> dict[int, str]:
        """Return who takes the course run now, staff of the site left out, and in which mode.

        Absent platform: those whom the plugin knows in the course run, less those who left it.
        """
        active = self._active(course_key)
        if active is not None:
            return dict(active.values_list("user_id", "mode"))
        known = apps.get_model("nudge_xblock", "Enrolment").objects.filter(course_key=course_key)
        others = {row.user_id for row in self.enrolments(course_key) if not row.active}
        others.update(get_user_model().objects.filter(is_staff=True).values_list("pk", flat=True))
        found = known.values_list("learner__user_id", "mode")
        return {user_id: mode for user_id, mode in found if user_id not in others}

    def member_ids(self, course_key: CourseKey) -> QuerySet[Any]:
        """Return the ids that `members` has, and perhaps others, for a condition inside a statement."""
        active = self._active(course_key)
        if active is not None:
            return active.values("user_id")
        known = apps.get_model("nudge_xblock", "Enrolment").objects.filter(course_key=course_key)
        return known.values("learner__user_id")

    def takers(self, course_key: CourseKey, user_ids: Iterable[int]) -> set[int]:
        """Return those of these users who are members now and not of the course's staff."""
        some, active = set(user_ids), self._active(course_key)
        if active is None:
            return some & set(self.members(course_key)) - self.staff_ids(course_key)
        there = active.filter(user_id__in=some).values_list("user_id", flat=True)
        return set(there) - self.staff_ids(course_key)

    def _active(self, course_key: CourseKey) -> QuerySet[Any] | None:
        rows = _objects("student", "CourseEnrollment")
        if rows is None:
            return None
        return rows.filter(course_id=course_key, is_active=True, user__is_staff=False)

    def has_certificate(self, user_id: int, course_key: CourseKey) -> bool:
        """Return whether the user holds a certificate of the course run.  Absent platform: no."""
        rows = _objects("certificates", "GeneratedCertificate")
        found = rows and rows.filter(user_id=user_id, course_id=course_key, status__in=CERTIFIED).exists()
        return bool(found)

    def outcomes(self, course_key: CourseKey) -> list[Result]:
        """Return how each enrolment of the course run went, by user id.  Absent platform: none.

        Passed: the persistent course grade has passed, or there is a certificate.  Completed: a
        certificate, or NUDGE_COMPLETE_SHARE of the blocks that any learner completed in this run.
        """
        passed = self._passed(course_key)
        certified = self._certified(course_key)
        done, needed = self._completions(course_key)
        results = []
        for row in self.enrolments(course_key):
            held = certified.get(row.user_id)
            times = done.get(row.user_id, [])
            complete = times[needed - 1] if 0 < needed <= len(times) else None
            passed_at = _earliest(passed.get(row.user_id), held)
            completed_at = _earliest(complete, held)
            results.append(
                Result(
                    user_id=row.user_id,
                    passed=passed_at is not None,
                    completed=completed_at is not None,
                    passed_at=passed_at,
                    completed_at=completed_at,
                    mode=row.mode,
                    enrolled=row.enrolled,
                    completions=len(times),
                )
            )
        return sorted(results)

    def _passed(self, course_key: CourseKey) -> dict[int, datetime]:
        rows = _objects("grades", "PersistentCourseGrade")
        if rows is None:
            return {}
        passing = rows.filter(course_id=course_key, passed_timestamp__isnull=False)
        return dict(passing.values_list("user_id", "passed_timestamp"))

    def _certified(self, course_key: CourseKey) -> dict[int, datetime]:
        rows = _objects("certificates", "GeneratedCertificate")
        if rows is None:
            return {}
        held = rows.filter(course_id=course_key, status__in=CERTIFIED)
        return dict(held.values_list("user_id", "created_date"))

    def _completions(self, course_key: CourseKey) -> tuple[dict[int, list[datetime]], int]:
        """Return user id to the sorted times of completed blocks, and how many make a complete course."""
        rows = _objects("completion", "BlockCompletion")
        if rows is None:
            return {}, 0
        times: dict[int, list[datetime]] = {}
        complete = rows.filter(context_key=course_key, completion__gte=1.0)
        for user_id, when in complete.values_list("user_id", "modified").iterator(chunk_size=2000):
            times.setdefault(user_id, []).append(when)
        for mine in times.values():
            mine.sort()
        blocks = complete.values("block_key").distinct().count()
        return times, ceil(blocks * settings.NUDGE_COMPLETE_SHARE - 1e-9)

    # Events

    def tracker(self) -> Any | None:
        """Return the host's event tracker, or None where event-tracking is not installed."""
        try:
            from eventtracking import tracker
        except ImportError:
            return None
        return tracker.get_tracker()

    def emit(self, name: str, data: dict[str, Any]) -> None:
        """Emit a tracking event of our own; without a tracker nothing happens."""
        tracker = self.tracker()
        if tracker is not None:
            tracker.emit(name, data)


def course_tab() -> type:
    """Return the class that the platform's course tabs derive from.  Absent platform: object."""
    try:
        from xmodule.tabs import CourseTab
    except ImportError:
        return object
    found: type = CourseTab
    return found


def _earliest(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)


@cache
def platform() -> Platform:
    """Return the one instance of the class that NUDGE_COMPAT names."""
    made = import_string(settings.NUDGE_COMPAT)()
    if not isinstance(made, Platform):
        raise TypeError(
            f"NUDGE_COMPAT: {settings.NUDGE_COMPAT} is no subclass of nudge_xblock.compat.Platform"
        )
    return made


def _forget(*, setting: str, **_kwargs: Any) -> None:
    if setting == "NUDGE_COMPAT":
        platform.cache_clear()


setting_changed.connect(_forget, dispatch_uid="nudge_xblock.compat.forget")
