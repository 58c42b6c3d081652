"""What speaks against letting a new model serve, in words; pure: figures in, sentences out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

BINS = 10
DAY = 86400.0


def to_engagement(targets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Objections to an engagement model from its figures (see judging.engagement_figures); empty: none.

    It must be measured at all; tell learners apart in at least one of its targets; be as good as the serving
    model, up to NUDGE_PROMOTION_AUC_DROP; and be calibrated, up to NUDGE_PROMOTION_MAX_ECE beyond what chance
    does to the measure.
    """
    broken = [target for target, figures in targets.items() if not figures["new"]["finite"]]
    if broken:
        return [f"it does not answer with numbers for {_listed(broken)}"]
    enough = settings.NUDGE_PROMOTION_MIN_LEARNERS
    measured = {
        target: figures
        for target, figures in targets.items()
        if figures["new"]["auc"] is not None and figures["n"] >= enough
    }
    if not measured:
        most = max((figures["n"] for figures in targets.values()), default=0)
        return [f"it could not be judged: {most} held-out answers are too few, {enough} are needed"]
    found = [words for target, figures in measured.items() for words in _to_target(target, figures)]
    best = max(figures["new"]["auc"] for figures in measured.values())
    if best < settings.NUDGE_PROMOTION_MIN_AUC:
        found.append(f"it hardly tells learners apart (best AUC {best:.2f})")
    lost = [
        target
        for target, figures in targets.items()
        if target not in measured and figures.get("old", {}).get("auc") is not None
    ]
    return found + (
        [f"{_listed(lost)} could not be judged, which the serving model foresees"] if lost else []
    )


def _to_target(target: str, figures: Mapping[str, Any]) -> list[str]:
    new, old, found = figures["new"], figures.get("old", {}), []
    if new["auc_high"] < 0.5:
        found.append(f"{target}: it is worse than chance (AUC {new['auc']:.2f})")
    if old.get("auc") is not None and new["auc"] < old["auc"] - settings.NUDGE_PROMOTION_AUC_DROP:
        found.append(
            f"{target}: AUC {new['auc']:.3f} on held-out learners, the serving model's is {old['auc']:.3f}"
        )
    allowed = settings.NUDGE_PROMOTION_MAX_ECE + _chance_ece(figures["n"], figures["positives"])
    if new["ece"] > max(allowed, old.get("ece") or 0.0):
        found.append(
            f"{target}: its probabilities are off by {new['ece']:.2f} on average, {allowed:.2f} is the most"
        )
    return found


def to_data(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
    """Objections to an engagement model from its manifest's `data_span` and the serving model's.

    A model that knows less of the present than the serving one was trained on a store that lost events.
    """
    last, before = (span.get("last_event") for span in (new, old))
    if last is None or before is None or last >= before - DAY:
        return []
    seen, known = (datetime.fromtimestamp(each, UTC).date().isoformat() for each in (last, before))
    return [
        f"its newest event is of {seen}, the serving model's of {known}: events are missing, "
        "so look at NUDGE_EVENTS_DIR and NUDGE_TRACKING_LOGS"
    ]


def to_helpfulness(figures: Mapping[str, Any]) -> list[str]:
    """Objections to a helpfulness model from its figures (see judging.helpfulness_figures); empty: none."""
    n, enough = figures["n"], settings.NUDGE_PROMOTION_MIN_NUDGES
    if n < enough or "new" not in figures:
        return [f"only {n} nudges were shown to held-out learners, {enough} are needed to judge it"]
    new, old, found = figures["new"], figures.get("old"), []
    if not math.isfinite(new["log_loss"]):
        return ["it does not answer with numbers"]
    drop = settings.NUDGE_PROMOTION_LOSS_RISE
    if new["log_loss"] > new["log_loss_of_shares"] + drop:
        found.append(
            f"it foresees votes worse than their mere shares do (log loss {new['log_loss']:.3f}, "
            f"theirs {new['log_loss_of_shares']:.3f})"
        )
    if old and new["log_loss"] > old["log_loss"] + drop:
        found.append(f"log loss {new['log_loss']:.3f}, the serving model's is {old['log_loss']:.3f}")
    allowed = settings.NUDGE_PROMOTION_MAX_ECE + _chance_ece(n, n // 3)
    if new["ece"] > max(allowed, (old or {}).get("ece", 0.0)):
        found.append(f"its probabilities are off by {new['ece']:.2f} on average, {allowed:.2f} is the most")
    return found


def _chance_ece(n: int, positives: int) -> float:
    """What the ECE of a perfectly calibrated model comes to by chance, on n answers in BINS equal bins.

    The mean of |observed - predicted| in a bin of m answers is sqrt(2 p (1 - p) / (pi m)).
    """
    share = positives / n
    return math.sqrt(2.0 * share * (1.0 - share) * BINS / (math.pi * n))


def _listed(names: list[str]) -> str:
    return " and ".join(sorted(names))
