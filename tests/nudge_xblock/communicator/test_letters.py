"""Letters: what is refused, what is made safe, and that filling one in cannot change anything else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nudge_xblock.communicator import letters, markup
from nudge_xblock.communicator.filling import Composed, Rendered, person, render
from nudge_xblock.communicator.letters import compose

KIM = {"firstname": "Kim", "fullname": "Kim Lee", "course": "Numbers 101"}


def places(place: str) -> str:
    if place not in ("progress", "block-v1:O+C+R+type@video+block@v1"):
        raise ValueError(f"no place {place}")
    return f"https://learn.example.org/{place}"


def letter(body: str, subject: str = "News", **options: Any) -> Composed:
    return compose(subject, body, places, **options)


def said(body: str, fields: dict[str, str] | None = None, **options: Any) -> Rendered:
    made = letter(body, **options)
    assert made.problems == ()
    return render(made, fields or KIM)


def test_placeholders_are_filled_in_subject_html_and_text() -> None:
    mail = said("<p>Hi [:firstname:] ([:fullname:]) in [:course:]</p>", subject="For [:firstname:]")
    assert mail.subject == "For Kim"
    assert mail.html == "<p>Hi Kim (Kim Lee) in Numbers 101</p>"
    assert mail.text == "Hi Kim (Kim Lee) in Numbers 101\n"


def test_a_link_to_a_place_is_a_link_in_html_and_an_address_in_text() -> None:
    mail = said("<p>See [:link:progress|your &lt;progress&gt;:].</p>")
    assert mail.html == '<p>See <a href="https://learn.example.org/progress">your &lt;progress&gt;</a>.</p>'
    assert mail.text == "See your <progress> (https://learn.example.org/progress).\n"


def test_attached_places_stand_below_the_message() -> None:
    mail = said("<p>Look.</p>", links=[{"label": "Video <1>", "url": "block-v1:O+C+R+type@video+block@v1"}])
    address = "https://learn.example.org/block-v1:O+C+R+type@video+block@v1"
    assert mail.html == f'<p>Look.</p><ul><li><a href="{address}">Video &lt;1&gt;</a></li></ul>'
    assert mail.text == f"Look.\n\n- Video <1> ({address})\n"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("<p>[:surname:]</p>", "There is no placeholder [:surname:]"),
        ("<p>[:FirstName:]</p>", "There is no placeholder [:FirstName:]"),
        ("<p>[:firstname</p>", "not finished"),
        ("<p>[:first<b>name</b>:]</p>", "not finished"),
        ("<p>[:link:elsewhere|x:]</p>", "no place elsewhere"),
        ("<p>[:link:progress:]</p>", "Say what a link is to read"),
        ('<p><a href="https://x.org">[:link:progress|x:]</a></p>', "inside another link"),
        ('<p><a href="https://x.org/?who=[:firstname:]">x</a></p>', "not in its address"),
        ('<p><a href="/here">x</a></p>', "is not complete"),
        ('<p><a href="//evil.org">x</a></p>', "is not complete"),
        ("<p>  </p>", "Write the message"),
        ("<script>alert(1)</script>", "Write the message"),
        ("x" * (letters.BODY + 1), "too long"),
    ],
)
def test_what_cannot_be_sent_is_said_in_words(body: str, problem: str) -> None:
    assert any(problem in each for each in letter(body).problems), letter(body).problems


@pytest.mark.parametrize("bad", ["\n", "\r", "\r\nBcc: all@example.org", "\x00", "\u2028", "\x0b", "\x85"])
def test_a_subject_that_would_begin_another_header_is_refused(bad: str) -> None:
    assert any("single line" in each for each in letter("<p>x</p>", subject=f"a{bad}b").problems)
    assert letters.header_problems("x", f"a{bad}b")


@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        ("", "Write a subject"),
        (" ", "Write a subject"),
        ("x" * 201, "too long"),
        ("[:link:progress|x:]", "cannot stand"),
        ("[:x:]", "no placeholder"),
    ],
)
def test_subjects_are_checked(subject: str, problem: str) -> None:
    assert any(problem in each for each in letter("<p>x</p>", subject=subject).problems)


def test_attached_links_are_checked() -> None:
    many = [{"label": "x", "url": "progress"}] * (letters.LINKS + 1)
    assert any("at most" in each for each in letter("<p>x</p>", links=many).problems)
    assert any("no place" in each for each in letter("x", links=[{"label": "x", "url": "?"}]).problems)
    assert any("Say what" in each for each in letter("x", links=[{"label": " ", "url": "progress"}]).problems)


@pytest.mark.parametrize(
    "evil",
    [
        '<img src=x onerror="alert(1)">',
        "<script>alert(1)</script>",
        '<a href="javascript:alert(1)">x</a>',
        '<p onclick="alert(1)" style="position:fixed">x</p>',
        "<style>*{display:none}</style>",
        '<form action="https://evil.org"><input name="password"></form>',
        "<iframe src='https://evil.org'></iframe>",
        "<svg><script>alert(1)</script></svg>",
        '<a href="data:text/html,<script>">x</a>',
        "<math><mi xlink:href='javascript:alert(1)'>",
    ],
)
def test_only_plain_formatting_is_left_of_rich_text(evil: str) -> None:
    made = render(letter(f"<p>kept</p>{evil}"), KIM).html
    assert "kept" in made
    found = elements(made)
    assert {tag for tag, _ in found} <= markup.TAGS
    assert all(set(names) <= {"href"} for _, names in found)
    assert "javascript:" not in made
    assert "data:" not in made
    assert "alert(1)" not in made


def elements(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Every tag with the names of its attributes, as a browser would find them."""
    found = []

    class Finder(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, tuple(name for name, _ in attrs)))

    Finder().feed(html)
    return found


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "Kim</p><h1>Big",
        "&lt;b&gt;",
        "[:fullname:]",
        "[:link:progress|here:]",
    ],
)
def test_a_learners_name_adds_no_markup_and_no_placeholder(name: str) -> None:
    body = '<p>Dear [:firstname:], [:fullname:]</p><p><a href="https://x.org">[:fullname:]</a></p>'
    plain = elements(said(body).html)
    mail = said(body, {"firstname": name, "fullname": name, "course": "C"}, subject="To [:fullname:]")
    assert elements(mail.html) == plain
    assert name in mail.text
    assert mail.subject == f"To {name}"


