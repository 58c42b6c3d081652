"""Why a nudge was sent or held back: the codes that decisions carry.

The codes are stored, so they never change meaning; a new meaning is a new code.  What people read is in
`sentences`.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """One code per way a decision can end."""

    # sent
    EXPLORE = "explore"
    TRICKLE = "explore_held_back"
    COLD = "cold"
    NO_MODEL = "no_model"
    HELPFUL = "helpful"
    # sent because staff addressed it to the learner; no chance is in it, so it is in none of the sets below
    LETTER = "staff_letter"
    # held back by the gate
    SPARED = "explore_spared"
    PLACEMENT = "placement_unhelpful"
    HARMFUL = "placement_harmful"
    LEARNER = "learner_unhelpful"
    # held back by restraint
    OPTED_OUT = "opted_out"
    STAFF = "staff"
    NOT_STARTED = "course_not_started"
    ENDED = "course_ended"
    CERTIFIED = "certified"
    PAST_DUE = "past_due"
    QUIET = "quiet_hours"
    COOL_DOWN = "cool_down"
    CAP_DAY = "cap_day"
    CAP_WEEK = "cap_week"
    ANOTHER = "another_nudge"
    CONTROL = "control_group"
    # held back because something was missing
    NO_STATE = "no_state"
    BROKEN_MODEL = "broken_model"
    SLOW = "slow"
    FAILED = "failed"


SENT = frozenset({Reason.EXPLORE, Reason.TRICKLE, Reason.COLD, Reason.NO_MODEL, Reason.HELPFUL})
EXPLORED = frozenset({Reason.EXPLORE, Reason.TRICKLE, Reason.SPARED})
"""Decided by chance against the rules, whether for sending or for holding back."""
GATED = SENT | {Reason.SPARED, Reason.PLACEMENT, Reason.HARMFUL, Reason.LEARNER}
"""How a moment ends that the gate itself decided."""
RESTRAINED = frozenset(
    {
        Reason.OPTED_OUT,
        Reason.STAFF,
        Reason.NOT_STARTED,
        Reason.ENDED,
        Reason.CERTIFIED,
        Reason.PAST_DUE,
        Reason.QUIET,
        Reason.COOL_DOWN,
        Reason.CAP_DAY,
        Reason.CAP_WEEK,
        Reason.ANOTHER,
        Reason.CONTROL,
    }
)
