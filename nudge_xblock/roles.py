"""The part of the platform's answers that is about members of staff: whose staff somebody is, and what of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db.models import Q
from opaque_keys.edx.django.models import CourseKeyField

from .addressees import objects

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

STAFF_ROLES = ("staff", "instructor", "limited_staff", "data_researcher")
SEEING = STAFF_ROLES[:3]
"""Those that the platform takes for staff; a researcher may download data and no more."""
APP, WORK_CASES = "nudge_xblock", "work_cases"


class Roles:
    """What is asked about members of staff; `compat.Platform` is one."""

    def staffed(self, user_id: int, course_keys: Iterable[CourseKey]) -> set[CourseKey]:
        """Return those of these course runs whose analytics the user may see."""
        raise NotImplementedError

    def teaches(self, user_id: int) -> bool:
        """Return whether the user is staff of any course run.  Absent platform: Django's is_staff."""
        if get_user_model().objects.filter(pk=user_id, is_active=True, is_staff=True).exists():
            return True
        roles = objects("student", "CourseAccessRole")
        if roles is None:
            return False
        held = roles.filter(user_id=user_id, role__in=STAFF_ROLES)
        wide = held.filter(course_id=CourseKeyField.Empty, role__in=SEEING[:2]).exclude(org="")
        if wide.exists():
            return get_user_model().objects.filter(pk=user_id, is_active=True).exists()
        keys = held.exclude(course_id=CourseKeyField.Empty).values_list("course_id", flat=True)
        return bool(self.staffed(user_id, keys))

    def staff_ids(self, course_key: CourseKey) -> set[int]:
        """Return the users with a staff role in the course or its organisation.  Absent platform: none."""
        roles = objects("student", "CourseAccessRole")
        if roles is None:
            return set()
        of_course = Q(course_id=course_key) | Q(org=course_key.org, course_id=CourseKeyField.Empty)
        return set(roles.filter(of_course, role__in=STAFF_ROLES).values_list("user_id", flat=True))

    def colleagues(self, course_key: CourseKey) -> set[int]:
        """Return those of `staff_ids` whose role lets them see the course's analytics."""
        roles = objects("student", "CourseAccessRole")
        found = self.staff_ids(course_key)
        if roles is None:
            return found
        of_course = Q(course_id=course_key) | Q(org=course_key.org, course_id=CourseKeyField.Empty)
        return found & set(roles.filter(of_course, role__in=SEEING).values_list("user_id", flat=True))

    def may_work_cases(self, user_id: int) -> bool:
        """Return whether the user may work on the at-risk cases of every course run."""
        user: Any = get_user_model().objects.filter(pk=user_id, is_active=True).first()
        return user is not None and bool(user.has_perm(f"{APP}.{WORK_CASES}"))

    def case_workers(self) -> set[int]:
        """Return the users who were given that permission, themselves or as members of a group."""
        of = {"codename": WORK_CASES, "content_type__app_label": APP}
        own = Q(**{f"user_permissions__{name}": value for name, value in of.items()})
        groups = Q(**{f"groups__permissions__{name}": value for name, value in of.items()})
        found = get_user_model().objects.filter(own | groups, is_active=True)
        return set(found.values_list("pk", flat=True))

    def current_user_id(self) -> int | None:
        """Return who makes the request that is being answered.  Absent platform, or nobody: None."""
        try:
            from crum import get_current_user
        except ImportError:
            return None
        user = get_current_user()
        return None if user is None or not user.is_authenticated else int(user.pk)

    def course_titles(self, course_keys: Iterable[CourseKey]) -> dict[CourseKey, str]:
        """Return the title of each course run, its key where it has none, in one statement."""
        keys = list(course_keys)
        overviews = objects("course_overviews", "CourseOverview")
        found = overviews.filter(id__in=keys).values_list("id", "display_name") if overviews else ()
        return {key: str(key) for key in keys} | {key: title for key, title in found if title}
