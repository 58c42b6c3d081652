"""What the engagement models foresee of learners whom neither was trained on, beside what came true.

Each model is asked about every held-out learner at 7, 14, 21 and 30 days of each course run, as far as these
are past; a learner whose outcome was known by then is left out.  Whether a learner then left is read off the
event stream.  The new model is asked about as many of those it learned from too: it must not know the others
better.  Where stacks stand beside the models (see predictor.stack), these foresee course runs, and are asked
as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import courses, groups, labels, leaks, measures
from nudge_xblock.models import Learner
from nudge_xblock.night import Run
from predictor.foresight import Foreseen, Foreseer
from predictor.outcomes import CourseOutcomes, Outcomes, read_outcomes
from predictor.sequences import Sequences

DAY = 86400.0
HORIZONS = (7.0, 14.0, 21.0, 30.0)
MOST_COURSES = 60  # the course runs judged on: enough for narrow intervals at any site
PURITY_COURSES, PURITY_LEARNERS = 3, 40
LEAVE = "leave"
PREDICTED = "future"
"""The division that depends on a model, and so is none to judge models by."""

Array = npt.NDArray[np.float64]
Texts = npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Piece:
    """Answers about the learners of one course run at one horizon: n rows, a column per model.

    `said` is the LSTMs' word, `foreseen` that of what foresees course runs: the stack's where there is one.
    """

    truth: Array
    said: list[Array]
    foreseen: list[Array]
    learners: Texts
    divided: dict[str, Texts]


def engagement(job: Run, asked_of: Sequence[Foreseer]) -> dict[str, dict[str, Any]]:
    """Target to the figures of the first LSTM ("new") and of the second ("old"), if there is one.

    Where the first has a stack, "stack" compares that with its LSTM alone.  "courses" compares what foresees
    course runs with what does now, and "alone" the new LSTM with that: what it would be without its stack.
    """
    held, taught = read_outcomes(labels.held_out()), read_outcomes(labels.trained_on())
    asked: dict[str, list[Piece]] = {}
    known: dict[str, list[Piece]] = {}
    told: dict[str, leaks.Presence] = {}
    keys = judged_on(held)
    for number, course_key in enumerate(keys):
        _gather(course_key, held.of(str(course_key)), asked_of, job, asked, told)
        rest = taught.by_course.get(str(course_key))
        if rest is not None:
            some = _some(rest, len(held.of(str(course_key))))
            _gather(course_key, some, [Foreseer(asked_of[0].streamer)], job, known, {})
        job.report(number / len(keys), str(course_key))
    return {
        target: _compared(pieces, known.get(target, []))
        | _stacked(pieces, [bool(each.stack) for each in asked_of])
        | {"telling": told[target].telling()}
        for target, pieces in sorted(asked.items())
    }


def impurity(job: Run, asked: Foreseer) -> tuple[float, float]:
    """By how much, at most, what is said of a past moment changes when later events are withheld.

    Of the LSTM, and of what foresees course runs.
    """
    held, worst = read_outcomes(labels.held_out()), [0.0, 0.0]
    for course_key in judged_on(held)[-PURITY_COURSES:]:
        sequences = courses.sequences_of(course_key, job.now)
        start = courses.start_of(course_key, sequences)
        if start is None:
            continue
        for days in HORIZONS:
            moment = start + days * DAY
            if moment > job.now.timestamp():
                break
            learners = held.of(str(course_key)).learners[:PURITY_LEARNERS]
            whole = asked.foresee(sequences, start, moment, learners)
            past = asked.foresee(courses.until(sequences, moment), start, moment, learners)
            for learner in learners:
                both = zip(_words(whole[learner]), _words(past[learner]), strict=True)
                for place, (one, other) in enumerate(both):
                    changes = (abs(one[target] - other[target]) for target in asked.streamer.targets)
                    worst[place] = max(worst[place], *changes)
    return float(worst[0]), float(worst[1])


def _words(found: Foreseen) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """The LSTM's word, and that of what foresees course runs."""
    return found.reading.probabilities, found.probabilities


def newest_event(job: Run) -> float | None:
    """When the newest event in the store was, of those the night looks at."""
    ends = []
    for course_key in courses.with_events():
        times = courses.sequences_of(course_key, job.now).times
        if len(times):
            ends.append(float(times.max()))
    return max(ends, default=None)


def judged_on(held: Outcomes) -> list[CourseKey]:
    """The newest course runs with held-out learners, by when they began; undated ones first."""
    dated = [(held.of(course_id).start or 0.0, course_id) for course_id in held.courses]
    return courses.parsed(course_id for _, course_id in sorted(dated)[-MOST_COURSES:])


def _some(outcomes: CourseOutcomes, count: int) -> CourseOutcomes:
    """As many of the learners, evenly spread over their ids."""
    rows = np.unique(np.linspace(0, len(outcomes) - 1, min(count, len(outcomes))).astype(np.int64))
    return CourseOutcomes(
        outcomes.course_id,
        [outcomes.learners[row] for row in rows],
        outcomes.starts[rows],
        {target: values[rows] for target, values in outcomes.labels.items()},
        {target: values[rows] for target, values in outcomes.known_at.items()},
    )


