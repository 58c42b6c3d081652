"""At risk, and why: a logistic model of not completing, whose coefficients vary smoothly over the course.

    log-odds = baseline(t) + sum over factors j of b_j(t) (x_j - typical_j(t)) / spread_j

t is the share of the course passed, b_j(t) and the baseline are curves (`basis`), x_j a learner's number as
it is weighed, typical_j(t) the median of learners who had come by that point and later completed. So the
baseline is what a typical learner who completes is given there, and every term is exactly what one number
adds for one learner. A number that is unknown counts as typical: it adds nothing either way.

Fitted by `risktraining`; served by numpy alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .basis import bumps, scores
from .calibration import Calibration, sigmoid
from .factors import GROUPS, Factor, from_json
from .moments import DAY, Enrolments, FloatArray, asked
from .reasons import LEAST, Case, Number, Reason, strongest
from .records import CourseRecords
from .sequences import Sequences
from .standing import Known, Mask, Numbers, Standing
from .store import ModelStore

KIND = "risk"
FARTHEST = 5.0
"""Spreads from typical beyond which a number weighs no more."""


@dataclass(frozen=True)
class RiskModel:
    """A fitted model, d factors.

    Args:
        version: in the store, or "" before it is published.
        target: name of the outcome; `adverse` tells whether its 1 means not completing.
        clock: "course" or "learner".
        length: seconds that a course run is taken to last where nobody says otherwise.
        factors: d of them.
        weights: [d + 1, size] of the curves, that of the baseline first.
        points: [m] shares of the course at which `typical` [m, d] numbers, as they are weighed, are known.
        spread: [d] by which a distance from typical is divided.
        courses: what earlier runs tell.
        metrics: on courses held out in training.
    """

    version: str
    target: str
    adverse: bool
    clock: str
    length: float
    factors: tuple[Factor, ...]
    weights: FloatArray
    points: FloatArray
    typical: FloatArray
    spread: FloatArray
    courses: CourseRecords
    metrics: Mapping[str, Any]

    def share(self, ages: FloatArray, length: float | None = None) -> FloatArray:
        """Shares of the course passed [n] at `ages` [n] seconds."""
        passed: FloatArray = np.clip(ages / (length or self.length), 0.0, 1.0)
        return passed

    def curves(self, share: FloatArray) -> FloatArray:
        """The baseline and every factor's coefficient [n, d + 1] at shares of the course [n]."""
        values: FloatArray = bumps(share, self.weights.shape[1]) @ self.weights.T
        return values

    def usual(self, share: FloatArray) -> FloatArray:
        """A typical learner's numbers [n, d], as they are weighed, at shares of the course [n]."""
        columns = [np.interp(share, self.points, column) for column in self.typical.T]
        return np.stack(columns, axis=1) if columns else np.zeros((len(share), 0))

    def weighed(self, numbers: Numbers, share: FloatArray) -> FloatArray:
        """Distances from a typical learner in spreads [n, d]; 0 where a number is unknown."""
        return distances(scaled(self.factors, numbers.values), self.usual(share), self.spread)

    def logits(self, distances: FloatArray, share: FloatArray) -> FloatArray:
        """Log-odds of not completing [n] from `weighed` numbers [n, d]."""
        return scores(self.weights, distances, share)

    def assess(
        self,
        sequences: Sequences,
        people: Enrolments,
        ages: FloatArray,
        known: Known | None = None,
    ) -> Assessment:
        """Everyone asked about in one course run, at `ages` [n] seconds of their clocks.

        Only what was known before each learner's moment is used, mates' events included.
        """
        told = replace(known or Known(), courses=self.courses)
        standing = Standing(self.factors, self.clock, sequences, people, told)
        numbers = standing.numbers(ages)
        share = self.share(ages, told.lengths.get(sequences.course_id))
        return Assessment(self, people.learners, ages, share, numbers, self.weighed(numbers, share))

    def assess_run(
        self,
        sequences: Sequences,
        begin: float | FloatArray,
        now: float,
        learners: Sequence[str],
        known: Known | None = None,
    ) -> Assessment:
        """Of `learners`, those without any event too, in a run that began at `begin`, as things are `now`.

        `begin` is one for all or one each.
        """
        people = asked(sequences, learners, begin, now, self.clock)
        return self.assess(sequences, people, now - people.starts, known)

    def calibrated(self, calibration: Calibration) -> RiskModel:
        """The same model with its log-odds scaled and shifted; contributions go with them."""
        weights = self.weights * calibration.scale
        weights[0] += calibration.shift
        return replace(self, weights=weights)

    def publish(self, store: ModelStore) -> str:
        """Write it into the store; its version, which serves when it is promoted."""
        tensors = {
            "weights": self.weights,
            "points": self.points,
            "typical": self.typical,
            "spread": self.spread,
        }
        manifest = {
            "targets": [self.target],
            "adverse": self.adverse,
            "clock": self.clock,
            "length": self.length,
            "factors": [factor.to_json() for factor in self.factors],
            "courses": self.courses.to_json(),
            "metrics": dict(self.metrics),
        }
        return store.publish(KIND, tensors, manifest)

    @classmethod
    def load(cls, store: ModelStore, version: str | None = None) -> RiskModel:
        """A version in the store, by default the one that serves.

        Raises NoModel or BrokenModel where there is none, ValueError where it is no risk model.
        """
        return cls.read(*store.load(KIND, version))

    @classmethod
    def read(cls, tensors: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any]) -> RiskModel:
        """From what the store holds; ValueError where that is no risk model."""
        try:
            factors = from_json(manifest["factors"])
            arrays = {
                name: tensors[name].astype(np.float64) for name in ("weights", "points", "typical", "spread")
            }
            model = cls(
                version=str(manifest["version"]),
                target=str(manifest["targets"][0]),
                adverse=bool(manifest["adverse"]),
                clock=str(manifest["clock"]),
                length=float(manifest["length"]),
                factors=factors,
                courses=CourseRecords.from_json(manifest["courses"]),
                metrics=manifest.get("metrics", {}),
                **arrays,
            )
        except (KeyError, IndexError, TypeError) as error:
            raise ValueError(f"this is no risk model: {error}") from None
        count = len(factors)
        if (
            arrays["weights"].shape[0] != count + 1
            or arrays["typical"].shape != (len(arrays["points"]), count)
            or arrays["spread"].shape != (count,)
        ):
            raise ValueError("the risk model's tensors do not fit its factors; train it again")
        return model

    @cached_property
    def places(self) -> Mapping[str, NDArray[np.int64]]:
        """Group -> places of its factors."""
        return {
            group: np.array(
                [place for place, factor in enumerate(self.factors) if factor.group == group], dtype=np.int64
            )
            for group in GROUPS
        }


