"""How the nights went: one line each, the new model beside the one in use, and what was decided."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import findings, remarks
from .driftwatch import DRIFT
from .models import Night
from .night import ENGAGEMENT, HELPFULNESS

SHOWN = 14

TARGETS: dict[str, Promise] = {
    "leave": _("Who will leave"),
    "pass": _("Who will pass"),
    "complete": _("Who will complete"),
}


def history() -> dict[str, Any]:
    """The newest nights, newest first, and the one under way.  Nights are the site's, not one course's."""
    return describe(list(Night.objects.all()[:SHOWN]))


def describe(nights: list[Night]) -> dict[str, Any]:
    """Nights as JSON, in the order given."""
    over = [night for night in nights if night.slot is None]
    lines = [line(night) for night in over]
    known = {score["target"] for one in lines for score in one["scores"]}
    return {
        "finding": finding(lines),
        "version": next((night.model_version for night in nights if night.model_version), ""),
        "targets": [{"name": name, "label": str(label)} for name, label in TARGETS.items() if name in known],
        "lines": lines,
        "drift": next(
            (remarks.text(night.metrics[DRIFT]["told"]) for night in over if DRIFT in night.metrics), ""
        ),
        "running": next((running(night) for night in nights if night.slot is not None), None),
    }


def running(night: Night) -> dict[str, Any]:
    """How far a night is."""
    return {"id": night.pk, "step": night.step, "progress": night.progress}


def line(night: Night) -> dict[str, Any]:
    """One night that is over."""
    engagement = night.metrics.get(ENGAGEMENT, {})
    taken = night.promoted and night.model_version == engagement.get("version")
    targets = engagement.get("targets", {})
    scores = [score(target, targets[target]) for target in TARGETS if targets.get(target)]
    return {
        "id": night.pk,
        "at": night.started.isoformat(),
        "outcome": outcome(night, taken),
        "taken": taken,
        "version": engagement.get("version", ""),
        "why": remarks.text(night.verdict),
        "scores": [one for one in scores if one["auc"] is not None],
        "answers": answers(night.metrics.get(HELPFULNESS, {})),
    }


def answers(figures: dict[str, Any]) -> dict[str, float | None]:
    """Log loss in foreseeing what learners answer to nudges, of the new model and of the old one."""
    return {name: (figures.get(name) or {}).get("log_loss") for name in ("new", "old")}


def outcome(night: Night, taken: bool) -> str:
    """promoted, partly (only the model of what helps), failed, refused, or idle: no model was trained."""
    if night.promoted:
        return "promoted" if taken else "partly"
    if night.failed:
        return "failed"
    return "refused" if {ENGAGEMENT, HELPFULNESS} & night.metrics.keys() else "idle"


def score(target: str, figures: dict[str, Any]) -> dict[str, Any]:
    """One target: the new model's AUC with its interval and ECE, the old one's, and on how many learners."""
    new, old = figures.get("new") or {}, figures.get("old") or {}
    return {
        "target": target,
        "learners": figures.get("n", 0),
        **{name: new.get(key) for name, key in (("auc", "auc"), ("low", "auc_low"), ("high", "auc_high"))},
        "ece": new.get("ece"),
        "serving": old.get("auc"),
        "serving_ece": old.get("ece"),
    }


def finding(lines: list[dict[str, Any]]) -> findings.Sentence:
    """What the newest night that is over brought."""
    if not lines:
        return findings.no_night()
    newest = lines[0]
    if newest["outcome"] == "partly":
        return findings.answers_promoted()
    if newest["outcome"] != "promoted":
        return findings.not_promoted(newest["outcome"])
    compared = [one for one in newest["scores"] if one["serving"] is not None]
    if not compared:
        return findings.first_promoted()
    best = max(compared, key=lambda one: one["auc"] - one["serving"])
    return findings.promoted(str(TARGETS[best["target"]]), best["auc"], best["serving"])
