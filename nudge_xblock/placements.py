"""Nudge blocks as published: checked in a teacher's words, and kept with every wording there was."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey, UsageKey

from . import catalogue
from .models import Placement, Variant
from .objectives import CLICK, ITEMS, LEAST_DAYS, MOST_DAYS, OBJECTIVES, VOTE
from .triggers import WHENS

HEADING = 120
BODY = 600
LABEL = 60
URL = 500
MOST_VARIANTS = 8
AUDIENCES = ("all", "verified", "audit")

_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")


class Problem(NamedTuple):
    """One thing to mend: the field's name (`variants.0.heading` for a part of one) and what to do."""

    field: str
    message: str


def register(fields: Mapping[str, Any]) -> Placement:
    """Insert or bring up to date the placement and its wordings; safe to repeat.

    `fields`: key, course_key, enabled (default true), and as for `validate`.  A changed wording is a new
    variant; the old one stays, inactive, with its decisions.  One that comes back is the variant it was.

    Raises ValidationError with the messages of `validate` by field, and stores nothing then.
    """
    found = validate(fields)
    if found:
        raise ValidationError({problem.field: [problem.message] for problem in found})
    course_key = CourseKey.from_string(str(fields["course_key"]))
    with transaction.atomic():
        before = Placement.objects.filter(key=str(fields["key"])).first()
        placement, _created = Placement.objects.update_or_create(
            key=str(fields["key"]), defaults=_columns(fields, course_key)
        )
        Placement.objects.select_for_update().get(pk=placement.pk)
        _keep_variants(placement, fields["variants"])
        if before is not None and _aim(before) != _aim(
            placement
        ):  # what succeeded by the old one is no success
            placement.variants.update(shown=0.0, helpful=0.0, not_helpful=0.0, counted_through=None)
    catalogue.forget(course_key)
    return placement


def withdraw(key: str) -> bool:
    """Let a placement that was unpublished show nothing more; whether there was one."""
    placement = Placement.objects.filter(key=key).first()
    if placement is None:
        return False
    Placement.objects.filter(pk=placement.pk).update(active=False)
    catalogue.forget(placement.course_key)
    return True


