"""Reports of a training under way."""

from __future__ import annotations

import sys

import pytest

from predictor.prefetch import ahead
from predictor.progress import Progress, bar, lines, silent

STEP = Progress(0.5, 1, 2, 1000.0, 0.7)
LINE = Progress(1.0, 2, 2, 1000.0, 0.6, "epoch 2 of 2")


def test_lines_show_messages_alone() -> None:
    shown: list[str] = []
    report = lines(shown.append)
    report(STEP)
    report(LINE)
    silent(LINE)
    assert shown == ["epoch 2 of 2"]


def test_a_bar_needs_tqdm_and_plain_lines_do_instead(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    report = bar()
    report(STEP)
    report(LINE)
    assert capsys.readouterr().out == "epoch 2 of 2\n"


def test_a_bar_shows_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    report = bar()
    report(STEP)
    report(LINE)
    shown = capsys.readouterr()
    assert "epoch 2 of 2" in shown.out + shown.err
    assert "1,000 events/s" in shown.err


def test_items_prepared_ahead_come_in_order() -> None:
    assert list(ahead(iter(range(50)))) == list(range(50))


def test_an_error_while_preparing_comes_out_after_the_items_before_it() -> None:
    def items():  # type: ignore[no-untyped-def]
        yield 1
        raise KeyError("gone")

    prepared = ahead(items())
    assert next(prepared) == 1
    with pytest.raises(KeyError, match="gone"):
        next(prepared)


def test_breaking_off_ends_the_preparation() -> None:
    prepared = []

    def items():  # type: ignore[no-untyped-def]
        for number in range(1000):
            prepared.append(number)
            yield number

    for item in ahead(items()):
        if item == 3:
            break
    assert len(prepared) < 20
