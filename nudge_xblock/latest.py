"""The latest moments, one by one, each learner under a pseudonym of this course."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from opaque_keys.edx.keys import CourseKey

from . import findings
from .compat import platform
from .models import Decision
from .sentences import sentence

RECENT = 20


def moments(course_key: CourseKey, decisions: QuerySet[Decision]) -> list[dict[str, Any]]:
    """The newest decisions, with why in words and what the learner did."""
    rows = decisions.select_related("learner", "placement", "variant").order_by("-created")[:RECENT]
    return describe(course_key, rows)


def describe(course_key: CourseKey, rows: Iterable[Decision]) -> list[dict[str, Any]]:
    """The list as JSON."""
    return [moment(course_key, row) for row in rows]


def moment(course_key: CourseKey, row: Decision) -> dict[str, Any]:
    """One decision for the list; the exact figures are for the tooltip."""
    return {
        "id": str(row.pk),
        "learner": platform().anonymous_id(row.learner.user_id, course_key)[:6].upper(),
        "at": row.created.isoformat(),
        "placement": str(row.placement),
        "message": row.variant.heading if row.variant else "",
        "sent": row.variant_id is not None,
        "why": sentence(row.reason),
        "figures": findings.exact(prediction(row), row.propensity),
        "answer": answer(row),
    }


def prediction(row: Decision) -> tuple[float, float] | None:
    """P(helpful) and P(not helpful) of what was sent, or else of the most promising wording, if predicted."""
    predicted = row.predictions.get(str(row.variant_id)) or max(row.predictions.values(), default=None)
    return (predicted[0], predicted[1]) if predicted else None


def answer(row: Decision) -> str:
    """What the learner did with the card: the strongest sign there is."""
    if row.variant_id is None:
        return "held"
    if row.helpful is not None:
        return "helpful" if row.helpful else "not_helpful"
    signs = (("clicked", row.clicked_at), ("dismissed", row.dismissed_at), ("seen", row.shown_at))
    return next((name for name, at in signs if at), "unseen")