def scaled(factors: Sequence[Factor], values: FloatArray) -> FloatArray:
    """Numbers [n, d] as they are weighed."""
    columns = [factor.scaled(values[:, place]) for place, factor in enumerate(factors)]
    return np.stack(columns, axis=1) if columns else np.zeros_like(values)


def distances(numbers: FloatArray, usual: FloatArray, spread: FloatArray) -> FloatArray:
    """Of scaled numbers [n, d] from usual ones [n, d], in spreads [d]; 0 where a number is unknown."""
    found = np.clip((numbers - usual) / spread, -FARTHEST, FARTHEST)
    return np.where(np.isnan(found), 0.0, found)


@dataclass(frozen=True)
class Assessment:
    """What the model says of n learners of one course run.

    `ages` [n] seconds of each one's clock, `share` [n] of the course passed, `distances` [n, d] from typical.
    """

    model: RiskModel
    learners: NDArray[np.str_]
    ages: FloatArray
    share: FloatArray
    numbers: Numbers
    distances: FloatArray

    def __len__(self) -> int:
        return len(self.learners)

    @cached_property
    def logits(self) -> FloatArray:
        """Log-odds of not completing [n]."""
        return self.model.logits(self.distances, self.share)

    @cached_property
    def chances(self) -> FloatArray:
        """Probabilities of not completing [n]."""
        return sigmoid(self.logits)

    @cached_property
    def baseline(self) -> FloatArray:
        """Log-odds of a typical learner at each one's point of the course [n]."""
        return self._curves[:, 0]

    @cached_property
    def contributions(self) -> FloatArray:
        """What every factor adds to the log-odds [n, d]."""
        return self._curves[:, 1:] * self.distances

    @cached_property
    def _curves(self) -> FloatArray:
        return self.model.curves(self.share)

    @property
    def partial(self) -> Mask:
        """Who never came [n]."""
        return ~self.numbers.came

    def of_groups(self) -> dict[str, FloatArray]:
        """What every group adds to the log-odds [n]; together with the baseline, the log-odds."""
        return {
            group: self.contributions[:, places].sum(axis=1) for group, places in self.model.places.items()
        }

    def without(self, group: str) -> FloatArray:
        """The model's probabilities [n] with a group's numbers replaced by a typical learner's.

        Asked of the model anew rather than taken from contributions: the check on what a reason claims.
        """
        places = self.model.places[group]
        usual = self.model.usual(self.share)
        values = self.numbers.values.copy()
        for place in places.tolist():
            values[:, place] = self.model.factors[place].number(usual[:, place])
        replaced = Numbers(values, self.numbers.came)
        return sigmoid(self.model.logits(self.model.weighed(replaced, self.share), self.share))

    def cases(self) -> Iterator[Case]:
        """Everyone with reasons, in the order asked."""
        groups = self.of_groups()
        instead = {group: self.without(group) for group in GROUPS}
        unknown = {
            group: np.isnan(self.numbers.values[:, places]).all(axis=1)
            for group, places in self.model.places.items()
        }
        usual = self._usual_numbers()
        for row, learner in enumerate(self.learners.tolist()):
            told = {group: float(values[row]) for group, values in groups.items()}
            raising = sorted(
                (group for group in told if told[group] >= LEAST), key=lambda group: -told[group]
            )
            yield Case(
                learner=learner,
                chance=float(self.chances[row]),
                logit=float(self.logits[row]),
                baseline=float(self.baseline[row]),
                contributions=told,
                reasons=tuple(
                    Reason(
                        group, told[group], self._numbers_of(row, group, usual), float(instead[group][row])
                    )
                    for group in raising
                ),
                days=float(self.ages[row]) / DAY,
                share=float(self.share[row]),
                partial=bool(self.partial[row]),
                unknown=tuple(group for group in GROUPS if unknown[group][row]),
            )

    def _usual_numbers(self) -> FloatArray:
        usual = self.model.usual(self.share)
        columns = [factor.number(usual[:, place]) for place, factor in enumerate(self.model.factors)]
        return np.stack(columns, axis=1) if columns else usual

    def _numbers_of(self, row: int, group: str, usual: FloatArray) -> tuple[Number, ...]:
        return strongest(
            [
                Number(
                    factor=self.model.factors[place].name,
                    unit=self.model.factors[place].unit,
                    value=float(self.numbers.values[row, place]),
                    typical=float(usual[row, place]),
                    contribution=float(self.contributions[row, place]),
                )
                for place in self.model.places[group].tolist()
            ]
        )
