"""What is foreseen of a whole course run at one time: the stack where there is one, else the LSTM's word.

Boosting is asked once per course run, however many batches its learners come in afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .moments import FloatArray, asked
from .sequences import Sequences
from .stack import Stack
from .store import ModelStore
from .streaming import Reading, State, Streamer


@dataclass(frozen=True)
class Foresight:
    """A course run's learners as boosting sees them at one time.

    `places` tells a learner's row; `scores` [n, targets] log-odds of boosting, `ages` [n] seconds of each
    one's clock.
    """

    stack: Stack
    places: Mapping[str, int]
    scores: FloatArray
    ages: FloatArray

    @classmethod
    def of(
        cls,
        stack: Stack,
        sequences: Sequences,
        begin: float | FloatArray,
        now: float,
        learners: Sequence[str],
    ) -> Foresight:
        """Of `learners`, also those without any event, in a course run that began at `begin`.

        That is one time for all, or one each. Only events before `now` are used, whoever's they are.
        """
        people = asked(sequences, learners, begin, now, stack.description.clock)
        ages = now - people.starts
        course = stack.description.described(sequences, people)
        return cls(stack, {name: row for row, name in enumerate(learners)}, stack.scores(course, ages), ages)

    def probabilities(self, readings: Mapping[str, Reading]) -> dict[str, dict[str, float]]:
        """Target to probability by learner, from the LSTM's readings at the same time.

        A target that the stack does not know has the LSTM's probability.
        """
        rows = np.array([self.places[learner] for learner in readings], dtype=np.int64)
        found = {learner: dict(reading.probabilities) for learner, reading in readings.items()}
        for place, target in enumerate(self.stack.trees):
            sequence = np.array([reading.probabilities[target] for reading in readings.values()])
            blended = self.stack.blends[target](self.scores[rows, place], sequence, self.ages[rows])
            for learner, chance in zip(readings, blended.tolist(), strict=True):
                found[learner][target] = chance
        return found


@dataclass(frozen=True)
class Foreseen:
    """One learner at one time: what the LSTM read, and the probability of each target."""

    state: State
    reading: Reading
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class Foreseer:
    """What foresees course runs: an engagement model, and the stack beside it where there is one."""

    streamer: Streamer
    stack: Stack | None = None

    @classmethod
    def load(cls, store: ModelStore, version: str | None = None) -> Foreseer:
        """That version of the engagement model, or the one that serves now, with its stack.

        Raises NoModel, BrokenModel or ValueError, also where only the stack is broken.
        """
        streamer = Streamer.load(store, version)
        return cls(streamer, Stack.load(store, streamer.version))

    @property
    def by(self) -> str:
        """Whose word a foreseen probability is: "stack" or "lstm"."""
        return "stack" if self.stack else "lstm"

    def foresee(
        self, sequences: Sequences, begin: float | FloatArray, now: float, learners: Sequence[str]
    ) -> dict[str, Foreseen]:
        """Each of the learners from the events before `now`, as `Foresight.of` takes them."""
        read = self.streamer.refresh(sequences, begin, now, learners)
        readings = {learner: reading for learner, (_, reading) in read.items()}
        told: Mapping[str, Mapping[str, float]] = {
            learner: reading.probabilities for learner, reading in readings.items()
        }
        if self.stack:
            told = Foresight.of(self.stack, sequences, begin, now, learners).probabilities(readings)
        return {
            learner: Foreseen(state, reading, told[learner]) for learner, (state, reading) in read.items()
        }
