"""Those who call: from nobody to the staff of the whole site."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client

from nudge_xblock.compat import Platform

from ..moments import COURSE

API = f"/api/nudge/v1/courses/{COURSE}/"
OTHER = "course-v1:Elsewhere+X+1"
WHO = ("anonymous", "learner", "beta tester", "staff of another course", "course staff", "global staff")
ALLOWED = set(WHO[4:])
STAFF = 21


class Roles(Platform):
    """Staff by first name: `staff-<course key>`, and global staff everywhere."""

    def is_course_staff(self, user_id: int, course_key: Any) -> bool:
        user = get_user_model().objects.get(pk=user_id)
        return user.is_staff or user.first_name == f"staff-{course_key}"

    def staff_ids(self, course_key: Any) -> set[int]:
        staff = get_user_model().objects.filter(first_name=f"staff-{course_key}")
        return set(staff.values_list("pk", flat=True))


def clients() -> dict[str, Client]:
    """A client for each kind of caller, logged in."""
    make = get_user_model().objects.create_user
    users = {
        "learner": make("learner", pk=18),
        "beta tester": make("beta", pk=19, first_name=f"beta-{COURSE}"),
        "staff of another course": make("other-staff", pk=20, first_name=f"staff-{OTHER}"),
        "course staff": make("staff", pk=STAFF, first_name=f"staff-{COURSE}"),
        "global staff": make("global", pk=22, is_staff=True),
    }
    found = {"anonymous": Client()}
    for name, user in users.items():
        found[name] = Client()
        found[name].force_login(user)
    return found
