"""What nights have to say, kept as codes and put into words."""

from __future__ import annotations

import json
import string

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock import remarks


def test_a_remark_is_plain_json_and_reads_as_a_sentence() -> None:
    told = remarks.remark("worse_auc", target="pass", new=0.7, old=0.8)
    assert json.loads(json.dumps(told)) == told
    assert (
        remarks.sentence(told)
        == "In passing its AUC on held-out learners is 0.700, the serving model’s 0.800."
    )


def test_sentences_stand_one_after_the_other() -> None:
    said = remarks.text([remarks.remark("all_stay"), remarks.remark("done")])
    assert said == "The models that serve stay. Done."


@given(new=st.floats(0.0, 1.0), apart=st.floats(1e-7, 0.5))
def test_figures_that_differ_look_different(new: float, apart: float) -> None:
    words = remarks.sentence(remarks.remark("worse_auc", target="pass", new=new, old=new + apart))
    first, second = (each.rstrip(".") for each in words.split(" is ")[1].split(", the serving model’s "))
    assert first != second


def test_figures_are_written_as_the_readers_language_does() -> None:
    with translation.override("de"):
        assert "0,700" in remarks.sentence(remarks.remark("below_chance", target="pass", new=0.7))


def test_a_code_of_another_release_is_shown_as_it_is() -> None:
    assert remarks.sentence({"code": "of_the_future", "new": 1}) == "of_the_future"


def test_a_code_without_words_cannot_be_stored() -> None:
    with pytest.raises(KeyError):
        remarks.remark("nonsense")


@pytest.mark.parametrize("code", sorted(remarks.TEXTS))
def test_every_sentence_takes_its_figures_by_name(code: str) -> None:
    names = [name for _, name, _, _ in string.Formatter().parse(str(remarks.TEXTS[code])) if name]
    words = remarks.sentence(remarks.remark(code, **dict.fromkeys(names, 0.25)))
    assert "{" not in words
    assert words.endswith((".", "0.250"))
