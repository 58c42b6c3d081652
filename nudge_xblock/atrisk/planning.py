"""A course's limits and plan as its team sees and changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.communicator.desk import NotReady
from nudge_xblock.communicator.models import Letter
from nudge_xblock.models import Enrolment

from . import interventions, plan, rows, tiers
from .desk import Changed, Invalid
from .models import Case, Owner, Risk, RiskSettings, Tier
from .plan import REASONS, Help, Settings
from .tiers import HIGH, MARGINAL, MODERATE, ORDER, Limits

LONGEST = 500
"""Characters of an intervention."""
MEANING: Mapping[str, Promise] = {
    MARGINAL: gettext_lazy("Once switched on below: a mail with next steps."),
    MODERATE: gettext_lazy("Once switched on below: a pop-up and a mail."),
    HIGH: gettext_lazy("A person helps: the case stands first in the list."),
}


def told(course_key: CourseKey, problems: Sequence[str] = ()) -> dict[str, Any]:
    """What holds in a course, with what its limits mean for those who take it now.

    problems: what of that which goes out by itself cannot, in words.
    """
    held = plan.of(course_key)
    counts = histogram(course_key)
    return {
        "limits": held.limits.as_json(),
        "automatic": held.automatic,
        "groups": [_group(reason, held) for reason in REASONS],
        "owners": [{"value": value, "words": str(words)} for value, words in Owner.choices],
        "tiers": [
            {"value": tier, "words": str(Tier(tier).label), "meaning": str(MEANING[tier])} for tier in ORDER
        ],
        "counts": _counts(counts, held.limits),
        "histogram": counts.tolist(),
        "letters": letters(course_key),
        "problems": list(problems),
        "version": held.version,
    }


def _group(reason: str, held: Settings) -> dict[str, Any]:
    group = REASONS[reason]
    now, usual = held.help(group), plan.usual(group)
    return {
        "group": reason,
        "words": rows.group_words(group),
        "owner": now.owner,
        "intervention": now.intervention,
        "usual": {"owner": usual.owner, "intervention": usual.intervention},
    }


def histogram(course_key: CourseKey) -> npt.NDArray[np.int64]:
    """How many learners have each whole percent of risk [101]."""
    chances = Risk.objects.filter(enrolment__course_key=course_key).values_list("chance", flat=True)
    percents = [tiers.percent(chance) for chance in chances.iterator(chunk_size=5000)]
    return np.bincount(np.array(percents, np.int64), minlength=101).astype(np.int64)


def _counts(counts: npt.NDArray[np.int64], limits: Limits) -> dict[str, int]:
    """How many would be in each tier with these limits."""
    ends = (limits.moderate, limits.high, 101)
    return {tier: int(counts[limits.of(tier) : end].sum()) for tier, end in zip(ORDER, ends, strict=True)}


def letters(course_key: CourseKey) -> list[dict[str, Any]]:
    """The letters that go out by themselves to who is at risk."""
    states = Letter.State
    return [{**each, "words": str(states(each["state"]).label)} for each in interventions.told(course_key)]


def change(course_key: CourseKey, user_id: int, fields: Mapping[str, Any], now: datetime) -> list[str]:
    """Set limits, plan and whether letters go out by themselves; what is left out stays as it is.

    The tiers of all who were assessed follow at once; cases follow when they are settled.  Returns what of
    that which goes out by itself cannot, in words.  Raises Invalid, and Changed where somebody else changed
    the settings meanwhile.
    """
    held = plan.of(course_key)
    if fields.get("version") != held.version:
        raise _overtaken()
    limits = _limits(fields.get("limits", held.limits.as_json()))
    automatic = fields.get("automatic", held.automatic)
    if not isinstance(automatic, bool):
        raise Invalid(automatic=_("This is true or false."))
    own = _plan(fields["plan"]) if "plan" in fields else dict(held.own)
    with transaction.atomic():
        _store(course_key, user_id, held.version, limits, automatic, own)
        if limits != held.limits:
            _retier(course_key, limits)
        _reown(course_key, plan.of(course_key))
        return _switch(course_key, user_id, automatic, now) if automatic != held.automatic else []


def _switch(course_key: CourseKey, user_id: int, automatic: bool, now: datetime) -> list[str]:
    try:
        return interventions.switch(course_key, user_id, automatic, now)
    except NotReady as error:
        raise Invalid(automatic=str(error)) from error


def _overtaken() -> Changed:
    return Changed(_("These settings were changed meanwhile. Look at them again, then change them."))


def _limits(told: Any) -> Limits:
    if not isinstance(told, Mapping) or set(told) != set(ORDER):
        raise Invalid(limits=_("Say where each tier begins: marginal, moderate and high."))
    if any(isinstance(each, bool) or not isinstance(each, int) for each in told.values()):
        raise Invalid(limits=_("Limits are whole percents."))
    try:
        return Limits(**told)
    except ValueError as error:
        raise Invalid(limits=_("Limits rise from marginal over moderate to high, from 1 to 100.")) from error


def _plan(told: Any) -> dict[str, Help]:
    """What differs from the usual plan."""
    if not isinstance(told, Mapping):
        raise Invalid(plan=_("A plan says for each reason who helps and how."))
    own = dict(_help(str(reason), entry) for reason, entry in told.items())
    return {group: each for group, each in own.items() if each != plan.usual(group)}


def _help(reason: str, entry: Any) -> tuple[str, Help]:
    """A reason's group, and its help.  Raises Invalid."""
    if reason not in REASONS:
        known = ", ".join(REASONS)
        raise Invalid(plan=_("There is no reason %(group)s; there are: %(known)s.") % _said(reason, known))
    if not isinstance(entry, Mapping):
        raise Invalid(plan=_("A plan says for each reason who helps and how."))
    group = REASONS[reason]
    usual = plan.usual(group)
    owner, intervention = entry.get("owner", usual.owner), entry.get("intervention", usual.intervention)
    if owner not in Owner.values:
        known = ", ".join(Owner.values)
        raise Invalid(plan=_("Nobody is called %(group)s; there are: %(known)s.") % _said(str(owner), known))
    if not isinstance(intervention, str) or "\x00" in intervention or len(intervention) > LONGEST:
        raise Invalid(plan=_("What helps is a text of at most %(most)d characters.") % {"most": LONGEST})
    return group, Help(owner, intervention.strip() or usual.intervention)


