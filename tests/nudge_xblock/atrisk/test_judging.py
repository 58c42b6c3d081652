"""A risk model serves only where it foresees as well as the one before it, and better than chance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from nudge_xblock import labels, promotion, remarks
from nudge_xblock.atrisk import judging, learning
from nudge_xblock.night import RISK, Run, models

from .. import nighttime
from . import term

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("finished")]


@pytest.fixture
def finished(stores: Any) -> Iterator[None]:
    term.School.forget()
    with override_settings(NUDGE_COMPAT=f"{term.__name__}.School", NUDGE_HELD_OUT_SHARE=0.4):
        term.finished(learners=70)
        yield


def judged(coefficient: float, **told: Any) -> tuple[Run, str]:
    """A night that made this model, and its version."""
    job = nighttime.run()
    labels.collect(job)
    lessons = learning.gather(job)
    version = term.made(coefficient, **told).publish(models())
    judging.judge(job, version, lessons.target, lessons.runs, lessons.held_out)
    return job, version


def codes(job: Run) -> set[str]:
    return {each["code"] for each in job.refused.get(RISK, [])}


def test_a_model_that_foresees_held_out_learners_serves_and_is_praised() -> None:
    job, version = judged(term.GOOD)
    figures = job.metrics[RISK]["targets"]["complete"]
    assert figures["new"]["auc"] > 0.75
    assert figures["learners"] > 40
    words = promotion.settle(job)
    assert models().current(RISK) == version
    assert f"The new risk model {version} serves. It foresees completing with an AUC of 0." in words
    assert job.serving[RISK] == version


def test_one_that_turns_the_ranking_round_is_refused_and_the_old_one_stays(settings: Any) -> None:
    old = term.serve(settings.NUDGE_MODEL_DIR)
    job, _version = judged(term.BAD)
    assert {"below_chance", "worse_auc"} <= codes(job)
    words = promotion.settle(job)
    assert models().current(RISK) == old
    assert f"Tonight’s risk model was refused, {old} stays." in words


def test_the_first_one_too_must_be_better_than_chance() -> None:
    job, _version = judged(0.0)
    assert "indistinct" in codes(job)
    assert "refused, none serves yet" in promotion.settle(job)


def test_one_whose_training_could_not_foresee_unseen_runs_is_refused() -> None:
    job, _version = judged(term.GOOD, auc=0.52)
    assert codes(job) == {"indistinct"}


def test_a_broken_one_is_refused_without_stopping_the_night() -> None:
    job, version = judged(term.GOOD)
    (models().path / RISK / version / "model.safetensors").write_bytes(b"half a file")
    words = judging.judge(job, version, "complete", (), learning.gather(job).held_out)
    assert words == remarks.text([remarks.remark("unreadable")])
    assert codes(job) == {"unreadable"}
    assert version in job.figures["error"]


def test_with_too_few_held_out_learners_nothing_can_be_judged(settings: Any) -> None:
    settings.NUDGE_PROMOTION_MIN_LEARNERS = 10_000
    job, _version = judged(term.GOOD)
    assert codes(job) == {"unjudged"}


def test_who_had_not_enrolled_yet_is_asked_about_only_where_they_were_there() -> None:
    for course_key, rows in term.School.enrolled.items():
        start = term.School.dates[course_key].start
        assert start is not None
        term.School.enrolled[course_key] = [row._replace(enrolled=start + 35 * term.DAY) for row in rows]
    job, _version = judged(term.GOOD)
    lessons = learning.gather(job)
    there = everybody = 0
    for run in lessons.runs:
        events, course = run.sequences(), lessons.held_out.of(str(run.key))
        firsts = dict(zip(events.learners, events.times[events.offsets[:-1]].tolist(), strict=True))
        for learner, start in zip(course.learners, course.starts.tolist(), strict=True):
            everybody += 4
            there += sum(firsts.get(learner, math.inf) <= start + days * 86400 for days in (7, 14, 21, 30))
    figures = job.metrics[RISK]["targets"]["complete"]
    assert figures["n"] == there
    assert there < everybody


def test_a_model_of_another_target_is_no_rival(settings: Any) -> None:
    term.serve(settings.NUDGE_MODEL_DIR, term.made(term.GOOD, target="pass"))
    job, _version = judged(term.GOOD)
    assert "old" not in job.metrics[RISK]["targets"]["complete"]
    assert not codes(job)