@given(name=st.text(max_size=60))
@example("a\r\nBcc: victim@example.org")
@example("a\u2028b")
def test_whatever_a_learner_is_called_the_mail_keeps_its_shape(name: str) -> None:
    mail = render(letter("<ul><li>[:firstname:]</li></ul>", subject="[:fullname:]!"), {**KIM, **person(name)})
    assert elements(mail.html) == [("ul", ()), ("li", ())]
    assert not re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029]", mail.subject)
    assert mail.text.count("\n") == 1


@given(st.text(alphabet=st.sampled_from("<>&\"'[]:|/= abfirstnamelinkpgs"), max_size=80))
def test_whatever_is_written_is_refused_or_safe(body: str) -> None:
    made = letter(body)
    if not made.problems:
        mail = render(made, KIM)
        assert {tag for tag, _ in elements(mail.html)} <= markup.TAGS
        assert "[:" not in mail.text


@pytest.mark.parametrize("name", ["see www.evil.org", "http://evil.org", "a@b.c", "x" * 101, "", " \n "])
def test_a_name_that_is_no_name_is_not_greeted_by(name: str) -> None:
    assert person(name) == {"firstname": "learner", "fullname": "learner"}


def test_first_and_full_names_come_from_what_there_is() -> None:
    assert person("Kim Lee") == {"firstname": "Kim", "fullname": "Kim Lee"}
    assert person("Lee Kim", "Kim") == {"firstname": "Kim", "fullname": "Lee Kim"}


def test_formatting_has_a_plain_text_beside_it() -> None:
    body = """
      <h2>Week 3</h2><p>Two <b>short</b> things:<br>now.</p>
      <ol><li>One</li><li>Two</li></ol><ul><li>A &amp; B</li></ul>
      <blockquote>said</blockquote><p><a href="https://x.org/a?b=1&amp;c=2">Read</a> or
      <a href="https://y.org">https://y.org</a></p><pre>  kept
   as is</pre>"""
    assert said(body).text == (
        "Week 3\n\nTwo short things:\nnow.\n\n1. One\n2. Two\n\n- A & B\n\nsaid\n\n"
        "Read (https://x.org/a?b=1&c=2) or https://y.org\n\n  kept\n   as is\n"
    )


def test_links_can_be_turned_while_the_text_keeps_where_they_lead() -> None:
    made = letter('<p><a href="https://x.org/?a=1&amp;b=2">x</a> [:link:progress|y:]</p>')
    mail = render(made, KIM, lambda url: f"https://count.org/?to={url}")
    assert 'href="https://count.org/?to=https://x.org/?a=1&amp;b=2"' in mail.html
    assert 'href="https://count.org/?to=https://learn.example.org/progress"' in mail.html
    assert "count.org" not in mail.text
    assert made.links == {"https://x.org/?a=1&b=2", "https://learn.example.org/progress"}


def test_a_letter_knows_whether_it_says_names() -> None:
    assert letter("<p>[:fullname:]</p>").names
    assert letter("<p>x</p>", subject="[:firstname:]").names
    assert not letter("<p>[:course:]</p>").names
