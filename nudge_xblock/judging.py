"""The night's judgement: tonight's models are measured beside the serving ones, and refused or not.

What is measured is in `examination` (engagement), `appraisal` and `hindsight` (helpfulness); what speaks
against a model in `objections`.  An engagement model is two things: an LSTM, which decides about nudges, and
where the site wants one a stack beside it, with which course runs are foreseen.  Each must earn its place.  A
stack that is worth less than its LSTM alone is left out; a model that would foresee course runs worse than
what serves, with its stack or left without, is refused.
"""

from __future__ import annotations

import logging

from django.conf import settings

from nudge_xblock import appraisal, examination, hindsight, lessons, objections
from nudge_xblock.night import ENGAGEMENT, HELPFULNESS, Run, Skipped, models
from nudge_xblock.remarks import Remark, remark, sentence
from predictor import stack
from predictor.foresight import Foreseer
from predictor.store import BrokenModel, ModelStore, NoModel
from predictor.streaming import Streamer

LOG = logging.getLogger(__name__)


def evaluate(job: Run) -> str:
    """The night's step: measure tonight's engagement model beside the serving one, and refuse it or not."""
    version = job.candidates.pop(ENGAGEMENT, None)  # it is a candidate again only once it is measured
    if version is None:
        raise Skipped("No engagement model was trained tonight, so there is none to judge.")
    store = models()
    try:
        streamer = Streamer.load(store, version)
    except (BrokenModel, ValueError) as error:
        job.judge(ENGAGEMENT, version, {"targets": {}}, [_unreadable(job, ENGAGEMENT, version, error)])
        return sentence(job.refused[ENGAGEMENT][0])
    new, against = _with_stack(job, store, streamer)
    before = _serving(job, store)
    targets = examination.engagement(job, [new, before] if before else [new])
    change, change_of_courses = examination.impurity(job, new)
    against += objections.to_stack(targets, change_of_courses) if new.stack else []
    stacked = new.stack is not None and not against
    if against:
        stack.drop(store, version)
        job.told += [remark("stack_dropped"), *against]
    versions = [version, before.streamer.version] if before else [version]
    spans = [store.manifest(ENGAGEMENT, each).get("data_span", {}) for each in versions]
    found = [
        *objections.to_engagement(targets),
        *objections.to_courses(targets, stacked),
        *objections.to_origin(store.manifest(ENGAGEMENT, version)),
        *objections.to_purity(change),
        *objections.to_data(spans[0], spans[1] if before else None, examination.newest_event(job)),
    ]
    figures = {"targets": targets, "impurity": round(change, 6), "stacked": stacked}
    job.judge(ENGAGEMENT, version, figures, found)
    return examination.in_words(targets)


def _serving(job: Run, store: ModelStore) -> Foreseer | None:
    """What serves, with its stack; None where nothing does.

    What cannot be read serves nobody, tonight's other steps included, and is no measure for a new model.
    """
    version = job.serving.get(ENGAGEMENT)
    if version is None:
        return None
    try:
        return _with_stack(job, store, Streamer.load(store, version))[0]
    except (BrokenModel, NoModel, ValueError) as error:
        _unreadable(job, "serving engagement", version, error)
        job.tell("broken_engagement")
        del job.serving[ENGAGEMENT]
        return None


def _with_stack(job: Run, store: ModelStore, streamer: Streamer) -> tuple[Foreseer, list[Remark]]:
    """The model with its stack where the site wants stacks; without a broken one, and what to say of it."""
    if not settings.NUDGE_STACK:
        return Foreseer(streamer), []
    try:
        return Foreseer(streamer, stack.Stack.load(store, streamer.version)), []
    except (BrokenModel, NoModel, ValueError) as error:
        return Foreseer(streamer), [_unreadable(job, "stack of the engagement", streamer.version, error)]


def _unreadable(job: Run, kind: str, version: str, error: Exception) -> Remark:
    """That a model cannot be read: staff are told so, whoever runs the site is told why."""
    LOG.error("The %s model %s cannot be read: %s", kind, version, error)
    job.figures["error"] = str(error)
    return remark("unreadable")


def learn_helpfulness(job: Run) -> str:
    """The night's step: fit a helpfulness model, measure it beside the serving one, and refuse it or not."""
    version, words = lessons.learn(job)
    judge_helpfulness(job, version)
    return words


def judge_helpfulness(job: Run, version: str) -> None:
    """Measure a helpfulness model beside the serving one; a candidate for promotion, or refused."""
    store, old = models(), job.serving.get(HELPFULNESS)
    try:
        figures = appraisal.helpfulness(job, store, version, old)
    except appraisal.OtherFeatures:
        job.judge(HELPFULNESS, version, {"n": 0}, [remark("other_features")])
        return
    except (BrokenModel, NoModel, ValueError) as error:
        job.judge(HELPFULNESS, version, {"n": 0}, [_unreadable(job, HELPFULNESS, version, error)])
        return
    manifest = store.manifest(HELPFULNESS, version)
    found = objections.to_helpfulness(figures) + objections.to_lessons(manifest, job.now)
    if not found:
        figures["worth"], found = _worth(job, store, version, old)
    job.judge(HELPFULNESS, version, figures, found)


def _worth(
    job: Run, store: ModelStore, version: str, old: str | None
) -> tuple[dict[str, object], list[Remark]]:
    """What nudging by the model is worth, and what that says against it."""
    worth = hindsight.worth(job, store, version, old)
    return worth, objections.to_worth(worth)
