"""Figures of a new model beside those of the serving one, on the same learners, whom neither was trained on.

The engagement model is asked about every held-out learner at 7, 14, 21 and 30 days of each course run, as far
as these are past; a learner whose outcome was known by then is left out.  Whether a learner then left is read
off the event stream.  The helpfulness model is asked about the nudges shown to held-out learners.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import courses, labels, lessons, objections
from nudge_xblock.night import ENGAGEMENT, HELPFULNESS, Run, Skipped, models
from predictor import metrics
from predictor.helpfulness import HelpfulnessModel
from predictor.outcomes import CourseOutcomes, Outcomes, read_outcomes
from predictor.sequences import Sequences
from predictor.store import ModelStore, NoModel
from predictor.streaming import Streamer

DAY = 86400.0
HORIZONS = (7.0, 14.0, 21.0, 30.0)
MOST_COURSES = 60  # the course runs judged on: enough for narrow intervals at any site
LEAVE = "leave"

Array = npt.NDArray[np.float64]
Asked = list[tuple[Array, list[Array]]]
"""Labels [n], and one array of probabilities [n] per model; a piece per course run and horizon."""


def evaluate(job: Run) -> str:
    """The night's step: measure tonight's engagement model beside the serving one, and refuse it or not."""
    version = job.candidates.pop(ENGAGEMENT, None)  # it is a candidate again only once it is measured
    if version is None:
        raise Skipped("No engagement model was trained tonight, so there is none to judge.")
    store, old = models(), job.serving.get(ENGAGEMENT)
    streamers = [Streamer.load(store, each) for each in (version, old) if each]
    targets = engagement_figures(job, streamers)
    spans = [store.manifest(ENGAGEMENT, each).get("data_span", {}) for each in (version, old) if each]
    found = objections.to_engagement(targets) + (objections.to_data(*spans) if old else [])
    job.judge(ENGAGEMENT, version, {"targets": targets}, found)
    return _in_words(targets)


def learn_helpfulness(job: Run) -> str:
    """The night's step: fit a helpfulness model, measure it beside the serving one, and refuse it or not."""
    version, words = lessons.learn(job)
    figures = helpfulness_figures(job, models(), version, job.serving.get(HELPFULNESS))
    job.judge(HELPFULNESS, version, figures, objections.to_helpfulness(figures))
    return words


def engagement_figures(job: Run, streamers: Sequence[Streamer]) -> dict[str, dict[str, Any]]:
    """Target to the figures of the first streamer ("new") and of the second ("old"), if there is one."""
    held = read_outcomes(labels.held_out())
    asked: dict[str, Asked] = {}
    keys = _judged_on(held)
    for number, course_key in enumerate(keys):
        for target, piece in _ask(course_key, held, streamers, job):
            asked.setdefault(target, []).append(piece)
        job.report(number / len(keys), str(course_key))
    return {target: _compared(pieces, streamers) for target, pieces in sorted(asked.items())}


def _judged_on(held: Outcomes) -> list[CourseKey]:
    """The newest course runs with held-out learners, by when they began; undated ones first."""
    dated = [(held.of(course_id).start or 0.0, course_id) for course_id in held.courses]
    return courses.parsed(course_id for _, course_id in sorted(dated)[-MOST_COURSES:])


def _ask(
    course_key: CourseKey, held: Outcomes, streamers: Sequence[Streamer], job: Run
) -> list[tuple[str, tuple[Array, list[Array]]]]:
    outcomes, sequences = held.of(str(course_key)), courses.sequences_of(course_key, job.now)
    start = courses.start_of(course_key, sequences)
    pieces: list[tuple[str, tuple[Array, list[Array]]]] = []
    if start is None:
        return pieces
    for days in HORIZONS:
        moment = start + days * DAY
        if moment > job.now.timestamp():
            break
        answers = [streamer.refresh(sequences, start, moment, outcomes.learners) for streamer in streamers]
        for target in streamers[0].targets:
            truth = _truth(target, outcomes, sequences, moment, job.now.timestamp())
            known = np.isfinite(truth)
            said = [
                np.array(
                    [found[learner][1].probabilities.get(target, np.nan) for learner in outcomes.learners]
                )
                for found in answers
            ]
            pieces.append((target, (truth[known], [each[known] for each in said])))
    return pieces


