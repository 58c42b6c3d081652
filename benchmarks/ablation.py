"""What each input and each habit of training is worth to the LSTM alone: AUC without it.

    python -m benchmarks.ablation [--events E --outcomes O --target T --clock C --at 7d,14d] [--folds N]
        [--tested N] [--only NAME,…]

Without data of its own it takes the made-up runs of `benchmarks.ordered_runs`.  `--tested` is how many of the
folds are tested.  An input is left out by scaling it to zero, for training and serving alike.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import ordered_runs
from predictor.cohort import Cohort, cohort, duration
from predictor.folds import course_folds
from predictor.inputs import CONTEXT_SIZE, EVENT_SIZE
from predictor.metrics import auc
from predictor.moments import FloatArray, TrainingData
from predictor.ours import LSTM, as_outcomes, scaled
from predictor.outcomes import read_outcomes
from predictor.plan import TrainConfig, studied
from predictor.progress import silent
from predictor.sequences import open_events
from predictor.store import ModelStore
from predictor.streaming import Streamer
from predictor.training import Training


@dataclass(frozen=True)
class Variant:
    """What is left out: columns of the inputs (`inputs.context`, then calendar and items), or settings."""

    columns: tuple[int, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


VARIANTS = {
    "everything": Variant(),
    "without gaps": Variant(columns=(4, 5, 12)),
    "without the calendar": Variant(columns=(0, 1, *range(CONTEXT_SIZE, EVENT_SIZE - 2))),
    "without progress": Variant(columns=(7, 8, EVENT_SIZE - 2, EVENT_SIZE - 1)),
    "without sittings": Variant(columns=(9, 10, 11, 12)),
    "loss at every marker": Variant(settings={"live_days": 0, "horizon_days": 0}),
    "all days count alike": Variant(settings={"early": 0}),
    "stopped early": Variant(settings={"patience": 2}),
    "with the next event": Variant(settings={"next_event": 0.5}),
}


class Blind(Training):
    """A training whose network does not see some columns."""

    columns: tuple[int, ...] = ()

    def _scale(self) -> None:
        super()._scale()
        for column in self.columns:
            self.network.step_scaling[1, column] = 0
            if column < CONTEXT_SIZE:
                self.network.reading_scaling[1, column] = 0


class Ablated(LSTM):
    """The LSTM of the study with something left out."""

    def __init__(self, variant: Variant) -> None:
        self._variant = variant

    def fit(self, data: TrainingData) -> None:
        """Train as the study does, but for the variant."""
        self._target = data.target
        settings = studied(data.clock, data.horizons, len(data.enrolments), data.seed)
        config = scaled(TrainConfig.from_json({**settings, **self._variant.settings}), data.source)
        store = ModelStore(data.folder)
        kind = type("Blinded", (Blind,), {"columns": self._variant.columns})
        torch.set_num_threads(1)
        training = kind(data.source, as_outcomes(data), (data.target,), config, store, silent)
        training.run()
        self._streamer = Streamer.load(store, training.publish({}))


def measured(variant: Variant, everyone: Cohort, options: argparse.Namespace) -> Iterator[list[float]]:
    """AUC by horizon of each tested fold."""
    courses, sizes = np.unique(everyone.enrolments.courses, return_counts=True)
    dealt = course_folds(courses.tolist(), sizes.tolist(), options.folds)
    fold = np.array([dealt[str(course)] for course in everyone.enrolments.courses])
    horizons = tuple(sorted(duration(text) for text in options.at.split(",")))
    for number in range(min(options.tested, options.folds)):
        train, test = everyone.take(fold != number), everyone.take(fold == number)
        model = Ablated(variant)
        with tempfile.TemporaryDirectory() as folder:
            model.fit(_data(train, horizons, options, Path(folder)))
        yield [_auc(model, test, at) for at in horizons]


def _auc(model: LSTM, test: Cohort, at: float) -> float:
    asked = test.open_at(at)
    chances: FloatArray = model.predict(test.source, test.enrolments, at)
    return float(auc(test.labels[asked], chances[asked]))


def _data(
    train: Cohort, horizons: tuple[float, ...], options: argparse.Namespace, folder: Path
) -> TrainingData:
    return TrainingData(
        source=train.source,
        enrolments=train.enrolments,
        labels=train.labels,
        known_at=train.known_at,
        horizons=horizons,
        target=options.target,
        clock=options.clock,
        seed=options.seed,
        folder=folder,
        progress=lambda line: None,
    )


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=Path)
    parser.add_argument("--outcomes", type=Path)
    parser.add_argument("--target", default="completed")
    parser.add_argument("--clock", default="learner")
    parser.add_argument("--at", default="1d,3d,7d,14d")
    parser.add_argument("--folds", type=int, default=6)
    parser.add_argument("--tested", type=int, default=6)
    parser.add_argument("--only", default=",".join(VARIANTS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        if options.events is None:
            ordered_runs.write(Path(folder), ordered_runs.LEARNERS, seed=0)
            options.events, options.outcomes = Path(folder) / "events.csv", Path(folder) / "outcomes.csv"
        outcomes = read_outcomes(options.outcomes, [options.target])
        everyone = cohort(open_events(options.events), outcomes, options.target, options.clock)
        for name in options.only.split(","):
            found = np.array([*measured(VARIANTS[name], everyone, options)])
            each = "  ".join(f"{value:.4f}" for value in found.mean(axis=0))
            print(f"{name:<24}{each}   mean {found.mean():.4f} of {len(found)} folds", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
