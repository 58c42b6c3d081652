"""The phrases that staff choose learners by, ready made, and the reasons why a learner may be at risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from nudge_xblock.atrisk.models import Tier
from nudge_xblock.atrisk.sentences import GROUPS

from .selection import RISKS, SEVERAL, TIERS


class Preset(NamedTuple):
    """A phrase and the selection it stands for."""

    words: Promise
    query: str


PRESETS: Mapping[str, Preset] = {
    "complete_not_pass": Preset(_("Likely to complete, but not to pass"), "pass=0-40&complete=60-100"),
    "leave": Preset(_("Likely to leave and not to complete"), "complete=0-40&leave=60-100"),
    "away_but_able": Preset(_("Not seen for a week, but likely to pass"), "pass=60-100&seen=7-9999"),
    "never_came": Preset(_("Enrolled, but never came"), "seen=never"),
    "falling": Preset(_("Less likely to finish than a week ago"), "reason=fell"),
    "on_the_edge": Preset(_("Might pass, might not"), "pass=40-60"),
    "high_risk": Preset(_("At high risk of not completing"), "tier=high"),
    "doing_well": Preset(_("Likely to pass: ready for more"), "pass=70-100"),
}

REASONS: Mapping[str, Promise] = {
    "absent": _("Not seen for a week"),
    "never_came": _("Never came"),
    "fell": _("Chances fell within a week"),
}
"""In words what stands in the column `reasons`, the first one that holds being the most telling."""

WORDS: Mapping[str, Mapping[str, Promise]] = {
    "tier": {tier: Tier(tier).label for tier in TIERS},
    "risk": {risk: GROUPS[risk] if risk != SEVERAL else _("Several things together") for risk in RISKS},
}
"""Tiers and the leading reasons of risk, in the order of their columns."""
