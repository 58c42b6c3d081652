"""Figures of models on learners that neither was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import override_settings

from nudge_xblock import examination, judging, labels, promotion, refreshing, remarks, serving
from nudge_xblock.compat import CourseDates, Platform, Result
from nudge_xblock.night import ENGAGEMENT, Run, models
from predictor.blend import Blend
from predictor.description import Description
from predictor.foresight import Foreseen, Foreseer
from predictor.stack import Stack
from predictor.streaming import Reading
from predictor.trees import Trees

from . import engagement, nighttime
from .nighttime import NOW, event, store

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
DAY = timedelta(days=1)
START = NOW - 40 * DAY


class School(Platform):
    """An ended course run of learners 1 to 40; the even ones passed, the first ten of them on day 10."""

    def course_dates(self, course_key: Any) -> CourseDates:
        return CourseDates(start=START, end=NOW - DAY)

    def outcomes(self, course_key: Any) -> list[Result]:
        found = []
        for user_id in range(1, 41):
            passed = user_id % 2 == 0
            when = START + (10 if user_id <= 20 else 35) * DAY if passed else None
            found.append(Result(user_id, passed, passed, when, when, "audit", START))
        return found


class Oracle:
    """What judging asks of a streamer, answered by rule; remembers at which moments it was asked of whom."""

    targets = ("pass", "leave")

    def __init__(self, right: bool = True) -> None:
        self.right = right
        self.asked: list[tuple[float, int]] = []

    def refresh(self, sequences: Any, start: float, now: float, learners: Sequence[str]) -> dict[str, Any]:
        self.asked.append(((now - start) / 86400, len(learners)))
        chances = {learner: 0.9 if (int(learner) % 2 == 0) == self.right else 0.1 for learner in learners}
        nothing = np.zeros(1, np.float32)
        return {
            learner: (None, Reading({"pass": chance, "leave": 1 - chance}, nothing))
            for learner, chance in chances.items()
        }


@pytest.fixture
def job() -> Iterator[Run]:
    with override_settings(NUDGE_COMPAT=f"{__name__}.School", NUDGE_HELD_OUT_SHARE=1.0):
        for user_id in range(1, 41):
            days = range(3, 36, 3) if user_id % 2 == 0 else range(3, 8, 3)
            store(*(event(user_id, NOW - START - day * DAY) for day in days))
        run = nighttime.run()
        labels.collect(run)
        yield run


def figures(job: Run, *oracles: Oracle) -> dict[str, Any]:
    return examination.engagement(job, [Foreseer(oracle) for oracle in oracles])  # type: ignore[arg-type]


def test_both_models_are_asked_about_the_same_learners_at_each_week_and_month(job: Run) -> None:
    new, old = Oracle(), Oracle(right=False)
    found = figures(job, new, old)
    assert new.asked == old.asked == [(7.0, 40), (14.0, 40), (21.0, 40), (30.0, 40)]
    assert found["pass"]["new"]["auc"] == 1.0
    assert found["pass"]["old"]["auc"] == 0.0


def test_a_learner_whose_outcome_was_known_by_then_is_not_asked_about(job: Run) -> None:
    found = figures(job, Oracle())
    assert found["pass"]["n"] == 40 + 3 * 30, "ten passed on day 10"
    assert found["pass"]["positives"] == 20 + 3 * 10


def test_who_left_is_read_off_the_stream(job: Run) -> None:
    found = figures(job, Oracle())
    # The odd learners' last event is on day 6.  The even ones come every third day, and so within two days of
    # each moment: on day 9, at its last instant; on day 15; on days 21 and 30, at the very moment.
    assert found["leave"]["n"] == 4 * 40
    assert found["leave"]["positives"] == 4 * 20
    assert found["leave"]["new"]["auc"] == 1.0


def test_moments_that_have_not_come_are_not_asked_about(job: Run) -> None:
    job.now = START + 15 * DAY
    oracle = Oracle()
    figures(job, oracle)
    assert [days for days, _ in oracle.asked] == [7.0, 14.0]


def test_a_model_that_does_not_answer_with_numbers_is_noticed(job: Run) -> None:
    class Mute(Oracle):
        def refresh(self, *arguments: Any) -> dict[str, Any]:
            nothing = np.zeros(1, np.float32)
            said = {"pass": float("nan"), "leave": 0.5}
            return {learner: (None, Reading(said, nothing)) for learner in arguments[3]}

    assert figures(job, Mute())["pass"]["new"] == {
        "auc": None, "auc_low": None, "auc_high": None, "ece": None, "loss": None, "finite": False,
    }  # fmt: skip


def test_tonights_model_is_a_candidate_only_after_it_was_measured(job: Run, settings: Any) -> None:
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    job.candidates[ENGAGEMENT] = "20260101T000000Z-00000000"
    with pytest.raises(LookupError):
        judging.evaluate(job)
    assert ENGAGEMENT not in job.candidates, "a step that failed leaves no model to promote"
    job.candidates[ENGAGEMENT] = version
    words = judging.evaluate(job)
    assert "AUC" in words
    assert job.metrics[ENGAGEMENT]["version"] == version
    assert ENGAGEMENT in job.refused or ENGAGEMENT in job.candidates


class Peeking(Oracle):
    """Says more than it can know: it looks at who comes after the moment."""

    def refresh(self, sequences: Any, start: float, now: float, learners: Sequence[str]) -> dict[str, Any]:
        places = {learner: place for place, learner in enumerate(sequences.learners)}
        nothing, found = np.zeros(1, np.float32), {}
        for learner in learners:
            rows = (
                slice(*sequences.offsets[places[learner] : places[learner] + 2])
                if learner in places
                else slice(0)
            )
            comes = bool((sequences.times[rows] > now).any())
            found[learner] = (None, Reading({"pass": 0.5, "leave": 0.1 if comes else 0.9}, nothing))
        return found


def test_a_reading_that_later_events_change_is_found_out(job: Run) -> None:
    assert examination.impurity(job, Foreseer(Oracle())) == (0.0, 0.0)  # type: ignore[arg-type]
    found = examination.impurity(job, Foreseer(Peeking()))  # type: ignore[arg-type]
    assert found == pytest.approx((0.8, 0.8))


def test_those_it_learned_from_are_asked_about_too(job: Run) -> None:
    with override_settings(NUDGE_HELD_OUT_SHARE=0.5):
        labels.collect(job)
        new, old = Oracle(), Oracle(right=False)
        found = figures(job, new, old)
    assert found["pass"]["taught"]["auc"] == 1.0
    assert len(new.asked) == 2 * len(old.asked), "the serving model is not"
    assert found["pass"]["telling"]["accuracy"] < 0.97


def test_a_model_that_cannot_be_read_is_refused_in_words(
    job: Run, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    path = models().path / ENGAGEMENT / version / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    job.candidates[ENGAGEMENT] = version
    judging.evaluate(job)
    assert [each["code"] for each in job.refused[ENGAGEMENT]] == ["unreadable"]
    assert "cut short" in caplog.text
    assert "cut short" in job.figures["error"]
    assert "cut short" not in remarks.text(job.refused[ENGAGEMENT])


def test_a_model_from_before_known_items_is_measured_beside_and_gives_way(job: Run, settings: Any) -> None:
    settings.NUDGE_PROMOTION_MIN_AUC = 0.0
    new = engagement.publish(settings.NUDGE_MODEL_DIR)
    old = engagement.publish_as_before(settings.NUDGE_MODEL_DIR, new)
    assert serving.engagement.current().version == old
    assert serving.engagement.current().model is not None
    assert "is whole" in promotion.check_serving(job)
    assert refreshing.refresh(job) > ""
    job.candidates[ENGAGEMENT] = new
    judging.evaluate(job)
    figures = job.metrics[ENGAGEMENT]
    assert figures["compared_with"] == old
    both = figures["targets"]["pass"]
    assert both["new"]["auc"] == both["old"]["auc"], "the same weights"
    job.refused.clear()
    job.candidates[ENGAGEMENT] = new
    promotion.settle(job)
    assert models().current(ENGAGEMENT) == new


@pytest.mark.parametrize("fault", ["other layout", "gone", "cut short"])
def test_a_serving_model_that_cannot_be_read_does_not_keep_the_next_one_out(
    job: Run, settings: Any, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings.NUDGE_PROMOTION_MIN_AUC = 0.0
    new = engagement.publish(settings.NUDGE_MODEL_DIR)
    old = engagement.publish_as_before(settings.NUDGE_MODEL_DIR, new, layout=1)
    if fault != "other layout":
        path = models().path / ENGAGEMENT / old / "model.safetensors"
        path.unlink() if fault == "gone" else path.write_bytes(b"cut")
    job.serving[ENGAGEMENT], job.candidates[ENGAGEMENT] = old, new
    judging.evaluate(job)
    assert f"serving engagement model {old} cannot be read" in caplog.text
    assert "broken_engagement" in [each["code"] for each in job.told]
    figures = job.metrics[ENGAGEMENT]
    assert figures["compared_with"] == ""
    assert "old" not in figures["targets"]["pass"]
    assert "predicted by" not in refreshing.refresh(job), "nothing is read with it tonight"
    job.refused.clear()
    job.candidates[ENGAGEMENT] = new
    promotion.settle(job)
    assert models().current(ENGAGEMENT) == new
    assert f"predicted by {new}" in refreshing.refresh(job)


class Seer:
    """A model that answers by rule, live and with its stack."""

    def __init__(self, live: bool, stacked: bool | None = None) -> None:
        self.streamer, self.stack = Oracle(live), None if stacked is None else object()
        self._word = self.streamer if stacked is None else Oracle(stacked)

    def foresee(self, *asked: Any) -> dict[str, Foreseen]:
        live, told = self.streamer.refresh(*asked), self._word.refresh(*asked)
        return {
            name: Foreseen(state, reading, told[name][1].probabilities)  # type: ignore[arg-type]
            for name, (state, reading) in live.items()
        }


def test_stacks_are_measured_beside_their_lstm_and_beside_what_serves(job: Run) -> None:
    found = examination.engagement(job, [Seer(True, False), Seer(False, True)])["pass"]  # type: ignore[list-item]
    assert (found["new"]["auc"], found["old"]["auc"]) == (1.0, 0.0), "live moments are the LSTMs'"
    assert (found["stack"]["new"]["auc"], found["stack"]["old"]["auc"]) == (0.0, 1.0)
    assert (found["courses"]["new"]["auc"], found["courses"]["old"]["auc"]) == (0.0, 1.0)
    assert (found["alone"]["new"]["auc"], found["alone"]["old"]["auc"]) == (1.0, 1.0)
    assert not {"stack", "courses", "alone"} & examination.engagement(job, [Seer(True)])["pass"].keys()  # type: ignore[list-item]


def stack_up(version: str, right: bool) -> str:
    """A stack beside a model: who was active on many days passes, or does not."""
    size = np.array([0, -1, -1])
    few, many = (-2.0, 2.0) if right else (2.0, -2.0)
    grown = Trees(
        np.array([0]), size, np.array([2.5, few, many]), np.array([[1, 2], [1, 1], [2, 2]]), np.full(3, -1), 2
    )
    blend = Blend(np.zeros(2), 0.0, 1e9)
    found = Stack(
        version, Description(("play_video",), "course"), ("active days",), {"pass": (grown,)}, {"pass": blend}
    )
    return found.publish(models(), {})


@pytest.fixture
def stacks(settings: Any) -> None:
    settings.NUDGE_STACK = True
    settings.NUDGE_PROMOTION_MIN_AUC = 0.0


@pytest.mark.usefixtures("stacks")
def test_a_stack_worth_more_than_its_lstm_is_kept(job: Run, settings: Any) -> None:
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    stack = stack_up(version, right=True)
    job.candidates[ENGAGEMENT] = version
    judging.evaluate(job)
    figures = job.metrics[ENGAGEMENT]
    assert figures["stacked"] is True
    assert figures["targets"]["pass"]["stack"]["new"]["auc"] > 0.7
    assert models().versions("stack") == [stack]


@pytest.mark.usefixtures("stacks")
@pytest.mark.parametrize("fault", ["worse", "broken"])
def test_a_stack_worth_less_than_its_lstm_or_broken_is_left_out_and_staff_are_told(
    job: Run, settings: Any, fault: str
) -> None:
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    stack = stack_up(version, right=False)
    if fault == "broken":
        (models().path / "stack" / stack / "model.safetensors").write_bytes(b"cut short")
    job.candidates[ENGAGEMENT] = version
    judging.evaluate(job)
    assert job.metrics[ENGAGEMENT]["stacked"] is False
    assert models().versions("stack") == []
    told = [each["code"] for each in job.told]
    assert told[0] == "stack_dropped"
    assert {"worse": {"worse_than_alone", "miscalibrated"}, "broken": {"unreadable"}}[fault] & set(told)
    assert "cut short" not in remarks.text(job.told)


@pytest.mark.usefixtures("stacks")
@pytest.mark.parametrize("stacked", [False, True])
def test_a_model_that_would_foresee_course_runs_worse_than_what_serves_is_refused(
    job: Run, settings: Any, stacked: bool
) -> None:
    old = engagement.publish(settings.NUDGE_MODEL_DIR)
    stack_up(old, right=True)
    job.serving[ENGAGEMENT] = old
    version = engagement.publish(settings.NUDGE_MODEL_DIR)
    if stacked:
        stack_up(version, right=True)
    job.candidates[ENGAGEMENT] = version
    judging.evaluate(job)
    codes = [each["code"] for each in job.refused.get(ENGAGEMENT, [])]
    assert ("worse_courses" in codes) is not stacked
    settings.NUDGE_STACK = False
    job.candidates[ENGAGEMENT] = version
    job.refused.clear()
    judging.evaluate(job)
    assert "worse_courses" not in [each["code"] for each in job.refused.get(ENGAGEMENT, [])]
