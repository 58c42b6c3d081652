"""States and predictions of every enrolment, the same as serving would compute them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nudge_xblock import courses, refreshing, retirement, states
from nudge_xblock.compat import CourseDates, Enrolled, Platform
from nudge_xblock.models import Enrolment, InboxEvent, Learner, PredictionDay
from nudge_xblock.night import models
from predictor import stack
from predictor.blend import Blend
from predictor.description import Description
from predictor.streaming import Streamer
from predictor.trees import Trees

from . import engagement, nighttime
from .moments import COURSE
from .nighttime import NOW, event, store

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
DAY = timedelta(days=1)
START = NOW - 20 * DAY


class Host(Platform):
    """A platform with one course, whose enrolments a test sets."""

    dates = CourseDates(start=START)
    enrolled: list[Enrolled] = []

    def course_keys(self) -> list[Any]:
        return [COURSE]

    def course_dates(self, course_key: Any) -> CourseDates:
        return self.dates

    def enrolments(self, course_key: Any) -> Iterator[Enrolled]:
        return iter(self.enrolled)

    def profiles(self, user_ids: Any) -> dict[int, dict[str, Any]]:
        return {user_id: {"language": "fr"} for user_id in user_ids if user_id == 7}


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Host, "enrolled", [])
    monkeypatch.setattr(Host, "dates", CourseDates(start=START))
    with override_settings(NUDGE_COMPAT=f"{__name__}.Host"):
        yield


def row(user_id: int) -> Enrolment:
    return Enrolment.objects.select_related("learner").get(learner__user_id=user_id, course_key=COURSE)


def test_everyone_enrolled_or_with_events_is_predicted_and_strangers_are_not(settings: Any) -> None:
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    Host.enrolled = [Enrolled(7, "verified", START, True), Enrolled(9, "audit", START + DAY, True)]
    store(event(7, 3 * DAY), event(8, 2 * DAY), event("gone-username", DAY))
    assert (
        refreshing.refresh(nighttime.run()) == f"3 enrolments of 1 course runs were predicted by {version}."
    )
    assert sorted(Enrolment.objects.values_list("learner__user_id", flat=True)) == [7, 8, 9]
    silent = row(9)
    assert (silent.started, silent.last_seen, silent.mode) == (START + DAY, None, "audit")
    assert set(silent.predictions) == set(engagement.TARGETS)
    assert row(7).last_seen == NOW - 3 * DAY
    assert row(8).started == NOW - 2 * DAY
    assert row(7).learner.profile == {"language": "fr", "completed": 0}
    assert PredictionDay.objects.filter(day=NOW.date()).count() == 3


def test_the_state_is_what_serving_would_reach_event_by_event(settings: Any) -> None:
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    store(*(event(7, timedelta(hours=hours), "play_video", f"v{hours}") for hours in (90, 40, 39, 2)))
    refreshing.refresh(nighttime.run())
    streamer = Streamer.load(models(), version)
    times = [(NOW - timedelta(hours=hours)).timestamp() for hours in (90, 40, 39, 2)]
    state = streamer.begin(START.timestamp())
    state = streamer.advance(state, ["play_video"] * 4, times, ["v90", "v40", "v39", "v2"])
    expected = streamer.at(state, NOW.timestamp()).probabilities
    assert row(7).predictions == pytest.approx(expected, abs=1e-5)
    found = states.outlook(row(7), [], NOW).reading
    assert found is not None
    assert found.probabilities == pytest.approx(expected, abs=1e-5)


def test_events_within_the_lag_stay_in_the_tail_and_are_not_counted_twice(settings: Any) -> None:
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    recent = timedelta(seconds=100)
    store(event(7, DAY), event(7, recent))
    InboxEvent.objects.create(
        digest="a" * 32, course_key=COURSE, user_id=7, time=NOW - recent, token="play_video", item_id="v1"
    )
    refreshing.refresh(nighttime.run())
    enrolment = row(7)
    assert enrolment.last_seen == NOW - DAY
    assert enrolment.state_through == NOW - timedelta(seconds=300)
    reading = states.outlook(enrolment, states.tail(enrolment, NOW), NOW).reading
    streamer = Streamer.load(models(), version)
    times = [(NOW - DAY).timestamp(), (NOW - recent).timestamp()]
    state = streamer.advance(streamer.begin(START.timestamp()), ["play_video"] * 2, times, ["v1", "v1"])
    assert reading is not None
    expected = streamer.at(state, NOW.timestamp()).probabilities
    assert reading.probabilities == pytest.approx(expected, abs=1e-5)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(order=st.permutations(range(6)), repeats=st.lists(st.integers(0, 5), max_size=4))
def test_late_and_repeated_events_leave_no_trace(order: list[int], repeats: list[int]) -> None:
    from django.conf import settings as site

    if models().current("engagement") is None:
        engagement.publish(site.NUDGE_MODEL_DIR)
    one = [event(7, timedelta(hours=30 - 3 * number), item=f"v{number}") for number in range(6)]
    user_id = 1000 + Enrolment.objects.count()
    for number in [*order, *repeats]:
        store(one[number]._replace(learner_id=str(user_id)))
    if not Enrolment.objects.filter(learner__user_id=7).exists():
        store(*one)
    refreshing.refresh_course(COURSE, NOW)
    assert row(user_id).predictions == row(7).predictions


def test_a_marked_enrolment_is_mended_and_a_repeat_changes_nothing(settings: Any) -> None:
    engagement.publish(settings.NUDGE_MODEL_DIR)
    store(event(7, DAY))
    refreshing.refresh_course(COURSE, NOW)
    Enrolment.objects.update(needs_rebuild=True, state=b"damaged")
    store(event(7, 2 * DAY))
    refreshing.refresh_course(COURSE, NOW)
    mended = row(7)
    assert mended.needs_rebuild is False
    refreshing.refresh_course(COURSE, NOW)
    again = row(7)
    assert (again.state, again.predictions) == (mended.state, mended.predictions)
    assert PredictionDay.objects.count() == 1


def test_the_answers_of_a_learner_survive_the_refresh(settings: Any) -> None:
    engagement.publish(settings.NUDGE_MODEL_DIR)
    Learner.objects.create(
        user_id=7, opted_out=True, answers={"sent": 3}, profile={"completed": 2}, version=9
    )
    store(event(7, DAY))
    refreshing.refresh_course(COURSE, NOW)
    learner = Learner.objects.get(user_id=7)
    assert (learner.opted_out, learner.answers, learner.version) == (True, {"sent": 3}, 9)
    assert learner.profile == {"language": "fr", "completed": 2}


def test_without_a_model_enrolments_are_known_and_stored_states_are_left_alone() -> None:
    Host.enrolled = [Enrolled(7, "audit", START, True)]
    assert (
        refreshing.refresh(nighttime.run())
        == "No model serves yet: 1 enrolments are known, none is predicted."
    )
    assert (row(7).mode, row(7).state, row(7).predictions) == ("audit", None, {})


def test_a_retired_learner_does_not_come_back_with_the_platforms_enrolments(settings: Any) -> None:
    engagement.publish(settings.NUDGE_MODEL_DIR)
    Host.enrolled = [Enrolled(7, "audit", START, False), Enrolled(8, "audit", START, True)]
    store(event(7, DAY))
    refreshing.refresh_course(COURSE, NOW)
    retirement.retire(7)
    store(event(7, DAY))
    refreshing.refresh_course(COURSE, NOW)
    assert list(Learner.objects.values_list("user_id", flat=True)) == [8]


def test_whoever_is_retired_in_the_middle_of_a_refresh_is_erased_at_its_end(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engagement.publish(settings.NUDGE_MODEL_DIR)
    store(event(7, DAY))
    write = refreshing._write

    def late(*arguments: Any) -> None:
        retirement.retire(7)
        write(*arguments)

    monkeypatch.setattr(refreshing, "_write", late)
    refreshing.refresh_course(COURSE, NOW)
    assert not Learner.objects.exists()


def test_a_course_whose_start_nobody_told_begins_with_its_first_event_or_enrolment(settings: Any) -> None:
    engagement.publish(settings.NUDGE_MODEL_DIR)
    Host.dates = CourseDates()
    Host.enrolled = [Enrolled(9, "audit", NOW - 9 * DAY, True)]
    store(event(7, 5 * DAY))
    first = courses.start_of(COURSE, courses.sequences_of(COURSE, NOW))
    refreshing.refresh_course(COURSE, NOW)
    before = row(7).predictions
    states.forget()
    assert first == (NOW - 9 * DAY).timestamp() == courses.start_of(COURSE, courses.sequences_of(COURSE, NOW))
    refreshing.refresh_course(COURSE, NOW)
    assert row(7).predictions == before


def publish_stack(version: str, target: str, score: float) -> str:
    """A stack for one target that gives who had an event this week `score`, and `-score` to all others."""
    trees = Trees(
        roots=np.array([0]),
        features=np.array([0, -1, -1]),
        thresholds=np.array([0.5, -score, score]),
        children=np.array([[1, 2], [1, 1], [2, 2]]),
        missing_left=np.array([-1, -1, -1]),
        depth=1,
    )
    boosting_alone = Blend(np.array([0.0, 0.0]), 0.0, 1e9)
    described = Description(("play_video",), "course")
    found = stack.Stack(version, described, ("events 7",), {target: (trees,)}, {target: boosting_alone})
    return found.publish(models(), {})


def test_the_dashboards_predictions_are_the_stacks_and_the_state_is_the_models(settings: Any) -> None:
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    Host.enrolled = [Enrolled(9, "audit", START, True)]
    store(event(7, 2 * DAY), event(8, 12 * DAY))
    refreshing.refresh_course(COURSE, NOW)
    alone, state = row(7).predictions, bytes(row(7).state)
    first, *others = engagement.TARGETS
    publish_stack(version, first, 2.0)
    refreshing.refresh_course(COURSE, NOW)
    found = {user_id: row(user_id).predictions for user_id in (7, 8, 9)}
    assert [round(found[user_id][first], 3) for user_id in (7, 8, 9)] == [0.881, 0.119, 0.119]
    assert all(found[7][name] == alone[name] for name in others)
    assert bytes(row(7).state) == state
    assert PredictionDay.objects.get(enrolment=row(7)).predictions == found[7]


def test_the_stack_of_another_model_is_left_alone(settings: Any) -> None:
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    store(event(7, 2 * DAY))
    refreshing.refresh_course(COURSE, NOW)
    alone = row(7).predictions
    publish_stack(version[:-1] + ("0" if version[-1] != "0" else "1"), engagement.TARGETS[0], 2.0)
    refreshing.refresh_course(COURSE, NOW)
    assert row(7).predictions == alone


def test_a_broken_stack_leaves_the_predictions_to_the_model(settings: Any) -> None:
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    store(event(7, 2 * DAY))
    refreshing.refresh_course(COURSE, NOW)
    alone = row(7).predictions
    publish_stack(version, engagement.TARGETS[0], 2.0)
    [tensors] = (models().path / stack.KIND).rglob("*.safetensors")
    tensors.write_bytes(tensors.read_bytes()[:-1])
    assert refreshing.refresh_course(COURSE, NOW) == 1
    assert row(7).predictions == alone


def test_a_stack_whose_manifest_is_broken_is_tidied_away(settings: Any) -> None:
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    broken, whole = (publish_stack(version, engagement.TARGETS[0], score) for score in (1.0, 2.0))
    (models().path / stack.KIND / broken / "manifest.json").write_text("{", encoding="utf-8")
    assert stack.prune(models()) == [broken]
    assert models().versions(stack.KIND) == [whole]