def _gather(
    course_key: CourseKey,
    outcomes: CourseOutcomes,
    asked_of: Sequence[Foreseer],
    job: Run,
    into: dict[str, list[Piece]],
    told: dict[str, leaks.Presence],
) -> None:
    """Ask the models about these learners of a course run at every horizon that is past."""
    sequences = courses.sequences_of(course_key, job.now)
    start = courses.start_of(course_key, sequences)
    if start is None:
        return
    divided = divisions_of(course_key, outcomes.learners, job.now.year)
    learners = np.asarray(outcomes.learners, np.str_)
    for days in HORIZONS:
        moment = start + days * DAY
        if moment > job.now.timestamp():
            break
        answers = [each.foresee(sequences, start, moment, outcomes.learners) for each in asked_of]
        for target in asked_of[0].streamer.targets:
            truth = _truth(target, outcomes, sequences, moment, job.now.timestamp())
            told.setdefault(target, leaks.Presence()).add(sequences, outcomes.learners, moment, truth)
            known = np.isfinite(truth)
            asked = [learner for learner, there in zip(outcomes.learners, known, strict=True) if there]
            words = [[_words(found[name]) for name in asked] for found in answers]
            said, foreseen = (
                [np.array([each[place].get(target, np.nan) for each in one]) for one in words]
                for place in (0, 1)
            )
            into.setdefault(target, []).append(
                Piece(
                    truth[known],
                    said,
                    foreseen,
                    learners[known],
                    {name: values[known] for name, values in divided.items()},
                )
            )


def divisions_of(course_key: CourseKey, learners: Sequence[str], year: int) -> dict[str, Texts]:
    """Division to the group of each learner, "" where it is not known."""
    ids = [int(learner) for learner in learners if learner.isascii() and learner.isdigit()]
    rows = dict(Learner.objects.filter(user_id__in=ids).values_list("user_id", "pk"))
    people = groups.people_of(course_key, rows.values(), year)
    found = {}
    for division in groups.divisions():
        if division.name == PREDICTED:
            continue
        told = {str(user_id): division.group(people[pk]) for user_id, pk in rows.items()}
        names = [told.get(learner, "") for learner in learners]
        found[division.name] = np.asarray(
            ["" if each == groups.NOT_STATED else each for each in names], np.str_
        )
    return found


def _truth(target: str, outcomes: CourseOutcomes, sequences: Sequences, moment: float, now: float) -> Array:
    """0, 1, or NaN for whoever is not asked about: unknown, or known by `moment`."""
    if target == LEAVE:
        return left(outcomes.learners, sequences, moment, now)
    if target not in outcomes.labels:
        return np.full(len(outcomes), np.nan)
    known_at = outcomes.known_at.get(target, np.full(len(outcomes), np.nan))
    return np.where(known_at <= moment, np.nan, outcomes.labels[target].astype(np.float64))


def left(learners: Sequence[str], sequences: Sequences, moment: float, now: float) -> Array:
    """1 for those without an event in the next NUDGE_LEAVE_DAYS, among those who ever had one."""
    end = moment + settings.NUDGE_LEAVE_DAYS * DAY
    truth = np.full(len(learners), np.nan)
    if end > now:
        return truth
    places = {learner: place for place, learner in enumerate(sequences.learners)}
    for row, learner in enumerate(learners):
        place = places.get(learner)
        if place is None:
            continue
        times = sequences.times[int(sequences.offsets[place]) : int(sequences.offsets[place + 1])]
        before, through = np.searchsorted(times, moment), np.searchsorted(times, end, "right")
        if before:
            truth[row] = float(through == before)
    return truth


def _compared(pieces: list[Piece], taught: list[Piece]) -> dict[str, Any]:
    truth, learners = _joined(pieces, "truth"), _joined(pieces, "learners")
    said = _columns(pieces, "said")
    people = len(set(learners.tolist()))
    figures: dict[str, Any] = {"n": len(truth), "learners": people, "positives": int(truth.sum())}
    figures |= measures.beside(truth, said, learners)
    if taught:
        known = np.concatenate([piece.said[0] for piece in taught])
        figures["taught"] = measures.measured(_joined(taught, "truth"), known)
    if "rise" in figures:
        figures["gaps"] = _gaps(pieces, truth, said, learners)
    return figures


def _stacked(pieces: list[Piece], stacks: Sequence[bool]) -> dict[str, Any]:
    """What the stacks are worth; nothing where there is none."""
    if not any(stacks):
        return {}
    truth, learners = _joined(pieces, "truth"), _joined(pieces, "learners")
    alone, foreseen = _columns(pieces, "said")[0], _columns(pieces, "foreseen")
    figures = {}
    if stacks[0]:
        figures["stack"] = measures.beside(truth, [foreseen[0], alone], learners)
    if len(foreseen) > 1:
        figures["courses"] = measures.beside(truth, foreseen, learners)
        figures["alone"] = measures.beside(truth, [alone, foreseen[1]], learners)
        if "rise" in figures["courses"]:
            figures["courses"]["gaps"] = _gaps(pieces, truth, foreseen, learners)
    return figures


def _gaps(pieces: list[Piece], truth: Array, said: list[Array], learners: Texts) -> list[measures.Figures]:
    divided = {name: np.concatenate([piece.divided[name] for piece in pieces]) for name in pieces[0].divided}
    return measures.gaps(truth, said[0], said[1], learners, divided, settings.NUDGE_PROMOTION_GAP_RISE)


def _columns(pieces: list[Piece], name: str) -> list[Array]:
    """The answers of each model, all pieces together."""
    return [np.concatenate(parts) for parts in zip(*(getattr(piece, name) for piece in pieces), strict=True)]


def _joined(pieces: list[Piece], name: str) -> npt.NDArray[Any]:
    parts: list[npt.NDArray[Any]] = [getattr(piece, name) for piece in pieces]
    return np.concatenate(parts)


def in_words(targets: Mapping[str, Any]) -> str:
    """The figures in short."""
    parts = [
        f"{target}: AUC {figures['new']['auc']:.2f} on {figures['n']}"
        + (f" (serving model: {figures['old']['auc']:.2f})" if figures.get("old", {}).get("auc") else "")
        for target, figures in targets.items()
        if figures["new"]["auc"] is not None
    ]
    return ("; ".join(parts) or "Too few held-out learners to measure anything") + "."
