"""A nudge as OLX: written for people, read with care, and the same after a round trip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from nudge_xblock import editing, olx
from nudge_xblock.objectives import OBJECTIVES
from nudge_xblock.triggers import WHENS

from .host import Host, exported, parsed
from .moments import COURSE, wording

EXAMPLE = """
<nudge display_name="After Quiz 1" when="problem_failed" item="problem/quiz1" attempts="2" kind="review">
  <!-- written by hand -->
  <variant>
    <heading>This one is tricky for many</heading>
    <body>
      A second look often makes it click.
    </body>
    <action url="https://example.org/?a=1&amp;b=2">Watch that part again</action>
  </variant>
  <variant><heading>Again?</heading><body>Take your time.</body></variant>
</nudge>
"""

texts = st.text(st.characters(codec="utf-8"), max_size=60)
variants = st.fixed_dictionaries(dict.fromkeys(olx.VARIANT, texts))


def test_olx_written_by_hand_is_understood() -> None:
    block = parsed(EXAMPLE)
    assert block.display_name == "After Quiz 1"
    assert block.trigger["item"] == str(COURSE.make_usage_key("problem", "quiz1"))
    assert (block.trigger["when"], block.trigger["attempts"]) == ("problem_failed", 2)
    assert block.variants == [
        {
            "heading": "This one is tricky for many",
            "body": "A second look often makes it click.",
            "action_label": "Watch that part again",
            "action_url": "https://example.org/?a=1&b=2",
        },
        {"heading": "Again?", "body": "Take your time.", "action_label": "", "action_url": ""},
    ]


@given(
    rows=st.lists(variants, max_size=4),
    title=texts.map(olx.plain),
    when=st.sampled_from(WHENS),
    attempts=st.integers(1, 100),
    days=st.floats(0.5, 365),
    wide=st.booleans(),
    aim=st.tuples(st.sampled_from(OBJECTIVES), st.floats(1, 60), st.booleans()),
)
def test_a_round_trip_keeps_all_that_can_be_shown(
    rows: list[dict[str, str]],
    title: str,
    when: str,
    attempts: int,
    days: float,
    wide: bool,
    aim: tuple[str, float, bool],
) -> None:
    aims = dict(zip(editing.AIM, aim, strict=True))
    block = Host().nudge(
        variants=rows, display_name=title, when=when, attempts=attempts, days=days, course_wide=wide, **aims
    )
    again = parsed(exported(block))
    assert again.variants == [{name: olx.plain(text) for name, text in row.items()} for row in rows]
    assert (again.when, again.attempts, again.days, again.course_wide) == (when, attempts, days, wide)
    assert {name: getattr(again, name) for name in editing.AIM} == aims
    assert exported(again) == exported(block)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "]]><b>&amp;", "العربية — 日本語 👩‍🏫", 'a "quote"', ""]
)
def test_text_is_text_whatever_it_looks_like(text: str) -> None:
    assert parsed(exported(Host().nudge(variants=[wording("A", body=text)]))).variants[0]["body"] == text


def test_what_xml_cannot_hold_is_left_out_and_the_rest_is_kept() -> None:
    again = parsed(exported(Host().nudge(variants=[wording("a\x00b\x08c\ufffe\ud800d")])))
    assert again.variants[0]["heading"] == "abcd"


def test_an_item_is_written_short_and_found_again_in_another_run() -> None:
    old = "block-v1:Harbour+NUM101+2019+type@problem+block@quiz"
    xml = exported(Host().nudge(item=old, variants=[wording("A")]))
    assert 'item="problem/quiz"' in xml
    assert parsed(xml).trigger["item"] == str(COURSE.make_usage_key("problem", "quiz"))


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("<nudge>Hello</nudge>", "directly inside <nudge>"),
        ("<nudge><variant>Hello</variant></nudge>", "directly inside <variant> number 1"),
        ("<nudge><message/></nudge>", "holds a <message>"),
        ("<nudge><variant><title>A</title></variant></nudge>", "not <title>"),
        ("<nudge><variant><body>A</body><body>B</body></variant></nudge>", "not <body>"),
        (
            "<nudge><variant/><variant><body>A <b>B</b></body></variant></nudge>",
            "<body> of <variant> 2 holds markup",
        ),
        ('<nudge attempts="two"/>', 'attempts="two"'),
        ('<nudge days="soon"/>', 'days="soon"'),
        ('<nudge when="on_tuesdays"/>', "unit_seen, item_completed"),
        ('<nudge audience="friends"/>', "all, verified, audit"),
        ('<nudge objective="fame"/>', "vote, click, items"),
    ],
)
def test_what_cannot_be_understood_says_where_and_what_to_write(xml: str, message: str) -> None:
    with pytest.raises(olx.BrokenOlx) as caught:
        parsed(xml)
    assert message in str(caught.value)


def test_a_nudge_without_a_message_is_no_error() -> None:
    assert parsed("<nudge/>").variants == []
    assert etree.fromstring(exported(parsed("<nudge/>"))).tag == "nudge"
