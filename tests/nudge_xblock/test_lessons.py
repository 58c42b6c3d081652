"""What the helpfulness model learns from: the same moments, seen by the LSTM that will serve."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.test import override_settings

from nudge_xblock import catalogue, lessons, vectors
from nudge_xblock.models import Decision, Enrolment, Placement
from nudge_xblock.night import HELPFULNESS, Run, Skipped, models
from predictor import features
from predictor.streaming import Reading, Streamer

from . import engagement, nighttime
from .moments import COURSE, enrolled, placed
from .nighttime import NOW, event, store

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
START = NOW - timedelta(days=20)


def shown(
    user_id: int = 7,
    ago: timedelta = timedelta(days=1),
    helpful: bool | None = None,
    reading: Reading | None = None,
    model: str = "",
    **changes: Any,
) -> Decision:
    """A nudge that was on the learner's screen, with the vectors that the model of its day saw."""
    placement = placed()
    enrolment = enrolled(user_id)
    book = catalogue.book(COURSE)
    spot = book.spots[placement.key]
    seen = vectors.see(enrolment, reading, (), [spot], book, 20.0, NOW - ago)
    values: dict[str, Any] = {
        "moment": uuid4().hex,
        "learner": enrolment.learner,
        "course_key": COURSE,
        "placement": placement,
        "variant": placement.variants.get(position=0),
        "reason": "explore",
        "propensity": 0.25,
        "propensities": {},
        "features": vectors.kept(seen, list(seen.messages)),
        "draw": 0.1,
        "model_version": model,
        "created": NOW - ago,
        "shown_at": NOW - ago,
        "helpful": helpful,
    }
    return Decision.objects.create(**(values | changes))


def job() -> Run:
    Enrolment.objects.filter(started=None).update(started=START)
    return nighttime.run()


def test_only_nudges_on_a_screen_with_time_to_answer_are_lessons() -> None:
    counted = shown(helpful=True)
    shown(shown_at=None)
    shown(ago=timedelta(minutes=5))
    shown(ago=timedelta(days=400))
    shown(variant=None)
    shown(features={})
    assert [each.decision for each in lessons.shown_nudges(job())] == [counted]


def test_outcomes_and_weights_are_votes_and_inverse_propensities() -> None:
    for days, helpful, propensity in ((3, True, 0.5), (2, False, 0.1), (1, None, 1.0)):
        shown(ago=timedelta(days=days), helpful=helpful, propensity=propensity)
    found = lessons.lessons_for(list(lessons.shown_nudges(job())), None, models())
    assert found.outcomes.tolist() == [lessons.HELPFUL, lessons.NOT_HELPFUL, lessons.NONE]
    assert found.weights.tolist() == [2.0, 10.0, 1.0]


def test_a_nudge_is_learned_from_by_what_it_is_for() -> None:
    clicked = shown(ago=timedelta(days=2), helpful=False, clicked_at=NOW)
    ignored = shown(helpful=True)
    Placement.objects.update(objective="click")
    night = job()
    assert [each.outcome for each in lessons.shown_nudges(night)] == [lessons.HELPFUL, lessons.NONE]
    clicked.outcome = {"objective": {"result": lessons.NOT_HELPFUL, "days": 7.0}}
    clicked.save()
    Placement.objects.update(objective="items")
    [lesson] = lessons.shown_nudges(night)
    assert (lesson.decision, lesson.outcome) == (clicked, lessons.NOT_HELPFUL)
    assert ignored.outcome == {}


def test_vectors_are_seen_again_by_the_new_lstm_at_the_decisions_own_moment(settings: Any) -> None:
    """The states of another model, and what the learner did afterwards, are not in them."""
    old = Reading({"leave": 0.9}, np.full(4, 9.0, np.float32))
    hours = (90, 60, 12)
    store(*(event(7, timedelta(hours=each), item=f"v{each}") for each in hours))
    shown(7, timedelta(days=2), reading=old, model="an older one")
    shown(7, timedelta(days=1), reading=old, model="an older one")
    shown(8, timedelta(hours=23))
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    Enrolment.objects.update(started=START)
    streamer = Streamer.load(models(), version)

    found = lessons.lessons_for(list(lessons.shown_nudges(nighttime.run())), version, models())

    assert found.names == features.names(streamer.hidden_size, tuple(sorted(streamer.targets)))
    zero = START.timestamp()
    times = [(NOW - timedelta(hours=each)).timestamp() for each in hours]
    state = streamer.advance(streamer.begin(zero), ["play_video"] * 2, times[:2], ["v90", "v60"])
    for place, days in ((0, 2), (1, 1)):
        reading = streamer.at(state, (NOW - timedelta(days=days)).timestamp())
        assert found.rows[place, : streamer.hidden_size] == pytest.approx(reading.hidden, abs=1e-5)
    nobody = streamer.at(streamer.begin(zero), (NOW - timedelta(hours=23)).timestamp())
    assert found.rows[2, : streamer.hidden_size] == pytest.approx(nobody.hidden, abs=1e-5)


def test_vectors_of_the_same_lstm_are_taken_as_they_were(settings: Any) -> None:
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    streamer = Streamer.load(models(), version)
    state = streamer.begin(START.timestamp())
    reading = streamer.at(state, NOW.timestamp())
    decision = shown(reading=reading, model=version)
    found = lessons.lessons_for(list(lessons.shown_nudges(job())), version, models())
    seen = vectors.unkept(decision.features)
    assert seen is not None
    assert found.rows[0].tolist() == seen.matrix()[0].tolist()


def test_without_any_lstm_the_model_learns_from_what_is_left() -> None:
    shown(reading=Reading({"leave": 0.9}, np.ones(4, np.float32)), model="gone")
    found = lessons.lessons_for(list(lessons.shown_nudges(job())), None, models())
    assert found.names == features.names(0, ())
    assert found.rows.shape == (1, len(found.names))


def test_nothing_shown_and_too_little_shown_are_said_in_words() -> None:
    night = job()
    with pytest.raises(Skipped, match="No nudge has been shown yet"):
        lessons.learn(night)
    shown(helpful=True)
    with pytest.raises(Skipped, match="too few to learn from"):
        lessons.learn(night)


def test_what_was_learned_is_published_with_the_lstm_it_belongs_to_and_not_learned_twice(
    settings: Any,
) -> None:
    engaged = engagement.publish(settings.NUDGE_MODEL_DIR)
    for number in range(60):
        shown(100 + number, helpful=number % 2 == 0)
    with override_settings(NUDGE_HELD_OUT_SHARE=0.2):
        night = job()
        version, words = lessons.learn(night)
        manifest = models().manifest(HELPFULNESS, version)
        assert manifest["engagement"] == engaged
        assert manifest["rows"] == manifest["votes"] < 60, "held-out learners taught nothing"
        assert (
            words
            == f"Learned from {manifest['rows']} shown nudges, {manifest['votes']} of them with a vote. "
            + lessons.NOT_PERSONAL
        )
        models().promote(HELPFULNESS, version)
        night.serving[HELPFULNESS] = version
        with pytest.raises(Skipped, match="No answer is new"):
            lessons.learn(night)
        Decision.objects.filter(helpful=True).first().delete()
        assert lessons.learn(night)[0] != version
