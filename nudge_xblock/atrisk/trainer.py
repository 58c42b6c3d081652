"""The risk model's training: `python -m nudge_xblock.atrisk.trainer`, an order in JSON on standard input.

No Django here, and the only way from the plugin to scipy.  Each line on standard output is a JSON object:
{"share", "words"} while it goes on, then {"version"} of the published model; or {"error"} in words and a
status other than 0.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nudge_xblock.trainer import TrainingEvents, in_one_line, say
from predictor.assignments import Assignments
from predictor.cohort import cohort
from predictor.completing import Completed
from predictor.facts import Facts, Together
from predictor.moments import Part, TrainingData
from predictor.outcomes import read_outcomes
from predictor.records import LearnerRecords
from predictor.risklessons import usual_length
from predictor.sequences import EventStore
from predictor.standing import Known
from predictor.store import ModelStore

CLOCK = "course"
PENALTIES = 9
"""Lines that comparing penalties says at most."""


def main() -> int:
    """Train as ordered; the exit status."""
    order = json.load(sys.stdin)
    try:
        say({"version": train(order)})
    except Exception as error:
        say({"error": in_one_line(error)})
        return 1
    return 0


def train(order: Mapping[str, Any]) -> str:
    """Fit and publish, without promoting; the version."""
    from predictor import risktraining

    target, outcomes = order["target"], read_outcomes(order["outcomes"], [order["target"]])
    finished = Part(EventStore(order["events"]), outcomes.courses)
    events = TrainingEvents(finished, order["held_out_share"], order["now"])
    everyone = cohort(events, outcomes, target, CLOCK)
    data = TrainingData(
        source=events,
        enrolments=everyone.enrolments,
        labels=everyone.labels,
        known_at=everyone.known_at,
        horizons=(),
        target=target,
        clock=CLOCK,
        seed=0,
        folder=Path(order["store"]),
        progress=Steps(len(outcomes.courses) + PENALTIES),
    )
    tables = [Facts.read(path) for path in order["facts"]]
    known = Known(
        facts=Together([Assignments.read(order["assignments"]), Completed(events), *tables]),
        learners=LearnerRecords.of(read_outcomes(order["records"]), target, False, usual_length(data)),
        lengths=order["lengths"],
        joined=order["joined"],
    )
    model = risktraining.train(data, known, risktraining.RiskConfig(adverse=False))
    return model.publish(ModelStore(order["store"]))


class Steps:
    """Tells the parent how far it is, a line a step."""

    def __init__(self, whole: int) -> None:
        self._whole, self._done = whole, 0

    def __call__(self, line: str) -> None:
        self._done += 1
        say({"share": min(1.0, self._done / self._whole), "words": line})


if __name__ == "__main__":
    sys.exit(main())
