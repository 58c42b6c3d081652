"""Which models serve: the night's promotions and refusals, and the operator's.

The engagement model and the helpfulness model that reads its states are promoted as a pair: a helpfulness
model is of no use beside another LSTM than its own.
"""

from __future__ import annotations

import logging
from typing import Any

from nudge_xblock import hindsight, objections, remarks, serving, training
from nudge_xblock.atrisk import learning
from nudge_xblock.night import ENGAGEMENT, HELPFULNESS, RISK, Run, Skipped, models
from predictor.store import BrokenModel, ModelStore, NoModel
from predictor.streaming import Streamer

LOG = logging.getLogger(__name__)

KINDS = (ENGAGEMENT, HELPFULNESS, RISK)


def check_serving(job: Run) -> str:
    """The night's first step: read what serves; where it is broken, let the version before it serve."""
    store, words = models(), []
    for kind in KINDS:
        version = store.current(kind)
        if version is None:
            continue
        try:
            _read(store, kind, version)
        except (BrokenModel, NoModel, ValueError) as error:
            LOG.error("The %s model that serves is broken: %s", kind, error)
            job.figures["error"] = str(error)
            words += [job.tell(f"broken_{kind}"), _mend(store, kind, job)]
        else:
            job.serving[kind] = version
    job.figures["mended"] = bool(words)
    return " ".join(words) or _serving_in_words(job)


def _read(store: ModelStore, kind: str, version: str) -> None:
    """Read a model as those do who serve from it.  Raises BrokenModel, NoModel or ValueError."""
    if kind == ENGAGEMENT:
        Streamer.load(store, version)
    else:
        store.load(kind, version)


def _mend(store: ModelStore, kind: str, job: Run) -> str:
    try:
        version = rollback(kind)
        _read(store, kind, version)
    except (BrokenModel, NoModel):
        return job.tell("not_mended")
    except ValueError:  # whole, and not for this code either
        return _mend(store, kind, job)
    job.serving[kind] = version
    return job.tell("mended", version=version)


def _serving_in_words(job: Run) -> str:
    if not job.serving:
        return "No model serves yet."
    return " ".join(
        f"The {kind} model {version} serves and is whole." for kind, version in job.serving.items()
    )


def settle(job: Run) -> str:
    """The night's step: promote what was not refused, and say what was and why."""
    for kind in [kind for kind in job.candidates if kind not in job.metrics]:
        job.refuse(kind, [remarks.remark("unmeasured")])
    if not (job.candidates or job.refused):
        raise Skipped(remarks.remark("all_stay"))
    _keep_pairs(job)
    said: list[remarks.Remark] = []
    for kind in KINDS:
        if version := job.candidates.get(kind):
            promote(kind, version)
            said += [remarks.remark(f"promoted_{kind}", version=version), *_praise(kind, job)]
        elif kind in job.refused:
            said += [_refusal(kind, job), *job.refused[kind]]
    job.told += said
    job.promoted = tuple(sorted(job.candidates))
    if ENGAGEMENT in job.metrics:
        training.mark_judged()
    if RISK in job.metrics:
        learning.mark_judged()
    job.serving |= job.candidates
    return remarks.text(said)


def _refusal(kind: str, job: Run) -> remarks.Remark:
    if kind in job.serving:
        return remarks.remark(f"refused_{kind}", version=job.serving[kind])
    return remarks.remark(f"refused_{kind}_first")


def _keep_pairs(job: Run) -> None:
    """Refuse an engagement model that would leave the serving helpfulness model without its states."""
    version, serves = job.candidates.get(ENGAGEMENT), job.serving.get(HELPFULNESS)
    if version is None or serves is None or HELPFULNESS in job.candidates:
        return
    if models().manifest(HELPFULNESS, serves).get("engagement"):
        job.refuse(ENGAGEMENT, [remarks.remark("no_pair")])


def _praise(kind: str, job: Run) -> list[remarks.Remark]:
    figures = job.metrics.get(kind, {})
    if kind == HELPFULNESS:
        score = _scored("scored_votes", figures["new"]["log_loss"], figures.get("old", {}).get("log_loss"))
        worth = figures.get("worth")
        told = hindsight.said(worth, "why" not in worth and objections.is_sure(worth)) if worth else []
        return [{**score, "n": figures["n"]}, *told]
    known = {target: each for target, each in figures["targets"].items() if each["new"]["auc"] is not None}
    told = [
        {**_scored("scored", each["new"]["auc"], each.get("old", {}).get("auc")), "target": target}
        for target, each in known.items()
    ]
    if figures.get("stacked"):
        told += [
            remarks.remark(
                "scored_stack", target=target, new=each["stack"]["new"]["auc"], old=each["new"]["auc"]
            )
            for target, each in known.items()
        ]
    return told


def _scored(code: str, new: float, old: float | None) -> remarks.Remark:
    if old is None:
        return remarks.remark(code, new=new)
    return remarks.remark(f"{code}_before", new=new, old=old)


def promote(kind: str, version: str) -> None:
    """Let a version serve.  Raises NoModel, BrokenModel or ValueError."""
    models().promote(kind, version)
    _forget(kind)


def rollback(kind: str) -> str:
    """Let the version serve that served before; return it.  Raises NoModel or BrokenModel."""
    version = models().rollback(kind)
    _forget(kind)
    return version


def _forget(kind: str) -> None:
    """Let this process look at the store again; others do within half a minute."""
    shelves: dict[str, serving.Shelf[Any]] = {
        ENGAGEMENT: serving.engagement,
        HELPFULNESS: serving.helpfulness,
    }
    if kind in shelves:  # the risk model is read afresh by whoever assesses
        shelves[kind].forget()


def describe() -> dict[str, Any]:
    """By kind: what serves, every version with when it was made, and all promotions and rollbacks."""
    store = models()
    return {
        kind: {
            "serving": store.current(kind),
            "versions": [_version(store, kind, version) for version in reversed(store.versions(kind))],
            "history": store.history(kind),
        }
        for kind in KINDS
    }


def _version(store: ModelStore, kind: str, version: str) -> dict[str, Any]:
    try:
        manifest = store.manifest(kind, version)
    except BrokenModel as error:
        return {"version": version, "broken": str(error)}
    return {"version": version, "created": manifest["created"], "code_version": manifest["code_version"]}
