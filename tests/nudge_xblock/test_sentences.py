"""Every reason has its sentence."""

from __future__ import annotations

from nudge_xblock.reasons import EXPLORED, GATED, RESTRAINED, SENT, Reason
from nudge_xblock.sentences import SENTENCES, sentence


def test_every_reason_has_a_sentence_of_its_own_that_says_what_was_done() -> None:
    assert set(SENTENCES) == set(Reason)
    assert len({str(text) for text in SENTENCES.values()}) == len(Reason)
    for reason in Reason:
        sent = reason in SENT | {Reason.LETTER}
        assert sentence(reason).startswith("Sent" if sent else "Held back")


def test_a_code_of_another_release_is_shown_as_it_is() -> None:
    assert sentence("moon_phase") == "moon_phase"


def test_reasons_fit_their_column_and_their_groups() -> None:
    assert all(len(reason) <= 40 for reason in Reason)
    assert EXPLORED - {Reason.SPARED} <= SENT
    assert not GATED & RESTRAINED
    assert not SENT & RESTRAINED
