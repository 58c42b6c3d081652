"""A published engagement model with random weights, for tests of what serves it; no torch needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nudge_xblock import serving
from predictor.cell import expected_shapes
from predictor.inputs import InputConfig
from predictor.store import Manifest, ModelStore, Tensors

VOCABULARY = ("play_video", "pause_video", "problem_check_correct", "problem_check_incorrect", "seq_next")
TARGETS = ("pass", "complete", "leave")


def publish(folder: Path | str, seed: int = 1, hidden: int = 8) -> str:
    """Publish and promote a model in the store at `folder`; return its version."""
    random = np.random.default_rng(seed)
    inputs = InputConfig(vocabulary=VOCABULARY)
    shapes = expected_shapes(inputs, hidden, len(TARGETS), width=4)
    tensors = {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    manifest = {
        "targets": list(TARGETS),
        "inputs": inputs.to_json(),
        "hidden_size": hidden,
        "calibration": {name: {"scale": 1.0, "shift": 0.0} for name in TARGETS},
    }
    return _serve(ModelStore(folder), tensors, manifest)


def publish_as_before(folder: Path | str, version: str, layout: int = 2) -> str:
    """Publish and promote `version` as it was stored before there were known items; return its version.

    Layout 1 stands for whatever this code cannot read.
    """
    store = ModelStore(folder)
    tensors, manifest = store.load("engagement", version)
    del tensors["item_gates"], manifest["inputs"]["known_items"]
    manifest["inputs"]["layout"] = layout
    return _serve(store, tensors, manifest)


def _serve(store: ModelStore, tensors: Tensors, manifest: Manifest) -> str:
    version = store.publish("engagement", tensors, manifest)
    store.promote("engagement", version)
    serving.engagement.forget()
    return version
