"""What a gate with another model would have been worth, judged by a log whose truth is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import override_settings

from benchmarks import vote_world
from nudge_xblock import gate, hindsight, lessons, policy
from nudge_xblock.models import Decision
from nudge_xblock.night import Run, models
from predictor import features

from . import nighttime
from .nighttime import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
NAMES = features.names(0, ())


@pytest.fixture(autouse=True)
def everyone_judges() -> Any:
    with override_settings(NUDGE_HELD_OUT_SHARE=1.0, NUDGE_MARGIN_NOT_HELPFUL=0.0):
        yield


def knowing(upside_down: bool = False) -> str:
    """A model that learned from votes of this world, or from the same votes turned round."""
    vote_world.log(NOW - timedelta(days=40), learners=150, each=5, seed=1)
    past = Decision.objects.filter(created__lt=NOW - timedelta(days=30))
    if upside_down:
        liked = list(past.filter(helpful=True).values_list("pk", flat=True))
        past.filter(helpful=False).update(helpful=True)
        past.filter(pk__in=liked).update(helpful=False)
    with override_settings(NUDGE_HELD_OUT_SHARE=0.0):
        job = nighttime.run(NOW - timedelta(days=30))
        version, _ = lessons.learn(job)
    job.night.delete()
    past.delete()
    return version


def true_worth(job: Run, version: str) -> float:
    """What the gate with this model is worth over the logged moments, from the world's own chances."""
    moments = list(hindsight._moments(job))
    told = hindsight.predictions(moments, models(), version)
    asked = hindsight._asked(moments, told, policy.current())
    liking = np.random.default_rng(1).normal(size=150)
    total = 0.0
    for one, moment in zip(asked, moments, strict=True):
        place = moment.decision.learner.user_id - 1
        failed = float(moment.seen.shared[NAMES.index("recent.wrong_in_a_row")])
        for kind, candidate in enumerate(moment.given.candidates):
            odds = vote_world.chances(liking[place : place + 1], np.array([failed]), kind)[0]
            total += one[candidate.id] * (odds[0] - odds[1])
    return total / len(moments)


def test_a_model_that_knows_is_worth_more_than_one_that_has_it_upside_down() -> None:
    vote_world.log(NOW, learners=150, each=5, seed=2)
    good, bad = knowing(), knowing(upside_down=True)
    job = nighttime.run()
    found = hindsight.worth(job, models(), good, bad)
    assert found["n"] == 750
    assert found["low"] > 0.0
    assert found["versus"] == bad
    assert found["low"] < true_worth(job, good) - true_worth(job, bad) < found["high"]
    turned = hindsight.worth(job, models(), bad, good)
    assert turned["high"] < 0.0


def test_without_a_serving_model_it_is_compared_with_nudging_as_often_blindly() -> None:
    vote_world.log(NOW, learners=150, each=5, seed=3)
    good = knowing()
    found = hindsight.worth(nighttime.run(), models(), good, None)
    assert found["versus"] == ""
    assert found["low"] > 0.0
    words = [each["code"] for each in hindsight.said(found, sure=True)]
    assert words == ["worth_alone"]


def test_the_same_model_differs_from_itself_by_nothing() -> None:
    vote_world.log(NOW, learners=40, each=4, seed=4)
    good = knowing()
    found = hindsight.worth(nighttime.run(), models(), good, good)
    assert (found["low"], found["high"], found["disagreement"]) == (0.0, 0.0, 0.0)


def test_few_moments_tell_nothing_and_staff_are_told_so() -> None:
    vote_world.log(NOW, learners=4, each=4, seed=4)
    good = knowing()
    found = hindsight.worth(nighttime.run(), models(), good, None)
    assert found == {"n": 16, "why": "few"}
    assert hindsight.said(found, sure=False)[0]["code"] == "worth_unknown"


def test_a_log_without_chances_cannot_tell() -> None:
    vote_world.log(NOW, learners=60, each=4, seed=4)
    Decision.objects.update(propensities={gate.HOLD: 1.0})
    good = knowing()
    found = hindsight.worth(nighttime.run(), models(), good, None)
    assert found["why"] == "unsupported"
    assert hindsight.said(found, sure=False)[0]["code"] == "worth_unsupported"


def test_only_what_the_gate_decided_about_held_out_learners_of_late_counts() -> None:
    vote_world.log(NOW, learners=20, each=2, seed=4)
    rows = list(Decision.objects.order_by("pk"))
    rows[0].reason = "cap_day"
    rows[1].created = NOW - timedelta(days=60)
    rows[2].created = NOW - lessons.SETTLED / 2
    rows[3].features = {}
    Decision.objects.bulk_update(rows[:4], ["reason", "created", "features"])
    job = nighttime.run()
    assert len(list(hindsight._moments(job))) == 36
    with override_settings(NUDGE_HELD_OUT_SHARE=0.0):
        assert list(hindsight._moments(job)) == []


def test_models_are_compared_at_the_share_that_the_site_holds_back() -> None:
    vote_world.log(NOW, learners=100, each=4, seed=5)
    good = knowing()
    with override_settings(NUDGE_HOLD_BACK_SHARE=0.5):
        moments = list(hindsight._moments(nighttime.run()))
        told = hindsight.predictions(moments, models(), good)
        asked = hindsight._asked(moments, told, policy.current())
    assert np.mean([each[gate.HOLD] for each in asked]) == pytest.approx(0.5, abs=0.05)