def _said(group: str, known: str) -> dict[str, str]:
    return {"group": group[:100], "known": known}


def _store(
    course_key: CourseKey,
    user_id: int,
    version: int,
    limits: Limits,
    automatic: bool,
    own: Mapping[str, Help],
) -> None:
    fields = {
        **limits.as_json(),
        "automatic": automatic,
        "plan": {
            group: {"owner": each.owner, "intervention": each.intervention} for group, each in own.items()
        },
        "author_id": user_id,
    }
    rows = RiskSettings.objects.filter(course_key=course_key)
    if version == 0 and not rows.exists():
        try:
            with transaction.atomic():
                RiskSettings.objects.create(course_key=course_key, version=1, **fields)
        except IntegrityError as error:
            raise _overtaken() from error
    elif not rows.filter(version=version).update(**fields, version=F("version") + 1):
        raise _overtaken()


def _retier(course_key: CourseKey, limits: Limits) -> None:
    """Let the stored tiers be those of these limits."""
    assessed = Risk.objects.filter(enrolment__in=Enrolment.objects.filter(course_key=course_key).values("pk"))
    edges = [0.0, *(tiers.least(limits.of(tier)) for tier in ORDER), 2.0]
    for tier, (low, high) in zip(("", *ORDER), pairwise(edges), strict=True):
        assessed.filter(chance__gte=low, chance__lt=high).update(tier=tier)


def _reown(course_key: CourseKey, held: Settings) -> None:
    """Let open cases go to who helps now."""
    cases = Case.objects.filter(course_key=course_key, state=Case.State.OPEN)
    for group in cases.order_by().values_list("group", flat=True).distinct():
        owner = held.help(group).owner
        cases.filter(group=group).exclude(owner=owner).update(owner=owner)
