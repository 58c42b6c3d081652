"""Rows as JSON.  Learners appear under a pseudonym that differs from course to course; names never do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from nudge_xblock.compat import platform
from nudge_xblock.models import Decision, Enrolment, Placement, Variant
from nudge_xblock.preferences import FEWEST


@extend_schema_field(str)
class Pseudonym(serializers.Field):  # type: ignore[misc]
    """The learner of a row with `learner` and `course_key`, as the course's staff may know them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", read_only=True, **kwargs)

    def to_representation(self, row: Decision | Enrolment) -> str:
        return platform().anonymous_id(row.learner.user_id, row.course_key)


class DecisionSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """What the gate did at one moment, and what the learner made of it."""

    learner = Pseudonym()
    placement = serializers.CharField(source="placement.key")
    variant = serializers.CharField(source="variant.digest", default=None)
    sent = serializers.SerializerMethodField()

    class Meta:
        model = Decision
        fields = (
            "id", "learner", "placement", "variant", "sent", "reason", "explored", "propensity",
            "model_version", "helpfulness_version", "created", "shown_at", "helpful", "voted_at",
            "clicked_at", "dismissed_at", "outcome",
        )  # fmt: skip

    def get_sent(self, row: Decision) -> bool:
        return row.variant_id is not None


@extend_schema_field({"type": "string", "format": "date", "nullable": True})
class Day(serializers.DateTimeField):  # type: ignore[misc]
    """The day of a moment, in UTC: the moment itself would tell who a pseudonym is."""

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).date().isoformat()


class EnrolmentSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """The newest predictions of one enrolment."""

    learner = Pseudonym()
    started = Day()
    last_seen = Day()

    class Meta:
        model = Enrolment
        fields = ("learner", "mode", "started", "last_seen", "predictions", "predicted_at", "predicted_by")


class VariantSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """One wording."""

    class Meta:
        model = Variant
        fields = (
            "digest", "heading", "body", "action_label", "action_url", "position", "active", "created",
            "harmful_since",
        )  # fmt: skip


class PlacementSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """A nudge and its wordings."""

    variants = VariantSerializer(many=True, read_only=True)

    class Meta:
        model = Placement
        fields = (
            "key",
            "title",
            "kind",
            "trigger",
            "audience",
            "course_wide",
            "objective",
            "objective_days",
            "may_retire",
            "active",
            "updated",
            "variants",
        )


class ResponseSerializer(serializers.Serializer):  # type: ignore[misc]
    """A learner's answer to a nudge.  `at` is the browser's clock in unix milliseconds."""

    what = serializers.CharField(max_length=20)
    at = serializers.IntegerField(required=False, min_value=0, max_value=253_402_300_799_999)
    key = serializers.CharField(required=False, default="", max_length=64)


class PreferencesSerializer(serializers.Serializer):  # type: ignore[misc]
    """What a learner asks of the nudges."""

    opted_out = serializers.BooleanField(required=False)
    fewer = serializers.IntegerField(required=False, min_value=0, max_value=FEWEST)


class RollbackSerializer(serializers.Serializer):  # type: ignore[misc]
    """Which kind of model to roll back."""

    kind = serializers.ChoiceField(["engagement", "helpfulness", "risk"])


class PageSerializer(serializers.Serializer):  # type: ignore[misc]
    """How far back an overview looks."""

    days = serializers.IntegerField(required=False, default=30)
