"""What a training that was killed goes on from: safetensors and JSON, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

Arrays = dict[str, NDArray[Any]]

FILE = "checkpoint.safetensors"
ABANDONED_AFTER = 14 * 86400.0
"""Seconds after its newest epoch."""


class Checkpoints:
    """The newest checkpoint of one training; a training is known by all that decides its result."""

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        text = json.dumps(identity, sort_keys=True)
        self.path = folder / hashlib.sha256(text.encode()).hexdigest()[:16]

    def save(self, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
        """Replace the checkpoint.  A kill at any moment leaves the one before it."""
        self.path.mkdir(parents=True, exist_ok=True)
        whole = {name: np.require(array, requirements="C") for name, array in arrays.items()}
        blob = save(whole, metadata={"facts": json.dumps(dict(facts))})
        draft = self.path / f".{FILE}"
        with open(draft, "wb") as handle:
            handle.write(hashlib.sha256(blob).digest() + blob)
            handle.flush()
            os.fsync(handle.fileno())
        draft.replace(self.path / FILE)

    def load(self) -> tuple[Arrays, dict[str, Any]] | None:
        """The newest checkpoint, None when there is none that is whole."""
        try:
            content = (self.path / FILE).read_bytes()
            digest, blob = content[:32], content[32:]
            if hashlib.sha256(blob).digest() != digest:
                return None
            return load(blob), json.loads(_header(blob)["__metadata__"]["facts"])
        except (FileNotFoundError, SafetensorError, KeyError, ValueError):
            return None

    def clear(self) -> None:
        """The training is done; what others left that nobody went on with is cleared away as well."""
        shutil.rmtree(self.path, ignore_errors=True)
        for other in self.path.parent.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - other.stat().st_mtime > ABANDONED_AFTER:
                    shutil.rmtree(other, ignore_errors=True)


def _header(blob: bytes) -> dict[str, Any]:
    size = int.from_bytes(blob[:8], "little")
    header: dict[str, Any] = json.loads(blob[8 : 8 + size])
    return header
