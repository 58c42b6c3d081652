"""What a study has found so far, kept on disk: an interrupted one goes on, a changed one starts anew.

A result is named by everything it depends on: settings, data, and the source of what computed it. So a change
of the program never meets a result of before; nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from .fitting import Trial
from .moments import FloatArray, Model
from .provenance import program

ASIDE = frozenset({"predictor.outcomes", "predictor.roster", "predictor.sequences"})
"""Modules that no result is named by: what they read is digested as it was read."""


@dataclass(frozen=True)
class Result:
    """Probabilities [test, horizons] of one trial, and the seconds that it took."""

    probabilities: FloatArray
    seconds: float


class Results:
    """The folder of a study's results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def name(self, trial: Trial, model: Model) -> str:
        """The name of the trial's result, the same whenever it must come out the same."""
        settings = [trial.name, trial.horizons, trial.target, trial.clock, trial.ratio, trial.seed]
        data = [trial.train.digest, trial.test.digest]
        source = program((type(model).__module__, Trial.__module__), ASIDE)
        digest = hashlib.sha256(json.dumps([settings, data, source]).encode())
        return f"{trial.name}-{digest.hexdigest()[:20]}"

    def get(self, name: str, shape: tuple[int, int]) -> Result | None:
        """An earlier result; None where there is none or it was cut short."""
        try:
            with self._path(name).open("rb") as file, np.load(file, allow_pickle=False) as kept:
                found = Result(kept["probabilities"], float(kept["seconds"]))
        except (OSError, ValueError, EOFError, KeyError, BadZipFile):
            return None
        return found if found.probabilities.shape == shape else None

    def put(self, name: str, result: Result) -> None:
        """Keep a result, whole or not at all."""
        unfinished = self.folder / f".{name}.{os.getpid()}.part"
        with unfinished.open("wb") as file:
            np.savez(file, probabilities=result.probabilities, seconds=result.seconds)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._path(name))
        shutil.rmtree(self.workplace(name), ignore_errors=True)

    def workplace(self, name: str) -> Path:
        """Where a model may keep files until its result is there."""
        return self.folder / f"{name}.fit"

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"
