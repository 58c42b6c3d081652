"""Placements: registered as often as one likes, every wording kept, and errors a teacher understands."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from nudge_xblock import catalogue, placements
from nudge_xblock.models import Placement, Variant

from .moments import COURSE, fields, placed, wording

SCRIPT = "<script>alert(1)</script>"


@pytest.mark.django_db
def test_registering_twice_changes_nothing() -> None:
    first = placed()
    ids = list(Variant.objects.values_list("pk", flat=True))
    assert placed().pk == first.pk
    assert list(Variant.objects.values_list("pk", flat=True)) == ids


@pytest.mark.django_db
def test_an_edited_wording_is_a_new_variant_and_the_old_one_stays_inactive() -> None:
    placed()
    placed(variants=[wording("Tricky for many"), wording("Look once more?")])
    assert dict(Variant.objects.values_list("heading", "active")) == {
        "Tricky for many": True,
        "Look again?": False,
        "Look once more?": True,
    }


@pytest.mark.django_db
def test_a_wording_that_comes_back_is_the_variant_it_was() -> None:
    placed()
    old = Variant.objects.get(heading="Look again?").pk
    placed(variants=[wording("Tricky for many")])
    placed(variants=[wording("Look again?"), wording("Tricky for many")])
    back = Variant.objects.get(heading="Look again?")
    assert (back.pk, back.active, back.position) == (old, True, 0)


@pytest.mark.django_db
def test_the_first_wording_is_the_default() -> None:
    placed(variants=[wording("B"), wording("A")])
    assert [each.heading for each in catalogue.book(COURSE).spots[fields()["key"]].wordings] == ["B", "A"]
    placed(variants=[wording("A"), wording("B")])
    assert [each.heading for each in catalogue.book(COURSE).spots[fields()["key"]].wordings] == ["A", "B"]


@pytest.mark.django_db
def test_a_nudge_that_is_switched_off_or_withdrawn_shows_nothing() -> None:
    placed(enabled=False)
    assert not catalogue.book(COURSE).spots
    placed()
    assert catalogue.book(COURSE).spots
    assert placements.withdraw(fields()["key"])
    assert not catalogue.book(COURSE).spots
    assert not placements.withdraw("unknown")


@pytest.mark.django_db
def test_a_script_in_a_message_is_stored_as_the_text_it_is() -> None:
    placed(variants=[wording(SCRIPT, body=SCRIPT)])
    assert Variant.objects.values_list("heading", "body").get() == (SCRIPT, SCRIPT)


@pytest.mark.django_db
def test_what_is_wrong_is_stored_nowhere() -> None:
    with pytest.raises(ValidationError) as raised:
        placed(variants=[])
    assert raised.value.message_dict == {"variants": ["Write at least one message."]}
    assert not Placement.objects.exists()


def _where(**changes: Any) -> list[str]:
    return [problem.field for problem in placements.validate(fields(**changes))]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"variants": None}, ["variants"]),
        ({"variants": "text"}, ["variants"]),
        ({"variants": [7]}, ["variants.0"]),
        ({"variants": [wording("")]}, ["variants.0.heading"]),
        ({"variants": [wording("ok", body="  ")]}, ["variants.0.body"]),
        ({"variants": [wording("x" * 121)]}, ["variants.0.heading"]),
        ({"variants": [wording("a"), wording("a ")]}, ["variants"]),
        ({"variants": [wording(str(n)) for n in range(9)]}, ["variants"]),
        ({"variants": [wording("a", action_label="Go")]}, ["variants.0.action_url"]),
        ({"variants": [wording("a", action_url="/x")]}, ["variants.0.action_label"]),
        (
            {"variants": [wording("a", action_label="Go", action_url="javascript:1")]},
            ["variants.0.action_url"],
        ),
        ({"trigger": {}}, ["trigger.when"]),
        ({"trigger": None}, ["trigger.when"]),
        ({"trigger": {"when": "problem_failed", "attempts": 0}}, ["trigger.attempts"]),
        ({"trigger": {"when": "score_below", "threshold": 1.5}}, ["trigger.threshold"]),
        ({"trigger": {"when": "return_after_absence"}}, ["trigger.days"]),
        ({"trigger": {"when": "inactivity", "days": True}}, ["trigger.days"]),
        ({"trigger": {"when": "deadline_near", "hours": "soon"}}, ["trigger.hours"]),
        ({"trigger": {"when": "unit_seen", "item": 5}}, ["trigger.item"]),
        ({"audience": "cats"}, ["audience"]),
        ({"title": "x" * 256}, ["title"]),
        ({"course_key": "nowhere"}, ["course_key"]),
        ({"key": ""}, ["key"]),
    ],
)
def test_each_fault_is_found_where_it_is(changes: dict[str, Any], expected: list[str]) -> None:
    assert _where(**changes) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a?b=c#d",
        "http://example.org",
        "/jump_to_id/intro",
        "../page",
        "#part",
        "?tab=2",
        "1/x",
    ],
)
def test_links_within_the_site_and_to_the_web_are_allowed(url: str) -> None:
    assert placements.is_safe_link(url)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)",
        "\x01javascript:alert(1)", "data:text/html,x", "vbscript:x", "//evil.example", "/\\evil.example",
        "https:", "https:///path", "mailto:a@b", "http://[", "a b", "", "ftp://example.org",
    ],
)  # fmt: skip
def test_every_other_link_is_refused(url: str) -> None:
    assert not placements.is_safe_link(url)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_no_link_that_is_allowed_runs_a_script(url: str) -> None:
    if placements.is_safe_link(url):
        scheme = "".join(url.split()).partition(":")[0].lower()
        assert scheme in ("http", "https") or any(mark in scheme for mark in "/?#") or ":" not in url


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    )
)
def test_whatever_a_form_sends_is_answered_in_words(sent: Any) -> None:
    for name in ("title", "kind", "trigger", "audience", "variants", "key", "course_key"):
        assert all(problem.message for problem in placements.validate(fields(**{name: sent})))
    placements.validate(
        {"variants": [{"heading": sent, "body": sent, "action_label": sent, "action_url": sent}]}
    )


@pytest.mark.django_db
def test_the_book_is_kept_between_questions() -> None:
    placed()
    catalogue.book(COURSE)
    with CaptureQueriesContext(connection) as queries:
        catalogue.book(COURSE)
    assert len(queries) == 0
