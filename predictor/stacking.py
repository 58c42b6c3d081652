"""Training of the stack: boosted trees at many moments, and the blend with the sequence model.

Four things are learned so that they hold in a course run that nobody has seen. Trees are grown on every
moment at once, with the day as a column: one model for all. Their labels are softened: of what became of a
learner, the part that could be told at the last moment by a model that had not seen the learner's course
(distillation, Hinton et al. 2015; here it takes away the luck that no earlier moment can foresee). How far
the surprises of a course run lift its learners' chances (see `surprise`), and the blend, are fitted on
courses that neither the trees nor the sequence model had seen: both are trained once more for each third of
the courses.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import lessons, training, trainset
from .blend import Blend, log_odds
from .countfeatures import vocabulary
from .description import Description
from .growing import VIEWS, Grower, StackConfig
from .lessons import Everyone
from .metrics import auc, ece
from .moments import DAY, Enrolments, FloatArray, IntArray, Part
from .outcomes import CourseOutcomes, Outcomes
from .plan import TrainConfig
from .progress import Progress
from .sequences import EventSource
from .stack import Stack
from .store import ModelStore
from .streaming import Streamer
from .surprise import Expectation, Lift
from .trees import score

MOST_TOKENS = 24
BLENDED_MOMENTS = 6
WORK_FOLDER = ".stack"

Tell = Callable[[str], None]


def fit(
    source: EventSource,
    outcomes: Outcomes,
    sequence: TrainConfig,
    store: ModelStore,
    version: str,
    tell: Tell,
    horizons: Sequence[float] = (),
    config: StackConfig | None = None,
) -> str:
    """Fit a stack beside a published engagement model and publish it in the same store; its version.

    Args:
        source, outcomes, sequence: what that model was trained on and how; for the cross-fitting others are
            trained likewise.
        store, version: where it is.
        tell: called with a line of progress now and then.
        horizons: seconds of the clock at which the stack will be asked most; none: all along the course.
        config: of the stack.
    """
    chosen = config or StackConfig(seed=sequence.seed, threads=sequence.threads)
    work = _Training(source, outcomes, sequence, Streamer.load(store, version), chosen, horizons, tell)
    folder = ModelStore(store.path / WORK_FOLDER)
    stack, metrics = work.stack(work.cross_fitted(folder))
    published = stack.publish(store, metrics)
    shutil.rmtree(folder.path, ignore_errors=True)
    tell(f"published stack {published}")
    return published


@dataclass(frozen=True)
class _Held:
    """What both parts say of learners whom they have not seen: of `rows` of the lessons, [rows, targets].

    `boosted` log-odds, `sequence` probabilities; NaN where nothing could be learned from the others.
    """

    rows: IntArray
    boosted: FloatArray
    sequence: FloatArray


class _Training:
    """One training of a stack."""

    def __init__(
        self,
        source: EventSource,
        outcomes: Outcomes,
        sequence: TrainConfig,
        streamer: Streamer,
        config: StackConfig,
        horizons: Sequence[float],
        tell: Tell,
    ) -> None:
        self._source, self._outcomes, self._sequence = source, outcomes, sequence
        self._streamer, self._config, self._tell = streamer, config, tell
        self._named = tuple(target for target in streamer.targets if target in outcomes.targets)
        clock = streamer.inputs.clock
        rolls = trainset.call_roll(source, outcomes, streamer.targets, source.courses)
        everyone = Everyone.of(source, rolls, streamer.targets, clock)
        self._description = Description(vocabulary(source, everyone.enrolments, MOST_TOKENS), clock)
        when = lessons.moments(source, everyone, horizons)
        tell(f"describing {len(everyone.enrolments):,} learners at {len(when)} moments")
        self._lessons = lessons.learn(
            source, everyone, self._description, when, sequence.leave_days, config.seed
        )
        self._blended = _some(when, horizons)
        self._parts = _dealt(everyone.enrolments, config)
        self._grower = Grower(self._lessons, self._parts, config)
        begins = {
            course_id: float(everyone.enrolments.begins[everyone.enrolments.courses == course_id].min())
            for course_id in np.unique(everyone.enrolments.courses).tolist()
        }
        self._expectation = Expectation.fit((source.sequences(one), begins[one]) for one in begins)
        self._begins = begins

    def cross_fitted(self, folder: ModelStore) -> _Held:
        """Both parts, trained without each part of the courses, on the blended moments of that part."""
        rows = np.flatnonzero(np.isin(self._lessons.at, self._blended))
        parts = self._parts[self._lessons.who[rows]]
        boosted = np.full((len(rows), len(self._streamer.targets)), np.nan)
        held = _Held(rows, boosted, np.full_like(boosted, np.nan))
        for part in np.unique(parts).tolist():
            self._tell(f"part {part + 1} of {self._config.parts} held out")
            mine = parts == part
            streamer = self._trained(part, folder)
            if streamer:
                held.sequence[mine] = self._read(streamer, rows[mine])
            for place in range(boosted.shape[1]):
                bag = self._grower.grown(place, VIEWS, without=part)
                table = self._lessons.table[rows[mine]]
                held.boosted[mine, place] = score(bag, table)
        return held

    def _trained(self, part: int, folder: ModelStore) -> Streamer | None:
        """A sequence model of all other parts; None where their outcomes teach nothing."""

        def report(progress: Progress) -> None:
            if progress.message:
                self._tell(f"without part {part + 1}: {progress.message}")

        source, outcomes = self._without(part)
        try:
            version = training.fit(source, outcomes, self._named, self._sequence, folder, report)
        except training.NothingToLearn as error:
            self._tell(f"without part {part + 1}: {error}")
            return None
        return Streamer.load(folder, version)

    def _without(self, part: int) -> tuple[EventSource, Outcomes]:
        """The source and outcomes less one part."""
        people = self._lessons.everyone.enrolments
        kept = self._parts != part
        courses = np.unique(people.courses[kept]).tolist()
        by_course = {}
        for course_id in courses:
            if course_id in self._outcomes.by_course:
                course = self._outcomes.of(course_id)
                inside = (people.courses == course_id) & kept
                names = np.asarray(course.learners, dtype=np.str_)
                by_course[course_id] = _taken(course, np.flatnonzero(np.isin(names, people.learners[inside])))
        return Part(self._source, courses), replace(self._outcomes, by_course=by_course)

    def _read(self, streamer: Streamer, rows: IntArray) -> FloatArray:
        """The sequence model's probabilities [rows, targets]."""
        people = self._lessons.everyone.enrolments
        who, at = self._lessons.who[rows], self._lessons.at[rows]
        found = np.zeros((len(rows), len(self._streamer.targets)))
        for course_id in np.unique(people.courses[who]).tolist():
            sequences = self._source.sequences(course_id)
            for moment in self._blended:
                some = np.flatnonzero((people.courses[who] == course_id) & (at == moment))
                if len(some):
                    asked = people.take(who[some])
                    readings = streamer.refresh(
                        sequences, asked.begins, asked.starts + moment, asked.learners.tolist()
                    ).values()
                    found[some] = [
                        [reading.probabilities[target] for target in self._streamer.targets]
                        for _, reading in readings
                    ]
        return found

    def stack(self, held: _Held) -> tuple[Stack, dict[str, Any]]:
        """The trees grown on everyone, the blends fitted on what was held out; and how good those are."""
        self._tell("growing the trees on everyone")
        trees, blends, metrics = {}, {}, {}
        people = self._lessons.everyone.enrolments.courses[self._lessons.who[held.rows]]
        courses = np.unique(people, return_inverse=True)[1]
        surprise, lifts = self._surprise(held.rows), dict[str, Lift]()
        for place, target in enumerate(self._streamer.targets):
            boosted, sequence = held.boosted[:, place], held.sequence[:, place]
            labels, at = self._lessons.labels[held.rows, place], self._lessons.at[held.rows]
            known = np.isfinite(labels) & np.isfinite(boosted) & np.isfinite(sequence)
            about = at[known], labels[known], courses[known]
            if self._expectation:
                lifts[target] = Lift.fit(boosted[known], surprise[known], *about)
                boosted = boosted + lifts[target](surprise, at)
            arguments = boosted[known], sequence[known], at[known]
            blends[target] = Blend.fit(boosted[known], sequence[known], *about)
            trees[target] = self._grower.grown(place, self._config.bag)
            metrics[target] = _metrics(labels[known], blends[target], *arguments)
        version, names = self._streamer.version, self._lessons.names
        stack = Stack(version, self._description, names, trees, blends, self._expectation, lifts)
        return stack, metrics

    def _surprise(self, rows: IntArray) -> FloatArray:
        """Of the course run of each of the lessons' rows [rows] at its moment; zeros without expectation."""
        lessons, found = self._lessons, np.zeros(len(rows))
        if self._expectation is None:
            return found
        people = lessons.everyone.enrolments
        courses = people.courses[lessons.who[rows]]
        moments = people.starts[lessons.who[rows]] + lessons.at[rows]
        for course_id, begin in self._begins.items():
            inside = courses == course_id
            surprise = self._expectation.of(self._source.sequences(course_id), begin)
            found[inside] = surprise(moments[inside])
        return found


