"""Which models serve: promoted as pairs, refused in words, mended when broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nudge_xblock import api, promotion, remarks, serving
from nudge_xblock.night import ENGAGEMENT, HELPFULNESS, Run, Skipped, models
from predictor.store import NoModel

from . import engagement, nighttime
from .moments import serve

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
EVEN = (0.4, 0.2, 0.4)
NEW = {"auc": 0.8, "auc_low": 0.7, "auc_high": 0.9, "ece": 0.02, "finite": True}
ENGAGED = {"targets": {"leave": {"n": 100, "positives": 30, "new": NEW}}}
HELPED = {"n": 50, "new": {"log_loss": 0.8, "log_loss_of_shares": 0.9, "ece": 0.02}}


def tonight(settings: Any, *kinds: str) -> tuple[Run, dict[str, str]]:
    """A night with these kinds measured and not refused, unpromoted, beside what serves."""
    job = nighttime.run()
    made = {}
    for kind in kinds:
        made[kind] = (
            engagement.publish(settings.NUDGE_MODEL_DIR, seed=5)
            if kind == ENGAGEMENT
            else serve(EVEN, settings.NUDGE_MODEL_DIR)
        )
        back(kind, job)
        job.judge(kind, made[kind], ENGAGED if kind == ENGAGEMENT else HELPED, [])
    return job, made


def back(kind: str, job: Run) -> None:
    """Undo the promotion that the publishing helpers do."""
    if kind in job.serving:
        models().rollback(kind)
    else:
        (models().path / kind / "current.json").unlink()


def test_what_was_not_refused_serves_at_once_and_is_praised_with_figures(settings: Any) -> None:
    job, made = tonight(settings, ENGAGEMENT, HELPFULNESS)
    words = promotion.settle(job)
    assert models().current(ENGAGEMENT) == made[ENGAGEMENT] == serving.engagement.current().version
    assert models().current(HELPFULNESS) == made[HELPFULNESS] == serving.helpfulness.current().version
    assert "It foresees leaving with an AUC of 0.800 on held-out learners." in words
    assert "Its log loss is 0.800 on 50 nudges" in words
    assert job.promoted == (ENGAGEMENT, HELPFULNESS)


def test_what_was_refused_does_not_serve_and_the_reason_is_told(settings: Any) -> None:
    old = engagement.publish(settings.NUDGE_MODEL_DIR, seed=1)
    job, made = tonight(settings, ENGAGEMENT)
    job.judge(ENGAGEMENT, made[ENGAGEMENT], ENGAGED, [remarks.remark("indistinct", new=0.5, least=0.55)])
    assert (
        promotion.settle(job) == f"Tonight’s engagement model was refused, {old} stays. "
        "It hardly tells learners apart: its best AUC is 0.500, 0.550 is the least."
    )
    assert models().current(ENGAGEMENT) == old
    assert job.promoted == ()


def test_an_lstm_is_refused_when_the_serving_helpfulness_model_would_lose_its_states(settings: Any) -> None:
    old = engagement.publish(settings.NUDGE_MODEL_DIR, seed=1)
    serve(EVEN, settings.NUDGE_MODEL_DIR, hidden=8, engagement=old)
    job, _ = tonight(settings, ENGAGEMENT)
    job.refused[HELPFULNESS] = [remarks.remark("same_for_all")]
    words = promotion.settle(job)
    assert "No helpfulness model goes with it." in words
    assert "It says the same of every learner and message." in words
    assert models().current(ENGAGEMENT) == old


def test_a_helpfulness_model_without_states_does_not_hold_an_lstm_back(settings: Any) -> None:
    engagement.publish(settings.NUDGE_MODEL_DIR, seed=1)
    serve(EVEN, settings.NUDGE_MODEL_DIR)
    job, made = tonight(settings, ENGAGEMENT)
    promotion.settle(job)
    assert models().current(ENGAGEMENT) == made[ENGAGEMENT]


def test_a_model_that_was_not_measured_is_refused() -> None:
    job = nighttime.run()
    with pytest.raises(Skipped, match="The models that serve stay"):
        promotion.settle(job)
    job.candidates[ENGAGEMENT] = "fresh"
    assert (
        promotion.settle(job)
        == "Tonight’s engagement model was refused, none serves yet. It was not measured."
    )
    assert models().current(ENGAGEMENT) is None


@pytest.mark.parametrize("damage", ["cut", "gone", "edited"])
def test_a_broken_model_gives_way_to_the_one_before_it(settings: Any, damage: str) -> None:
    old = engagement.publish(settings.NUDGE_MODEL_DIR, seed=1)
    new = engagement.publish(settings.NUDGE_MODEL_DIR, seed=2)
    folder = Path(settings.NUDGE_MODEL_DIR) / ENGAGEMENT / new
    if damage == "cut":
        (folder / "model.safetensors").write_bytes(b"short")
    elif damage == "gone":
        (folder / "model.safetensors").unlink()
    else:
        (folder / "manifest.json").write_text((folder / "manifest.json").read_text().replace("pass", "past"))
    job = nighttime.run()
    assert job.figures["mended"] is True
    assert job.serving[ENGAGEMENT] == models().current(ENGAGEMENT) == old
    assert "serves and is whole" in promotion.check_serving(job)


def test_a_whole_model_that_this_code_cannot_read_gives_way_to_one_that_it_can(settings: Any) -> None:
    old = engagement.publish(settings.NUDGE_MODEL_DIR, seed=1)
    for _ in range(2):
        engagement.publish_as_before(settings.NUDGE_MODEL_DIR, old, layout=1)
    job = nighttime.run()
    assert job.figures["mended"] is True
    assert "layout 1" in job.figures["error"]
    assert [each["code"] for each in job.told] == ["broken_engagement", "mended"]
    assert job.serving[ENGAGEMENT] == models().current(ENGAGEMENT) == old


def test_where_no_model_can_be_read_none_serves_and_staff_are_told(settings: Any) -> None:
    whole = engagement.publish(settings.NUDGE_MODEL_DIR, seed=1)
    for _ in range(2):
        engagement.publish_as_before(settings.NUDGE_MODEL_DIR, whole, layout=1)
    (Path(settings.NUDGE_MODEL_DIR) / ENGAGEMENT / whole / "manifest.json").write_text("{")
    job = nighttime.run()
    assert ENGAGEMENT not in job.serving
    assert [each["code"] for each in job.told] == ["broken_engagement", "not_mended"]


def test_promotion_and_rollback_by_hand_reach_this_process_at_once(settings: Any) -> None:
    old = engagement.publish(settings.NUDGE_MODEL_DIR, seed=1)
    new = engagement.publish(settings.NUDGE_MODEL_DIR, seed=2)
    assert serving.engagement.current().version == new
    assert api.rollback(ENGAGEMENT) == old == serving.engagement.current().version
    api.promote(ENGAGEMENT, new)
    assert serving.engagement.current().version == new
    with pytest.raises(NoModel, match="there is no engagement model nonesuch"):
        api.promote(ENGAGEMENT, "nonesuch")


def test_the_list_of_models_names_what_serves_and_what_is_broken(settings: Any) -> None:
    old = engagement.publish(settings.NUDGE_MODEL_DIR, seed=1)
    new = engagement.publish(settings.NUDGE_MODEL_DIR, seed=2)
    (Path(settings.NUDGE_MODEL_DIR) / ENGAGEMENT / old / "manifest.json").write_text("{")
    found = api.models()[ENGAGEMENT]
    assert found["serving"] == new
    broken = {entry["version"]: "broken" in entry for entry in found["versions"]}
    assert broken == {new: False, old: True}
    assert api.models()[HELPFULNESS] == {"serving": None, "versions": [], "history": []}
