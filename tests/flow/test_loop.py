"""The whole loop through the Python door: events in, ask, vote, night, and the new model serves."""

from __future__ import annotations

import random
from datetime import timedelta
from statistics import fmean
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from nudge_xblock import api, remarks, serving
from nudge_xblock.atrisk.models import Case, Risk
from nudge_xblock.models import Decision, Enrolment, InboxEvent, Learner, Night, PredictionDay, Variant
from predictor.sequences import EventStore
from predictor.store import ModelStore

from . import campus

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("campus_site"),
    pytest.mark.train,
]
UNITS = ("one", "two", "three")


def place() -> list[str]:
    """A nudge in each of three units, shown when the unit is seen."""
    keys = []
    for unit in UNITS:
        key = str(campus.RUNNING.make_usage_key("nudge", unit))
        wording = {"heading": f"Unit {unit}", "body": "A hint.", "action_label": "", "action_url": ""}
        api.register(
            {
                "key": key,
                "course_key": str(campus.RUNNING),
                "title": unit,
                "kind": "review",
                "trigger": {"when": "unit_seen", "item": ""},
                "variants": [wording],
            }
        )
        keys.append(key)
    return keys


def ask(user_id: int, key: str, days_ago: float) -> Any:
    now = campus.NOW - timedelta(days=days_ago)
    return api.ask(user_id, campus.RUNNING, [key], {"when": "unit_seen"}, now)


def moments(keys: list[str]) -> int:
    """Every learner sees each unit on a day of its own, and votes: the idle are not helped."""
    sent = 0
    for user_id in campus.learners(campus.RUNNING):
        chance = random.Random(user_id + 1)
        for number, key in enumerate(keys):
            answer = ask(user_id, key, 8 - 2 * number)
            if answer.nudge is None:
                continue
            sent += 1
            api.respond(user_id, answer.nudge.decision, "shown", key="s")
            if chance.random() < 0.8:
                liked = campus.diligence(user_id) > 0.4
                api.respond(user_id, answer.nudge.decision, "helpful" if liked else "not_helpful", key="v")
    return sent


def test_events_ask_vote_night_and_the_new_model_serves_the_next_decision() -> None:
    keys = place()
    campus.write_logs()
    campus.live()
    sent = moments(keys)
    assert sent > 120, "cold start sends"
    assert not Decision.objects.exclude(model_version="").exists()

    night = api.run_night(campus.NOW)

    assert not night.failed, remarks.text(night.verdict)
    assert night.promoted, remarks.text(night.verdict)
    serves = ModelStore(str(settings.NUDGE_MODEL_DIR)).current("engagement")
    assert night.model_version == serves, remarks.text(night.verdict)
    assert {"pass", "complete", "leave"} == set(night.metrics["engagement"]["targets"])
    assert night.metrics["engagement"]["targets"]["pass"]["new"]["auc"] > 0.8
    helpfulness = night.steps["helpfulness"]
    assert helpfulness["state"] == "done", helpfulness
    assert helpfulness["rows"] + night.metrics["helpfulness"]["n"] == sent
    assert "helpfulness model" in remarks.text(night.verdict)
    assert night.steps["ingest"]["malformed"] == {"JSON cut short": 3}
    assert EventStore(settings.NUDGE_EVENTS_DIR).courses == tuple(
        sorted(map(str, [*campus.ENDED, campus.RUNNING]))
    )

    everyone = 4 * (campus.LEARNERS + 1)
    assert Enrolment.objects.count() == everyone, "those without events too"
    assert (
        Enrolment.objects.filter(predicted_by=night.model_version, state_model=night.model_version).count()
        == everyone
    )
    assert PredictionDay.objects.filter(day=campus.NOW.date()).count() == everyone
    risks = Risk.objects.select_related("enrolment__learner").filter(
        model_version=night.metrics["risk"]["version"]
    )
    by_id = {risk.enrolment.learner.user_id: risk for risk in risks}
    assert set(by_id) == {*campus.learners(campus.RUNNING), campus.quiet(campus.RUNNING)}
    assert by_id[campus.quiet(campus.RUNNING)].partial, "who never came is assessed too"
    flagged = {risk.enrolment_id for risk in risks if risk.tier}
    assert set(Case.objects.values_list("enrolment", flat=True)) == flagged
    assert night.steps["risk"]["cases"]["opened"] == len(flagged) > 10
    zeal = {user_id: campus.diligence(user_id) for user_id in campus.learners(campus.RUNNING)}
    idle = fmean(by_id[user_id].chance for user_id, each in zeal.items() if each < 0.2)
    keen = fmean(by_id[user_id].chance for user_id, each in zeal.items() if each > 0.8)
    assert idle > keen + 0.5
    assert Variant.objects.filter(shown__gt=0, counted_through=campus.NOW).count() == len(UNITS)
    filled = Decision.objects.filter(outcome__final=True)
    assert filled.count() == Decision.objects.filter(created__lte=campus.NOW - timedelta(days=7)).count()
    assert sum(outcome["items"] for outcome in filled.values_list("outcome", flat=True)) > 0
    graduate = next(
        user_id for user_id in campus.learners(campus.ENDED[0]) if campus.diligence(user_id) > 0.6
    )
    assert Learner.objects.get(user_id=graduate).profile == {"completed": 1}

    serving.engagement.forget()
    serving.helpfulness.forget()
    api.register(
        {
            "key": str(campus.RUNNING.make_usage_key("nudge", "four")),
            "course_key": str(campus.RUNNING),
            "title": "four",
            "kind": "review",
            "trigger": {"when": "unit_seen", "item": ""},
            "variants": [{"heading": "Four", "body": "A hint."}],
        }
    )
    user_id = campus.learners(campus.RUNNING)[0]
    later = campus.NOW + timedelta(hours=3)
    api.ask(
        user_id,
        campus.RUNNING,
        [str(campus.RUNNING.make_usage_key("nudge", "four"))],
        {"when": "unit_seen"},
        later,
    )
    decision = Decision.objects.get(placement__title="four")
    assert decision.model_version == night.model_version
    assert decision.helpfulness_version == night.metrics["helpfulness"]["version"]
    assert decision.predictions, "the helpfulness model had the state of its own LSTM"


