"""What each input and each habit of training is worth to the LSTM alone: AUC without it, or with it.

`python -m benchmarks.ablation --inputs` prints it.  An input is left out by scaling it to nothing, in
training and serving alike.  What course mates do is no input of the LSTM's (docs/decisions/0023): what that
is worth, the trees' rows tell.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from predictor.cohort import Cohort
from predictor.inputs import CONTEXT_SIZE, DAY, EVENT_SIZE
from predictor.moments import Enrolments, FloatArray, IntArray, TrainingData
from predictor.ours import LSTM, as_outcomes, scaled
from predictor.plan import TrainConfig, studied
from predictor.progress import Progress
from predictor.provenance import program
from predictor.results import ASIDE, Result, Results
from predictor.sequences import EventSource
from predictor.steps import Steps
from predictor.store import ModelStore
from predictor.streaming import Streamer
from predictor.streams import Bools
from predictor.training import Training
from predictor.trainset import Scope

Tell = Callable[[str], None]

COUNTS = slice(CONTEXT_SIZE + 1, None)
"""Numbers of a reading alone: how often each token came, all in all and of late."""
FORESIGHT = 0.5
"""Weight of predicting the next event beside the outcome."""


@dataclass(frozen=True)
class Variant:
    """What is otherwise than in the product.

    Args:
        columns: of the inputs (`inputs.context`, then calendar and items) that are left out.
        counts: whether readings see the counts of tokens.
        settings: of the training.
        pretrained: epochs of predicting the next event alone, before the outcome is learned.
        apart: whether each horizon has a network of its own, with the loss on it alone.
    """

    columns: tuple[int, ...] = ()
    counts: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    pretrained: int = 0
    apart: bool = False


VARIANTS: Mapping[str, Variant] = {
    "the LSTM alone": Variant(),
    "− gaps and absence": Variant(columns=(4, 5, 12)),
    "− gaps, absence and counts of tokens": Variant(columns=(4, 5, 12), counts=False),
    "− sittings": Variant(columns=(9, 10, 11, 12)),
    "− calendar": Variant(columns=(0, 1, *range(CONTEXT_SIZE, EVENT_SIZE - 2))),
    "− progress: items and active days": Variant(columns=(7, 8, EVENT_SIZE - 2, EVENT_SIZE - 1)),
    "loss at every marker": Variant(settings={"live_days": 0, "horizon_days": 0}),
    "all days count alike": Variant(settings={"early": 0}),
    "a network per horizon": Variant(apart=True),
    "+ predicting the next event": Variant(settings={"next_event": FORESIGHT}),
    "+ next-event pre-training": Variant(pretrained=3),
}


class Blind(Training):
    """A training whose network does not see some numbers."""

    variant: ClassVar[Variant]

    def _scale(self) -> None:
        super()._scale()
        for column in self.variant.columns:
            self.network.step_scaling[1, column] = 0
            if column < CONTEXT_SIZE:
                self.network.reading_scaling[1, column] = 0
        if not self.variant.counts:
            self.network.reading_scaling[1, COUNTS] = 0


@dataclass(frozen=True)
class Only(Scope):
    """The loss lies on the markers of one day alone; on none for a day that is None."""

    day: float | None = None

    def covers(self, steps: Steps) -> Bools:
        """Which readings lie inside [R]."""
        if self.day is None:
            return np.zeros(len(steps.reading_days), dtype=np.bool_)
        inside = np.isclose(steps.reading_days, self.day)
        found: Bools = super().covers(steps) & inside
        return found


@dataclass(frozen=True)
class OneDay(TrainConfig):
    """Settings of a training with the loss on one day, or on none: then only the next event is learned."""

    day: float | None = None

    @property
    def scope(self) -> Scope:
        """The part that says which readings count."""
        return Only(self.live_days, self.horizon_days, 0.0, self.day)


class Ablated(LSTM):
    """The study's LSTM with something left out or added."""

    def __init__(self, variant: Variant) -> None:
        self._variant = variant
        self._kind = type("Blinded", (Blind,), {"variant": variant})

    def fit(self, data: TrainingData) -> None:
        """Train as the study does, but for the variant."""
        self._target = data.target
        settings = studied(data.clock, data.horizons, len(data.enrolments), data.seed)
        config = scaled(TrainConfig.from_json({**settings, **self._variant.settings}), data.source)
        config = replace(config, processes=1)
        if self._variant.apart:
            self._streamers = {at: self._fitted(data, _only(config, at / DAY)) for at in data.horizons}
        else:
            self._streamers = dict.fromkeys(data.horizons, self._fitted(data, config))

    def predict(self, source: EventSource, enrolments: Enrolments, at: float) -> FloatArray:
        """Probabilities [n] at `at`."""
        self._streamer = self._streamers[at]
        return super().predict(source, enrolments, at)

    def _fitted(self, data: TrainingData, config: TrainConfig) -> Streamer:
        torch.set_num_threads(config.threads)
        store = ModelStore(data.folder / f"{getattr(config, 'day', 'all')}")
        training = self._training(data, config, store)
        if self._variant.pretrained:
            first = replace(_only(config, None), next_event=1.0, epochs=self._variant.pretrained)
            before = self._training(data, first, store)
            before.run()
            training.network.load_state_dict(before.network.state_dict())
        training.run()
        return Streamer.load(store, training.publish({}))

    def _training(self, data: TrainingData, config: TrainConfig, store: ModelStore) -> Training:
        def report(progress: Progress) -> None:
            if progress.message:
                data.progress(progress.message)

        training: Training = self._kind(data.source, as_outcomes(data), (data.target,), config, store, report)
        return training


