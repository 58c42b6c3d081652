"""The placeholders of a learner's own progress: a list of links, and what is due next."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock.communicator import cards
from nudge_xblock.communicator.filling import Composed, Rendered, Step, render
from nudge_xblock.communicator.letters import compose
from nudge_xblock.communicator.mails import Writer
from nudge_xblock.compat import Platform

from ..atrisk.walkers import walked
from ..moments import COURSE, NOW
from .conftest import send, written
from .learners import learner
from .post_office import PostOffice, parts
from .staffed import call

STEPS = (
    Step("Hand in “Week 3”", "https://learn.example.org/w3"),
    Step("Begin", "https://learn.example.org/"),
)
FIELDS = {"firstname": "Kim", "fullname": "Kim Lee", "course": "Numbers", "due": "“Week 3”, 4 May"}


def letter(body: str, subject: str = "News") -> Composed:
    return compose(subject, body, lambda place: f"https://learn.example.org/{place}")


def said(body: str, steps: tuple[Step, ...] = STEPS, **options: Any) -> Rendered:
    made = letter(body, **options)
    assert made.problems == ()
    return render(made, FIELDS, steps=steps)


def test_next_steps_in_a_paragraph_of_their_own_are_a_list() -> None:
    mail = said("<p>Hi.</p><p>[:next_steps:]</p><p>Bye.</p>")
    assert mail.html == (
        '<p>Hi.</p><ul><li><a href="https://learn.example.org/w3">Hand in “Week 3”</a></li>'
        '<li><a href="https://learn.example.org/">Begin</a></li></ul><p>Bye.</p>'
    )
    assert mail.text == (
        "Hi.\n\n- Hand in “Week 3” (https://learn.example.org/w3)\n- Begin (https://learn.example.org/)\n\nBye.\n"
    )


def test_next_steps_within_a_sentence_are_lines() -> None:
    mail = said("<p>Do: [:next_steps:] Bye.</p>", STEPS[1:])
    assert mail.html == '<p>Do: <a href="https://learn.example.org/">Begin</a> Bye.</p>'
    assert mail.text == "Do: \n- Begin (https://learn.example.org/)\nBye.\n"


def test_what_is_due_stands_in_subject_and_body() -> None:
    mail = said("<p>Next: [:due:].</p>", subject="Due: [:due:]")
    assert (mail.subject, mail.html) == ("Due: “Week 3”, 4 May", "<p>Next: “Week 3”, 4 May.</p>")


@pytest.mark.parametrize(
    ("body", "subject", "problem"),
    [
        ("<p>x</p>", "Do [:next_steps:]", "cannot stand in the subject"),
        ('<p><a href="https://x.org/">[:next_steps:]</a></p>', "News", "cannot stand inside a link"),
        ("<p>[:nextsteps:]</p>", "News", "[:due:], [:next_steps:]"),
    ],
)
def test_where_next_steps_cannot_stand_is_said(body: str, subject: str, problem: str) -> None:
    assert any(problem in each for each in letter(body, subject).problems)


@given(st.text(max_size=80), st.sampled_from(["<p>[:next_steps:]</p>", "<p>Do [:next_steps:]</p>"]))
def test_whatever_a_block_is_called_it_is_escaped_once_and_adds_nothing(name: str, body: str) -> None:
    mail = said(body, (Step(name, 'https://x.org/?a="b"&c'),))
    assert 'href="https://x.org/?a=&quot;b&quot;&amp;c"' in mail.html
    found = re.findall(r"<a [^<>]*>([^<>]*)</a>", mail.html)
    assert len(found) == 1
    shown = unescape(found[0])
    assert shown == unescape(found[0]).strip()
    assert shown.split() == re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", name).split()
    assert len(re.findall(r"<", mail.html)) == len(re.findall(r"<", said(body, (Step("", "x"),)).html))


def test_links_of_steps_are_counted_like_others() -> None:
    made = letter("<p>[:next_steps:]</p>")
    mail = render(made, FIELDS, lambda url: f"https://count/{len(url)}", STEPS)
    assert mail.html.count("https://count/") == 2
    assert "count" not in mail.text


class Named(Platform):
    """A course whose blocks have names, with an assignment that learners 1 to 3 have not handed in."""

    def labels(self, usage_keys: Any) -> dict[str, str]:
        return {str(key): f"Part <{key.block_id}>" for key in usage_keys}

    def open_dues(self, course_key: Any, user_ids: Any) -> Any:
        block = str(COURSE.make_usage_key("sequential", "hw"))
        return {user_id: [(NOW + timedelta(days=3), block)] if user_id < 4 else [] for user_id in user_ids}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("stores")
@override_settings(NUDGE_COMPAT=f"{__name__}.Named", NUDGE_COOL_DOWN_MINUTES=0)
def test_each_learners_mail_has_their_own_steps(office: PostOffice) -> None:
    for user_id in (2, 4):
        learner(user_id)
    walked({str(user_id): user_id for user_id in range(1, 30)})
    body = "<p>Dear [:firstname:]</p><p>[:next_steps:]</p><p>Due: [:due:]</p>"
    send(written(body=body, subject="For you"))
    text, html = parts(office.to("learner2@example.org")[0])
    due = "November 21, 2026" if "November 21" in html else "Nov. 21, 2026"
    assert f'<li><a href="https://learn.example.org/courses/{COURSE}/jump_to/' in html
    assert f"Hand in “Part &lt;hw&gt;” by {due}</a></li>" in html
    assert "Go on with “Part &lt;i02&gt;”</a></li>" in html
    assert f"Due: “Part &lt;hw&gt;”, {due}</p>" in html
    assert f"- Hand in “Part <hw>” by {due} (https://learn.example.org/" in text
    text, html = parts(office.to("learner4@example.org")[0])
    assert "Part &lt;hw&gt;" not in html
    assert "Go on with “Part &lt;i04&gt;”" in html
    assert "Due: nothing soon" in text


@pytest.mark.django_db
@pytest.mark.usefixtures("stores")
@override_settings(NUDGE_COMPAT=f"{__name__}.Named")
def test_a_batch_asks_for_everybody_at_once() -> None:
    walked({str(user_id): user_id for user_id in range(1, 30)})
    writer = Writer(written(body="<p>[:next_steps:]</p>"))
    spent = []
    for many in (1, 25):
        with CaptureQueriesContext(connection) as queries:
            writer.look_up(range(1, many + 1), NOW)
        spent.append(len(queries))
    assert spent[1] <= spent[0] <= 3


@pytest.mark.django_db
def test_a_letter_that_says_nothing_of_progress_asks_nothing() -> None:
    writer = Writer(written(body="<p>Hello</p>"))
    with CaptureQueriesContext(connection) as queries:
        writer.look_up([1, 2], NOW)
    assert len(queries) == 0


@pytest.mark.django_db
def test_a_pop_up_cannot_say_what_is_each_learners_own() -> None:
    for body in ("<p>[:next_steps:]</p>", "<p>[:due:]</p>"):
        found = written(body=body, channel="nudge")
        assert any("mail only" in each for each in cards.problems(found, Writer(found).composed))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("stores", "site")
def test_a_preview_shows_the_examples_own_steps(staff: Client) -> None:
    learner(2)
    walked({str(user_id): user_id for user_id in range(1, 30)})
    draft = {"subject": "x", "body": "<p>[:next_steps:]</p>", "selection": "everyone=1"}
    seen = call(staff, "POST", "letters/preview", draft).json()
    assert seen["examples"] == [seen["example"]]
    assert "jump_to/block-v1:Harbour+NUM101+2026+type@html+block@i02" in seen["html"]
    again = {**draft, "count": False, "example": seen["example"]}
    assert call(staff, "POST", "letters/preview", again).json()["html"] == seen["html"]
