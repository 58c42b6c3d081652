"""The stack: boosted trees over what learners did and their mates did, beside the sequence model.

What foresees a whole course run at once: the study's `ours`, `predict`, and the night. It belongs to one
version of the engagement model, is kept as a kind of its own in the same store, and takes numpy alone: where
there is none, the engagement model's probabilities stand as they are. A live moment never waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .blend import Blend
from .description import DescribedCourse, Description
from .moments import DAY, Enrolments, FloatArray
from .sequences import EventSource
from .store import BrokenModel, ModelStore
from .streaming import KIND as ENGAGEMENT
from .surprise import Expectation, Lift
from .trees import Trees, score

KIND = "stack"
MOST_AGES = 12


@dataclass(frozen=True)
class Stack:
    """A published stack.

    Args:
        engagement: version of the engagement model that it was fitted beside.
        description: how learners are described; `names` of the columns in the trees' order.
        trees: target to boosted trees, whose scores are averaged.
        blends: target to how they join the sequence model.
        expectation: of who comes back, None where no course run went on for long enough to have any.
        lifts: target to how far a course run's surprises count; empty where nothing is expected.
    """

    engagement: str
    description: Description
    names: tuple[str, ...]
    trees: Mapping[str, tuple[Trees, ...]]
    blends: Mapping[str, Blend]
    expectation: Expectation | None = None
    lifts: Mapping[str, Lift] = field(default_factory=dict)

    def publish(self, store: ModelStore, metrics: Mapping[str, Any]) -> str:
        """Write it into the store beside its engagement model; the version."""
        tensors: dict[str, NDArray[Any]] = {}
        targets = []
        if self.expectation:
            tensors["expectation"] = self.expectation.weights
        for number, (target, bag) in enumerate(self.trees.items()):
            blend = self.blends[target]
            if target in self.lifts:
                lift = self.lifts[target]
                tensors[f"{number}.lift"] = np.append(lift.weights, (lift.shortest, lift.longest))
            tensors[f"{number}.blend"] = np.append(blend.weights, (blend.shortest, blend.longest))
            for place, trees in enumerate(bag):
                tensors |= trees.tensors(f"{number}.{place}.")
            targets.append({"name": target, "bag": len(bag)})
        manifest = {
            "engagement": self.engagement,
            "description": self.description.to_json(),
            "columns": list(self.names),
            "targets": targets,
            "metrics": dict(metrics),
        }
        return store.publish(KIND, tensors, manifest)

    @classmethod
    def load(cls, store: ModelStore, engagement: str) -> Stack | None:
        """The newest stack of that version of the engagement model; None where it has none."""
        for version in reversed(store.versions(KIND)):
            if store.manifest(KIND, version).get("engagement") == engagement:
                return cls.read(*store.load(KIND, version))
        return None

    @classmethod
    def read(cls, tensors: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any]) -> Stack:
        """From what the store holds; ValueError where that is no stack."""
        try:
            names = tuple(str(name) for name in manifest["columns"])
            described = manifest["description"]
            trees, blends, lifts = {}, {}, {}
            for number, target in enumerate(manifest["targets"]):
                *weights, shortest, longest = tensors[f"{number}.blend"].tolist()
                blends[target["name"]] = Blend(np.array(weights), shortest, longest)
                if f"{number}.lift" in tensors:
                    *weights, shortest, longest = tensors[f"{number}.lift"].tolist()
                    lifts[target["name"]] = Lift(np.array(weights), shortest, longest)
                trees[target["name"]] = tuple(
                    Trees.from_tensors(tensors, f"{number}.{place}.") for place in range(target["bag"])
                )
            description = Description(tuple(described["tokens"]), str(described["clock"]))
            expected = Expectation(tensors["expectation"]) if "expectation" in tensors else None
            return cls(str(manifest["engagement"]), description, names, trees, blends, expected, lifts)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not the manifest of a stack: {error!r}") from error

    def foresee(
        self,
        source: EventSource,
        enrolments: Enrolments,
        at: float | FloatArray,
        sequence: Mapping[str, FloatArray],
    ) -> dict[str, FloatArray]:
        """Probabilities [n] by target, from events before `at` seconds of each one's clock.

        Args:
            source: of the events.
            enrolments: who is asked about; for the numbers of mates all of a course run's events are used.
            at: one for all, or one each [n].
            sequence: target to the engagement model's probabilities [n].
        """
        ages = np.broadcast_to(np.asarray(at, dtype=np.float64), (len(enrolments),))
        scores = np.zeros((len(enrolments), len(self.trees)))
        for rows, course in self.description.courses(source, enrolments):
            scores[rows] = self.scores(course, ages[rows])
        return {
            target: self.blends[target](scores[:, place], sequence[target], ages)
            for place, target in enumerate(self.trees)
            if target in sequence
        }

    def scores(self, course: DescribedCourse, ages: FloatArray) -> FloatArray:
        """Log-odds [n, targets] of boosting, lifted by the course run's surprises.

        For learners at `ages` [n] seconds of their clocks.
        """
        found = np.zeros((len(ages), len(self.trees)))
        for rows in alike(ages):
            table = course.table(ages, self.names, rows)
            for place, bag in enumerate(self.trees.values()):
                found[rows, place] = score(bag, table)
        if self.expectation and self.lifts and len(ages):
            surprise = self.expectation.of(*course.run)(course.moments(ages))
            for place, target in enumerate(self.trees):
                found[:, place] += self.lifts[target](surprise, ages)
        return found


def alike(ages: FloatArray) -> Sequence[NDArray[np.int64]]:
    """Rows of learners who are compared with mates at one common age: those of about the same age.

    All in one group where they share a clock; else at most a dozen groups, by age.
    """
    if not len(ages):
        return []
    day = np.floor(ages / DAY)
    order = np.argsort(ages, kind="stable")
    groups = min(MOST_AGES, len(np.unique(day)))
    return [rows for rows in np.array_split(order, groups) if len(rows)] if groups > 1 else [order]


def beside(store: ModelStore, engagement: str) -> list[str]:
    """The stacks of that version of the engagement model, oldest first; a broken one belongs to none."""
    return [version for version in store.versions(KIND) if _beside(store, version) == engagement]


def drop(store: ModelStore, engagement: str) -> list[str]:
    """Delete the stacks of that version, and return which: the LSTM's word is to stand."""
    return store.delete(KIND, beside(store, engagement))


def prune(store: ModelStore) -> list[str]:
    """Delete the stacks that are broken or whose engagement model is gone, and return which."""
    there = set(store.versions(ENGAGEMENT))
    gone = [version for version in store.versions(KIND) if _beside(store, version) not in there]
    return store.delete(KIND, gone)


def _beside(store: ModelStore, version: str) -> str | None:
    """The version of the engagement model that a stack stands beside; None where its manifest is broken."""
    try:
        return str(store.manifest(KIND, version).get("engagement"))
    except BrokenModel:
        return None
