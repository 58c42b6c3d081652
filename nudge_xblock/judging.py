"""The night's judgement: tonight's models are measured beside the serving ones, and refused or not.

What is measured is in `examination` (engagement), `appraisal` and `hindsight` (helpfulness); what speaks
against a model in `objections`.
"""

from __future__ import annotations

from nudge_xblock import appraisal, examination, hindsight, lessons, objections
from nudge_xblock.night import ENGAGEMENT, HELPFULNESS, Run, Skipped, models
from nudge_xblock.remarks import Remark, remark
from predictor.store import BrokenModel, ModelStore, NoModel
from predictor.streaming import Streamer


def evaluate(job: Run) -> str:
    """The night's step: measure tonight's engagement model beside the serving one, and refuse it or not."""
    version = job.candidates.pop(ENGAGEMENT, None)  # it is a candidate again only once it is measured
    if version is None:
        raise Skipped("No engagement model was trained tonight, so there is none to judge.")
    store, old = models(), job.serving.get(ENGAGEMENT)
    try:
        new = Streamer.load(store, version)
    except (BrokenModel, ValueError) as error:
        job.judge(ENGAGEMENT, version, {"targets": {}}, [remark("unreadable", error=str(error))])
        return str(error)
    streamers = [new, Streamer.load(store, old)] if old else [new]
    targets = examination.engagement(job, streamers)
    change = examination.impurity(job, new)
    spans = [store.manifest(ENGAGEMENT, each).get("data_span", {}) for each in (version, old) if each]
    found = [
        *objections.to_engagement(targets),
        *objections.to_origin(store.manifest(ENGAGEMENT, version)),
        *objections.to_purity(change),
        *objections.to_data(spans[0], spans[1] if old else None, examination.newest_event(job)),
    ]
    job.judge(ENGAGEMENT, version, {"targets": targets, "impurity": round(change, 6)}, found)
    return examination.in_words(targets)


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
        job.judge(HELPFULNESS, version, {"n": 0}, [remark("unreadable", error=str(error))])
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
