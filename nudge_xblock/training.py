"""The night's training, in a process of its own, so that no process of Django's ever imports torch.

The child (see apart.py) is `python -m nudge_xblock.trainer`.  Killed, it leaves a checkpoint, from which the
next night goes on when the data are the same.  What was trained is remembered with a digest of all that
decides it: on the same data nothing is trained twice.
"""

from __future__ import annotations

import hashlib
import json
import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

from nudge_xblock import apart, courses, labels, remarks
from nudge_xblock.night import ENGAGEMENT, Run, Skipped, models, workroom
from predictor.outcomes import read_outcomes
from predictor.segments import SUFFIX, write_whole

LOG = logging.getLogger(__name__)

INSTALL = 'pip install "nudge-xblock[train]"'


class TrainingFailed(RuntimeError):
    """The training process ended badly; the message is its last word."""


def train(job: Run) -> str:
    """The night's step: train a new engagement model, or say why none can be."""
    if not has_torch():
        raise Skipped(remarks.remark("not_trained_no_torch", install=INSTALL))
    if not courses.event_store().courses:
        raise Skipped(remarks.remark("not_trained_no_events"))
    order = _order(job)
    known = _remembered()
    if known.get("digest") == order["digest"] and known["version"] in models().versions(ENGAGEMENT):
        if known["judged"]:
            raise Skipped(remarks.remark("not_trained_nothing_new", version=known["version"]))
        if known["whole"]:
            job.candidates[ENGAGEMENT] = known["version"]
            return f"{known['version']} was trained before the last night was killed."
        order["fitted"] = known["version"]
    version = _run(order, job)
    remember(order["digest"], version)
    job.candidates[ENGAGEMENT] = version
    job.figures.update({"version": version, "targets": order["targets"]})
    return f"Trained {version} to foresee {', '.join([*order['targets'], 'leave'])}."


def has_torch() -> bool:
    """Whether a training process would find torch; nothing is imported."""
    try:
        return find_spec("torch") is not None
    except ImportError:
        return False


def remember(digest: str, version: str, *, whole: bool = True, judged: bool = False) -> None:
    """Note what was trained on which data; `whole`: with all that belongs to it."""
    content = {"digest": digest, "version": version, "whole": whole, "judged": judged}
    write_whole(_memory(), orjson.dumps(content))


def mark_judged() -> None:
    """Note that a verdict was reached: on the same data the same model would be trained again."""
    known = _remembered()
    if known:
        remember(known["digest"], known["version"], whole=known["whole"], judged=True)


def _memory() -> Path:
    return workroom() / "trained.json"


def _remembered() -> dict[str, Any]:
    if not _memory().exists():
        return {}
    return {"whole": True, **orjson.loads(_memory().read_bytes())}


def _order(job: Run) -> dict[str, Any]:
    """What the training process is to do; `digest` is of all that decides its result."""
    count = len(courses.event_store().courses)  # at a small site, an event type of every course will do
    order = {
        "events": str(settings.NUDGE_EVENTS_DIR),
        "outcomes": str(labels.trained_on()),
        "held_out_share": settings.NUDGE_HELD_OUT_SHARE,
        "store": str(settings.NUDGE_MODEL_DIR),
        "targets": _targets(),
        "stack": settings.NUDGE_STACK,
        "config": {
            "leave_days": settings.NUDGE_LEAVE_DAYS,
            "min_count": settings.NUDGE_VOCABULARY_MIN_COUNT,
            "min_courses": min(settings.NUDGE_VOCABULARY_MIN_COURSES + 1, count),
            **settings.NUDGE_TRAINING,
        },
    }
    content = [
        order["targets"],
        order["stack"],
        order["config"],
        order["held_out_share"],
        _events_digest(Path(order["events"])),
    ]
    table = labels.trained_on().read_bytes()
    whole = hashlib.sha256(json.dumps(content, sort_keys=True).encode() + table).hexdigest()
    return {**order, "now": job.now.timestamp(), "digest": whole}


def _targets() -> list[str]:
    """Those of pass and complete of which both kinds of learners are known."""
    table = read_outcomes(labels.trained_on())
    found = []
    for target in labels.TARGETS:
        parts = [table.of(course).labels.get(target) for course in table.courses]
        seen = {float(value) for part in parts if part is not None for value in set(part.tolist())}
        if {0.0, 1.0} <= seen:
            found.append(target)
    return found


def _events_digest(folder: Path) -> str:
    """Of the store's immutable files, by name and size: they change whenever an event is added or erased."""
    files = sorted(folder.glob(f"courses/*/*{SUFFIX}"))
    names = [f"{file.parent.name}/{file.name}:{file.stat().st_size}" for file in files]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _run(order: dict[str, Any], job: Run) -> str:
    """Run the training process to its end, passing its reports on; return the version it published.

    An engagement model is remembered as soon as it is fitted: killed while its stack is being trained, the
    next night trains that alone.
    """
    job.report(0.0, "starting")
    fitted = ""

    def heed(report: apart.Report) -> None:
        nonlocal fitted
        version = str(report.get("fitted", fitted))
        if version != fitted:
            fitted = version
            remember(order["digest"], version, whole=False)
        job.report(report.get("share"), report.get("words", ""))

    ending = apart.run("nudge_xblock.trainer", order, heed)
    last, ended_well = ending.report, ending.well and "version" in ending.report
    if not (ended_well or fitted):
        raise TrainingFailed(
            f"Training stopped: {ending.words}. The next night goes on from its last checkpoint."
        )
    if not ended_well or "no_stack" in last:
        _tell_no_stack(job, fitted, last.get("no_stack", ending.words))
    return fitted


def _tell_no_stack(job: Run, version: str, why: str) -> None:
    """The LSTM stands without its stack: staff are told so, whoever runs the site is told why."""
    LOG.error("No stack could be trained beside %s: %s", version, why)
    job.figures["error"] = why
    job.tell("no_stack")
