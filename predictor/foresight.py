"""What is foreseen of a whole course run at one time: the stack where there is one, else the LSTM's word.

Boosting is asked once per course run, however many batches its learners come in afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .moments import Enrolments, FloatArray, find
from .sequences import Sequences
from .stack import Stack
from .streaming import Reading


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
        cls, stack: Stack, sequences: Sequences, begin: float, now: float, learners: Sequence[str]
    ) -> Foresight:
        """Of `learners`, also those without any event, in a course run that began at `begin`.

        Only events before `now` are used, whoever's they are.
        """
        names = np.array(list(learners), dtype=np.str_)
        starts = np.full(len(names), begin)
        if stack.description.clock == "learner":
            first = np.append(sequences.times, np.nan)[np.append(sequences.offsets[:-1], -1)]
            mine = first[find(sequences, names)]
            starts = np.where(mine < now, mine, begin)
        people = Enrolments(
            np.full(len(names), sequences.course_id), names, starts, np.full(len(names), begin)
        )
        ages = now - starts
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
