"""How far a training is, for a terminal, a log or a page that polls."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """One report of a training under way.

    Args:
        share: of all planned epochs done, 0 to 1.
        epoch: the one under way, from 1; `epochs` planned.
        events_per_second: steps trained on per second so far, markers not counted.
        loss: mean training loss of the epoch so far.
        message: a line for people when something worth a line happened, else empty.
    """

    share: float
    epoch: int
    epochs: int
    events_per_second: float
    loss: float
    message: str = ""


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Report to nobody."""


def lines(write: Callable[[str], Any] = print) -> Report:
    """Report the messages alone, a line each."""

    def report(progress: Progress) -> None:
        if progress.message:
            write(progress.message)

    return report


def bar(write: Callable[[str], Any] = print) -> Report:
    """A progress bar where tqdm is installed, plain lines where it is not."""
    try:
        tqdm = importlib.import_module("tqdm")
    except ImportError:
        return lines(write)
    shown = tqdm.tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining} {postfix}")

    def report(progress: Progress) -> None:
        shown.n = round(100 * progress.share)
        shown.set_postfix_str(f"loss {progress.loss:.4f}, {progress.events_per_second:,.0f} events/s")
        if progress.message:
            shown.write(progress.message)
        if progress.share >= 1:
            shown.close()

    return report
