"""The preview: the mail whole, for an example one may choose, and how many each channel reaches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client, override_settings

from nudge_xblock.communicator import automation, picking
from nudge_xblock.communicator.cards import place
from nudge_xblock.communicator.models import Letter
from nudge_xblock.compat import CourseDates
from nudge_xblock.models import Learner

from ..moments import COURSE, NOW, placed
from .conftest import deliver, written
from .people import OTHER, Roles
from .post_office import PostOffice, parts
from .staffed import DRAFT, call, learners

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("site")]


def preview(staff: Client, **fields: Any) -> dict[str, Any]:
    answer = call(staff, "POST", "letters/preview", DRAFT | fields)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_a_pop_up_reaches_others_than_a_mail(staff: Client) -> None:
    learners()  # three match, one of them without an address
    assert preview(staff)["audience"] == {"mail": 2, "nudge": 3}
    Learner.objects.filter(user_id=1).update(opted_out=True)
    assert preview(staff)["audience"] == {"mail": 1, "nudge": 2}
    with override_settings(NUDGE_CONTROL_SHARE=1.0):
        assert preview(staff)["audience"] == {"mail": 1, "nudge": 0}


def test_the_mail_is_shown_whole_and_its_link_to_leave_does_nothing(staff: Client) -> None:
    learners()
    with override_settings(CONTACT_MAILING_ADDRESS="1 Harbour Road"):
        told = preview(staff)
    assert '<div class="nudge-words"><p>Dear Learner' in told["html"]
    for text in (told["html"], told["text"]):
        assert f"You receive this because you are enrolled in {COURSE}." in text
        assert "1 Harbour Road" in text
        assert "Unsubscribe" in text
        assert "/unsubscribe/" not in text
    assert 'href="#"' in told["html"]


def test_a_pop_up_has_no_such_frame(staff: Client) -> None:
    learners()
    placed()
    told = preview(staff, channel="nudge", subject="Hi", body="<p>Look</p>")
    assert told["html"] == "<p>Look</p>"


def test_the_example_can_be_chosen_among_the_selected(staff: Client) -> None:
    learners()
    first = preview(staff)
    assert len(first["examples"]) == 3
    assert first["example"] == first["examples"][0]
    other = first["examples"][2]
    told = preview(staff, example=other)
    assert told["example"] == other
    assert other[:6].upper() in told["html"]
    for wrong in ("f" * 16, "<script>", 5, None):
        assert preview(staff, example=wrong)["example"] == first["example"]


def test_while_only_words_change_nobody_is_counted(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    learners()
    example = preview(staff)["examples"][1]

    def never(*args: Any) -> None:
        raise AssertionError("all learners were read")

    monkeypatch.setattr(picking, "recipients", never)
    told = preview(staff, subject="New words", count=False, example=example)
    assert (told["subject"], told["example"], told["problems"]) == ("New words", example, [])
    assert all(told[name] is None for name in ("matched", "reachable", "audience", "digest", "examples"))
    assert preview(staff, count=False, example="<b>")["example"] == ""


class Dated(Roles):
    """A course of three months in summer."""

    def course_dates(self, course_key: Any) -> CourseDates:
        if str(course_key) == OTHER:
            return CourseDates()
        return CourseDates(
            datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC), title="Numbers"
        )


@pytest.fixture
def dated(site: None) -> Any:
    with override_settings(NUDGE_COMPAT=f"{__name__}.Dated"):
        yield


DAYS = "<p>[:course:]: [:start:] to [:end:]</p>"


def test_the_days_of_the_course_can_be_said(dated: None, staff: Client, office: PostOffice) -> None:
    learners()
    told = preview(staff, body=DAYS, subject="Until [:end:]")
    assert told["subject"] == "Until Aug. 1, 2026"
    assert "Numbers: May 4, 2026 to Aug. 1, 2026" in told["text"]
    with override_settings(NUDGE_COMPAT=f"{__name__}.Dated"):
        letter = written(body=DAYS)
        automation.begin(letter.pk, NOW)
        deliver(letter, NOW)
    assert "May 4, 2026" in parts(office.mails[0])[0]


def test_a_pop_up_says_them_too(dated: None) -> None:
    card = place(Letter.objects.create(course_key=COURSE, subject="s", body=DAYS, channel="nudge"))
    assert "to Aug. 1, 2026" in card.variants.get().body


def test_a_day_that_the_course_does_not_have_is_a_problem(staff: Client) -> None:
    learners()
    problems = " ".join(preview(staff, body=DAYS)["problems"])
    assert "[:start:]" in problems
    assert "[:end:]" in problems
    assert not preview(staff)["problems"]
