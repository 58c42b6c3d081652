"""What the audit tells of letters: of both courses, and nothing that a caller made up."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from nudge_xblock.communicator.models import Audit, Letter

from ..moments import COURSE
from .people import OTHER, STAFF
from .staffed import DRAFT, call

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("site")]


def test_a_copy_from_another_course_is_in_the_audit_of_both(staff: Client) -> None:
    get_user_model().objects.filter(pk=STAFF).update(is_staff=True)
    old = Letter.objects.create(course_key=OTHER, subject="s")
    copied = call(staff, "POST", "letters/copy", {"letter": old.pk, "course": OTHER}).json()["id"]
    here, there = Audit.objects.get(course_key=COURSE), Audit.objects.get(course_key=OTHER)
    assert (here.what, here.letter_id, here.detail["course"]) == ("letter_copied", copied, OTHER)
    assert (there.what, there.letter_id, there.user_id) == ("letter_taken", old.pk, STAFF)
    assert there.detail == {"to": str(COURSE)}


def test_a_copy_within_the_course_is_one_line(staff: Client) -> None:
    old = Letter.objects.create(course_key=COURSE, subject="s")
    for source in ({}, {"course": str(COURSE)}):
        call(staff, "POST", "letters/copy", {"letter": old.pk, **source})
    assert set(Audit.objects.values_list("what", flat=True)) == {"letter_copied"}


def test_who_may_not_copy_from_there_is_in_the_audit_of_both(staff: Client) -> None:
    old = Letter.objects.create(course_key=OTHER, subject="s")
    assert call(staff, "POST", "letters/copy", {"letter": old.pk, "course": OTHER}).status_code == 403
    told = {(str(row.course_key), row.what, row.user_id) for row in Audit.objects.all()}
    assert told == {(str(COURSE), "refused", STAFF), (OTHER, "refused", STAFF)}


def test_only_the_names_of_fields_are_kept_of_what_was_changed(staff: Client) -> None:
    number = call(staff, "POST", "letters", DRAFT).json()["id"]
    body = {"subject": "New", "body": "<p>x</p>", "Kim Lee <kim@example.org> " * 1000: 1, "id": 5}
    assert call(staff, "PATCH", f"letters/{number}", body).status_code == 200
    assert Audit.objects.get(what="letter_changed").detail == {"fields": ["subject", "body"]}
