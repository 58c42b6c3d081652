"""What speaks against letting a new model serve; pure: figures in, remarks out (see remarks.py)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import NormalDist
from typing import Any

from django.conf import settings

from .remarks import Remark, remark

BINS = 10
DAY = 86400.0
SURE = 2.58
"""Standard errors beyond which a model counts as worse: chance refuses one good model in two hundred."""
LIKELY = 2.0
"""Standard errors within which an AUC counts as no lower."""
TOO_SURE = 3.5
"""Standard errors beyond which a model knows those it is judged on better than those it learned from."""
LEAK = 0.03
"""By how much at least it must know them better, in AUC."""
FROM_A_STREAM = ("leave",)
"""Targets whose truth is read off the events themselves: they can be foreseen nearly perfectly."""
TELLING = 0.97
"""How well a kind of event may tell an outcome by its mere presence."""
PURE = 1e-4
"""Rounding in float32 moves a probability by less."""
WIDEST = 4.0 / 3.0
"""How wide the interval of the difference may be, in tolerated losses: an equal model is then accepted."""
NEAR_PERFECT = 0.25
"""A log loss below this share of what the mere shares of the votes lose is too good to be true."""
WORSE_ECE = 0.02
"""By how much calibration on course runs kept out may differ from one night's runs to another's."""
TOO_OLD = 2.0
"""Days by which a model may lag behind the events or answers that there are."""


def to_engagement(targets: Mapping[str, Mapping[str, Any]]) -> list[Remark]:
    """Objections to an engagement model from its figures (see examination.engagement); empty: none.

    It must be measured at all; tell learners apart in at least one of its targets; be as good as the serving
    model, up to NUDGE_PROMOTION_AUC_DROP; and be calibrated, up to NUDGE_PROMOTION_MAX_ECE beyond what chance
    does to the measure.  What is too good to be true is refused as well.
    """
    broken = [target for target, figures in targets.items() if not figures["new"]["finite"]]
    if broken:
        return [remark("not_numbers_for", targets=sorted(broken))]
    enough = settings.NUDGE_PROMOTION_MIN_LEARNERS
    measured = {
        target: figures
        for target, figures in targets.items()
        if figures["new"]["auc"] is not None and figures["n"] >= enough
    }
    if not measured:
        most = max((figures["n"] for figures in targets.values()), default=0)
        return [remark("unjudged", n=most, enough=enough)]
    found = [each for target, figures in measured.items() for each in _to_target(target, figures)]
    best = max(figures["new"]["auc"] for figures in measured.values())
    if best < settings.NUDGE_PROMOTION_MIN_AUC:
        found.append(remark("indistinct", new=best, least=settings.NUDGE_PROMOTION_MIN_AUC))
    lost = [
        target
        for target, figures in targets.items()
        if target not in measured and figures.get("old", {}).get("auc") is not None
    ]
    return found + ([remark("lost", targets=sorted(lost))] if lost else [])


def _to_target(target: str, figures: Mapping[str, Any]) -> list[Remark]:
    new, old, found = figures["new"], figures.get("old", {}), []
    if new["auc_high"] < 0.5:
        found.append(remark("below_chance", target=target, new=new["auc"]))
    if _dropped(figures):
        found.append(remark("worse_auc", target=target, new=new["auc"], old=old["auc"]))
    allowed = _allowed_ece(figures)
    if new["ece"] > max(allowed, old.get("ece") or 0.0):
        found.append(remark("miscalibrated", target=target, new=new["ece"], allowed=allowed))
    elif _clearly_more(figures.get("rise"), settings.NUDGE_PROMOTION_LOSS_RISE):
        found.append(remark("worse_foresight", target=target, new=figures["new"]["loss"], old=old["loss"]))
    return found + _leaks(target, figures) + _gaps(target, figures.get("gaps", ()))


def to_stack(targets: Mapping[str, Mapping[str, Any]], change: float = 0.0) -> list[Remark]:
    """Objections to a stack from its figures beside its LSTM's alone; empty: none, also without any figures.

    It must foresee as well as that, up to NUDGE_PROMOTION_AUC_DROP, be calibrated, and not be too good to be
    true; `change`: see to_purity.
    """
    told = {target: figures for target, figures in targets.items() if "stack" in figures}
    broken = [target for target, figures in told.items() if not figures["stack"]["new"]["finite"]]
    if broken:
        return [remark("not_numbers_for", targets=sorted(broken))]
    found = [each for target, figures in told.items() for each in _to_stack_of(target, figures)]
    return found + to_purity(change)


def _to_stack_of(target: str, figures: Mapping[str, Any]) -> list[Remark]:
    stack, found = figures["stack"], []
    new, alone = stack["new"], stack["old"]
    if new["auc"] is None or figures["n"] < settings.NUDGE_PROMOTION_MIN_LEARNERS:
        return []
    if _dropped(stack):
        found.append(remark("worse_than_alone", target=target, new=new["auc"], old=alone["auc"]))
    allowed = _allowed_ece(figures)
    if new["ece"] > max(allowed, alone["ece"] or 0.0):
        found.append(remark("miscalibrated", target=target, new=new["ece"], allowed=allowed))
    limit = settings.NUDGE_PROMOTION_MAX_AUC
    if target not in FROM_A_STREAM and new["auc_low"] > limit:
        found.append(remark("too_good", target=target, new=new["auc"], limit=limit))
    return found


def to_courses(targets: Mapping[str, Mapping[str, Any]], stacked: bool) -> list[Remark]:
    """Objections to what would foresee course runs: the new model `stacked`, or its LSTM alone.

    It must not be worse than what does now, by the same bounds as for live moments.
    """
    found = []
    for target, figures in targets.items():
        told = figures.get("courses" if stacked else "alone", {})
        if "rise" not in told or figures["n"] < settings.NUDGE_PROMOTION_MIN_LEARNERS:
            continue
        new, old = told["new"], told["old"]
        if _dropped(told):
            found.append(remark("worse_courses", target=target, new=new["auc"], old=old["auc"]))
        elif new["ece"] > max(_allowed_ece(figures), old["ece"]):
            found.append(remark("miscalibrated_courses", target=target, new=new["ece"], old=old["ece"]))
        elif _clearly_more(told["rise"], settings.NUDGE_PROMOTION_LOSS_RISE):
            found.append(remark("worse_courses_loss", target=target, new=new["loss"], old=old["loss"]))
        found += _gaps(target, told.get("gaps", ()))
    return found


def _dropped(figures: Mapping[str, Any]) -> bool:
    """Whether the AUC is lower than the other's by more than is tolerated, and than chance explains."""
    new, old = figures["new"]["auc"], figures.get("old", {}).get("auc")
    chance = LIKELY * figures.get("drop_error", 0.0)
    return old is not None and new < old - max(settings.NUDGE_PROMOTION_AUC_DROP, chance)


