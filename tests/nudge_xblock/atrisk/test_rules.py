"""Rules: one case at a time, nothing flagged twice, and an end for who needs no help any more."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nudge_xblock.atrisk import rules, tiers
from nudge_xblock.atrisk.rules import (
    COMPLETED,
    IMPROVED,
    LEFT,
    NOTHING,
    OVER,
    Decision,
    Ended,
    Open,
    Standing,
)
from nudge_xblock.atrisk.tiers import HIGH, MARGINAL, MODERATE, Limits

LIMITS = Limits(50, 70, 85)
ABSENT = "absence"
BOTH = frozenset({"absence", "grades"})
RESOLVED = Ended(frozenset({"absence"}), MODERATE)


@pytest.mark.parametrize(
    ("standing", "case", "ended", "expected"),
    [
        (Standing(0.9, ABSENT), None, (), Decision(open_in=HIGH, open_for="absence")),
        (Standing(0.6), None, (), Decision(open_in=MARGINAL)),
        (Standing(0.49, ABSENT), None, (), NOTHING),
        (Standing(None), Open(HIGH), (), NOTHING),
        (Standing(0.9, ABSENT), Open(HIGH, group=ABSENT), (), NOTHING),
        (Standing(0.9, ABSENT), Open(MARGINAL, group=ABSENT), (), Decision(move_to=HIGH)),
        (Standing(0.82, ABSENT), Open(HIGH, group=ABSENT), (), NOTHING),
        (Standing(0.79, ABSENT), Open(HIGH, group=ABSENT), (), Decision(move_to=MODERATE)),
        (Standing(0.47, ABSENT), Open(MARGINAL, group=ABSENT), (), NOTHING),
        (Standing(0.9, ABSENT, told=BOTH), Open(HIGH, group="grades"), (), NOTHING),
        (Standing(0.9, ABSENT), Open(HIGH, group="grades"), (), Decision(lead_to=ABSENT)),
        (Standing(0.9), Open(HIGH, group="grades"), (), Decision(lead_to="")),
        (Standing(0.9, ABSENT), Open(MODERATE, group=""), (), Decision(move_to=HIGH, lead_to=ABSENT)),
        (Standing(0.44), Open(MARGINAL), (), Decision(close_as=IMPROVED)),
        (Standing(0.44), Open(MARGINAL, kept=True), (), NOTHING),
        (Standing(None, ended=COMPLETED), Open(HIGH), (), Decision(close_as=COMPLETED)),
        (Standing(0.9, ABSENT, LEFT), Open(HIGH, kept=True), (), Decision(close_as=LEFT)),
        (Standing(0.9, ABSENT, OVER), None, (), NOTHING),
        (Standing(0.8, ABSENT), None, (RESOLVED,), NOTHING),
        (Standing(0.47, ABSENT), None, (RESOLVED,), NOTHING),
        (Standing(0.44), None, (RESOLVED,), Decision(rearm=True)),
        (Standing(0.9, ABSENT), None, (RESOLVED,), Decision(open_in=HIGH, open_for="absence")),
        (Standing(0.8, "grades"), None, (RESOLVED,), Decision(open_in=MODERATE, open_for="grades")),
    ],
)
def test_what_becomes_of_a_learner(
    standing: Standing, case: Open | None, ended: tuple[Ended, ...], expected: Decision
) -> None:
    assert rules.decide(standing, case, ended, LIMITS) == expected


@dataclass
class Past:
    """A case that ended, as the rules' user stores it."""

    groups: frozenset[str]
    tier: str
    armed: bool
    by_person: bool = field(default=False)


class Nights(RuleBasedStateMachine):
    """One learner through nights of any kind and what people do in between."""

    def __init__(self) -> None:
        super().__init__()
        self.case: Open | None = None
        self.groups: frozenset[str] = frozenset()
        self.past: list[Past] = []
        self.chance: float | None = None
        self.resolved: Past | None = None  # since when the learner was never clear

    @rule(
        percent=st.one_of(st.none(), st.integers(0, 100)),
        group=st.sampled_from(["absence", "grades", "pace", ""]),
        others=st.frozensets(st.sampled_from(["absence", "grades", "pace"])),
        ended=st.sampled_from(["", "", "", "", COMPLETED, LEFT, OVER]),
    )
    def night(self, percent: int | None, group: str, others: frozenset[str], ended: str) -> None:
        self.chance = None if percent is None else percent / 100
        standing = Standing(self.chance, group, ended, others | ({group} - {""}))
        decision = self.decide(standing)
        assert bool(decision.open_in) + bool(decision.move_to) + bool(decision.close_as) <= 1
        self.check(standing, decision)
        self.apply(standing, decision, others)
        again = self.decide(standing)
        assert again == NOTHING, "a night that is repeated does nothing more"

    def decide(self, standing: Standing) -> Decision:
        waiting = [Ended(past.groups, past.tier) for past in self.past if not past.armed]
        return rules.decide(standing, self.case, waiting, LIMITS)

    def check(self, standing: Standing, decision: Decision) -> None:
        if decision.open_in:
            assert self.case is None
            assert not standing.ended
            assert standing.chance is not None
            assert decision.open_in == tiers.tier_of(standing.chance, LIMITS)
            if self.resolved is not None and tiers.rank(decision.open_in) <= tiers.rank(self.resolved.tier):
                assert decision.open_for not in self.resolved.groups, "the same thing flagged twice"
        elif self.case is None and not self.past and not standing.ended and standing.chance is not None:
            assert not tiers.tier_of(standing.chance, LIMITS), "somebody at risk was passed over"
        if standing.ended:
            assert self.case is None or decision.close_as == standing.ended

    def apply(self, standing: Standing, decision: Decision, others: frozenset[str]) -> None:
        if decision.rearm:
            for past in self.past:
                past.armed = True
        if standing.chance is not None and tiers.is_clear(standing.chance, LIMITS) and not standing.ended:
            self.resolved = None
        if decision.open_in:
            self.case, self.groups = (
                Open(decision.open_in, group=decision.open_for),
                others | {decision.open_for},
            )
        elif decision.close_as and self.case:
            self.past.append(Past(self.groups, self.case.tier, armed=True))
            self.case = None
        elif self.case:
            group = self.case.group if decision.lead_to is None else decision.lead_to
            self.case = Open(decision.move_to or self.case.tier, self.case.kept, group)
            if standing.chance is not None and not tiers.is_clear(standing.chance, LIMITS):
                assert group in {*standing.told, standing.group}, "helped with what is no reason any more"

    @precondition(lambda self: self.case is not None)
    @rule()
    def resolve(self) -> None:
        assert self.case is not None
        self.resolved = Past(self.groups, self.case.tier, armed=False, by_person=True)
        self.past.append(self.resolved)
        self.case = None

    @precondition(lambda self: self.case is None and self.past)
    @rule()
    def reopen(self) -> None:
        last = self.past.pop()
        self.case, self.groups, self.resolved = Open(last.tier, kept=True), last.groups, None

    @invariant()
    def an_open_case_is_in_a_tier(self) -> None:
        assert self.case is None or tiers.rank(self.case.tier) > 0


TestNights = Nights.TestCase
