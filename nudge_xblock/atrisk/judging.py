"""Whether tonight's risk model may serve: it is measured beside the serving one on the same learners.

They are learners of finished runs whom neither was trained on, each asked about at 7, 14, 21 and 30 days of
the run, from what was known by then.  Beside these stands what training itself found on course runs that a
fit had not seen, which holds for a course that nobody knows yet.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.conf import settings

from nudge_xblock import examination, measures, objections
from nudge_xblock.night import RISK, Run, models
from nudge_xblock.remarks import remark, sentence
from predictor.moments import Enrolments
from predictor.outcomes import CourseOutcomes, Outcomes
from predictor.records import LearnerRecords
from predictor.risk import RiskModel
from predictor.standing import Known
from predictor.store import BrokenModel, NoModel

from . import facts, records, runs
from .runs import DAY, CourseRun

LOG = logging.getLogger(__name__)

Array = npt.NDArray[np.float64]
Texts = npt.NDArray[np.str_]


class Piece(NamedTuple):
    """Learners of one run at one moment: whether each was lost [n], and each model's chances of that [n]."""

    lost: Array
    said: list[Array]
    learners: Texts
    divided: dict[str, Texts]


def judge(job: Run, version: str, target: str, finished: Sequence[CourseRun], held_out: Outcomes) -> str:
    """Measure tonight's model beside the serving one: a candidate for promotion, or refused; in words."""
    store, old = models(), job.serving.get(RISK)
    try:
        new = RiskModel.load(store, version)
    except (BrokenModel, NoModel, ValueError) as error:
        LOG.error("The risk model %s cannot be read: %s", version, error)
        job.figures["error"] = str(error)
        job.judge(RISK, version, {"targets": {}}, [remark("unreadable")])
        return sentence(job.refused[RISK][0])
    asked = [new, *_comparable(old, target)]
    everybody = {learner for course in held_out.by_course.values() for learner in course.learners}
    earlier = [records.of(everybody, model) for model in asked]
    found = [piece for run in finished for piece in _pieces(run, held_out, asked, earlier, job)]
    figures = {target: _figures(found)}
    unseen = [model.metrics.get(target, {}) for model in asked]
    against = objections.to_engagement(figures) + objections.to_unseen(target, *unseen)
    job.judge(RISK, version, {"targets": figures, "unseen": _short(unseen[0])}, against)
    return f"{version}: " + examination.in_words(figures)


def _comparable(version: str | None, target: str) -> Iterator[RiskModel]:
    """The serving model, where it foresees the same."""
    if version:
        old = RiskModel.load(models(), version)
        if old.target == target:
            yield old


def _pieces(
    run: CourseRun,
    held_out: Outcomes,
    asked: Sequence[RiskModel],
    earlier: Sequence[LearnerRecords | None],
    job: Run,
) -> Iterator[Piece]:
    """Everyone held out in a run, at each moment; `earlier` courses as each model counts them."""
    course = held_out.by_course.get(str(run.key))
    if course is None:
        return
    names, user_ids = np.asarray(course.learners, np.str_), [int(learner) for learner in course.learners]
    sequences = run.sequences()
    told = facts.of_run(run, sequences, user_ids)
    lengths = {str(run.key): run.length} if run.length else {}
    known = [Known(told, learners=each, lengths=lengths) for each in earlier]
    divided = examination.divisions_of(run.key, course.learners, job.now.year)
    for days in examination.HORIZONS:
        still = _askable(course, asked[0].target, days, run.length, job.now.timestamp())
        still &= runs.askable(run, sequences, user_ids, course.starts + days * DAY)
        rows = np.flatnonzero(still)
        if not len(rows):
            continue
        begins = course.starts[rows]
        people = Enrolments(np.full(len(rows), str(run.key)), names[rows], begins, begins)
        ages = np.full(len(rows), days * DAY)
        said = [
            model.assess(sequences, people, ages, mine).chances
            for model, mine in zip(asked, known, strict=True)
        ]
        lost = 1.0 - course.labels[asked[0].target][rows].astype(np.float64)
        yield Piece(lost, said, names[rows], {name: each[rows] for name, each in divided.items()})
        job.report(None, f"{run.key}: day {days:.0f}")


def _askable(
    course: CourseOutcomes, target: str, days: float, length: float | None, now: float
) -> npt.NDArray[np.bool_]:
    """Whose outcome is known now and was not by that day of the run, which must not be past its end."""
    moments = course.starts + days * DAY
    known_at = course.known_at.get(target, np.full(len(course), np.nan))
    within = length is None or days * DAY < length
    asked: npt.NDArray[np.bool_] = ~(known_at <= moments) & (moments <= now) & within
    return asked


def _figures(found: Sequence[Piece]) -> dict[str, Any]:
    """As examination.engagement gives them of one target."""
    if not found:
        return {"n": 0, "learners": 0, "positives": 0, "new": {**measures.BLANK, "finite": True}}
    lost, learners = (
        np.concatenate(parts) for parts in zip(*((p.lost, p.learners) for p in found), strict=True)
    )
    said = [np.concatenate(parts) for parts in zip(*(piece.said for piece in found), strict=True)]
    people = len(set(learners.tolist()))
    figures: dict[str, Any] = {"n": len(lost), "learners": people, "positives": int(lost.sum())}
    figures |= measures.beside(lost, said, learners)
    if "rise" in figures:
        divided = {
            name: np.concatenate([piece.divided[name] for piece in found]) for name in found[0].divided
        }
        least = settings.NUDGE_PROMOTION_GAP_RISE
        figures["gaps"] = measures.gaps(lost, said[0], said[1], learners, divided, least)
    return figures


def _short(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: figures.get(name) for name in ("auc", "ece", "log_loss", "n")}
