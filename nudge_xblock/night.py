"""One night under way: what its steps share, and how they tell how far they are."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from nudge_xblock import remarks, slots
from nudge_xblock.models import Night
from predictor.store import ModelStore

ENGAGEMENT = "engagement"
HELPFULNESS = "helpfulness"
RISK = "risk"

Reporter = Callable[[str, float, str], None]
"""Called with the step's name, the share of the whole night done (0 to 1) and words."""


class Skipped(Exception):
    """A step has nothing to do, or lacks what it needs, without anything being wrong; says so in words.

    A remark is also told to staff.
    """

    def __init__(self, said: str | remarks.Remark) -> None:
        self.remarks = [] if isinstance(said, str) else [said]
        super().__init__(said if isinstance(said, str) else remarks.sentence(said))


@dataclass
class Run:
    """What the steps of one night know and leave to each other."""

    night: Night
    now: datetime
    reporter: Reporter
    step: str = ""
    begun: float = 0.0  # share of the night done before this step
    share: float = 0.0  # share of the night that this step is
    figures: dict[str, Any] = field(default_factory=dict)  # of the step under way; kept in the night's row
    undone: set[str] = field(default_factory=set)  # steps that failed or had nothing to do
    serving: dict[str, str] = field(default_factory=dict)  # kind to the version that serves and is whole
    candidates: dict[str, str] = field(default_factory=dict)  # kind to tonight's version, unless refused
    refused: dict[str, list[remarks.Remark]] = field(default_factory=dict)  # kind to why
    told: list[remarks.Remark] = field(default_factory=list)  # what staff read of this night
    promoted: tuple[str, ...] = ()
    completed: Counter[int] | None = None  # user id to course runs completed, once labels are collected
    metrics: dict[str, Any] = field(default_factory=dict)
    _at: float = 0.0
    _beaten: float = 0.0

    @property
    def through(self) -> datetime:
        """Events up to here go into the stored states; later ones stay in the tail."""
        return self.now - timedelta(seconds=settings.NUDGE_STATE_LAG_SECONDS)

    def tomorrow(self, kind: str) -> str | None:
        """The version that would serve tomorrow: tonight's, unless there is none or it was refused."""
        return self.candidates.get(kind) or self.serving.get(kind)

    def judge(
        self, kind: str, version: str, figures: dict[str, Any], objections: list[remarks.Remark]
    ) -> None:
        """Note what was measured of tonight's version: a candidate for promotion, or refused."""
        self.metrics[kind] = {"version": version, "compared_with": self.serving.get(kind, ""), **figures}
        if objections:
            self.refuse(kind, objections)
        else:
            self.candidates[kind] = version

    def refuse(self, kind: str, why: list[remarks.Remark]) -> None:
        """Tonight's version is not to serve."""
        self.candidates.pop(kind, None)
        self.refused[kind] = why

    def tell(self, code: str, **figures: Any) -> str:
        """Remark on something to staff; the sentence."""
        self.told.append(remarks.remark(code, **figures))
        return remarks.sentence(self.told[-1])

    def report(self, share: float | None = None, words: str = "") -> None:
        """Tell that `share` (0 to 1; None: as before) of the step under way is done.

        Raises LostSlot when another process has taken over.
        """
        self._at = self._at if share is None else min(1.0, max(0.0, share))
        progress = self.begun + self.share * self._at
        self.reporter(self.step, progress, words)
        if time.monotonic() - self._beaten >= slots.BEAT.total_seconds():
            slots.beat(self.night, self.step, progress)
            self._beaten = time.monotonic()

    def enter(self, step: str, begun: float, share: float) -> None:
        """Begin a step: progress is written at once."""
        self.step, self.begun, self.share, self.figures, self._beaten = step, begun, share, {}, 0.0
        self.report(0.0)


def models() -> ModelStore:
    """The site's model store."""
    return ModelStore(settings.NUDGE_MODEL_DIR)


def workroom() -> Path:
    """The folder, private to this user, where a night keeps what a killed one can go on from."""
    path = Path(settings.NUDGE_MODEL_DIR) / "work"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def silent(step: str, progress: float, words: str) -> None:
    """The reporter of a night that nobody watches."""
