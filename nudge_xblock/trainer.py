"""The training process: `python -m nudge_xblock.trainer`, an order in JSON on standard input.

No Django here, and the only way from the plugin to torch.  Each line on standard output is a JSON object:
{"share", "words"} while it goes on, {"fitted"} once the engagement model is published, then {"version"} of
it, with "no_stack" where its stack could not be trained and why; or {"error"} in words and a status other
than 0.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nudge_xblock.holdout import is_held_out
from predictor.outcomes import read_outcomes
from predictor.progress import Progress
from predictor.sequences import EventSource, EventStore, Sequences
from predictor.store import ModelStore


class TrainingEvents:
    """The events to learn from: those of learners who are not held out, up to the night's moment."""

    def __init__(self, source: EventSource, share: float, now: float) -> None:
        self._source, self._share, self._now = source, share, now
        self.courses = tuple(course for course in source.courses if len(self.sequences(course).times))

    def sequences(self, course_id: str) -> Sequences:
        """The events of one course run."""
        whole = self._source.sequences(course_id)
        kept = np.array([not is_held_out(learner, self._share) for learner in whole.learners], np.bool_)
        sizes = np.diff(whole.offsets)
        rows = np.repeat(kept, sizes) & (whole.times <= self._now)
        owners = np.repeat(np.arange(len(sizes)), sizes)[rows]
        left = np.bincount(owners, minlength=len(sizes))[kept]
        return replace(
            whole,
            learners=[learner for learner, keep in zip(whole.learners, kept, strict=True) if keep],
            offsets=np.concatenate(([0], np.cumsum(left))).astype(np.int64),
            tokens=whole.tokens[rows],
            times=whole.times[rows],
            items=whole.items[rows],
            scores=whole.scores[rows],
        )


def main() -> int:
    """Train as ordered; the exit status."""
    order = json.load(sys.stdin)
    try:
        say(train(order))
    except Exception as error:
        say({"error": in_one_line(error)})
        return 1
    return 0


def in_one_line(error: Exception) -> str:
    """An error as a report tells it."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def train(order: Mapping[str, Any]) -> dict[str, str]:
    """Fit and publish, without promoting; the last report.

    An order that names a "fitted" engagement model, from a training that was killed, wants its stack alone.
    """
    from predictor import plan, training

    events = TrainingEvents(EventStore(order["events"]), order["held_out_share"], order["now"])
    outcomes = read_outcomes(order["outcomes"])
    learners = sum(map(len, outcomes.by_course.values()))
    config = training.TrainConfig.from_json({**plan.suited(learners), **order["config"]})
    store = ModelStore(order["store"])
    report = Reporter()
    notes = {"held_out_share": order["held_out_share"]}
    version = order.get("fitted") or training.fit(
        events, outcomes, order["targets"], config, store, report, notes
    )
    say({"fitted": version})
    if not order["stack"]:
        return {"version": version}
    try:
        from predictor import stacking

        stacking.fit(events, outcomes, config, store, version, report.words)
    except Exception as error:  # the LSTM stands, and decides about nudges alone
        return {"version": version, "no_stack": in_one_line(error)}
    return {"version": version}


class Reporter:
    """Tells the parent how far it is, at most twice a second."""

    def __init__(self) -> None:
        self._last = 0.0
        self._share = 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.message or time.monotonic() - self._last > 0.5:
            self._last = time.monotonic()
            words = f"epoch {progress.epoch} of {progress.epochs}, loss {progress.loss:.4f}"
            self._share = progress.share
            say({"share": progress.share, "words": progress.message or words})

    def words(self, line: str) -> None:
        """A line of what goes on beside the epochs."""
        say({"share": self._share, "words": line})


def say(content: Mapping[str, Any]) -> None:
    """One line on standard output."""
    print(json.dumps(content), flush=True)


if __name__ == "__main__":
    sys.exit(main())
