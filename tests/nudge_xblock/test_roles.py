"""Whose staff somebody is, and who works on cases: on the platform and without it."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import platform

from .test_compat import COURSE, OTHER, make, openedx, user

__all__ = ["openedx"]
ELSEWHERE = CourseKey.from_string("course-v1:Elsewhere+X+1")
EVERY = [COURSE, OTHER, ELSEWHERE]


@pytest.fixture
def access(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform's own rule, as far as roles go: staff and instructors, of a course or an organisation."""

    def has_access(who: Any, _action: str, key: CourseKey) -> bool:
        if not hasattr(who, "roles"):  # the platform, too, keeps the roles with the user
            who.roles = roles_of(who.pk)
        return who.is_staff or any(
            role in ("staff", "instructor") and (course == key or (course is None and org == key.org))
            for org, course, role in who.roles
        )

    module = ModuleType("lms.djangoapps.courseware.access")
    module.has_access = has_access  # type: ignore[attr-defined]
    for name in ("lms", "lms.djangoapps", "lms.djangoapps.courseware"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)


def roles_of(user_id: int) -> list[tuple[str, Any, str]]:
    rows = apps.get_model("student", "CourseAccessRole").objects.filter(user_id=user_id)
    return [(row.org, row.course_id or None, row.role) for row in rows]


def role(user_id: int, name: str, key: CourseKey | None = COURSE, org: str = "Org") -> None:
    wide: dict[str, Any] = {} if key is None else {"course_id": key}
    make("student", "CourseAccessRole", user_id=user_id, org=org, role=name, **wide)


@pytest.mark.usefixtures("openedx", "access")
class TestOnThePlatform:
    def test_staff_of_a_course_of_an_organisation_and_of_the_site(self) -> None:
        ada, bob, cleo = user("ada"), user("bob"), user("cleo", is_staff=True)
        role(ada, "instructor")
        role(bob, "staff", key=None)
        assert platform().staffed(ada, EVERY) == {COURSE}
        assert platform().staffed(bob, EVERY) == {COURSE, OTHER}
        assert platform().staffed(cleo, EVERY) == set(EVERY)
        assert [platform().teaches(each) for each in (ada, bob, cleo)] == [True, True, True]

    def test_other_roles_and_users_who_are_not_active_teach_nothing(self) -> None:
        ada, gone = user("ada"), user("gone", is_active=False, is_staff=True)
        role(ada, "beta_testers")
        role(ada, "data_researcher")
        role(gone, "staff", key=None)
        for each in (ada, gone, user("bob"), 999):
            assert platform().staffed(each, EVERY) == set()
            assert not platform().teaches(each)

    def test_colleagues_are_the_staff_who_may_see_the_course(self) -> None:
        ada, bob, cleo, dan = user("ada"), user("bob"), user("cleo"), user("dan")
        role(ada, "limited_staff")
        role(bob, "staff", key=None)
        role(cleo, "data_researcher")
        role(dan, "staff", key=ELSEWHERE, org="Elsewhere")
        assert platform().staff_ids(COURSE) == {ada, bob, cleo}
        assert platform().colleagues(COURSE) == {ada, bob}

    def test_many_courses_are_asked_about_in_two_statements(self) -> None:
        ada = user("ada")
        role(ada, "staff", key=None)
        keys = [CourseKey.from_string(f"course-v1:Org+C{number}+1") for number in range(50)]
        with CaptureQueriesContext(connection) as told:
            assert platform().staffed(ada, keys) == set(keys)
        assert len(told) == 2

    def test_titles_are_read_at_once_and_a_course_without_one_has_its_key(self) -> None:
        make("course_overviews", "CourseOverview", id=COURSE, display_name="Trees")
        make("course_overviews", "CourseOverview", id=OTHER, display_name=None)
        with CaptureQueriesContext(connection) as told:
            titles = platform().course_titles(EVERY)
        assert titles == {COURSE: "Trees", OTHER: str(OTHER), ELSEWHERE: str(ELSEWHERE)}
        assert len(told) == 1


@pytest.mark.django_db
class TestWithoutThePlatform:
    def test_staff_are_djangos(self) -> None:
        assert platform().staffed(user("ada", is_staff=True), EVERY) == set(EVERY)
        assert platform().staffed(user("bob"), EVERY) == set()
        assert platform().teaches(user("cleo", is_staff=True))
        assert not platform().teaches(user("dan"))
        assert platform().course_titles([COURSE]) == {COURSE: str(COURSE)}
        assert platform().colleagues(COURSE) == set()

    def test_who_may_work_on_the_cases_of_every_course(self) -> None:
        ada, bob, cleo, root = user("ada"), user("bob"), user("cleo"), user("root", is_superuser=True)
        gone = user("gone", is_active=False)
        permission = Permission.objects.get(codename="work_cases")
        for each in (ada, gone):
            get_user_model().objects.get(pk=each).user_permissions.add(permission)
        advisers = Group.objects.create(name="Advisers")
        advisers.permissions.add(permission)
        get_user_model().objects.get(pk=bob).groups.add(advisers)
        found = [platform().may_work_cases(each) for each in (ada, bob, cleo, root, gone, 999)]
        assert found == [True, True, False, True, False, False]
        assert platform().case_workers() == {ada, bob}, "who may do everything is not in every list"
