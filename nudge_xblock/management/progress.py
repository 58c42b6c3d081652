"""How a command tells how far it is: a bar on a terminal, a line per change elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from django.core.management.base import OutputWrapper

WIDTH = 24


def reporter_for(out: OutputWrapper) -> Callable[[str, float, str], None]:
    """A reporter that writes to `out`."""
    return Bar(out) if out.isatty() else Lines(out)


class Bar:
    """One line that is drawn over; a finished step leaves its last words above it."""

    def __init__(self, out: OutputWrapper) -> None:
        self.out, self.step, self.words = out, "", ""

    def __call__(self, step: str, progress: float, words: str) -> None:
        if self.step and step != self.step:
            self._draw(f"  {self.step}: {self.words}")
            self.out.write("")
            self.words = ""
        self.step, self.words = step, words or self.words
        full = round(WIDTH * progress)
        self._draw(f"[{'#' * full}{'.' * (WIDTH - full)}] {progress:4.0%} {step}: {self.words}")

    def _draw(self, text: str) -> None:
        columns = shutil.get_terminal_size().columns - 1
        self.out.write("\r" + text[:columns].ljust(columns), ending="")
        self.out.flush()


class Lines:
    """A line whenever a step begins, moves on by a fifth of the night, or ends with words."""

    def __init__(self, out: OutputWrapper) -> None:
        self.out, self.last = out, ("", -1, "")

    def __call__(self, step: str, progress: float, words: str) -> None:
        new_step, fifth = step != self.last[0], int(progress * 5)
        if (
            new_step
            or fifth != self.last[1]
            or (words and self._is_sentence(words) and words != self.last[2])
        ):
            self.out.write(f"{progress:4.0%} {step}{': ' if words else ''}{words}")
            self.last = (step, fifth, words)

    @staticmethod
    def _is_sentence(words: str) -> bool:
        return words.endswith(".")
