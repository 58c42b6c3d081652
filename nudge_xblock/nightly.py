"""The night: events in, labels, training, judgement, promotion, fresh predictions; each step on its own.

A step that fails is recorded in words and keeps what it had done; the steps that do not need it go on.  Every
step can be repeated: a night that was killed is simply run again, and ends with the same rows.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from nudge_xblock import (
    catalogue,
    driftwatch,
    followup,
    ingesting,
    judging,
    labels,
    promotion,
    refreshing,
    remarks,
    retiring,
    slots,
    tidying,
    training,
)
from nudge_xblock.atrisk import assessing, learning
from nudge_xblock.communicator import automation
from nudge_xblock.models import Night
from nudge_xblock.night import ENGAGEMENT, HELPFULNESS, Reporter, Run, Skipped, silent

log = logging.getLogger(__name__)

DONE, SKIPPED, FAILED = "done", "skipped", "failed"


class Step(NamedTuple):
    """One part of the night."""

    name: str
    work: Callable[[Run], str]  # returns what was done, in words
    share: float  # of the night's time, roughly: what the progress bar goes by
    needs: tuple[str, ...] = ()  # steps without whose success this one makes no sense


STEPS = (
    Step("models", promotion.check_serving, 0.01),
    Step("ingest", ingesting.ingest, 0.13),
    Step("label", labels.collect, 0.04),
    Step("outcomes", followup.fill, 0.02),
    Step("harm", retiring.retire, 0.01),
    Step("tallies", catalogue.settle_night, 0.01),
    Step("train", training.train, 0.38, ("label",)),
    Step("evaluate", judging.evaluate, 0.05),
    Step("helpfulness", judging.learn_helpfulness, 0.05),
    Step("risk_train", learning.learn, 0.04, ("label",)),
    Step("promote", promotion.settle, 0.01),
    Step("refresh", refreshing.refresh, 0.18),
    Step("risk", assessing.assess_night, 0.05, ("refresh",)),
    Step("letters", automation.at_night, 0.01, ("refresh",)),
    Step("drift", driftwatch.watch, 0.01),
    Step("tidy", tidying.tidy, 0.02, ("ingest", "refresh")),
)


LEARNING = ("models", "label", "train", "evaluate", "helpfulness", "risk_train", "promote")
REFRESHING = ("models", "refresh", "risk")
ASSESSING = ("models", "risk")


def run(now: datetime | None = None, reporter: Reporter | None = None, only: Collection[str] = ()) -> Night:
    """Do the night's work in this process, and return its row, whose `failed` says whether a step failed.

    `now` is the moment as of which to learn and predict, the present by default; `only` names the steps to
    do, all by default.  Raises slots.Busy while another process is at it, and slots.LostSlot when this one
    was taken for dead.
    """
    now = now or timezone.now()
    job = Run(slots.claim(now), now, reporter or silent)
    try:
        return _finish(job, _steps(job, only))
    except slots.LostSlot:
        raise
    except BaseException as error:  # also when a worker is told to stop: the slot must not stay taken
        log.error("the night was stopped in the step %s: %r", job.step, error)
        stopped = remarks.remark("stopped_step", step=job.step)
        slots.release(job.night, failed=True, verdict=[*job.told, stopped])
        raise


def _steps(job: Run, only: Collection[str]) -> dict[str, dict[str, Any]]:
    """Do the steps one after the other; each one's report is kept as soon as there is one."""
    todo = [step for step in STEPS if not only or step.name in only]
    whole = sum(step.share for step in todo)
    steps: dict[str, dict[str, Any]] = {}
    begun = 0.0
    for step in todo:
        job.enter(step.name, begun, step.share / whole)
        steps[step.name] = _attempt(step, job)
        begun += step.share / whole
        _keep(job, steps)
    return steps


def _keep(job: Run, steps: dict[str, dict[str, Any]]) -> None:
    """Write down what is done, lest a kill takes the record of a promotion with it."""
    Night.objects.filter(pk=job.night.pk, runner=job.night.runner).update(
        steps=steps,
        metrics=job.metrics,
        promoted=bool({ENGAGEMENT, HELPFULNESS} & {*job.promoted}),
        model_version=job.serving.get(ENGAGEMENT, ""),
    )


def _attempt(step: Step, job: Run) -> dict[str, Any]:
    """Do one step and report on it; only the loss of the slot stops the night."""
    started = time.monotonic()
    missing = [name for name in step.needs if name in job.undone]
    try:
        if missing:
            raise Skipped(f"Not done, because it needs what the step {missing[0]} did not give.")
        words, state = step.work(job), DONE
    except Skipped as reason:
        words, state = str(reason), SKIPPED
        job.told += reason.remarks
    except slots.LostSlot:
        raise
    except Exception as error:
        log.exception("the night's step %s failed", step.name)
        words, state = job.tell("failed_step", step=step.name), FAILED
        job.figures["error"] = f"{type(error).__name__}: {error}"
    if state != DONE:
        job.undone.add(step.name)
    job.reporter(step.name, job.begun + job.share, job.figures.get("error", words))
    return {"state": state, "words": words, "seconds": round(time.monotonic() - started, 1), **job.figures}


def _finish(job: Run, steps: dict[str, dict[str, Any]]) -> Night:
    failed = [name for name, report in steps.items() if report["state"] == FAILED]
    slots.release(
        job.night,
        step=failed[0] if failed else "",
        progress=1.0,
        failed=bool(failed),
        verdict=job.told or [remarks.remark("done")],
    )
    return job.night


def errors(night: Night) -> str:
    """What failed and why, step by step, for whoever runs the site: it may name files and hosts."""
    told = ((name, report["error"]) for name, report in night.steps.items() if report.get("error"))
    return " ".join(f"{name}: {error}" for name, error in told)


def status(night_id: int | None = None) -> dict[str, Any]:
    """How far a night is, the newest by default; {} when there was none."""
    slots.free_dead_slot()
    nights = Night.objects.all() if night_id is None else Night.objects.filter(pk=night_id)
    night = nights.first()
    return describe(night) if night else {}


def describe(night: Night) -> dict[str, Any]:
    """A night as JSON: what REST and the staff tab show of it.

    Of a step no more than its state and words: course staff have no business with paths and error texts.
    """
    return {
        "id": night.pk,
        "started": night.started.isoformat(),
        "finished": night.finished.isoformat() if night.finished else None,
        "running": night.slot is not None,
        "step": night.step,
        "progress": round(night.progress, 4),
        "failed": night.failed,
        "promoted": night.promoted,
        "model_version": night.model_version,
        "verdict": remarks.text(night.verdict),
        "metrics": night.metrics,
        "steps": {
            name: {key: report[key] for key in ("state", "words", "seconds") if key in report}
            for name, report in night.steps.items()
        },
    }
