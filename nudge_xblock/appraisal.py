"""What the helpfulness models foresee of nudges shown to learners whom neither was trained on.

Each model is asked with the states of the LSTM that it belongs to.  The new one is asked about as many nudges
that it learned from too: it must not know the others better.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings

from nudge_xblock import groups, labels, lessons, measures
from nudge_xblock.examination import PREDICTED
from nudge_xblock.lessons import HELPFUL
from nudge_xblock.night import HELPFULNESS, Run
from predictor import intervals, metrics
from predictor.helpfulness import HelpfulnessModel
from predictor.store import ModelStore, NoModel

MOST_WEIGHT = 10.0
LEAST = 1e-6

Array = npt.NDArray[np.float64]
Texts = npt.NDArray[np.str_]


class OtherFeatures(ValueError):
    """The model takes other features than this release makes."""


@dataclass(frozen=True, eq=False)
class Answers:
    """One model's word on n shown nudges: chances [n, 3], weighed losses [n], what came true [n]."""

    chances: Array
    losses: Array
    weights: Array
    outcomes: npt.NDArray[np.int64]
    learners: Texts

    @property
    def of_shares(self) -> Array:
        """Losses of always answering with the shares of the classes: what any learning must beat."""
        shares = np.bincount(self.outcomes, self.weights, minlength=3) / self.weights.sum()
        lost: Array = -np.log(np.maximum(shares[self.outcomes], LEAST)) * self.weights
        return lost


def helpfulness(job: Run, store: ModelStore, new: str, old: str | None) -> dict[str, Any]:
    """Log loss, calibration and gaps on the held-out learners' nudges, of the new model and the serving one.

    Raises OtherFeatures for a new model that this release cannot ask.
    """
    held: list[lessons.Shown] = []
    taught: list[lessons.Shown] = []
    for each in lessons.shown_nudges(job):
        (held if labels.is_held_out(each.learner) else taught).append(each)
    figures: dict[str, Any] = {"n": len(held)}
    if not held:
        return figures
    answers = _asked(store, new, held)
    figures["new"] = _measured(answers)
    figures["personal"] = bool(store.manifest(HELPFULNESS, new).get("personal", True))
    figures["spread"] = round(float(answers.chances.std(axis=0).max()), 6)
    if figures["new"]["log_loss"] is None:
        return figures
    figures["over_shares"] = measures.rise(answers.losses, answers.of_shares, answers.learners)
    if taught:
        figures["taught"] = _taught(store, new, taught[:: max(1, len(taught) // len(held))], answers)
    if old:
        with contextlib.suppress(
            NoModel, OtherFeatures
        ):  # its LSTM is gone: there is nothing to compare with
            _compare(figures, answers, _asked(store, old, held), held, job.now.year)
    return figures


def _asked(store: ModelStore, version: str, shown: Sequence[lessons.Shown]) -> Answers:
    tensors, manifest = store.load(HELPFULNESS, version)
    model = HelpfulnessModel.from_tensors(tensors, manifest["names"])
    exam = lessons.lessons_for(shown, manifest["engagement"] or None, store)
    if exam.names != model.names:
        raise OtherFeatures(f"helpfulness model {version} takes other features than this release makes")
    weights = np.minimum(exam.weights, MOST_WEIGHT)
    weights = weights / weights.mean()
    with np.errstate(all="ignore"):  # weights that are no numbers are noticed in what they say
        chances = model.predict(exam.rows, exam.keys)
    lost = -np.log(np.maximum(chances[np.arange(len(exam)), exam.outcomes], LEAST)) * weights
    return Answers(chances, lost, weights, exam.outcomes, exam.learners)


def _measured(answers: Answers) -> dict[str, float | None]:
    loss, plain = float(answers.losses.mean()), float(answers.of_shares.mean())
    if not np.isfinite(answers.chances).all():
        return {"log_loss": None, "log_loss_of_shares": round(plain, 4), "ece": None}
    helped = (answers.outcomes == HELPFUL).astype(np.int64)
    return {
        "log_loss": round(loss, 4),
        "log_loss_of_shares": round(plain, 4),
        "ece": round(metrics.ece(helped, answers.chances[:, 0]), 4),
    }


def _taught(
    store: ModelStore, version: str, shown: Sequence[lessons.Shown], held: Answers
) -> dict[str, float]:
    """The new model's loss on nudges that it learned from, with the error of the difference."""
    known = _asked(store, version, shown)
    parts = [intervals.mean(each.losses, each.learners) for each in (known, held)]
    error = float(np.hypot(parts[0].error, parts[1].error))
    return {"log_loss": round(parts[0].value, 4), "error": round(min(error, 1e6), 4)}


def _compare(
    figures: dict[str, Any], new: Answers, old: Answers, held: Sequence[lessons.Shown], year: int
) -> None:
    figures["old"] = _measured(old)
    if figures["old"]["log_loss"] is None:
        return
    figures["rise"] = measures.rise(new.losses, old.losses, new.learners)
    helped = (new.outcomes == HELPFUL).astype(np.float64)
    said = (new.chances[:, 0], old.chances[:, 0])
    least = settings.NUDGE_PROMOTION_GAP_RISE
    figures["gaps"] = measures.gaps(helped, *said, new.learners, _divided(held, year), least)


def _divided(held: Sequence[lessons.Shown], year: int) -> dict[str, Texts]:
    """Division to the group of each nudge's learner, "" where it is not known."""
    courses = {each.decision.course_key for each in held}
    people = {
        course_key: groups.people_of(
            course_key,
            {each.decision.learner_id for each in held if each.decision.course_key == course_key},
            year,
        )
        for course_key in courses
    }
    found = {}
    for division in groups.divisions():
        if division.name != PREDICTED:
            told = [
                division.group(people[each.decision.course_key][each.decision.learner_id]) for each in held
            ]
            names = ["" if name == groups.NOT_STATED else name for name in told]
            found[division.name] = np.asarray(names, np.str_)
    return found
