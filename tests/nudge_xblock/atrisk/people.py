"""Those who call, and a platform that knows what each of them may see."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from ..communicator import people
from ..communicator.people import OTHER, STAFF
from ..moments import COURSE

API = "/api/nudge/v1/"
HERE = f"courses/{COURSE}/"
ADVISER = "who works on all cases"
WHO = (*people.WHO, ADVISER)
STAFF_OF_OTHER, GLOBAL, EVERYBODYS = 20, 22, 23

__all__ = ["ADVISER", "API", "HERE", "OTHER", "STAFF", "WHO", "Roles", "call", "clients"]


class Roles(people.Roles):
    """Staff by first name: `staff-<course key>`; global staff everywhere."""

    def is_course_staff(self, user_id: int, course_key: Any) -> bool:
        return course_key in self.staffed(user_id, [course_key])

    def staffed(self, user_id: int, course_keys: Iterable[Any]) -> set[Any]:
        user = get_user_model().objects.filter(pk=user_id).first()
        return {key for key in course_keys if user and (user.is_staff or user.first_name == f"staff-{key}")}

    def teaches(self, user_id: int) -> bool:
        user = get_user_model().objects.get(pk=user_id)
        return bool(user.is_staff or user.first_name.startswith("staff-"))


def clients() -> dict[str, Client]:
    """A client for each kind of caller, logged in."""
    found = people.clients()
    adviser = get_user_model().objects.create_user("adviser", pk=EVERYBODYS)
    adviser.user_permissions.add(Permission.objects.get(codename="work_cases"))
    found[ADVISER] = Client()
    found[ADVISER].force_login(adviser)
    return found


def call(client: Client, method: str, path: str, body: Any = None) -> Any:
    """One call below /api/nudge/v1/."""
    text = "" if body is None else json.dumps(body)
    full = API + path
    return client.generic(method, full, text, content_type="application/json")
