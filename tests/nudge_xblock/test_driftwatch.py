"""The watch for drift, on a site where nothing changed and on one where it did."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from benchmarks import vote_world
from nudge_xblock import driftwatch, nights, remarks
from nudge_xblock.models import Decision, Enrolment, Night, PredictionDay
from nudge_xblock.night import Run, Skipped

from . import engagement, nighttime
from .moments import COURSE, enrolled, serve
from .nighttime import NOW, event, store

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
DAYS = range(1, 36)


def site(settings: Any, last_week: str = "play_video", chance: float = 0.5) -> Run:
    """Fifty learners with an event a day, of one kind in the last week; predicted to leave by chance."""
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    rng = np.random.default_rng(0)
    for user_id in range(1, 51):
        kinds = rng.choice(["play_video", "pause_video", "seq_next"], len(DAYS))
        store(
            *(
                event(
                    user_id,
                    timedelta(days=day, minutes=5),
                    last_week if day <= 7 and last_week else str(kind),
                )
                for day, kind in zip(DAYS, kinds, strict=True)
                if day > 7 or not last_week or last_week != "nothing"
            )
        )
        enrolled(user_id)
    for day in DAYS:
        at = NOW - timedelta(days=day)
        Night.objects.create(started=at, finished=at, model_version=version)
        rows = [
            PredictionDay(
                enrolment=each, day=at.date(), predictions={"leave": float(rng.beta(2, 2) * 2 * chance)}
            )
            for each in Enrolment.objects.filter(course_key=COURSE)
        ]
        PredictionDay.objects.bulk_create(rows)
    return nighttime.run()


def codes(job: Run) -> list[str]:
    return [each["code"] for each in job.metrics["drift"]["told"]]


def test_without_a_model_there_is_nothing_to_watch() -> None:
    with pytest.raises(Skipped, match="No model serves yet"):
        driftwatch.watch(nighttime.run())


def test_a_changed_mix_of_events_and_a_model_that_foresees_too_much_are_told(settings: Any) -> None:
    job = site(settings, last_week="problem_check_correct")
    words = driftwatch.watch(job)
    assert "the mix of events differs by" in words
    assert "drift_events" in codes(job)
    # Everybody came every day, and half were foreseen to leave.
    assert "the share of learners leaving was 0.000, foreseen was 0.4" in words
    assert [each["code"] for each in job.told] == codes(job), "staff read it in the verdict"
    assert job.metrics["drift"]["checks"]["events"]["value"] > 0.25


def test_a_quiet_week_is_said_to_be_like_the_others(settings: Any) -> None:
    job = site(settings, last_week="", chance=0.0)
    assert driftwatch.watch(job) == "Last week was like the weeks before: the models in use still fit."
    assert job.told == []
    Night.objects.filter(pk=job.night.pk).update(slot=None, metrics=job.metrics)
    assert nights.history()["drift"] == remarks.text(job.metrics["drift"]["told"])


def test_predictions_that_moved_are_told(settings: Any) -> None:
    job = site(settings, last_week="", chance=0.0)
    PredictionDay.objects.filter(day__gt=(NOW - timedelta(days=7)).date()).update(predictions={"leave": 0.95})
    driftwatch.watch(job)
    assert "drift_readings" in codes(job)
    assert "leaving" in remarks.text(job.metrics["drift"]["told"])


def test_predictions_of_the_model_before_are_not_compared_with_the_serving_ones(settings: Any) -> None:
    job = site(settings, last_week="", chance=0.0)
    week = NOW - timedelta(days=7)
    PredictionDay.objects.filter(day__gt=week.date()).update(predictions={"leave": 0.95})
    Night.objects.filter(started__lte=week).update(model_version="the one before")
    driftwatch.watch(job)
    assert "drift_readings" not in codes(job)


def test_votes_that_were_not_foreseen_are_told(settings: Any) -> None:
    serve((0.9, 0.05, 0.05), settings.NUDGE_MODEL_DIR)
    vote_world.log(NOW, learners=60, each=3, seed=1, days=6.0)
    rows = list(Decision.objects.all())
    for row in rows:
        row.predictions = {name: [0.9, 0.05, 0.05] for name in row.features["messages"]}
    Decision.objects.bulk_update(rows, ["predictions"])
    job = nighttime.run()
    driftwatch.watch(job)
    assert codes(job) == ["drift_votes"]
    assert "foreseen was 0.9" in remarks.text(job.told)