def _allowed_ece(figures: Mapping[str, Any]) -> float:
    learners, share = figures.get("learners", figures["n"]), figures["positives"] / figures["n"]
    return float(settings.NUDGE_PROMOTION_MAX_ECE) + _chance_ece(learners, share)


def _leaks(target: str, figures: Mapping[str, Any]) -> list[Remark]:
    """What only a model could do that was shown what it is asked for."""
    new, taught, limit = figures["new"], figures.get("taught", {}), settings.NUDGE_PROMOTION_MAX_AUC
    found = []
    if target not in FROM_A_STREAM:
        telling = figures.get("telling")
        if telling and telling["accuracy"] > TELLING:
            found.append(remark("telling_event", target=target, **telling))
        if new["auc_low"] > limit:
            found.append(remark("too_good", target=target, new=new["auc"], limit=limit))
    if taught.get("auc") is not None:
        errors = [(each["auc_high"] - each["auc_low"]) / 3.92 for each in (new, taught)]
        rise = new["auc"] - taught["auc"]
        if rise > max(LEAK, TOO_SURE * math.hypot(*errors)):
            found.append(remark("knows_the_judges", target=target, new=new["auc"], taught=taught["auc"]))
    return found


def _gaps(target: str, gaps: Sequence[Mapping[str, Any]]) -> list[Remark]:
    """Groups to which the model does less justice than the serving one, more than chance explains.

    As many comparisons are made as there are groups, so each is held to a stricter level (Bonferroni).
    """
    reach = NormalDist().inv_cdf(1.0 - 0.05 / max(1, len(gaps)))
    grown = [
        each
        for each in gaps
        if each["new"] - each["old"] > settings.NUDGE_PROMOTION_GAP_RISE
        and each["new"] - each["old"] > reach * each["error"]
    ]
    return [
        remark("gap_grew", target=target, group=each["group"], new=each["new"], old=each["old"])
        for each in sorted(grown, key=lambda each: each["old"] - each["new"])[:1]
    ]