def _some(when: Sequence[float], horizons: Sequence[float]) -> tuple[float, ...]:
    """Moments at which both models are compared: the horizons, or some of all."""
    chosen = tuple(horizons) or tuple(when)
    places = np.unique(np.linspace(0, len(chosen) - 1, BLENDED_MOMENTS).astype(np.int64))
    return tuple(chosen[place] for place in places.tolist())


def _dealt(people: Enrolments, config: StackConfig) -> IntArray:
    """A part for each learner [n]: whole courses where there are enough of them."""
    rng = np.random.default_rng([config.seed, 4])
    courses, inverse, sizes = np.unique(people.courses, return_inverse=True, return_counts=True)
    if len(courses) < config.parts:
        return rng.permutation(len(people)) % config.parts
    order = np.argsort(-(sizes + rng.random(len(sizes))))
    part = np.empty(len(courses), dtype=np.int64)
    loads = np.zeros(config.parts)
    for course in order.tolist():
        part[course] = int(np.argmin(loads))
        loads[part[course]] += sizes[course]
    return part[inverse]


def _taken(course: CourseOutcomes, places: IntArray) -> CourseOutcomes:
    """Some of a course's outcomes."""
    return replace(
        course,
        learners=[course.learners[place] for place in places.tolist()],
        starts=course.starts[places],
        labels={name: values[places] for name, values in course.labels.items()},
        known_at={name: values[places] for name, values in course.known_at.items()},
    )


def _metrics(
    labels: FloatArray, blend: Blend, boosted: FloatArray, sequence: FloatArray, at: FloatArray
) -> list[dict[str, Any]]:
    """AUC of the stack and of its two parts, and its calibration error, at each moment, on held-out parts."""
    found = []
    for moment in np.unique(at).tolist():
        rows = at == moment
        chances = blend(boosted[rows], sequence[rows], moment)
        found.append(
            {
                "day": moment / DAY,
                "n": int(rows.sum()),
                "auc": _plain(auc(labels[rows], chances)),
                "boosting": _plain(auc(labels[rows], boosted[rows])),
                "sequence": _plain(auc(labels[rows], log_odds(sequence[rows]))),
                "ece": _plain(ece(labels[rows], chances)),
            }
        )
    return found


def _plain(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