def _only(config: TrainConfig, day: float | None) -> OneDay:
    """The same settings, the loss on that day alone."""
    horizon = config.horizon_days if day is None else day
    return OneDay(**{**vars(config), "horizon_days": horizon, "early": 0.0, "day": day})


def answers(
    everyone: Cohort, fold: IntArray, horizons: Sequence[float], target: str, folder: Path, tell: Tell
) -> Iterator[tuple[str, FloatArray]]:
    """Probabilities [n, horizons] of every variant, each fold's by networks of the other folds.

    What is found is kept in the folder, named by the data and the program: an interrupted run goes on.
    """
    results = Results(folder)
    for title, variant in VARIANTS.items():
        chances = np.zeros((len(fold), len(horizons)))
        for number in np.unique(fold).tolist():
            mine = fold == number
            content = [title, list(horizons), target, everyone.digest, mine.tolist(), _program()]
            name = f"inputs-{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:20]}"
            found = results.get(name, (int(mine.sum()), len(horizons)))
            if found is None:
                found = _found(variant, everyone, mine, horizons, target, results.workplace(name))
                results.put(name, found)
            tell(f"{title}, fold {number + 1}: {found.seconds:.0f} s of computing")
            chances[mine] = found.probabilities
        yield title, chances


def _found(
    variant: Variant, everyone: Cohort, mine: Bools, horizons: Sequence[float], target: str, folder: Path
) -> Result:
    """What a network says of some learners that learned from all others."""
    began, train, test = time.process_time(), everyone.take(~mine), everyone.take(mine)
    data = TrainingData(
        source=train.source,
        enrolments=train.enrolments,
        labels=train.labels,
        known_at=train.known_at,
        horizons=tuple(horizons),
        target=target,
        clock="course",
        seed=0,
        folder=folder,
        progress=lambda line: None,
    )
    model = Ablated(variant)
    model.fit(data)
    columns = [model.predict(test.source, test.enrolments, at) for at in horizons]
    return Result(np.stack(columns, axis=1), time.process_time() - began)


@cache
def _program() -> str:
    return program((LSTM.__module__, __name__), ASIDE)