def to_purity(change: float) -> list[Remark]:
    """Objections to a model whose reading of a past moment changes by `change` with what came later."""
    return [] if change <= PURE else [remark("impure", change=change)]


def to_data(
    new: Mapping[str, Any], old: Mapping[str, Any] | None, newest: float | None = None
) -> list[Remark]:
    """Objections to an engagement model from its manifest's `data_span` and the serving model's.

    A model that knows less of the present than the serving one was trained on a store that lost events; one
    that knows less than the store (whose `newest` event is given), on an old copy.
    """
    last, before = new.get("last_event"), (old or {}).get("last_event")
    if last is not None and before is not None and last < before - DAY:
        return [remark("old_events", seen=_day(last), known=_day(before))]
    if last is not None and newest is not None and last < newest - TOO_OLD * DAY:
        return [remark("stale_events", seen=_day(last), known=_day(newest))]
    return []


def to_unseen(target: str, new: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> list[Remark]:
    """Objections from what training found on course runs that a fit had not seen; empty: none.

    The AUC must reach NUDGE_PROMOTION_MIN_AUC, and be no more than NUDGE_PROMOTION_AUC_DROP below what the
    serving model's training found; probabilities may be off by NUDGE_PROMOTION_MAX_ECE, or as much as the
    serving model's are.
    """
    area, off = new.get("auc"), new.get("ece")
    if area is None or off is None:
        return [remark("unmeasured")]
    found, least = [], settings.NUDGE_PROMOTION_MIN_AUC
    if area < least:
        found.append(remark("indistinct", new=float(area), least=least))
    before, was_off = (old or {}).get("auc"), (old or {}).get("ece")
    if before is not None and area < before - settings.NUDGE_PROMOTION_AUC_DROP:
        found.append(remark("worse_unseen_auc", target=target, new=float(area), old=float(before)))
    allowed = max(settings.NUDGE_PROMOTION_MAX_ECE, (was_off or 0.0) + WORSE_ECE)
    if off > allowed:
        found.append(remark("miscalibrated", target=target, new=float(off), allowed=allowed))
    return found


def to_helpfulness(figures: Mapping[str, Any]) -> list[Remark]:
    """Objections to a helpfulness model from its figures (see appraisal.helpfulness); empty: none."""
    n, enough = figures["n"], settings.NUDGE_PROMOTION_MIN_NUDGES
    if n < enough or "new" not in figures:
        return [remark("unjudged_votes", n=n, enough=enough)]
    new, old, found = figures["new"], figures.get("old"), []
    if new["log_loss"] is None or not math.isfinite(new["log_loss"]):
        return [remark("not_numbers")]
    if old and old["log_loss"] is None:
        old = None  # what answers with no numbers is no rival
    drop = settings.NUDGE_PROMOTION_LOSS_RISE
    if new["log_loss"] > new["log_loss_of_shares"] + drop or _clearly_more(figures.get("over_shares"), 0.0):
        found.append(remark("worse_than_shares", new=new["log_loss"], shares=new["log_loss_of_shares"]))
    if old and (new["log_loss"] > old["log_loss"] + drop or _clearly_more(figures.get("rise"), 0.0)):
        found.append(remark("worse_loss", new=new["log_loss"], old=old["log_loss"]))
    allowed = settings.NUDGE_PROMOTION_MAX_ECE + _chance_ece(n, 1 / 3)
    if new["ece"] > max(allowed, (old or {}).get("ece", 0.0)):
        found.append(remark("miscalibrated", target="helpful", new=new["ece"], allowed=allowed))
    if figures.get("spread", 1.0) < PURE and figures.get("personal", True):
        found.append(remark("same_for_all"))
    return found + _leaks_of_votes(figures) + _gaps("helpful", figures.get("gaps", ()))


def _leaks_of_votes(figures: Mapping[str, Any]) -> list[Remark]:
    new, found = figures["new"], []
    if new["log_loss"] < NEAR_PERFECT * new["log_loss_of_shares"]:
        found.append(remark("too_good_votes", new=new["log_loss"], shares=new["log_loss_of_shares"]))
    taught = figures.get("taught")
    if taught and taught["log_loss"] - new["log_loss"] > TOO_SURE * taught["error"]:
        found.append(remark("knows_the_judges_votes", new=new["log_loss"], taught=taught["log_loss"]))
    return found


def to_origin(manifest: Mapping[str, Any]) -> list[Remark]:
    """Objections to a model whose manifest does not say that it left out those it is judged on."""
    share, kept_out = settings.NUDGE_HELD_OUT_SHARE, manifest.get("held_out_share", 0.0)
    if kept_out == share:
        return []
    return [remark("other_learners", new=float(kept_out), old=float(share))]


def to_lessons(manifest: Mapping[str, Any], now: datetime) -> list[Remark]:
    """Objections to a helpfulness model from what its manifest says that it learned from."""
    found = to_origin(manifest)
    if manifest.get("as_of"):
        age = now - datetime.fromisoformat(manifest["as_of"])
        if age.total_seconds() > TOO_OLD * DAY:
            seen = manifest["as_of"][:10]
            found.append(remark("stale_answers", seen=seen, known=now.date().isoformat()))
    return found


def to_worth(figures: Mapping[str, Any] | None) -> list[Remark]:
    """Objections to a helpfulness model from what nudging by it is worth (see hindsight.worth).

    Refused when the lower bound of the difference lies below minus NUDGE_PROMOTION_WORTH_DROP, where the log
    is long enough to tell that much apart; where it is not, when the whole interval lies below zero and its
    middle below minus that.
    """
    if not figures or figures.get("why"):
        return []
    low, high = figures["low"], figures["high"]
    limit = settings.NUDGE_PROMOTION_WORTH_DROP
    surely = high < 0.0 and (low + high) / 2.0 < -limit
    if not surely and (low >= -limit or not is_sure(figures)):
        return []
    code = "worth_less" if figures["versus"] else "worth_less_alone"
    return [remark(code, n=figures["n"], new=figures["new"], old=figures["old"], low=low, limit=limit)]


def is_sure(figures: Mapping[str, Any]) -> bool:
    """Whether the log is long enough to tell the tolerated loss apart: chance moves an estimate by less."""
    return bool(figures["high"] - figures["low"] <= WIDEST * settings.NUDGE_PROMOTION_WORTH_DROP)


def _clearly_more(rise: Mapping[str, float] | None, margin: float) -> bool:
    """Whether a paired rise of the loss is beyond chance and beyond `margin`."""
    return rise is not None and rise["rise"] - SURE * rise["error"] > margin


def _chance_ece(n: int, share: float) -> float:
    """What the ECE of a perfectly calibrated model comes to by chance, on n answers in BINS equal bins.

    `share` of them are positive; answers about one learner count once, as they come true together.

    The mean of |observed - predicted| in a bin of m answers is sqrt(2 p (1 - p) / (pi m)).
    """
    return math.sqrt(2.0 * share * (1.0 - share) * BINS / (math.pi * n))


def _day(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).date().isoformat()
