"""`train` and `predict` of the risk model: who is at risk, and why."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from . import promotion
from .cohort import cohort
from .commands import Running, asked_time, iso, limit_threads, running, say, writable, write_table
from .factors import GROUPS
from .facts import Facts
from .moments import TrainingData
from .outcomes import Outcomes, read_outcomes
from .records import LearnerRecords
from .risk import KIND, RiskModel
from .risklessons import is_adverse, usual_length
from .sequences import open_events
from .standing import Known
from .store import ModelStore

COLUMNS = ("course_id", "learner_id", "at")
ABOUT = ("risk", "logit", "baseline", *GROUPS, "partial", "reasons", "model")


def train(options: Namespace) -> int:
    """Fit the risk model, publish it and, if it has earned it, let it serve; prints its version."""
    limit_threads(options.threads)
    if len(options.target) > 1:
        raise ValueError(
            "the risk model has one --target: the column that tells who completed, or who did not"
        )
    target = options.target[0]
    training = import_module("predictor.risktraining")
    outcomes = read_outcomes(options.outcomes, [target])
    everyone = cohort(open_events(options.events), outcomes, target, options.clock)
    store = ModelStore(options.store)
    data = TrainingData(
        source=everyone.source,
        enrolments=everyone.enrolments,
        labels=everyone.labels,
        known_at=everyone.known_at,
        horizons=(),
        target=target,
        clock=options.clock,
        seed=options.seed,
        folder=Path(options.store),
        progress=say,
    )
    adverse = is_adverse(data.source, data.enrolments, data.labels)
    told = _known(options, outcomes, target, adverse, usual_length(data))
    say(f"{target} = 1 is taken to mean that a learner did {'not complete' if adverse else 'complete'}")
    model: RiskModel = training.train(data, told, training.RiskConfig(adverse=adverse))
    version = model.publish(store)
    _promote(store, version, options.promote)
    print(version)
    return 0


def _known(options: Namespace, outcomes: Outcomes | None, target: str, adverse: bool, length: float) -> Known:
    """What the feature table and the outcomes tell beside the events."""
    facts = Facts.read(options.features) if options.features else None
    if outcomes is None or target not in outcomes.targets:
        return Known(facts)
    return Known(facts, learners=LearnerRecords.of(outcomes, target, adverse, length))


def _promote(store: ModelStore, version: str, when: str) -> None:
    current = store.current(KIND)
    if when == "never":
        say(f"published {version}; {current or 'no risk model'} serves")
        return
    lost = promotion.lost(store.manifest(KIND, current), store.manifest(KIND, version)) if current else ""
    if lost and when == "earned":
        say(f"published {version}, but {current} goes on serving: {lost}; --promote always overrules that")
        return
    store.promote(KIND, version)
    say(f"{version} serves" + (f" instead of {current}" if current else ""))


def predict(options: Namespace) -> int:
    """Everyone's risk at a time, what every group adds to it and the reasons, into a table.

    `reasons` is JSON: a list of {group, contribution, chance_if_typical, numbers: [{factor, unit, value,
    typical, contribution}]}, the strongest first.
    """
    moment, out = asked_time(options.at), writable(options.out)
    model = RiskModel.load(ModelStore(options.store))
    source = open_events(options.events)
    outcomes = read_outcomes(options.outcomes) if options.outcomes else None
    told = _known(options, outcomes, model.target, model.adverse, model.length)
    rows = [row for run in running(source, outcomes, moment) for row in _rows(model, run, moment, told)]
    write_table(out, [*COLUMNS, model.target, *ABOUT], rows)
    say(f"{len(rows):,} enrolments at {options.at} by risk model {model.version}, in {out}")
    return 0


def _rows(model: RiskModel, run: Running, moment: float, told: Known) -> Iterator[list[Any]]:
    assessed = model.assess_run(run.sequences, run.begins, moment, run.learners, told)
    for case in assessed.cases():
        chance = case.chance if model.adverse else 1 - case.chance
        groups = [case.contributions[group] for group in GROUPS]
        reasons = json.dumps([asdict(reason) for reason in case.reasons], allow_nan=False)
        yield [
            *(run.sequences.course_id, case.learner, iso(moment)),
            *(chance, case.chance, case.logit, case.baseline, *groups),
            *(int(case.partial), reasons, model.version),
        ]