def _truth(target: str, outcomes: CourseOutcomes, sequences: Sequences, moment: float, now: float) -> Array:
    """0, 1, or NaN for whoever is not asked about: unknown, or known by `moment`."""
    if target == LEAVE:
        return _left(outcomes.learners, sequences, moment, now)
    if target not in outcomes.labels:
        return np.full(len(outcomes), np.nan)
    known_at = outcomes.known_at.get(target, np.full(len(outcomes), np.nan))
    return np.where(known_at <= moment, np.nan, outcomes.labels[target].astype(np.float64))


def _left(learners: Sequence[str], sequences: Sequences, moment: float, now: float) -> Array:
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


def _compared(pieces: Asked, streamers: Sequence[Streamer]) -> dict[str, Any]:
    truth = np.concatenate([piece[0] for piece in pieces])
    names = ("new", "old")[: len(streamers)]
    said = [np.concatenate([piece[1][number] for piece in pieces]) for number in range(len(streamers))]
    return {
        "n": len(truth),
        "positives": int(truth.sum()),
        **{name: _measured(truth, each) for name, each in zip(names, said, strict=True)},
    }


def _measured(truth: Array, said: Array) -> dict[str, float | None]:
    """AUC with its interval, and ECE; None where one class is missing or the model does not say."""
    if not len(truth) or not np.isfinite(said).all() or truth.min() == truth.max():
        finite = bool(np.isfinite(said).all())
        return {"auc": None, "auc_low": None, "auc_high": None, "ece": None, "finite": finite}
    area = metrics.auc_interval(truth, said, rounds=200)
    figures = {"auc": area.value, "auc_low": area.low, "auc_high": area.high, "ece": metrics.ece(truth, said)}
    return {**{name: round(float(value), 4) for name, value in figures.items()}, "finite": True}


def helpfulness_figures(job: Run, store: ModelStore, new: str, old: str | None) -> dict[str, Any]:
    """Log loss and calibration on the held-out learners' nudges, each model with the LSTM it belongs to."""
    shown = [each for each in lessons.shown_nudges(job) if labels.is_held_out(each.learner)]
    figures: dict[str, Any] = {"n": len(shown)}
    for name, version in (("new", new), ("old", old)):
        if version and shown:
            with contextlib.suppress(NoModel):  # its LSTM is gone: there is nothing to compare with
                figures[name] = _answered(store, version, shown)
    return figures


def _answered(store: ModelStore, version: str, shown: Sequence[lessons.Shown]) -> dict[str, float]:
    tensors, manifest = store.load(HELPFULNESS, version)
    model = HelpfulnessModel.from_tensors(tensors, manifest["names"])
    exam = lessons.lessons_for(shown, manifest["engagement"] or None, store)
    weights = np.minimum(exam.weights, 10.0)
    chances = model.predict(exam.rows)
    loss = -np.log(np.maximum(chances[np.arange(len(exam)), exam.outcomes], 1e-6))
    # What always answering the shares of the classes would lose: the measure of having learned anything.
    shares = np.bincount(exam.outcomes, weights, minlength=3) / weights.sum()
    plain = -np.log(np.maximum(shares[exam.outcomes], 1e-6))
    return {
        "log_loss": round(float(np.average(loss, weights=weights)), 4),
        "log_loss_of_shares": round(float(np.average(plain, weights=weights)), 4),
        "ece": round(metrics.ece((exam.outcomes == lessons.HELPFUL).astype(np.int64), chances[:, 0]), 4),
    }


def _in_words(targets: Mapping[str, Any]) -> str:
    parts = [
        f"{target}: AUC {figures['new']['auc']:.2f} on {figures['n']}"
        + (f" (serving model: {figures['old']['auc']:.2f})" if figures.get("old", {}).get("auc") else "")
        for target, figures in targets.items()
        if figures["new"]["auc"] is not None
    ]
    return ("; ".join(parts) or "Too few held-out learners to measure anything") + "."
