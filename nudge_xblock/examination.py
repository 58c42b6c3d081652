"""What the engagement models foresee of learners whom neither was trained on, beside what came true.

Each model is asked about every held-out learner at 7, 14, 21 and 30 days of each course run, as far as these
are past; a learner whose outcome was known by then is left out.  Whether a learner then left is read off the
event stream.  The new model is asked about as many of those it learned from too: it must not know the others
better.
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
from predictor.outcomes import CourseOutcomes, Outcomes, read_outcomes
from predictor.sequences import Sequences
from predictor.streaming import Streamer

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
    """Answers about the learners of one course run at one horizon: n rows, a column per model."""

    truth: Array
    said: list[Array]
    learners: Texts
    divided: dict[str, Texts]


def engagement(job: Run, streamers: Sequence[Streamer]) -> dict[str, dict[str, Any]]:
    """Target to the figures of the first streamer ("new") and of the second ("old"), if there is one."""
    held, taught = read_outcomes(labels.held_out()), read_outcomes(labels.trained_on())
    asked: dict[str, list[Piece]] = {}
    known: dict[str, list[Piece]] = {}
    told: dict[str, leaks.Presence] = {}
    keys = _judged_on(held)
    for number, course_key in enumerate(keys):
        _gather(course_key, held.of(str(course_key)), streamers, job, asked, told)
        rest = taught.by_course.get(str(course_key))
        if rest is not None:
            some = _some(rest, len(held.of(str(course_key))))
            _gather(course_key, some, streamers[:1], job, known, {})
        job.report(number / len(keys), str(course_key))
    return {
        target: _compared(pieces, known.get(target, []), len(streamers)) | {"telling": told[target].telling()}
        for target, pieces in sorted(asked.items())
    }


def impurity(job: Run, streamer: Streamer) -> float:
    """By how much, at most, a reading of a past moment changes when later events are withheld."""
    held, worst = read_outcomes(labels.held_out()), 0.0
    for course_key in _judged_on(held)[-PURITY_COURSES:]:
        sequences = courses.sequences_of(course_key, job.now)
        start = courses.start_of(course_key, sequences)
        if start is None:
            continue
        for days in HORIZONS:
            moment = start + days * DAY
            if moment > job.now.timestamp():
                break
            learners = held.of(str(course_key)).learners[:PURITY_LEARNERS]
            whole = streamer.refresh(sequences, start, moment, learners)
            past = streamer.refresh(courses.until(sequences, moment), start, moment, learners)
            for learner in learners:
                told = [found[learner][1].probabilities for found in (whole, past)]
                changes = (abs(told[0][target] - told[1][target]) for target in streamer.targets)
                worst = max(worst, *changes)
    return float(worst)


def newest_event(job: Run) -> float | None:
    """When the newest event in the store was, of those the night looks at."""
    ends = []
    for course_key in courses.with_events():
        times = courses.sequences_of(course_key, job.now).times
        if len(times):
            ends.append(float(times.max()))
    return max(ends, default=None)


def _judged_on(held: Outcomes) -> list[CourseKey]:
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
    streamers: Sequence[Streamer],
    job: Run,
    into: dict[str, list[Piece]],
    told: dict[str, leaks.Presence],
) -> None:
    """Ask the models about these learners of a course run at every horizon that is past."""
    sequences = courses.sequences_of(course_key, job.now)
    start = courses.start_of(course_key, sequences)
    if start is None:
        return
    divided = _divided(course_key, outcomes.learners, job.now.year)
    learners = np.asarray(outcomes.learners, np.str_)
    for days in HORIZONS:
        moment = start + days * DAY
        if moment > job.now.timestamp():
            break
        answers = [streamer.refresh(sequences, start, moment, outcomes.learners) for streamer in streamers]
        for target in streamers[0].targets:
            truth = _truth(target, outcomes, sequences, moment, job.now.timestamp())
            told.setdefault(target, leaks.Presence()).add(sequences, outcomes.learners, moment, truth)
            known = np.isfinite(truth)
            said = [
                np.array(
                    [found[learner][1].probabilities.get(target, np.nan) for learner in outcomes.learners]
                )
                for found in answers
            ]
            into.setdefault(target, []).append(
                Piece(
                    truth[known],
                    [each[known] for each in said],
                    learners[known],
                    {name: values[known] for name, values in divided.items()},
                )
            )


def _divided(course_key: CourseKey, learners: Sequence[str], year: int) -> dict[str, Texts]:
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


def _compared(pieces: list[Piece], taught: list[Piece], models: int) -> dict[str, Any]:
    truth, learners = _joined(pieces, "truth"), _joined(pieces, "learners")
    said = [np.concatenate([piece.said[number] for piece in pieces]) for number in range(models)]
    people = len(set(learners.tolist()))
    figures: dict[str, Any] = {"n": len(truth), "learners": people, "positives": int(truth.sum())}
    figures |= {
        name: measures.measured(truth, each) for name, each in zip(("new", "old"), said, strict=False)
    }
    if taught:
        known = np.concatenate([piece.said[0] for piece in taught])
        figures["taught"] = measures.measured(_joined(taught, "truth"), known)
    if figures.get("old", {}).get("auc") is not None and figures["new"]["auc"] is not None:
        new, old = said
        lost = (measures.losses(truth, new), measures.losses(truth, old))
        figures["rise"] = measures.rise(lost[0], lost[1], learners)
        figures["drop_error"] = measures.drop_error(truth, new, old, learners)
        divided = {
            name: np.concatenate([piece.divided[name] for piece in pieces]) for name in pieces[0].divided
        }
        least = settings.NUDGE_PROMOTION_GAP_RISE
        figures["gaps"] = measures.gaps(truth, new, old, learners, divided, least)
    return figures


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
