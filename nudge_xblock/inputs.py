"""Everything that a verdict depends on, in one value that can be stored and read back exactly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Any

from . import gate, restraint
from .gate import Candidate, History, Policy, Tally, Verdict
from .models import Decision
from .reasons import Reason
from .restraint import Limits, Send, Standing


@dataclass(frozen=True, slots=True)
class Input:
    """All but the draw.

    `overruled`: what the clock or the database forbade; no replay could find it out.  `ordered`: the
    candidate that staff addressed to the learner, which the gate is not asked about.
    """

    candidates: tuple[Candidate, ...]
    history: History
    policy: Policy
    standing: Standing
    limits: Limits
    kind: str
    now: float
    overruled: Reason | None = None
    ordered: str | None = None


def judge(given: Input, draw: float) -> tuple[Verdict, Verdict]:
    """The gate's own verdict, and the one that stands: restraint comes after, and above."""
    if given.ordered is not None:
        wanted = gate.ordered(given.candidates, given.ordered)
    else:
        wanted = gate.decide(given.candidates, given.history, given.policy, draw)
    reason = restraint.forbids(given.standing, given.limits, given.kind, given.now) or given.overruled
    return wanted, wanted if reason is None else gate.overrule(wanted, reason)


def stored(given: Input, wanted: Verdict, occasion: str) -> dict[str, Any]:
    """The input as plain JSON for `Decision.inputs`; the predictions have a column of their own."""
    limits = _flat(given.limits)
    if given.limits.quiet is not None:
        limits["quiet"] = [each.isoformat() for each in given.limits.quiet]
    return {
        "occasion": occasion,
        "candidates": [
            [each.id, [_listed(tally) for tally in each.tallies], each.harmful, each.effect]
            for each in given.candidates
        ],
        "history": _flat(given.history),
        "policy": _flat(given.policy),
        "standing": {**_flat(given.standing), "sends": [list(send) for send in given.standing.sends]},
        "limits": limits,
        "kind": given.kind,
        "now": given.now,
        "overruled": given.overruled,
        "gate": {"variant": wanted.variant, "reason": wanted.reason},
        **({} if given.ordered is None else {"ordered": given.ordered}),
    }


def unstored(row: Decision) -> Input:
    """The input that a stored decision was made from."""
    kept = row.inputs
    limits = dict(kept["limits"])
    if limits["quiet"] is not None:
        limits["quiet"] = tuple(time.fromisoformat(each) for each in limits["quiet"])
    candidates = tuple(
        Candidate(name, tuple(Tally(*tally) for tally in tallies), _prediction(row, name), *found)
        for name, tallies, *found in kept["candidates"]
    )
    sends = tuple(Send(*send) for send in kept["standing"]["sends"])
    return Input(
        candidates,
        History(**{**kept["history"], "missing": _reason(kept["history"]["missing"])}),
        Policy(**kept["policy"]),
        Standing(**{**kept["standing"], "sends": sends}),
        Limits(**limits),
        kept["kind"],
        kept["now"],
        _reason(kept["overruled"]),
        kept.get("ordered"),
    )


def _flat(value: History | Policy | Standing | Limits) -> dict[str, Any]:
    """The fields by name; dataclasses' own `asdict` copies what needs no copy."""
    return {name: getattr(value, name) for name in value.__slots__}


def _listed(tally: Tally) -> list[float]:
    return [tally.shown, tally.helpful, tally.not_helpful]


def _reason(code: str | None) -> Reason | None:
    return None if code is None else Reason(code)


def _prediction(row: Decision, name: str) -> gate.Prediction | None:
    found = row.predictions.get(name)
    return None if found is None else (found[0], found[1], found[2])