def validate(fields: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a nudge, in a teacher's words; empty when it can be published.

    `fields`: title, kind, trigger (see triggers.py), audience, course_wide, objective (see objectives.py;
    "vote" where it is left out) with objective_days, may_retire, and variants: a list of heading, body,
    action_label, action_url.
    """
    return [
        *_name_problems(fields),
        *trigger_problems(fields.get("trigger")),
        *_objective_problems(fields),
        *_variants_problems(fields.get("variants")),
    ]


def digest(variant: Mapping[str, Any]) -> str:
    """Of what the learner reads: 32 hex digits.  The order of variants does not matter."""
    parts = [
        str(variant.get(name) or "").strip() for name in ("heading", "body", "action_label", "action_url")
    ]
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def is_safe_link(url: str) -> bool:
    """Whether a link may be put on a card: http(s) with a host, or a path of this site.

    Spaces, control characters and backslashes are refused: browsers drop or turn them, and a link that
    looks harmless then is another one.
    """
    if _CONTROL.search(url) or url.startswith("//"):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme:
        return parts.scheme in ("http", "https") and bool(parts.netloc)
    return bool(url) and ":" not in url.partition("/")[0].partition("?")[0].partition("#")[0]


def trigger_problems(trigger: Any) -> list[Problem]:
    """What is wrong with a trigger: unknown, or a rule that would never or always fire."""
    if not isinstance(trigger, Mapping) or trigger.get("when") not in WHENS:
        return [Problem("trigger.when", _("Choose when the message is to appear."))]
    checks: dict[str, list[tuple[str, float, float, str]]] = {
        "problem_failed": [("attempts", 1, 100, _("Choose after how many wrong tries: 1 or more."))],
        "score_below": [("threshold", 0.01, 1.0, _("Choose a score between 1% and 100%."))],
        "return_after_absence": [
            ("days", 0.04, 365, _("Choose how many days away: from an hour to a year."))
        ],
        "inactivity": [("days", 0.5, 365, _("Choose how many days without work: half a day to a year."))],
        "deadline_near": [("hours", 1, 720, _("Choose how many hours before: 1 to 720."))],
    }
    wrong = [
        Problem(f"trigger.{name}", message)
        for name, low, high, message in checks.get(str(trigger["when"]), [])
        if not _is_between(trigger.get(name), low, high)
    ]
    if not isinstance(trigger.get("item", ""), str) or len(trigger.get("item", "")) > 255:
        wrong.append(Problem("trigger.item", _("Choose the item from the list, or leave it open.")))
    return wrong


def _name_problems(fields: Mapping[str, Any]) -> list[Problem]:
    found = []
    if len(str(fields.get("title") or "")) > 255:
        found.append(Problem("title", _("The name is too long: use at most 255 characters.")))
    if len(str(fields.get("kind") or "")) > 32:
        found.append(Problem("kind", _("Choose the kind of help from the list.")))
    if fields.get("audience", "all") not in AUDIENCES:
        found.append(Problem("audience", _("Choose who may get the message: all, paying or free learners.")))
    if "key" in fields and not 0 < len(str(fields["key"])) <= 255:
        found.append(Problem("key", _("The nudge has no usable key; remove it and add it again.")))
    if "course_key" in fields and not _is_course(fields["course_key"]):
        found.append(Problem("course_key", _("The nudge belongs to no course; add it inside a course.")))
    return found


def _objective_problems(fields: Mapping[str, Any]) -> list[Problem]:
    objective = fields.get("objective", VOTE)
    if objective not in OBJECTIVES:
        return [Problem("objective", _("Choose what the nudge is for."))]
    if objective == ITEMS and not _is_between(fields.get("objective_days", 7.0), LEAST_DAYS, MOST_DAYS):
        return [Problem("objective_days", _("Choose how many days count: 1 to 60."))]
    variants = fields.get("variants")
    if objective == CLICK and isinstance(variants, Sequence) and not isinstance(variants, str):
        for index, variant in enumerate(variants):
            if isinstance(variant, Mapping) and not str(variant.get("action_url") or "").strip():
                text = _("This nudge is for following its link: say where the button of each wording leads.")
                return [Problem(f"variants.{index}.action_url", text)]
    return []


def _variants_problems(variants: Any) -> list[Problem]:
    if not isinstance(variants, Sequence) or isinstance(variants, str) or not variants:
        return [Problem("variants", _("Write at least one message."))]
    if len(variants) > MOST_VARIANTS:
        text = ngettext(
            "Keep at most %(count)d wording; with more, none is shown often enough to learn from.",
            "Keep at most %(count)d wordings; with more, none is shown often enough to learn from.",
            MOST_VARIANTS,
        )
        return [Problem("variants", text % {"count": MOST_VARIANTS})]
    found = [
        problem for index, variant in enumerate(variants) for problem in _variant_problems(index, variant)
    ]
    digests = [digest(variant) for variant in variants if isinstance(variant, Mapping)]
    if not found and len(set(digests)) < len(digests):
        found.append(Problem("variants", _("Two wordings are the same. Change one of them or remove it.")))
    return found


def _variant_problems(index: int, variant: Any) -> list[Problem]:
    at = f"variants.{index}"
    if not isinstance(variant, Mapping):
        return [Problem(at, _("This message cannot be read; remove it and write it again."))]
    text = {
        name: str(variant.get(name) or "").strip()
        for name in ("heading", "body", "action_label", "action_url")
    }
    found = []
    for name, most, empty in (
        ("heading", HEADING, _("Write a heading: a few words that say what this is about.")),
        ("body", BODY, _("Write the message: one or two short sentences.")),
    ):
        if not text[name]:
            found.append(Problem(f"{at}.{name}", empty))
        elif len(text[name]) > most:
            found.append(Problem(f"{at}.{name}", _too_long(most)))
    return found + _action_problems(at, text["action_label"], text["action_url"])


def _action_problems(at: str, label: str, url: str) -> list[Problem]:
    found = []
    if label and not url:
        found.append(Problem(f"{at}.action_url", _("Say where the button leads, or remove its text.")))
    if url and not label:
        found.append(Problem(f"{at}.action_label", _("Write what the button says, or remove its link.")))
    if len(label) > LABEL:
        found.append(Problem(f"{at}.action_label", _too_long(LABEL)))
    if len(url) > URL:
        found.append(Problem(f"{at}.action_url", _too_long(URL)))
    elif url and not is_safe_link(url):
        message = _("Use a link that begins with https://, or one within this course such as /jump_to_id/….")
        found.append(Problem(f"{at}.action_url", message))
    return found


def _too_long(most: int) -> str:
    return ngettext(
        "This is too long for a small card: use at most %(count)d character.",
        "This is too long for a small card: use at most %(count)d characters.",
        most,
    ) % {"count": most}


def _is_between(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _is_course(key: Any) -> bool:
    try:
        CourseKey.from_string(str(key))
    except InvalidKeyError:
        return False
    return True


def _columns(fields: Mapping[str, Any], course_key: CourseKey) -> dict[str, Any]:
    return {
        "course_key": course_key,
        "usage_key": _usage_key(str(fields["key"])),
        "title": str(fields.get("title") or "")[:255],
        "kind": str(fields.get("kind") or "other"),
        "trigger": dict(fields["trigger"]),
        "audience": fields.get("audience", "all"),
        "course_wide": bool(fields.get("course_wide", False)),
        "active": bool(fields.get("enabled", True)),
        "objective": fields.get("objective", VOTE),
        "objective_days": float(fields.get("objective_days") or 7.0),
        "may_retire": bool(fields.get("may_retire", True)),
    }


def _aim(placement: Placement) -> tuple[str, float]:
    """What counts as success, and over how many days."""
    return placement.objective, placement.objective_days if placement.objective == ITEMS else 0.0


def _usage_key(key: str) -> UsageKey | None:
    try:
        return UsageKey.from_string(key)
    except InvalidKeyError:
        return None


def _keep_variants(placement: Placement, variants: Sequence[Mapping[str, Any]]) -> None:
    """Upsert each wording by its digest; what is no longer there is kept, inactive."""
    known = {variant.digest: variant for variant in placement.variants.all()}
    wanted = []
    for position, fields in enumerate(variants):
        mark = digest(fields)
        wanted.append(mark)
        variant = known.get(mark) or _new_variant(placement, mark, fields)
        if variant.pk is None or variant.position != position or not variant.active:
            variant.position, variant.active = position, True
            variant.save()
    placement.variants.exclude(digest__in=wanted).filter(active=True).update(active=False)


def _new_variant(placement: Placement, mark: str, fields: Mapping[str, Any]) -> Variant:
    text = {
        name: str(fields.get(name) or "").strip()
        for name in ("heading", "body", "action_label", "action_url")
    }
    return Variant(placement=placement, digest=mark, **text)