def test_a_second_night_with_nothing_new_keeps_what_serves_and_says_so() -> None:
    keys = place()
    campus.write_logs()
    campus.live()
    moments(keys)
    first = api.run_night(campus.NOW)
    before = list(Enrolment.objects.order_by("pk").values_list("predictions", "state"))

    second = api.run_night(campus.NOW)

    assert not second.failed
    assert not second.promoted
    assert second.model_version == first.model_version
    assert remarks.text(second.verdict) == (
        f"No engagement model was trained: nothing is new since {first.model_version} was. "
        "The models that serve stay."
    )
    assert second.steps["ingest"]["lines"] == 0
    assert "No answer is new" in second.steps["helpfulness"]["words"]
    assert list(Enrolment.objects.order_by("pk").values_list("predictions", "state")) == before


def test_a_model_that_got_worse_is_refused_in_words_and_the_old_one_serves() -> None:
    campus.write_logs()
    campus.live()
    first = api.run_night(campus.NOW)

    with override_settings(NUDGE_TRAINING={**settings.NUDGE_TRAINING, "learning_rate": 1e-9, "epochs": 1}):
        second = api.run_night(campus.NOW)

    assert not second.failed
    assert not second.promoted
    assert second.model_version == first.model_version
    assert f"refused, {first.model_version} stays" in remarks.text(second.verdict)
    assert "the serving model’s" in remarks.text(second.verdict)


def test_new_events_train_a_new_model_and_old_inbox_rows_go() -> None:
    campus.write_logs()
    campus.live(until=campus.NOW - timedelta(days=4))
    first = api.run_night(campus.NOW - timedelta(days=4))
    rows = InboxEvent.objects.count()
    campus.live(since=campus.NOW - timedelta(days=4))
    added = InboxEvent.objects.count() - rows

    second = api.run_night(campus.NOW)

    assert added > 0
    assert second.steps["ingest"]["live_events"] == added
    assert second.metrics["engagement"]["version"] != first.model_version
    assert second.steps["tidy"]["inbox_rows_deleted"] > 0
    oldest = InboxEvent.objects.order_by("time").first()
    assert oldest is not None
    assert oldest.time >= campus.NOW - timedelta(days=settings.NUDGE_INBOX_DAYS)
    assert Night.objects.filter(slot__isnull=False).count() == 0
