"""The way of planted models through the night's judgement, and what spoils any of them; see `bad_models`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
from safetensors.numpy import save as save_tensors

from benchmarks.bad_models import Result
from nudge_xblock import judging, promotion, slots
from nudge_xblock.models import Night
from nudge_xblock.night import ENGAGEMENT, Run, models, silent
from predictor import store as model_store
from tests.flow import campus

NOW = campus.NOW

Tensors = dict[str, Any]
Manifest = dict[str, Any]
Change = Callable[[Tensors, Manifest], object]
Build = Callable[[], str]


def night(now: Any = NOW) -> Run:
    """A night that knows what serves."""
    Night.objects.all().delete()
    job = Run(slots.claim(now), now, silent)
    job.enter("test", 0.0, 1.0)
    promotion.check_serving(job)
    return job


def judged(plant: str, kind: str, build: Build) -> Result:
    """Build a model and let the night judge and settle; whatever comes of it, the same model serves after."""
    try:
        version = build()
    except ValueError:
        return Result(plant, True, ("unpublishable",))
    serves, job = models().current(kind), night()
    if kind == ENGAGEMENT:
        job.candidates[ENGAGEMENT] = version
        judging.evaluate(job)
    else:
        judging.judge_helpfulness(job, version)
    promotion.settle(job)
    refused = models().current(kind) == serves
    if not refused:
        models().rollback(kind)
    return Result(plant, refused, tuple(each["code"] for each in job.refused.get(kind, [])))


def published(kind: str, tensors: Tensors, manifest: Manifest) -> str:
    """Publish as the store does, but without its check for numbers, as a careless hand would."""
    store = models()
    finite = {name: np.nan_to_num(np.asarray(each), posinf=1.0, neginf=1.0) for name, each in tensors.items()}
    version = store.publish(kind, finite, manifest)
    folder = store.path / kind / version
    if any(not np.isfinite(each).all() for each in tensors.values() if np.asarray(each).dtype.kind == "f"):
        blob = save_tensors({name: np.ascontiguousarray(each) for name, each in tensors.items()})
        (folder / model_store.TENSORS_FILE).write_bytes(blob)
        content = store.manifest(kind, version) | {"sha256": hashlib.sha256(blob).hexdigest()}
        content.pop("digest")
        (folder / model_store.MANIFEST_FILE).write_text(model_store._sealed(content))
    return version


def altered(kind: str, change: Change) -> Build:
    """The serving model, changed."""

    def build() -> str:
        tensors, manifest = models().load(kind)
        tensors = {name: np.array(each) for name, each in tensors.items()}
        manifest["as_of"] = NOW.isoformat()
        change(tensors, manifest)
        return published(kind, tensors, manifest)

    return build


def truncated(kind: str, share: float) -> Build:
    """The serving model's file, cut short."""

    def build() -> str:
        version = altered(kind, lambda tensors, manifest: None)()
        path = models().path / kind / version / model_store.TENSORS_FILE
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        return version

    return build


def spoiled(name: str, value: float) -> Change:
    """One number of a tensor replaced."""
    return lambda tensors, manifest: tensors[name].reshape(-1).__setitem__(0, value)


def trimmed(name: str) -> Change:
    """A tensor without its last row."""
    return lambda tensors, manifest: tensors.__setitem__(name, tensors[name][:-1])
